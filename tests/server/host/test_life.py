"""Real hosts: started once, shared, replaced, and gone when nobody needs them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import httpx2
import pytest

from memory_core.errors import MemoryUnavailable
from memory_core.port import Change
from memory_core.requests import Empty, ListRequest, RecallRequest, RememberRequest
from memory_core.settings import Settings
from memory_core.store.standing import Ownership
from server.host import client
from server.host.client import HostMemory
from server.host.direct import ask, health
from server.host.place import PROTOCOL, Announcement, place_of
from tests.patience import PATIENCE
from tests.server.connections import Announcing
from tests.server.connections import until as until_async
from tests.server.host.room import VERSION, Room, alive, until

pytestmark = pytest.mark.anyio

LESSON = RememberRequest(title="Strip the mark", content="Open it with utf-8-sig.")


def _fronts(room: Room) -> int:
    """How many fronts follow the host's changes."""
    told = health(room.host()) if room.host() is not None else None  # type: ignore[arg-type]
    return int(told["fronts"]) if told is not None else 0


def _leave(room: Room, announced: str) -> None:
    """Leave every file of a host, as a power cut does."""
    place = place_of(room.store)
    place.announcement.write_text(announced)
    for path in (Path(place.socket_path()), place.lock, place.starting):
        path.write_text("")


def test_twenty_clients_at_once_start_one_host(room: Room) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: room.command("lessons"), range(20)))
    assert [answer.returncode for answer in answers] == [0] * 20, answers[0].stderr
    assert room.hosts() == [room.living().pid]
    started = (room.store / "host" / "host.log").read_text().count("listens")
    assert started == 1


async def test_many_fronts_of_one_process_start_one_host(room: Room) -> None:
    memories = [room.memory() for _ in range(8)]
    async with anyio.create_task_group() as tasks:
        for memory in memories:
            tasks.start_soon(memory.stats, Empty())
    assert room.hosts() == [room.living().pid]
    for memory in memories:
        await memory.aclose()


async def test_what_one_client_stores_another_one_finds(room: Room) -> None:
    first, second = room.memory(source="first"), room.memory()
    stored = await first.remember(LESSON)
    found = await second.recall(RecallRequest(task="strip the mark"))
    assert [item.id for item in found.items] == [stored.id]
    assert found.items[0].source == "first"
    await first.aclose()
    await second.aclose()


async def test_a_front_hears_of_changes_that_another_one_made(room: Room) -> None:
    first, second = room.memory(), room.memory()
    await first.stats(Empty())
    heard: list[Change] = []
    listening = anyio.Event()

    async def listen() -> None:
        listening.set()
        async for change in first.changes():
            heard.append(change)
            if change.subject == "item":
                return

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await listening.wait()
            await until_async(lambda: _fronts(room))
            stored = await second.remember(LESSON)
    assert Change("item", stored.id, "room") in heard
    await first.aclose()
    await second.aclose()


async def test_changes_go_on_with_the_next_host(room: Room) -> None:
    first, second = room.memory(), room.memory()
    await first.stats(Empty())
    heard: list[str] = []

    async def listen() -> None:
        async for change in first.changes():
            if change.subject == "item":
                heard.append(change.key)
                return

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            killed = room.kill()
            await first.stats(Empty())  # a call starts the next host
            await until_async(lambda: _fronts(room))
            assert room.living().pid != killed
            stored = await second.remember(LESSON)
    assert heard == [stored.id]
    await first.aclose()
    await second.aclose()


async def test_the_host_ends_when_nobody_uses_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONBANK_HOST_IDLE", "0.2")
    memory = room.memory()
    await memory.stats(Empty())
    pid = room.living().pid
    await memory.aclose()
    until(lambda: not alive(pid))
    assert room.host() is None
    assert not (room.store / "host" / "socket").exists()


