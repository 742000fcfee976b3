"""Writes lessonbank into a client's configuration, and takes it out again.

    command        one run of `lessonbank install CLIENT`
    answers        what it answers, and how that is shown
    plan           every file's new text, all of them before any is written
    servers        the server's entry in a client's file
    claude_hooks   the hooks in Claude Code's settings
    clients        the clients: their files' places and forms
    invocation     how this very installation is started
    files          reading, backing up, replacing in one step
    edits          one change in a JSON text; everything outside of it stays as it is
    jsonc          JSON with comments, with the place of every value

Nothing here knows the memory.
"""
