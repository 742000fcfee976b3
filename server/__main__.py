"""From the words of the console command to what runs them; `python -m server` is the same."""

from __future__ import annotations

import os
import sys


def open_closed_streams() -> None:
    """Give a process that was started with closed standard streams empty ones.

    Else a file that it opens later gets the number of one, and what is printed goes there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def main(key: str = "") -> int:
    """Run the command; a hook first of all, since it has no time to import the rest.

    Args:
        key: What the host may know this command by from a first attempt.
    """
    open_closed_streams()
    words = sys.argv[1:]
    if words[:1] == ["hook"] and not {"-h", "--help"} & set(words):
        return _hook(words[1:])
    from server.cli import main as command

    return command(key=key)


def _hook(words: list[str]) -> int:
    """A hook of an installation that is broken is silent, too."""
    try:
        from server.hooks.command import main as hook
    except Exception:  # noqa: BLE001 - nothing may reach the client
        return 0
    return hook(words)


if __name__ == "__main__":
    from server.launch import main as launched

    sys.exit(launched())
