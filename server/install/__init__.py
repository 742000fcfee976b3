"""Writes lessonbank into a client's configuration, and takes it out again.

    command             one run of `lessonbank install CLIENT`
    everywhere          the same for all clients of the machine
    answers             what it answers, and how that is shown
    plan                every file's new text, all of them before any is written
    servers             the server's entry in a client's file
    claude_hooks        the hooks in Claude Code's settings
    claude_permissions  the rule there that lets the tools be called unasked
    clients             the clients: their files' places and forms
    record              what was made, so that it alone is taken out again
    invocation          how this very installation is started
    files               reading, backing up, replacing in one step
    forms               JSON, TOML and YAML behind one face
    edits               one change in a JSON text; everything outside of it stays as it is
    jsonc               JSON with comments, with the place of every value
    toml_text           the same for TOML
    yaml_text           the same for a list of servers in YAML

Nothing here knows the memory.
"""
