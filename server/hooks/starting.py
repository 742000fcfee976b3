"""Starting a host from a hook: only where there is none, and not at every prompt.

A host takes seconds to announce itself, and one that cannot open its store ends
again: without a pause between starts each prompt would begin one more.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from server.hooks.journal import reason

NAME = "hook-started"
PAUSE = 60.0
"""Seconds between two starts."""
_PRESENT = ("refused", "HostRefused", "TimeoutError", "timeout")
"""Reasons that a host is there which would not, or not yet, answer."""


def is_absent(error: BaseException) -> bool:
    """Whether an error of asking means that there is no host."""
    name, _, why = reason(error).partition(": ")
    return name == "NoAnswer" and why not in _PRESENT


def start_once(store: Path, start: Callable[[Path], None]) -> None:
    """Start a host unless a hook has just done so.

    The time is that of a file in the store's folder; a clock that was set back does
    not keep hosts from being started.
    """
    stamp = store / NAME
    with contextlib.suppress(OSError):
        if 0 <= time.time() - stamp.stat().st_mtime < PAUSE:
            return
    start(store)
    with contextlib.suppress(OSError):
        stamp.touch()
