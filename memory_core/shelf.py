"""One small file that several processes change, each seeing what it replaces.

In a store's folder, or as an object in its bucket. Knows nothing of what it holds.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from memory_core.errors import MemoryUnavailable

LOCK_SECONDS = 10.0


class Shelf(Protocol):
    """A file's content and its tag: another content has another tag; "" when there is none."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    @property
    def slow(self) -> bool:
        """Whether looking may take a network's time."""

    def tag(self) -> str:
        """The tag as it is known now; cheap, at most a few seconds old."""

    def read(self) -> tuple[bytes | None, str]:
        """Give content (None when there is none) and tag.

        Raises:
            MemoryUnavailable: It cannot be read.
        """

    def replace(self, content: bytes, tag: str) -> bool:
        """Write it in place of what has this tag, durably; False when something else is there.

        Raises:
            MemoryUnavailable: It cannot be written.
        """


class FolderShelf:
    """A file in a folder, readable by its owner only.

    Args:
        path: Of the file; its folder is made when it is first written.
    """

    slow = False

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        return str(self._path)

    def tag(self) -> str:
        """Its time, size and inode."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise self._unreadable(error) from None
        return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"

    def read(self) -> tuple[bytes | None, str]:
        tag = self.tag()
        try:
            with self._path.open("rb") as file:
                if _foreign(os.fstat(file.fileno()), getattr(os, "getuid", lambda: None)()):
                    raise MemoryUnavailable(
                        f"{self._path} is not used: it belongs to another user, or every user may "
                        "write it. Give it to the one who runs lessonbank, with mode 600."
                    )
                return file.read(), tag
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> MemoryUnavailable:
        return MemoryUnavailable(
            f"{self._path} cannot be read ({error.strerror or error}). "
            "Make it readable for the user that runs lessonbank."
        )

    def replace(self, content: bytes, tag: str) -> bool:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS):
                if self.tag() != tag:
                    return False
                self._write(content)
        except Timeout:
            raise MemoryUnavailable(
                f"Another process is changing {self._path}. Try again in a moment."
            ) from None
        except OSError as error:
            raise MemoryUnavailable(
                f"{self._path} cannot be written ({error.strerror or error})."
            ) from None
        return True

    def _write(self, content: bytes) -> None:
        draft = self._path.with_suffix(f".{secrets.token_hex(8)}.new")
        try:
            # a new file: nobody has left a link or an open handle of that name
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)


def _foreign(found: os.stat_result, user: int | None) -> bool:
    """Whether another user than `user` (None: unknown) or root may have written a file."""
    if user is None:
        return False
    return found.st_uid not in (user, 0) or bool(found.st_mode & stat.S_IWOTH)
