"""What a hook has asked about: each recall is asked about once, a session at most once at a stop.

One line each in `hook-asked` in the store's folder. Whoever cannot write it down does
not ask, so that nobody is asked again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from server import line_file

NAME = "hook-asked"


def not_asked(store: Path, names: Sequence[str]) -> list[str]:
    """Give those that were not asked about yet, in their order."""
    known = set(line_file.lines(store / NAME))
    return [one for one in names if one not in known]


def remember_asked(store: Path, names: Sequence[str]) -> None:
    """Write down that these are asked about now.

    Raises:
        OSError: It cannot be written.
    """
    line_file.append(store / NAME, names)
