"""One writer process per store: an operating-system lock that a crash releases."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from memory_core.errors import StoreUnavailable

FILE = "lock"


class Ownership:
    """Holds the store's lock from construction to `release`.

    Raises:
        StoreUnavailable: Another process, or another opening in this one, holds it.
        OSError: The lock file cannot be written: the folder is read-only.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = FileLock(str(self._path), timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise StoreUnavailable(
                f"Another lessonbank process ({self._holder()}) owns this store; {folder} takes one"
                " at a time. Stop that process (for a server: close its client), or set"
                " LESSONBANK_STORE to another folder."
            ) from None
        with suppress(OSError):
            self._path.write_text(str(os.getpid()))

    def _holder(self) -> str:
        try:
            pid = self._path.read_text().strip()
        except OSError:
            pid = ""
        return f"pid {pid}" if pid.isdigit() else "pid unknown"

    def release(self) -> None:
        """Let go; the file stays, so that nobody locks a file that another one unlinks."""
        self._lock.release()
