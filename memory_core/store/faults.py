"""Which fault of SQLite, LanceDB or the disk is which sentence: the one place.

LanceDB raises plain RuntimeError, ValueError and OSError that differ only in
their text, so classification is by substring, written down here and nowhere else.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory_core.errors import LessonbankError, StoreUnavailable

FAULTS = (RuntimeError, OSError, sqlite3.Error)
"""What the layers below raise when the disk, not the caller, is at fault."""

_FULL = ("no space left", "database or disk is full", "disk quota exceeded", "os error 28")
_READ_ONLY = (
    "read-only file system",
    "permission denied",
    "readonly database",
    "operation not permitted",
    "os error 30",
    "os error 13",
)
_GONE = ("not found", "no such file", "unable to open database file", "was not found")
_TORN = (
    "invalid range 0..0",
    "file size is too small",
    "failed to fill whole buffer",
    "magic number",
    "invalid footer",
    "failed to decode",
    "does not contain",
    "disk image is malformed",
    "not a database",
)
_MOVES = (
    (
        _FULL,
        "The disk of the store {folder} is full; nothing was stored.",
        "Free some space and call again: the store goes on by itself.",
    ),
    (
        _READ_ONLY,
        "The store {folder} cannot be written; nothing was stored.",
        "Give this user write permission, or set LESSONBANK_STORE to another folder.",
    ),
    (
        _GONE,
        "A part of the store {folder} is missing.",
        "Run `lessonbank doctor`; restore the folder from a backup if it was deleted.",
    ),
    (
        _TORN,
        "A file of the store {folder} is damaged.",
        "Restart to let the store heal itself; if it stays, restore the folder from a backup.",
    ),
)


def says(error: BaseException, marks: tuple[str, ...]) -> bool:
    """Tell whether the error's text holds one of these marks, which are in lower case."""
    text = str(error).lower()
    return any(mark in text for mark in marks)


def is_full(error: BaseException) -> bool:
    """Tell whether the disk had no room."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or says(error, _FULL)


def is_read_only(error: BaseException) -> bool:
    """Tell whether the place may be read but not written."""
    read_only = (errno.EROFS, errno.EACCES, errno.EPERM)
    return getattr(error, "errno", None) in read_only or says(error, _READ_ONLY)


def is_gone(error: BaseException) -> bool:
    """Tell whether a file was missing: deleted, or cleaned up under a search."""
    return isinstance(error, FileNotFoundError) or says(error, _GONE)


def sentence(error: BaseException, folder: Path) -> str:
    """Give what happened and the next move, for a person or a model."""
    for marks, what, move in _MOVES:
        full = marks is _FULL and is_full(error)
        if full or says(error, marks):
            return f"{what.format(folder=folder)} {move}"
    first = (str(error).splitlines() or [""])[0]
    return (
        f"The store {folder} failed: {type(error).__name__}: {first[:200]}."
        " Run `lessonbank doctor`, and restart the server."
    )


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn the faults of the layers below into StoreUnavailable, its cause kept."""
    try:
        yield
    except LessonbankError:
        raise
    except FAULTS as error:
        raise StoreUnavailable(sentence(error, folder)) from error
