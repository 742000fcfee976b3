"""From the words of the console command to what runs them; `python -m server` is the same."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command; a hook first of all, since it has no time to import the rest."""
    words = sys.argv[1:]
    if words[:1] == ["hook"] and not {"-h", "--help"} & set(words):
        return _hook(words[1:])
    from server.cli import main as command

    return command()


def _hook(words: list[str]) -> int:
    """A hook of an installation that is broken is silent, too."""
    try:
        from server.hooks.command import main as hook
    except Exception:  # noqa: BLE001 - nothing may reach the client
        return 0
    return hook(words)


if __name__ == "__main__":
    from server.launch import shut_out_others

    shut_out_others()
    sys.exit(main())
