"""What a client runs by itself at the moment of action: on a prompt, a failure, a stop.

    command      one run of `lessonbank hook CLIENT`: it never fails the client
    claude_code  what Claude Code's payloads ask, and what it is answered
    texts        recalled items as fenced data under a cap
    starting     starts a host, at most once a minute
    asked        which recalls a stop has already asked about
    journal      hook.log in the store: that it went wrong, never what was said

A hook has a fifth of a second: nothing here imports pydantic, anyio or mcp.
"""
