"""A small file of lines in the store's folder that processes append to, one at a time or at once.

When it grows long the older half is dropped. It is a help, never the truth: who cannot
read it reads nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

MOST_BYTES = 64 * 1024


def lines(path: Path) -> list[str]:
    """Give the lines, oldest first; none where there is no file.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return []


def append(path: Path, new: Sequence[str]) -> None:
    """Add lines in one write.

    Raises:
        OSError: It cannot be written; its folder is not made.
    """
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, "".join(f"{one}\n" for one in new).encode("utf-8"))
        size = os.fstat(handle).st_size
    finally:
        os.close(handle)
    if size > MOST_BYTES:
        _drop_older_half(path)


def _drop_older_half(path: Path) -> None:
    kept = path.read_bytes().splitlines(keepends=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(kept[len(kept) // 2 :]))
    draft.replace(path)
