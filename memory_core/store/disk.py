"""What the store asks of the file system: syncs, atomic replacement, probes.

Every durable step goes through `sync_file` and `sync_folder` (SQLite syncs its
own files), so that one place can be watched. This module knows no tables.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from memory_core.errors import StoreUnavailable


def sync_file(path: str | Path) -> None:
    """Return only when the content of the file at `path` is on the disk."""
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: str | Path) -> None:
    """Return only when the names in the folder at `path` are on the disk.

    Windows has no such call; its journalled file system keeps names by itself.
    """
    if os.name != "nt":
        sync_file(path)


_ADVICE = ("_transactions", "latest_version_hint.json")
"""What LanceDB writes and does without: hints for concurrent writers and for opening."""


def sync_new(root: Path, known: set[str]) -> None:
    """Sync every file and folder of a table that `known` does not hold, then hold them.

    LanceDB never rewrites a file that matters, so a path that was synced once
    stays synced. Files go first: a name must never reach the disk before what
    it names.
    """
    found: set[str] = set()
    touched: set[str] = set()
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _ADVICE]
        found.add(folder)
        if folder not in known:
            touched.update((folder, os.path.dirname(folder)))
        for name in files:
            path = os.path.join(folder, name)
            found.add(path)
            if path not in known and name not in _ADVICE:
                sync_file(path)
                touched.add(folder)
    for folder in sorted(touched, reverse=True):
        sync_folder(folder)
    known.clear()
    known.update(found)


def paths_under(root: Path) -> set[str]:
    """Give all files and folders under `root`, as `sync_new` names them."""
    found: set[str] = set()
    for folder, _, files in os.walk(root):
        found.add(folder)
        found.update(os.path.join(folder, name) for name in files)
    return found


def bytes_under(root: Path) -> int:
    """Give the summed size of all files under `root`, in bytes; files that vanish count 0."""
    total = 0
    for folder, _, files in os.walk(root):
        for name in files:
            try:
                total += os.stat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return total


def replace_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a crash leaves the old content or the new, on the disk."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        draft.write_bytes(content)
        sync_file(draft)
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def require_hard_links(folder: Path) -> None:
    """Refuse a file system without hard links: LanceDB commits by linking.

    Raises:
        StoreUnavailable: The file system has none (exFAT, some network and FUSE mounts).
        OSError: The folder cannot be written at all.
    """
    probe = folder / f".probe.{uuid.uuid4().hex}"
    linked = probe.with_name(probe.name + ".link")
    probe.write_bytes(b"")
    try:
        os.link(probe, linked)
    except OSError as error:
        raise StoreUnavailable(
            f"The file system of {folder} has no hard links ({error.strerror}), which the store"
            " needs to commit safely. Set LESSONBANK_STORE to a folder on a local disk"
            " (ext4, APFS or NTFS)."
        ) from error
    finally:
        linked.unlink(missing_ok=True)
        probe.unlink(missing_ok=True)
