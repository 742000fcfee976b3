"""The console command `lessonbank`, and `python -m lessonbank`."""

from __future__ import annotations

import sys

from lessonbank.search_path import shut_out_others


def main() -> int:
    """Run the command, with nothing of the project around it."""
    shut_out_others()
    from server.__main__ import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
