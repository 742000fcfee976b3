"""With which code a process ends whose memory takes its time to close."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from memory_core.settings import Settings
from server.ending import holds_shared
from server.host.client import HostMemory
from server.peers.opening import ReplicaMemory
from tests.patience import PATIENCE
from tests.server.connections import ROOT
from tests.server.fake_memory import FakeMemory

PROGRAM = """
import sys, threading
from pathlib import Path
import anyio
from memory_core.errors import MemoryUnavailable
from memory_core.settings import Settings
from server import ending
from server.app import Front
from tests.server.fake_memory import FakeMemory

remote, lost, seconds = sys.argv[1], sys.argv[2] == "lost", float(sys.argv[3])
ending._LEAVE_WITHIN = 0.3

class Slow(FakeMemory):
    async def aclose(self):
        await anyio.to_thread.run_sync(threading.Event().wait, seconds)
        print("closed", flush=True)

async def main():
    memory = Slow()
    end = ending.Ending()
    end.allow_for(memory, Settings(store=Path("nowhere"), remote=remote))
    end.begin(MemoryUnavailable("The lease is lost.") if lost else None)
    await end.leave(Front(memory))

anyio.run(main)
"""
NEVER = "60"


def ended(remote: str, why: str, seconds: str) -> subprocess.CompletedProcess[str]:
    """Run a process to its end; its memory takes so many seconds to close."""
    return subprocess.run(  # our own lines
        [sys.executable, "-c", PROGRAM, remote, why, seconds],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(("why", "code"), [("lost", 2), ("asked", 0)])
def test_a_process_that_must_be_cut_short_ends_with_its_own_code(why: str, code: int) -> None:
    """A supervisor that starts what failed must see that it failed, however long closing takes."""
    done = ended("", why, NEVER)
    assert (done.returncode, done.stdout) == (code, "")
    assert ("The lease is lost." in done.stderr) == (why == "lost")


@pytest.mark.parametrize(("why", "code"), [("lost", 2), ("asked", 0)])
def test_a_process_with_a_shared_store_in_itself_gets_to_close_it(why: str, code: int) -> None:
    done = ended("s3://bucket/memory", why, "1.0")
    assert (done.returncode, done.stdout) == (code, "closed\n")


def test_only_a_process_that_holds_a_shared_store_itself_takes_longer() -> None:
    local, shared = Settings(store=Path("x")), Settings(store=Path("x"), remote="s3://b/p")
    front = HostMemory(shared, "shop", "1")
    assert not holds_shared(FakeMemory(), local)
    assert not holds_shared(front, shared)
    assert holds_shared(FakeMemory(), shared)
    assert holds_shared(ReplicaMemory(FakeMemory(), front), shared)
