"""The port over a socket, both ends in this process, over a fake memory."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from memory_core.answers import ItemDetail, RecallsAnswer, Reembedded, Stats
from memory_core.caller import Caller
from memory_core.errors import InvalidInput, MemoryUnavailable, UnknownItem
from memory_core.port import Memory, Progress
from memory_core.requests import (
    BriefRequest,
    CheckRequest,
    EditRequest,
    Empty,
    ForgetRequest,
    ItemRequest,
    ListRequest,
    MistakesRequest,
    OutcomeRequest,
    RecallRequest,
    RecallsRequest,
    RememberRequest,
)
from memory_core.settings import Settings
from server.host import app as host_app
from server.host.app import HostApp
from server.host.client import AT_ONCE, HostMemory, Reach
from server.host.direct import NoAnswer, ask
from server.host.link import Link
from server.host.place import PROTOCOL, Announcement, place_of
from server.host.process import Host, _listening
from server.host.protocol import HostFailed
from tests.server.connections import until
from tests.server.fake_memory import FakeMemory

pytestmark = pytest.mark.anyio

LESSON = RememberRequest(title="Strip the mark", content="Open it with utf-8-sig.")


class Hosted:
    """A host in this process and a front's memory that asks it."""

    def __init__(self, folder: Path, behind: Memory) -> None:
        self.settings = Settings(store=folder / "store", source="test", model_wait=1.0)
        self.place = place_of(self.settings.store)
        self.place.lock.touch()
        self.listener, self.announcement = _listening(self.place, "0")
        self.host = Host(self.place, self.settings, behind, self.announcement)
        self.reach = Reach(self.settings, "0")
        self.memory = HostMemory(self.settings, "mine", "0", self.reach)


@asynccontextmanager
async def hosted(folder: Path, behind: Memory) -> AsyncIterator[Hosted]:
    """Run a host until the block ends."""
    there = Hosted(folder, behind)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(there.host.run, there.listener)
        await until(lambda: there.place.read() is not None)
        try:
            yield there
        finally:
            async with Link.of_host(there.announcement, 1).http as client:
                with contextlib.suppress(httpx2.TransportError):  # it may be at its end already
                    await client.post("/stop")
            await there.memory.aclose()


async def test_every_call_answers_as_the_memory_itself_does(tmp_path: Path) -> None:
    behind = FakeMemory()
    async with hosted(tmp_path, behind) as there:
        memory = there.memory
        stored = await memory.remember(LESSON)
        assert stored.status == "added"
        recall = await memory.recall(RecallRequest(task="strip the mark"))
        assert [item.id for item in recall.items] == [stored.id]
        opened = await memory.recalls(RecallsRequest())
        assert [one.recall_id for one in opened.recalls] == [recall.recall_id]
        outcome = await memory.report_outcome(
            OutcomeRequest(recall_id=recall.recall_id, outcome="success")
        )
        assert outcome.judged.outcome == "success"
        assert (await memory.check(CheckRequest(action="strip"))).items == ()
        assert (await memory.list_lessons(ListRequest())).total == 1
        direct = await behind.get(ItemRequest(item_id=stored.id, project="mine"))
        assert await memory.get(ItemRequest(item_id=stored.id)) == direct
        assert (await memory.brief(BriefRequest())).project == "mine"
        assert await memory.mistakes(MistakesRequest()) == await behind.mistakes(
            MistakesRequest(project="mine")
        )
        assert await memory.scorer(Empty()) == await behind.scorer(Empty())
        assert await memory.stats(Empty()) == await behind.stats(Empty())
        assert await memory.compact(Empty()) == await behind.compact(Empty())
        assert await memory.reembed(Empty()) == await behind.reembed(Empty())
        request = ForgetRequest(item_id=stored.id, reason="old")
        assert (await memory.forget(request)).state == "retired"
        assert (await memory.restore(request)).state == "active"
        edited = await memory.edit(EditRequest(item_id=stored.id, title="strip the mark"))
        assert (edited.was, edited.record, edited.wins) == (stored.id, "kept", 1)


async def test_a_front_says_its_project_and_who_writes(tmp_path: Path) -> None:
    behind = FakeMemory()
    async with hosted(tmp_path, behind) as there:
        await there.memory.remember(LESSON)
        await there.memory.remember(
            LESSON.model_copy(update={"title": "Another", "project": "other", "source": "s"})
        )
        items = [kept.item for kept in behind.kept.values()]
        assert [(item.project, item.source) for item in items] == [("mine", "test"), ("other", "s")]


