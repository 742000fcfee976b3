"""The official conformance suite against the real server and against its own fixtures."""
