"""Where the host of a store lives: its folder, its locks, its announcement.

Everything lies in `STORE/host`, or in the user's own runtime folder when the store
cannot be written. The announcement says where the host listens; only its owner can
read it. This module imports the standard library only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROTOCOL = 1
"""Version of what is said over the socket; both sides must have the same."""
LONGEST_SOCKET = 100
"""Bytes of a unix socket's path that every system takes (104 on macOS, 108 on Linux)."""
_OWN_FOLDER = 0o700
_OWN_FILE = 0o600


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
        try:
            _require_own(self.announcement)
            data = json.loads(self.announcement.read_text("utf-8"))
            return Announcement(**data)
        except PermissionError:
            raise _refused(self.announcement) from None
        except (OSError, ValueError, TypeError):
            return None

    def announce(self, announcement: Announcement) -> None:
        """Write the announcement in one step, readable by its owner only."""
        draft = self.folder / f"host.json.{os.getpid()}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWN_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(announcement), file)
        draft.replace(self.announcement)

    def withdraw(self, announcement: Announcement) -> None:
        """Take an announcement back, unless another host's stands there by now."""
        with contextlib.suppress(OSError, HostRefused):
            if self.read() == announcement:
                self.announcement.unlink()

    def socket_path(self) -> str:
        """Where the host's unix socket goes: a short path, in a folder of its owner's."""
        near = str(self.folder / "socket")
        if len(os.fsencode(near)) <= LONGEST_SOCKET:
            return near
        return str(_runtime_folder(self.store) / "socket")


def place_of(store: Path) -> Place:
    """Give the place of a store's host; makes its folder.

    Raises:
        HostRefused: The folder belongs to another user.
        OSError: No folder can be made anywhere.
    """
    store = store.expanduser().resolve()
    folder = store / "host"
    try:
        folder.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
    except FileExistsError:  # a file stands there: no store can be
        raise
    except OSError:
        folder = _runtime_folder(store)
    _require_own(folder)
    if not os.access(folder, os.W_OK):
        folder = _runtime_folder(store)
    return Place(store, folder)


def known_place(store: Path) -> Place | None:
    """The place of a store's host if there was one; makes nothing."""
    store = store.expanduser().resolve()
    for folder in (store / "host", _runtime_root() / _name(store)):
        if (folder / "lock").exists():
            return Place(store, folder)
    return None


def _runtime_root() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and os.access(base, os.W_OK):
        return Path(base) / "lessonbank"
    who = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"lessonbank-{who}"


def _name(store: Path) -> str:
    return hashlib.sha256(os.fsencode(store)).hexdigest()[:16]


def _runtime_folder(store: Path) -> Path:
    root = _runtime_root()
    root.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
    _require_own(root)
    folder = root / _name(store)
    folder.mkdir(mode=_OWN_FOLDER, exist_ok=True)
    return folder


def _require_own(path: Path) -> None:
    if sys.platform != "win32" and path.stat().st_uid != os.geteuid():
        raise _refused(path)


def _refused(path: Path) -> HostRefused:
    return HostRefused(
        f"The memory at {path.parent} belongs to another user of this machine ({_owner(path)}). "
        "Set LESSONBANK_STORE to a folder of your own."
    )


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (OSError, KeyError, NotImplementedError, RuntimeError):
        return "unknown"


def as_told(announcement: Announcement) -> dict[str, Any]:
    """The announcement without its token, for people."""
    return {name: value for name, value in asdict(announcement).items() if name != "token"}
