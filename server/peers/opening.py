"""Makes the memory of a replica: a copy of its own, and the way to the writer."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from memory_core.bootstrap import open_memory, product_version, writer_address
from memory_core.port import Memory
from memory_core.projects import derive_project
from memory_core.settings import Settings
from server.host.client import HostMemory
from server.peers.memory import ReplicaMemory
from server.peers.writer import WriterReach


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
        folder = Path(tempfile.mkdtemp(prefix="lessonbank-follow-"))
        settings = replace(settings, store=folder)
        gone = partial(shutil.rmtree, folder, ignore_errors=True)
    own = open_memory(settings)
    writer: Memory = own
    if settings.peer_token:
        reach = WriterReach(partial(writer_address, settings), settings.peer_token)
        project = derive_project(Path.cwd(), settings.project)
        writer = HostMemory(settings, project, product_version(), reach)
    return ReplicaMemory(own, writer, gone)


def _nothing() -> None:
    return