async def test_a_front_that_is_set_up_otherwise_is_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with hosted(tmp_path, FakeMemory()) as there:
        await there.memory.stats(Empty())
        assert "no effect" not in caplog.text
        settings = replace(there.settings, scorer_mode="similarity")
        other = HostMemory(settings, "mine", "0")
        await other.stats(Empty())
        assert "LESSONBANK_SCORER_MODE = 'similarity' has no effect" in caplog.text
        assert "host restart" in caplog.text
        await other.aclose()


async def test_a_wrong_value_is_refused_with_the_memorys_own_sentence(tmp_path: Path) -> None:
    async with hosted(tmp_path, FakeMemory()) as there:
        with pytest.raises(InvalidInput) as refused:
            await there.memory.get(ItemRequest(item_id="item_nowhere"))
        assert str(refused.value) == str(UnknownItem("item_nowhere"))
        assert refused.value.field == "item_id"


class Failing(FakeMemory):
    async def _stats(self, request: Empty) -> Stats:
        raise RuntimeError("what a user stored")


async def test_an_unexpected_error_tells_nothing_of_what_is_stored(tmp_path: Path) -> None:
    async with hosted(tmp_path, Failing()) as there:
        with pytest.raises(HostFailed) as failed:
            await there.memory.stats(Empty())
        assert "stored" not in str(failed.value)


