"""The official Inspector and both TypeScript SDK clients against the real server."""
