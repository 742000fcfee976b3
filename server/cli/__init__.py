"""The console command `lessonbank`: everything that the tools do, and the keeping of a store."""

from server.cli.command import main

__all__ = ["main"]
