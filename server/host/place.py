"""Where the host of a store lives: its folder, its locks, its announcement.

Everything lies in `STORE/host`, or in the user's own runtime folder when the store
cannot be written. The announcement says where the host listens; only its owner can
read it. This module imports the standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROTOCOL = 3
"""Version of what is said over the socket; both sides must have the same."""
LONGEST_SOCKET = 100
"""Bytes of a unix socket's path that every system takes (104 on macOS, 108 on Linux)."""
_OWN_FOLDER = 0o700
_OWN_FILE = 0o600
_ATTEMPTS = 50
_PAUSE = 0.02


class HostRefused(Exception):
    """This user may not use the host of this store; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a host says of itself: who it is and where it listens.

    `socket` is the path of a unix socket; "" where there are none, then `port` on loopback.
    """

    pid: int
    version: str
    protocol: int
    token: str
    socket: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: written by the host as soon as it does. `mark` is its own."""

    pid: int
    mark: str


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one store's host."""

    store: Path
    folder: Path

    @property
    def lock(self) -> Path:
        """Held by the host as long as it lives."""
        return self.folder / "lock"

    @property
    def starting(self) -> Path:
        """Held by the one front that starts a host."""
        return self.folder / "starting"

    @property
    def announcement(self) -> Path:
        return self.folder / "host.json"

    @property
    def log(self) -> Path:
        return self.folder / "host.log"

    def read(self) -> Announcement | None:
        """What the host announced, None when nothing is announced or it makes no sense.

        Raises:
            HostRefused: It belongs to another user.
        """
        data = _own_json(self.announcement)
        try:
            return Announcement(**data) if data is not None else None
        except TypeError:
            return None

    def holder(self) -> Holder | None:
        """Who wrote itself down as the host, None when nobody did.

        Raises:
            HostRefused: It belongs to another user.
        """
        data = _own_json(self.folder / "holder")
        try:
            return Holder(**data) if data is not None else None
        except TypeError:
            return None

    def hold(self, holder: Holder) -> None:
        """Write the holder of the lock down."""
        self._write(self.folder / "holder", asdict(holder))

    def announce(self, announcement: Announcement) -> None:
        """Write the announcement in one step, readable by its owner only."""
        self._write(self.announcement, asdict(announcement))

    def _write(self, path: Path, data: Mapping[str, Any]) -> None:
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWN_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file)
        for _ in range(_ATTEMPTS):
            try:
                draft.replace(path)
            except PermissionError:  # on Windows, while somebody reads it
                time.sleep(_PAUSE)
            else:
                return
        draft.replace(path)

    def withdraw(self, announcement: Announcement) -> None:
        """Take an announcement back, unless another host's stands there by now."""
        with contextlib.suppress(OSError, HostRefused):
            if self.read() == announcement:
                self.announcement.unlink()

    def socket_path(self) -> str:
        """Where the host's unix socket goes: a short path, in a folder of its owner's.

        Raises:
            OSError: No folder has a path that is short enough.
        """
        near = self.folder / "socket"
        if len(os.fsencode(near)) <= LONGEST_SOCKET:
            return str(near)
        for root in _runtime_roots():
            path = root / _name(self.store) / "socket"
            if len(os.fsencode(path)) <= LONGEST_SOCKET:
                _made(root)
                _made(path.parent)
                return str(path)
        raise OSError(errno.ENAMETOOLONG, "no folder for a socket has a path short enough")


def place_of(store: Path) -> Place:
    """Give the place of a store's host; makes its folder.

    Raises:
        HostRefused: The folder belongs to another user.
        OSError: No folder can be made anywhere.
    """
    store = store.expanduser().resolve()
    folder = store / "host"
    try:
        store.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
        folder.mkdir(mode=_OWN_FOLDER, exist_ok=True)
    except FileExistsError:  # a file stands there: no store can be
        raise
    except OSError:
        if _exists(folder):
            _require_own(folder)
        return Place(store, _runtime_folder(store))
    _require_own(folder)
    if not os.access(folder, os.W_OK):
        folder = _runtime_folder(store)
    return Place(store, folder)


def known_place(store: Path) -> Place | None:
    """The place of a store's host if there was one; makes nothing.

    Raises:
        HostRefused: It belongs to another user.
    """
    store = store.expanduser().resolve()
    for folder in (store / "host", *(root / _name(store) for root in _runtime_roots())):
        if _exists(folder / "lock"):
            _require_own(folder)
            return Place(store, folder)
    return None


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except PermissionError:
        raise _refused(path.parent) from None
    except OSError:
        return False
    return True


def _runtime_roots() -> tuple[Path, ...]:
    """Folders for what cannot be in the store, the best first."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    who = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    own = (Path(base) / "lessonbank",) if base and os.access(base, os.W_OK) else ()
    return (*own, Path(tempfile.gettempdir()) / f"lessonbank-{who}")


def _name(store: Path) -> str:
    return hashlib.sha256(os.fsencode(store)).hexdigest()[:16]


def _runtime_folder(store: Path) -> Path:
    return _made(_made(_runtime_roots()[0]) / _name(store))


def _made(folder: Path) -> Path:
    """A folder that only this user can enter, made if need be.

    Raises:
        HostRefused: Another user made it, or a link of that name, or others may enter.
    """
    folder.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
    _require_own(folder, closed=True)
    return folder


def _require_own(folder: Path, *, closed: bool = False) -> None:
    if sys.platform == "win32":
        return
    about = folder.lstat()
    open_to_others = closed and about.st_mode & 0o077
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or open_to_others:
        raise _refused(folder)


def _own_json(path: Path) -> dict[str, Any] | None:
    """The object in a file of this user's, None when there is none that makes sense.

    Raises:
        HostRefused: It belongs to another user, or cannot be read by this one.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except PermissionError:
        raise _refused(path.parent) from None
    except OSError:
        return None
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        if sys.platform != "win32" and os.fstat(handle).st_uid != os.geteuid():
            raise _refused(path.parent)
        try:
            data = json.load(file)
        except ValueError:
            return None
    return data if isinstance(data, dict) else None


def _refused(path: Path) -> HostRefused:
    return HostRefused(
        f"The memory behind {path} belongs to another user of this machine ({_owner(path)}). "
        "Set LESSONBANK_STORE to a folder of your own."
    )


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (OSError, KeyError, NotImplementedError, RuntimeError):
        return "unknown"
