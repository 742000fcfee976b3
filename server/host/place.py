"""Where the host of a store lives: its folder, its locks, its announcement.

Everything lies in `STORE/host`, or in the user's own runtime folder when the store
cannot be written. The announcement says where the host listens; only its owner can
read it. This module imports the standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from server.host.announced import (
    PROTOCOL,
    Announcement,
    HostRefused,
    exists,
    identity,
    known_folder,
    name_of,
    own_json,
    read,
    require_own,
    runtime_roots,
)

__all__ = ["PROTOCOL", "Announcement", "HostRefused", "Place", "known_place", "place_of"]

LONGEST_SOCKET = 100
"""Bytes of a unix socket's path that every system takes (104 on macOS, 108 on Linux)."""
_OWN_FOLDER = 0o700
_OWN_FILE = 0o600
_ATTEMPTS = 50
_PAUSE = 0.02


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
        """What the host of this very store announced, None when it did not or makes no sense.

        Raises:
            HostRefused: It belongs to another user.
        """
        return read(str(self.announcement), str(self.store))

    def holder(self) -> Holder | None:
        """Who wrote itself down as the host, None when nobody did.

        Raises:
            HostRefused: It belongs to another user.
        """
        data = own_json(str(self.folder / "holder"), str(self.store))
        try:
            return Holder(**data) if data is not None else None
        except TypeError:
            return None

    def hold(self, holder: Holder) -> None:
        """Write the holder of the lock down."""
        self._write(self.folder / "holder", asdict(holder))

    def announce(self, announcement: Announcement) -> None:
        """Write the announcement in one step, readable by its owner only."""
        self._write(self.announcement, announcement._asdict())

    def _write(self, path: Path, data: Mapping[str, Any]) -> None:
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWN_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({**data, "folder": identity(str(self.store))}, file)
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
        for base in runtime_roots():
            root = Path(base)
            path = root / name_of(str(self.store)) / "socket"
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
        if exists(str(folder)):
            require_own(str(folder))
        return Place(store, _runtime_folder(store))
    require_own(str(folder))
    if not os.access(folder, os.W_OK):
        folder = _runtime_folder(store)
    return Place(store, folder)


def known_place(store: Path) -> Place | None:
    """The place of a store's host if there was one; makes nothing.

    Raises:
        HostRefused: It belongs to another user.
    """
    store = store.expanduser().resolve()
    folder = known_folder(str(store))
    return Place(store, Path(folder)) if folder else None


def _runtime_folder(store: Path) -> Path:
    root = next(runtime_roots(), None)
    if root is None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(store))
    return _made(_made(Path(root)) / name_of(str(store)))


def _made(folder: Path) -> Path:
    """A folder that only this user can enter, made if need be.

    Raises:
        HostRefused: Another user made it, or a link of that name, or others may enter.
    """
    folder.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
    require_own(str(folder), closed=True)
    return folder
