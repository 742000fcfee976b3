"""Real hosts whose files vanish, that hang, or whose place another process took."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import MemoryUnavailable
from memory_core.requests import Empty, RememberRequest
from server.host import starting
from server.host.direct import NoAnswer, ask
from server.host.place import Holder, place_of
from server.host.starting import NoHost, ensure
from tests.server.connections import until as until_async
from tests.server.host.room import VERSION, Room, alive, until

pytestmark = pytest.mark.anyio

LESSON = RememberRequest(title="Strip the mark", content="Open it with utf-8-sig.")


async def test_a_lost_announcement_is_made_again(room: Room) -> None:
    memory = room.memory()
    await memory.stats(Empty())
    there = room.living()
    place_of(room.store).announcement.unlink()
    await until_async(lambda: room.host() == there)
    assert (await memory.remember(LESSON)).status == "added"
    assert room.hosts() == [there.pid]
    await memory.aclose()


@pytest.mark.parametrize("lost", ["host/socket", "host/lock", "host"])
async def test_a_host_without_its_files_gives_way_to_another(room: Room, lost: str) -> None:
    memory = room.memory()
    await memory.remember(LESSON)
    pid = room.living().pid
    path = room.store / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    await until_async(lambda: not alive(pid))
    assert (await memory.remember(LESSON)).status == "duplicate"
    assert room.living().pid != pid
    await memory.aclose()


def test_a_host_that_hangs_is_told_and_stopped(room: Room) -> None:
    assert room.command("lessons").returncode == 0
    pid = room.living().pid
    os.kill(pid, signal.SIGSTOP)
    told = room.command("host", "status")
    assert told.returncode == 1
    assert "does not answer" in told.stdout
    stopped = room.command("host", "stop", "--now")
    assert "killed" in stopped.stdout
    until(lambda: not alive(pid))
    assert room.command("host", "status").stdout.startswith("No host runs")


def test_a_host_that_hangs_is_replaced(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "HANGS_AFTER", 1.0)
    assert room.command("lessons").returncode == 0
    pid = room.living().pid
    os.kill(pid, signal.SIGSTOP)
    assert ensure(place_of(room.store), VERSION).pid != pid
    assert not alive(pid)


def test_whoever_has_a_dead_hosts_process_id_is_left_alone(room: Room) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        assert room.command("lessons").returncode == 0
        there, place = room.living(), place_of(room.store)
        room.kill()
        until(lambda: not alive(there.pid))
        place.announce(there._replace(pid=innocent.pid))
        place.hold(Holder(innocent.pid, "left by a crash"))
        assert room.command("host", "stop").returncode == 0
        assert room.command("host", "stop", "--now").returncode == 0
        assert innocent.poll() is None
        innocent.kill()


def test_a_wait_for_a_host_can_be_given_up(room: Room) -> None:
    with pytest.raises(NoHost):
        ensure(place_of(room.store), VERSION, lambda: True)


async def test_what_a_starting_host_cannot_answer_yet_is_refused_at_once(room: Room) -> None:
    memory = room.memory()
    memory.warm()
    seen: list[str] = []

    def asked() -> bool:
        try:
            ask(room.store, "recall", {"task": "strip", "project": "room"}, within=60.0)
        except NoAnswer as error:
            seen.append(str(error))
            return False
        return True

    await until_async(asked)
    assert seen
    await memory.aclose()


def test_another_users_store_is_refused_by_every_command(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room.command("lessons").returncode == 0
    real = os.lstat

    def refused(path: Any, **more: Any) -> os.stat_result:
        if not more and room.store in Path(path).parents:
            raise PermissionError(13, "not yours")
        return real(path, **more)

    monkeypatch.setattr("server.host.announced.os.lstat", refused)
    from memory_core.settings import Settings
    from server.cli import hosting

    for action in ("status", "stop"):
        with pytest.raises(MemoryUnavailable, match="another user"):
            hosting.ACTIONS[action](Settings(store=room.store), VERSION, _arguments())


def _arguments() -> Namespace:
    return Namespace(now=False, lines=5)


def test_what_is_announced_is_what_is_read(room: Room) -> None:
    assert room.command("lessons").returncode == 0
    assert room.living().pid == room.hosts()[0]
