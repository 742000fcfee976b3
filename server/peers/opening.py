"""Makes the memory of a replica: a copy of its own, and the way to the writer."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from memory_core.addresses import working_directory
from memory_core.bootstrap import open_memory, product_version, writer_address
from memory_core.port import Memory
from memory_core.projects import derive_project
from memory_core.settings import Settings
from server.host.client import HostMemory
from server.peers.memory import ReplicaMemory
from server.peers.writer import WriterReach

PREFIX = "lessonbank-follow-"
_LOCK = "lock"
_YOUNG = 60.0
"""Seconds in which a folder may be one that is just being made."""


def open_replica(settings: Settings, *, kept: bool) -> Memory:
    """Give the memory that follows `settings.remote`; nothing is loaded until it is used.

    Without a secret for peers (`LESSONBANK_PEER_TOKEN`) changes are refused here.

    Args:
        settings: Of the bucket to follow.
        kept: Whether the working copy at `settings.store` stays for the next start;
            else it is in a temporary folder that goes with the memory.
    """
    gone: Callable[[], None] = _nothing
    if not kept:
        sweep_copies()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = FileLock(folder / _LOCK, thread_local=False)
        lock.acquire()
        settings = replace(settings, store=folder / "copy")
        gone = partial(_let_go, folder, lock)
    own = open_memory(settings)
    writer: Memory = own
    if settings.peer_token:
        reach = WriterReach(partial(writer_address, settings), settings.peer_token)
        project = derive_project(working_directory(), settings.project)
        writer = HostMemory(settings, project, product_version(), reach)
    return ReplicaMemory(own, writer, gone)


def sweep_copies() -> None:
    """Remove the copies that killed replicas of this user left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if _may_be_left(folder):
                lock = FileLock(folder / _LOCK, timeout=0)
                lock.acquire()  # its process, were it there, would hold it
                _let_go(folder, lock)
        except (OSError, Timeout):
            continue


def _may_be_left(folder: Path) -> bool:
    found = folder.lstat()
    own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return (
        own
        and not folder.is_symlink()
        and (folder / _LOCK).is_file()
        and time.time() - found.st_mtime > _YOUNG
    )


def _let_go(folder: Path, lock: FileLock) -> None:
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)


def _nothing() -> None:
    return
