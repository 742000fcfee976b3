"""Real MCP clients and agent frameworks against the real server, with a scripted model."""