async def test_a_front_that_listens_keeps_the_host(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONBANK_HOST_IDLE", "0.2")
    memory = room.memory()
    await memory.stats(Empty())
    pid = room.living().pid
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            async for _ in memory.changes():
                pass

        tasks.start_soon(listen)
        await until_async(lambda: _fronts(room))
        await until_async(lambda: (health(room.living()) or {})["started"] < time.time() - 3)
        assert alive(pid)
        tasks.cancel_scope.cancel()
    await memory.aclose()
    until(lambda: not alive(pid))


async def test_the_host_ends_when_its_store_is_deleted(room: Room) -> None:
    memory = room.memory()
    await memory.stats(Empty())
    pid = room.living().pid
    shutil.rmtree(room.store)
    until(lambda: not alive(pid))
    assert not room.store.exists(), "a deleted store is not made again by its host"
    assert (await memory.remember(LESSON)).status == "added"
    assert room.living().pid != pid
    await memory.aclose()


async def test_a_host_that_is_asked_to_end_finishes_and_is_followed_by_another(room: Room) -> None:
    memory = room.memory()
    await memory.remember(LESSON)
    pid = room.living().pid
    os.kill(pid, signal.SIGTERM)
    again = await memory.remember(LESSON)
    assert again.status == "duplicate"
    assert room.living().pid != pid
    until(lambda: not alive(pid))
    await memory.aclose()


@pytest.mark.parametrize(
    "left",
    [
        "{}",
        "no json",
        json.dumps(Announcement(2**22 - 1, "9.9.9", PROTOCOL, "t", socket="/nowhere")._asdict()),
    ],
    ids=["empty", "garbage", "a dead host's"],
)
async def test_what_a_crash_or_a_reboot_left_is_no_hindrance(room: Room, left: str) -> None:
    _leave(room, left)
    memory = room.memory()
    assert (await memory.remember(LESSON)).status == "added"
    await memory.aclose()


async def test_a_newer_front_replaces_the_host_and_no_call_is_lost(room: Room) -> None:
    old = room.memory(version="0.0")
    await old.stats(Empty())
    pid = room.living().pid
    place = place_of(room.store)
    present = room.living()
    place.announce(Announcement(**{**present._asdict(), "version": "0", "protocol": PROTOCOL - 1}))
    newer = room.memory()
    assert (await newer.remember(LESSON)).status == "added"
    assert room.living().pid != pid
    until(lambda: not alive(pid))
    assert (await old.remember(LESSON)).status == "duplicate"
    await old.aclose()
    await newer.aclose()


async def test_a_host_of_a_newer_protocol_is_left_alone(room: Room) -> None:
    memory = room.memory()
    await memory.stats(Empty())
    present = room.living()
    newer = Announcement(**{**present._asdict(), "version": "9.0", "protocol": PROTOCOL + 1})
    place_of(room.store).announce(newer)
    late = room.memory()
    with pytest.raises(MemoryUnavailable, match="newer lessonbank"):
        await late.stats(Empty())
    assert alive(present.pid)
    await memory.aclose()
    await late.aclose()


async def test_a_store_whose_path_is_longer_than_a_socket_may_be(room: Room) -> None:
    room.store = room.store.parent / ("deep" * 20) / ("er" * 40) / "store"
    memory = room.memory()
    assert (await memory.remember(LESSON)).status == "added"
    socket = Path(room.living().socket)
    assert not socket.is_relative_to(room.store)
    assert socket.parent.stat().st_mode & 0o077 == 0
    await memory.aclose()


async def test_two_stores_have_two_hosts(room: Room, tmp_path: Path) -> None:
    memory = room.memory()
    other = Room(tmp_path / "other")
    try:
        elsewhere = other.memory()
        await memory.remember(LESSON)
        assert (await elsewhere.list_lessons(ListRequest())).total == 0
        assert room.living().pid != other.living().pid
        await elsewhere.aclose()
    finally:
        other.close()
    await memory.aclose()


async def test_a_store_that_another_process_holds_is_refused_and_tried_anew(room: Room) -> None:
    room.store.mkdir()
    held = Ownership(room.store)
    memory = room.memory()
    with pytest.raises(MemoryUnavailable, match="owns this store"):
        await memory.stats(Empty())
    held.release()
    until(lambda: not room.hosts())
    assert (await memory.remember(LESSON)).status == "added"
    await memory.aclose()


async def test_what_could_not_be_loaded_is_tried_again_after_a_while(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.store.mkdir()
    held = Ownership(room.store)
    way = client.Reach(room.settings, VERSION)

    def again() -> str:
        way.warm()
        return way.readiness.stage

    way.warm()
    loading = way._warming
    assert loading is not None
    await loading
    held.release()
    assert again() == "failed", "not at once"
    assert way._warming is loading
    monkeypatch.setattr(client, "RETRY", 0.0)
    assert again() == "idle"
    await until_async(lambda: again() == "keyword")
    await way.aclose()


async def test_a_front_whose_host_has_ended_is_not_ready_until_the_next_one_is(
    room: Room,
) -> None:
    way = client.Reach(room.settings, VERSION)

    async def follow() -> None:
        async for _ in way.changes():
            pass

    way.warm()
    await until_async(lambda: way.readiness.stage == "keyword")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await until_async(lambda: _fronts(room) == 1)
        room.kill()
        await until_async(lambda: way.readiness.stage == "idle")
        way.warm()
        await until_async(lambda: way.readiness.stage == "keyword")
        assert len(room.hosts()) == 1
        tasks.cancel_scope.cancel()
    await way.aclose()


def test_a_door_before_a_host_is_ready_once_its_store_is_mended(room: Room, tmp_path: Path) -> None:
    room.store.mkdir()
    (room.store / "meta.json").write_text("damaged")
    program = "import sys; from server.host import client; client.RETRY = 0.1;"
    program += "from server.__main__ import main; sys.exit(main())"
    words = ["serve", "--transport", "http", "--port", "0"]
    environment = {**os.environ, "LESSONBANK_STORE": str(room.store)}
    door = Announcing([sys.executable, "-c", program, *words], environment, tmp_path / "door.log")
    with door, httpx2.Client(base_url=door.url.removesuffix("/mcp"), trust_env=False) as http:
        until(lambda: http.get("/readyz").json()["stage"] == "failed")
        assert http.get("/readyz").status_code == 503
        (room.store / "meta.json").unlink()
        until(lambda: http.get("/readyz").status_code == 200)


async def test_a_store_folder_that_is_a_file_is_refused_clearly(room: Room) -> None:
    room.store.write_text("")
    memory = room.memory()
    with pytest.raises(MemoryUnavailable, match="LESSONBANK_STORE"):
        await memory.stats(Empty())
    await memory.aclose()


async def test_the_light_way_asks_the_same_host(room: Room) -> None:
    memory = room.memory()
    stored = await memory.remember(LESSON)
    given = {"task": "strip the mark", "project": "room"}
    answer = ask(room.store, "recall", given, within=30.0)
    assert [item["id"] for item in answer["items"]] == [stored.id]
    await memory.aclose()


async def test_the_host_says_how_far_it_is(room: Room) -> None:
    memory = HostMemory(Settings(store=room.store, model_wait=30.0), "room", "0")
    assert memory.readiness().stage == "idle"
    memory.warm()
    await until_async(lambda: memory.readiness().stage == "keyword")
    await memory.aclose()
