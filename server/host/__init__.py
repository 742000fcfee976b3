"""The shared host: one process per store, and what talks to it.

    place     where a store's host is announced, locked and logged
    direct    the light way in: standard library only, for hooks and for starting
    starting  electing, starting and ending hosts
    protocol  the calls of the memory port as JSON, and errors both ways
    link, client  the memory port over the host's socket
    app       the host's answers; process: its life

A front never holds the store: it asks the host, and starts it when there is none.
"""
