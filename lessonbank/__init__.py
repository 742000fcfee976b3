"""Where the console command begins, before anything of `server` or `memory_core` is imported.

`server` is also the name of folders that people have in their projects: this package's
name is the one that no project shares. It stays empty so that importing it costs nothing.
"""
