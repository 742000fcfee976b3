"""Whether the store may be used now: open, still on the disk, ours, and writable.

Ours is what one process has locked, by a lock of the operating system's that a crash releases.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from memory_core.errors import StoreUnavailable
from memory_core.store import log

LOCK = "lock"


class Ownership:
    """Holds the store's lock from construction to `release`.

    Raises:
        StoreUnavailable: Another process, or another opening in this one, holds it.
        OSError: The lock file cannot be written: the folder is read-only.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
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


class Standing:
    """What an open store stands on; asked before every use.

    SQLite and LanceDB would go on writing into a deleted folder (the one into
    nothing, the other into a new half of a store), so the log's file is
    compared with the one that was opened.
    """

    def __init__(self, folder: Path, index: Path | None, *, read_only: bool) -> None:
        self.folder = folder
        self._index = index
        self.read_only = read_only
        self.closed = False
        self.ending = False
        self._pid = os.getpid()
        self._file = self._identity()

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self.folder / log.FILE)
            if self._index is not None:
                os.stat(self._index)
        except (FileNotFoundError, NotADirectoryError):
            return (-1, -1)
        return (found.st_dev, found.st_ino)

    def require_open(self) -> None:
        """Raise StoreUnavailable when the store is closed, forked or deleted underneath."""
        if self.closed:
            raise StoreUnavailable(f"The store {self.folder} is closed. Open it again to use it.")
        if os.getpid() != self._pid:
            raise StoreUnavailable(
                f"The store {self.folder} was opened by process {self._pid} and cannot be used"
                " after a fork. Open it in the new process, or start that process by spawn."
            )
        if self._identity() != self._file or (self._file == (-1, -1) and not self.read_only):
            raise StoreUnavailable(
                f"The store {self.folder} was deleted or replaced while it was open. Restore it"
                " from a backup if it was deleted by mistake, then restart the server; a restart"
                " without one begins an empty store."
            )

    def require_writable(self) -> None:
        """Raise StoreUnavailable when the store cannot be written."""
        self.require_open()
        if self.read_only:
            raise StoreUnavailable(
                f"The store {self.folder} was opened read-only: its folder cannot be written."
                " Give this user write permission and restart, or set LESSONBANK_STORE to"
                " another folder."
            )
