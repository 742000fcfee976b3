"""lessonbank's memory: items, outcomes and the learner, as a library.

This package knows nothing of MCP or HTTP. Import the room that you need: this
module stays empty so that importing it costs nothing (no torch, no LanceDB).
"""
