"""A store with real host processes, which are ended by their process id when a test is over.

The hosts search by words only (a model folder that does not exist): they start in a
second, and what is tested here does not depend on vectors.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from memory_core.bootstrap import product_version
from memory_core.settings import Settings
from server.host.client import HostMemory
from server.host.direct import health
from server.host.place import Announcement, known_place
from server.host.starting import reap
from tests.patience import PATIENCE

VERSION = product_version()


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


class Room:
    """One store, its clients and its hosts."""

    def __init__(self, folder: Path, remote: str = "") -> None:
        self.store = folder / "store"
        self.remote = remote
        self.settings = Settings(store=self.store, remote=remote, project="room", model_wait=30.0)
        self.pids: set[int] = set()

    def memory(self, version: str = VERSION, source: str = "local") -> HostMemory:
        """A front's memory."""
        settings = Settings(store=self.store, remote=self.remote, source=source, model_wait=30.0)
        return HostMemory(settings, "room", version)

    def host(self) -> Announcement | None:
        """What the present host announces."""
        place = known_place(self.store)
        there = place.read() if place is not None else None
        if there is not None:
            self.pids.add(there.pid)
        return there

    def living(self) -> Announcement:
        """The host that answers now."""
        there = self.host()
        assert there is not None
        assert health(there) is not None
        return there

    def kill(self, number: int = signal.SIGKILL) -> int:
        """End the host as a crash does; 0 when there was none."""
        there = self.host()
        if there is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(there.pid, number)
        return int(there.pid)

    def hosts(self) -> list[int]:
        """The process ids of all hosts of this store that run."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"server.host" in words and os.fsencode(self.store) in words:
                    found.append(int(folder.name))
        return [pid for pid in found if alive(pid)]

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the real command on this store."""
        return subprocess.run(  # our own module
            [sys.executable, "-m", "server", "--store", str(self.store), *words],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, **environment},
            check=False,
        )

    def close(self) -> None:
        """End every host and see that none is left."""
        for pid in self.hosts():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self.hosts())
        reap()
