"""Where a sandbox refuses unix sockets, loopback is used; where it refuses both, it is said."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import MemoryUnavailable
from memory_core.requests import ListRequest, RememberRequest
from server.host import direct, process
from server.host.place import Announcement, place_of
from tests.server.host.room import Room

REFUSED = PermissionError(errno.EPERM, "Operation not permitted")
LESSON = RememberRequest(title="Pin the parser", content="Version 3 drops comments.")


def refusing(monkeypatch: pytest.MonkeyPatch, *families: int) -> None:
    """Make this process one that may neither bind nor connect sockets of these families."""
    for name in ("bind", "connect"):
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, real: Any = real) -> None:
            if self.family in families:
                raise REFUSED
            real(self, address)

        monkeypatch.setattr(socket.socket, name, guarded)
    # the light way uses what `socket` wraps, which cannot be changed
    connected = direct._connected
    monkeypatch.setattr(
        direct, "_connected", lambda to, within, _kind=None: connected(to, within, socket.socket)
    )


def test_a_host_without_unix_sockets_listens_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, socket.AF_UNIX)
    listeners, said = process._listening(place_of(tmp_path / "store"), "1")
    assert (said.socket, said.port > 0) == ("", True)
    for one in listeners:
        one.close()


def test_a_host_without_loopback_listens_on_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, socket.AF_INET)
    listeners, said = process._listening(place_of(tmp_path / "store"), "1")
    assert (bool(said.socket), said.port) == (True, 0)
    for one in listeners:
        one.close()


def test_a_host_without_any_door_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, socket.AF_UNIX, socket.AF_INET)
    with pytest.raises(process.NoDoor, match=r"no unix socket .* and no port on loopback"):
        process._listening(place_of(tmp_path / "store"), "1")


def test_a_path_that_no_socket_can_have_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.host.place.LONGEST_SOCKET", 1)
    listeners, said = process._listening(place_of(tmp_path / "store"), "1")
    assert (said.socket, said.port > 0) == ("", True)
    listeners[0].close()


@pytest.mark.anyio
async def test_a_front_without_unix_sockets_uses_loopback(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = room.memory()
    await outside.remember(LESSON)
    refusing(monkeypatch, socket.AF_UNIX)
    sandboxed = room.memory()
    found = await sandboxed.list_lessons(ListRequest())
    assert [one.title for one in found.items] == [LESSON.title]
    said = direct.ask(room.store, "list_lessons", {"project": "room"}, within=20.0)
    assert [one["title"] for one in said["items"]] == [LESSON.title]
    assert len(room.hosts()) == 1
    await sandboxed.aclose()
    await outside.aclose()


@pytest.mark.anyio
async def test_a_front_that_may_connect_to_nothing_leaves_the_host_alone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = room.memory()
    await outside.remember(LESSON)
    hosts = room.hosts()
    with monkeypatch.context() as sandbox:
        refusing(sandbox, socket.AF_UNIX, socket.AF_INET)
        sandboxed = room.memory()
        with pytest.raises(MemoryUnavailable, match="may not connect to the memory's host"):
            await sandboxed.list_lessons(ListRequest())
        with pytest.raises(direct.NoAnswer, match="Barred"):
            direct.ask(room.store, "list_lessons", {}, within=5.0)
        await sandboxed.aclose()
    assert room.hosts() == hosts
    await outside.aclose()


def test_a_dead_hosts_doors_are_not_barred() -> None:
    dead = Announcement(1, "1", 1, "t", socket="/nowhere", port=1)
    assert direct.open_door(dead) == dead
    assert direct.open_door(dead._replace(socket="", port=0)).port == 0


@pytest.mark.anyio
async def test_a_copy_of_a_store_has_a_host_of_its_own(room: Room, tmp_path: Path) -> None:
    memory = room.memory()
    kept = await memory.remember(LESSON)
    copy = tmp_path / "copy"
    shutil.copytree(room.store, copy, ignore=shutil.ignore_patterns("socket"))
    environ = {**os.environ, "LESSONBANK_HOST_IDLE": "1"}

    def on_copy(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "server", "--store", str(copy), "--project", "room", *words],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert on_copy("host", "stop").returncode == 0  # that of the original goes on
    assert room.living().pid
    assert on_copy("forget", kept.id, "--reason", "gone").returncode == 0
    assert on_copy("host", "stop").returncode == 0
    found = await memory.list_lessons(ListRequest())
    assert [one.title for one in found.items] == [LESSON.title]
    await memory.aclose()
