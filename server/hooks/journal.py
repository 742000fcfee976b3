"""hook.log in the store's folder: that a hook was silent for a reason, and which.

Only names of events and of errors are written, never what a person, a tool or an
item said. Two old files of 256 KiB are kept. Without the folder nothing is written:
a hook makes no store.
"""

from __future__ import annotations

import re
from pathlib import Path

NAME = "hook.log"
_MOST_BYTES = 256 * 1024
_OLD_FILES = 2
_NAME_FIRST = re.compile(r"[A-Za-z_]{1,60}(?=:)")


def reason(error: BaseException) -> str:
    """Give an error's name, and of NoAnswer what was the matter, without any of its values."""
    name = type(error).__name__
    if name != "NoAnswer":
        return name
    said = str(error)
    if said.startswith("no host"):
        return f"{name}: no host"
    found = _NAME_FIRST.match(said)
    return f"{name}: {found.group() if found else 'refused'}"


def note(store: Path, event: str, why: str) -> None:
    """Add one line; an OSError is the caller's to swallow."""
    if not store.is_dir():
        return
    import logging
    from logging.handlers import RotatingFileHandler

    handler = RotatingFileHandler(
        store / NAME, maxBytes=_MOST_BYTES, backupCount=_OLD_FILES, encoding="utf-8", delay=True
    )
    handler.handleError = _quietly  # type: ignore[method-assign]
    try:
        line = logging.LogRecord("hook", logging.INFO, "", 0, f"{event} {why}", None, None)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.emit(line)
    finally:
        handler.close()


def _quietly(record: object) -> None:
    """A log that cannot be written is no reason to say anything."""
