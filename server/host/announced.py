"""What the host of a store announced: read with the least that Python can start with.

For commands and hooks, of which each is a process that lives for a twentieth of a
second: no `pathlib`, `dataclasses`, `typing` or `hashlib` is imported here, which together
take longer than all the rest. `server.host.place` makes and writes what is read here.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections import namedtuple
from collections.abc import Iterator

from server.typed import PROTOCOL

__all__ = ["PROTOCOL", "Announcement", "HostRefused", "announced"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class HostRefused(Exception):
    """This user may not use the host of this store; the sentence says why."""


class Announcement(
    namedtuple("Announcement", "pid version protocol token socket port", defaults=("", 0))
):
    """What a host says of itself: who it is and where it listens.

    `socket` is the path of a unix socket, "" where there are none. `port` is on loopback, for
    those who may not use such sockets; 0 where there is none.
    """

    __slots__ = ()


def announced(store: str) -> Announcement | None:
    """What the host of a store announced, None when nobody did or it makes no sense.

    Args:
        store: Folder of the store, absolute and without links.

    Raises:
        HostRefused: It belongs to another user.
    """
    folder = known_folder(store)
    return read(os.path.join(folder, "host.json"), store) if folder else None


def read(path: str, store: str) -> Announcement | None:
    """Read the announcement of this store's host; None when there is none that makes sense.

    Raises:
        HostRefused: It belongs to another user.
    """
    data = own_json(path, store)
    try:
        return Announcement(**data) if data is not None else None
    except TypeError:
        return None


def known_folder(store: str) -> str:
    """The folder of a store's host if there was one, else ""; makes nothing.

    Raises:
        HostRefused: It belongs to another user.
    """
    near = os.path.join(store, "host")
    if exists(os.path.join(near, "lock")):
        require_own(near)
        return near
    for root in runtime_roots():
        folder = os.path.join(root, name_of(store))
        if exists(os.path.join(folder, "lock")):
            require_own(folder)
            return folder
    return ""


def runtime_roots() -> Iterator[str]:
    """Folders for what cannot be in the store, the best first."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    who = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    if base and os.access(base, os.W_OK):
        yield os.path.join(base, "lessonbank")
    import tempfile

    try:
        temporary = tempfile.gettempdir()
    except OSError:  # nothing can be written there: the disk is full
        return
    yield os.path.join(temporary, f"lessonbank-{who}")


def name_of(store: str) -> str:
    """Name of a store's folder among others."""
    import hashlib

    return hashlib.sha256(os.fsencode(store)).hexdigest()[:16]


def exists(path: str) -> bool:
    """Whether something is there.

    Raises:
        HostRefused: Only another user may look.
    """
    try:
        os.lstat(path)
    except PermissionError:
        raise refused(os.path.dirname(path)) from None
    except OSError:
        return False
    return True


def require_own(folder: str, *, closed: bool = False) -> None:
    """Refuse a folder of another user, with `closed` also one that others may enter."""
    if sys.platform == "win32":
        return
    about = os.lstat(folder)
    open_to_others = closed and about.st_mode & 0o077
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or open_to_others:
        raise refused(folder)


def identity(store: str) -> list[int] | None:
    """What a folder is known by, however it is reached: its device and inode."""
    try:
        about = os.stat(store)
    except OSError:
        return None
    return [about.st_dev, about.st_ino]


def own_json(path: str, store: str) -> dict[str, Any] | None:
    """What a host of this very store wrote into a file, None when nothing makes sense.

    What came along with a copy of another store counts as nothing.

    Raises:
        HostRefused: It belongs to another user, or cannot be read by this one.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except PermissionError:
        raise refused(os.path.dirname(path)) from None
    except OSError:
        return None
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        if sys.platform != "win32" and os.fstat(handle).st_uid != os.geteuid():
            raise refused(os.path.dirname(path))
        try:
            data = json.load(file)
        except ValueError:
            return None
    if not isinstance(data, dict) or data.pop("folder", identity(store)) != identity(store):
        return None
    return data


def refused(path: str) -> HostRefused:
    """The sentence about a place of another user's."""
    return HostRefused(
        f"The memory behind {path} belongs to another user of this machine ({_owner(path)}). "
        "Set LESSONBANK_STORE to a folder of your own."
    )


def _owner(path: str) -> str:
    from pathlib import Path

    try:
        return Path(path).owner()
    except (OSError, KeyError, NotImplementedError, RuntimeError):
        return "unknown"