class Slow(FakeMemory):
    """Tells its progress and waits to be let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.go = anyio.Event()

    async def call(self, method: Any, request: Any, progress: Progress | None = None) -> Any:
        if method is not Memory.reembed:
            return await super().call(method, request, progress)
        self.asked += 1
        assert progress is not None
        await progress(0.25, "a quarter")
        await self.go.wait()
        return await super().call(method, request)


async def test_progress_reaches_the_front_and_a_change_outlives_its_caller(tmp_path: Path) -> None:
    behind, heard = Slow(), list[tuple[float, str]]()

    async def tell(fraction: float, message: str) -> None:
        heard.append((fraction, message))

    async with hosted(tmp_path, behind) as there:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(there.memory.reembed, Empty(), tell)
            await until(lambda: heard)
            tasks.cancel_scope.cancel()
        assert heard == [(0.25, "a quarter")]
        behind.go.set()
        assert (await there.memory.reembed(Empty())).items == (
            await FakeMemory().reembed(Empty())
        ).items
        assert behind.asked == 2


async def test_a_busy_host_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.host.calls.MOST", 1)
    behind = Slow()
    async with hosted(tmp_path, behind) as there, anyio.create_task_group() as tasks:
        tasks.start_soon(there.memory.reembed, Empty())
        await until(lambda: behind.asked)
        tasks.start_soon(there.memory.stats, Empty())
        await until(lambda: there.reach._link is not None)
        behind.go.set()


async def test_a_front_has_more_calls_than_connections(tmp_path: Path) -> None:
    behind = Slow()
    async with hosted(tmp_path, behind) as there:
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE + 20):
                tasks.start_soon(there.memory.reembed, Empty())
            await until(lambda: behind.asked == AT_ONCE)
            behind.go.set()
        assert behind.asked == AT_ONCE + 20


async def test_a_call_under_way_is_finished_though_the_next_one_is_sent_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind, answers = Slow(), list[Reembedded]()
    async with hosted(tmp_path, behind) as there:

        async def first() -> None:
            answers.append(await there.memory.reembed(Empty()))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await until(lambda: behind.asked)
            async with Link.of_host(there.announcement, 1).http as client:
                await client.post("/stop")
            monkeypatch.setattr("server.host.client.REPEATS", 1)
            with pytest.raises(MemoryUnavailable):
                await there.memory.stats(Empty())
            behind.go.set()
        assert len(answers) == behind.asked == 1


async def test_the_light_way_gives_up_in_time_though_the_host_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.host.app.BEAT", 0.01)
    behind = Slow()
    async with hosted(tmp_path, behind) as there:
        with pytest.raises(NoAnswer, match="TimeoutError"):
            await anyio.to_thread.run_sync(
                lambda: ask(there.settings.store, "reembed", {}, within=0.3)
            )
        behind.go.set()


async def test_a_host_that_answers_nonsense_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = FakeMemory()

    async def nonsense(_: Empty) -> RecallsAnswer:
        return RecallsAnswer(recalls=(), open=0)

    monkeypatch.setattr(behind, "_stats", nonsense)
    async with hosted(tmp_path, behind) as there:
        with pytest.raises(MemoryUnavailable, match="host restart"):
            await there.memory.stats(Empty())


async def test_nobody_without_the_token_is_answered(tmp_path: Path) -> None:
    async with hosted(tmp_path, FakeMemory()) as there:
        transport = httpx2.AsyncHTTPTransport(uds=there.announcement.socket)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for way in ("/health", "/changes"):
                assert (await client.get(way)).status_code == 401
            assert (await client.post("/call/stats", json={})).status_code == 401
            assert (await client.post("/stop")).status_code == 401


async def test_what_is_no_call_is_refused(tmp_path: Path) -> None:
    async with (
        hosted(tmp_path, FakeMemory()) as there,
        Link.of_host(there.announcement, 1).http as client,
    ):
        assert (await client.post("/call/aclose", json={})).status_code == 404
        answer = await client.post("/call/get", json={"request": {"cwd": "/"}})
        assert answer.json()["error"]["field"] == "item_id"


async def test_the_light_way_gets_answers_and_refusals(tmp_path: Path) -> None:
    async with hosted(tmp_path, FakeMemory()) as there:
        stored = await there.memory.remember(LESSON)

        def asked(method: str, **given: object) -> dict[str, object]:
            return ask(there.settings.store, method, given, within=20.0)

        answer = await anyio.to_thread.run_sync(
            lambda: asked("recall", task="mark", project="mine")
        )
        assert [item["id"] for item in answer["items"]] == [stored.id]  # type: ignore[attr-defined]
        with pytest.raises(NoAnswer, match="task"):
            await anyio.to_thread.run_sync(lambda: asked("recall"))
    with pytest.raises(NoAnswer):
        ask(tmp_path / "nowhere", "recall", {"task": "t"}, within=1.0)


async def test_a_clock_that_jumps_by_hours_ends_no_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering = HostApp(FakeMemory(), "token", {}, anyio.Event())  # type: ignore[arg-type]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 9 * 3600)
    assert answering.idle() < 60
    async with hosted(tmp_path, FakeMemory()) as there:
        assert (await there.memory.remember(LESSON)).status == "added"


async def test_a_host_that_nobody_finds_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = HostMemory(Settings(store=tmp_path / "store"), "p", "0")
    place = place_of(tmp_path / "store")
    place.announce(Announcement(os.getpid(), "99.0", PROTOCOL + 1, "t", socket="/nowhere"))
    monkeypatch.setattr("server.host.starting.health", lambda _there: {"stopping": False})
    with pytest.raises(MemoryUnavailable, match="newer lessonbank"):
        await memory.stats(Empty())
    await memory.aclose()
    with pytest.raises(MemoryUnavailable, match="closed"):
        await memory.stats(Empty())


def test_a_call_waits_for_the_model_ten_minutes_at_the_most() -> None:
    assert host_app.MOST_WAIT == 600


async def test_a_fronts_project_is_told_apart_from_one_that_a_call_names(tmp_path: Path) -> None:
    """It counts only where the call leaves its project open; an id does not."""
    heard: list[tuple[str, str, str]] = []

    class Hearing(FakeMemory):
        async def _get(self, request: ItemRequest) -> ItemDetail:
            heard.append((self.caller.source, self.caller.home, request.project))
            return await super()._get(request)

    async with hosted(tmp_path, Hearing()) as there:
        stored = await there.memory.remember(LESSON)
        await there.memory.get(ItemRequest(item_id=stored.id))
        await there.memory.get(ItemRequest(item_id=stored.id, project="named"))
        await there.memory.bound(Caller("ci", "write")).get(ItemRequest(item_id=stored.id))
        await there.memory.bound(Caller("at", "read", home="home")).get(
            ItemRequest(item_id=stored.id)
        )
    assert heard == [
        ("", "mine", ""),
        ("", "mine", "named"),
        ("ci", "mine", ""),
        ("at", "home", ""),
    ]
