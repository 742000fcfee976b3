"""The memory of a replica: reads from a copy of its own, changes by way of the writer."""

from __future__ import annotations

import copy
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
from filelock import FileLock, Timeout

from memory_core.addresses import working_directory
from memory_core.bootstrap import open_memory, product_version, writer_address
from memory_core.caller import Caller
from memory_core.errors import InvalidInput
from memory_core.port import Change, Memory, Method, Progress, Readiness
from memory_core.projects import derive_project
from memory_core.requests import AnswerT, RequestT
from memory_core.settings import Settings
from server.host.client import HostMemory
from server.peers.writer import WriterReach

# -- the port of a replica

RECENT = 60.0
"""Seconds for which a recall may still be on its way from another replica to the writer."""
_UNTIL_KNOWN = 12.0
"""Seconds for which a report waits for it."""
_PAUSE = 0.5


class ReplicaMemory(Memory):
    """The port of a replica.

    Args:
        own: Answers what only reads, from this process's copy.
        writer: Makes every change of the memory.
        gone: Called when both are closed.
    """

    def __init__(
        self, own: Memory, writer: Memory, gone: Callable[[], None] = lambda: None
    ) -> None:
        self._own, self._writer, self._gone = own, writer, gone

    def bound(self, caller: Caller) -> ReplicaMemory:
        """The same for this caller, here and at the writer."""
        view = copy.copy(self)
        view._own = self._own.bound(caller)  # noqa: SLF001 - its own
        view._writer = self._writer.bound(caller)  # noqa: SLF001 - its own
        return view

    def work_in(self, project: str) -> None:
        """Say it here and to the writer."""
        self._own.work_in(project)
        self._writer.work_in(project)

    async def call(
        self,
        method: Method[RequestT, AnswerT],
        request: RequestT,
        progress: Progress | None = None,
    ) -> AnswerT:
        """Read here, change there; the writer may hear of a recall later than the client."""
        if not method.for_writer:
            return await self._own.call(method, request, progress)
        until = time.monotonic() + _UNTIL_KNOWN
        while True:
            try:
                return await self._writer.call(method, request, progress)
            except InvalidInput as error:
                named = str(getattr(request, error.field, ""))
                on_its_way = error.field == "recall_id" and is_recent(named)
                if not on_its_way or time.monotonic() > until:
                    raise
            await anyio.sleep(_PAUSE)

    def warm(self) -> None:
        """Begin to load the copy and the model in the background; safe to call again."""
        self._own.warm()

    def readiness(self) -> Readiness:
        return self._own.readiness()

    def changes(self) -> AsyncIterator[Change]:
        """Every change from now on, as this replica comes to know of it."""
        return self._own.changes()

    async def aclose(self) -> None:
        """Let go of the copy and of the writer; safe to call again."""
        try:
            await self._writer.aclose()
        finally:
            await self._own.aclose()
            self._gone()


def is_recent(recall_id: str, now: float | None = None) -> bool:
    """Whether an id was made in the last minute: ids begin with their milliseconds, in hex."""
    _, _, digits = recall_id.partition("_")
    try:
        made = int(digits[:12], 16) / 1000
    except ValueError:
        return False
    return abs((time.time() if now is None else now) - made) < RECENT


# -- making it

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
