"""lessonbank's front: what MCP clients talk to.

This package speaks MCP and HTTP and sees the memory only through
`memory_core.port`, its requests and its answers. It imports no torch, no LanceDB
and no sentence-transformers, and this module stays empty so that importing it
costs nothing.
"""
