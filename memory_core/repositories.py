"""Which folder had which project: a repository keeps its lessons when its name changes.

A project without a remote is named by its place. When the folder is moved, or a remote
is added, it gets another name; `repositories.json` in the store remembers by the repository
itself (device, inode and age of its git directory) what it was called before. A name by
place belongs to the repository that had it first: another one that is made in the same
place later is another project. This module knows no items.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "repositories.json"
_MOST = 500
"""Folders that are remembered; those seen first go first."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One repository: its project now, and by its place alone; `earlier` are former names.

    Of each former name it is told whether it was by place (nobody else's).
    """

    name: str
    by_place: bool
    earlier: tuple[tuple[str, bool], ...] = ()


def settled_name(store: Path, common: Path | None, name: str, *, by_place: bool) -> str:
    """Give the project of a repository, and remember it where the store is.

    Args:
        store: The store's folder; nothing is remembered where there is none yet.
        common: The repository's common git directory, None outside of one.
        name: As it is derived.
        by_place: Whether it is derived from the place, for want of a remote.
    """
    own = _identity(common) if common is not None else ""
    if not own or not store.is_dir():
        return name
    known = _read(store)
    taken = by_place and any(
        one != own and (folder.name != name and (name, True) in folder.earlier)
        for one, folder in known.items()
    )
    if taken:  # whose it was has moved on and took its lessons along
        name = f"{name}-{hashlib.blake2b(own.encode(), digest_size=4).hexdigest()}"
    before = known.get(own)
    if before is None or before.name != name:
        earlier = () if before is None else ((before.name, before.by_place), *before.earlier)
        kept = tuple(one for one in dict.fromkeys(earlier) if one[0] != name)
        known.pop(own, None)
        known[own] = Folder(name, by_place, kept[:8])
        with contextlib.suppress(OSError):
            _write(store, known)
    return name


def earlier_names(store: Path, name: str) -> tuple[tuple[str, bool], ...]:
    """Give the former names of the repositories that have this project, the latest first."""
    found: dict[tuple[str, bool], None] = {}
    for folder in _read(store).values():
        if folder.name == name:
            found.update(dict.fromkeys(folder.earlier))
    return tuple(found)


def folders_changed(store: Path) -> int:
    """When something was last remembered, in nanoseconds; 0 for never."""
    try:
        return (store / NAME).stat().st_mtime_ns
    except OSError:
        return 0


def _identity(common: Path) -> str:
    """A text that a git directory keeps when it is moved, and no later one has."""
    try:
        about = common.stat()
        age = 0
        with contextlib.suppress(OSError):
            age = (common / "description").stat().st_mtime_ns
    except OSError:
        return ""
    return f"{about.st_dev}:{about.st_ino}:{age}"


def _read(store: Path) -> dict[str, Folder]:
    try:
        data: Any = json.loads((store / NAME).read_bytes())
        return {
            str(key): Folder(
                str(one["name"]),
                bool(one["by_place"]),
                tuple((str(name), bool(own)) for name, own in one["earlier"]),
            )
            for key, one in data.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(store: Path, known: dict[str, Folder]) -> None:
    draft = store / f"{NAME}.{os.getpid()}"
    kept = dict(list(known.items())[-_MOST:])
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({key: asdict(one) for key, one in kept.items()}, file)
    draft.replace(store / NAME)
