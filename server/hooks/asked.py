"""Which recalls a stop has asked about: each is asked about once.

One id a line in `hook-asked` in the store's folder; when it grows long the older
half is dropped. Whoever cannot write it down does not ask, so that nobody is asked
at every stop.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

NAME = "hook-asked"
_MOST_BYTES = 64 * 1024


def not_asked(store: Path, recall_ids: Sequence[str]) -> list[str]:
    """Give those that no stop has asked about yet, in their order."""
    try:
        known = set((store / NAME).read_bytes().decode("utf-8", "replace").split("\n"))
    except FileNotFoundError:
        known = set()
    return [one for one in recall_ids if one not in known]


def remember_asked(store: Path, recall_ids: Sequence[str]) -> None:
    """Write down that these are asked about now.

    Raises:
        OSError: It cannot be written.
    """
    path = store / NAME
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, "".join(f"{one}\n" for one in recall_ids).encode("utf-8"))
        size = os.fstat(handle).st_size
    finally:
        os.close(handle)
    if size > _MOST_BYTES:
        _drop_older_half(path)


def _drop_older_half(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    draft = path.with_name(f"{NAME}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(lines[len(lines) // 2 :]))
    draft.replace(path)
