"""Changes of a replica at a real writer: who asked for them, once, and through its death."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest

from memory_core.caller import Caller
from memory_core.errors import Forbidden, InvalidInput, MemoryUnavailable
from memory_core.model import new_id
from memory_core.requests import (
    EditRequest,
    ForgetRequest,
    ListRequest,
    OutcomeRequest,
    ProjectRequest,
    RecallRequest,
    RememberRequest,
)
from memory_core.settings import Settings
from server.host.client import HostMemory
from server.host.link import HostBusy, HostEnded, Link
from server.peers import opening as replica
from server.peers import writer
from server.peers.opening import ReplicaMemory
from server.peers.writer import PATH, WriterReach
from server.web.guard import REFUSED_A_MINUTE
from tests.patience import PATIENCE
from tests.server.fake_memory import FakeMemory
from tests.server.web.served import Server

pytestmark = pytest.mark.anyio
SECRET = "a-secret-that-writer-and-replicas-share"
LESSON = RememberRequest(title="t", content="c")


def served(folder: Path) -> Server:
    return Server(folder, LESSONBANK_PEER_TOKEN=SECRET, LESSONBANK_TOKEN="owner-of-the-tests")


@asynccontextmanager
async def way(url: str, token: str = SECRET) -> AsyncIterator[HostMemory]:
    """The memory port to the writer at a URL, as a replica has it."""
    settings = Settings(store=Path("nowhere"), source="replica", model_wait=1.0)
    memory = HostMemory(settings, "shop", "1", WriterReach(lambda: url, token))
    try:
        with anyio.fail_after(PATIENCE):
            yield memory
    finally:
        await memory.aclose()


async def test_the_writer_holds_a_caller_to_what_the_replica_says_of_it(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        async with way(server.root) as memory:
            agent = memory.bound(Caller("agent", "write", ("lab",), trusted=False))
            stored = await agent.remember(LESSON)
            detail = json.loads(
                server.read("owner-of-the-tests", f"memory://lessons/{stored.id}")[1]
            )
            assert (detail["source"], detail["project"]) == ("agent", "lab")
            with pytest.raises(Forbidden, match="none of this token's"):
                await agent.remember(LESSON.model_copy(update={"project": "shop"}))
            with pytest.raises(Forbidden, match="needs the scope write"):
                await memory.bound(Caller("reader", "read")).remember(LESSON)
            with pytest.raises(InvalidInput, match="names no recall"):
                await agent.report_outcome(OutcomeRequest(recall_id="rec_none", outcome="success"))


async def test_an_edit_and_a_renamed_project_of_a_replica_are_made_by_the_writer(
    tmp_path: Path,
) -> None:
    """By whom the replica says, under what the writer lets them do."""
    with served(tmp_path) as server:
        async with way(server.root) as far:
            memory = ReplicaMemory(FakeMemory(), far)
            stored = await memory.remember(LESSON)
            change = EditRequest(item_id=stored.id, content="Corrected.")
            edited = await memory.edit(change)
            assert edited.status == "edited"
            assert (await memory.edit(change)).id == edited.id, "asked again, made once"
            renamed = ProjectRequest(action="rename", project="shop", into="market")
            assert (await memory.change_project(renamed)).into == "market"
            detail = json.loads(
                server.read("owner-of-the-tests", f"memory://lessons/{edited.id}")[1]
            )
            assert (detail["content"], detail["project"]) == ("Corrected.", "market")
            foreign = memory.bound(Caller("agent", "write", ("shop",), trusted=False))
            with pytest.raises(Forbidden, match="retires its own items only"):
                await foreign.edit(EditRequest(item_id=edited.id, content="Mine."))
            with pytest.raises(Forbidden):
                await memory.bound(Caller("reader", "read")).edit(change)
            with pytest.raises(Forbidden):
                await foreign.change_project(renamed)


async def test_nobody_else_gets_in_and_replicas_get_at_changes_only(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.http() as http:
        own, good = server.token("admin"), {"Authorization": f"Bearer {SECRET}"}
        for token in ("", own, "owner-of-the-tests", SECRET[:-1]):
            answer = http.post(
                f"{server.root}/peer/call/remember",
                headers={"Authorization": f"Bearer {token or 'x'}"},
                json={"request": {"title": "t", "content": "c"}, "wait": 1},
            )
            assert answer.status_code == 401
        for path in ("call/recall", "call/stats", "call/reembed", "stop", "changes", "health"):
            assert http.post(f"{server.root}/peer/{path}", headers=good, json={}).status_code == 404
        wrong_host = http.post(
            f"{server.root}/peer/call/remember", headers={**good, "Host": "evil.example"}, json={}
        )
        assert wrong_host.status_code == 421
        assert http.post(server.url, headers=good, json={}).status_code == 401


async def test_without_a_secret_there_is_no_way_for_peers(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.http() as http:
        headers = {"Authorization": "Bearer "}
        with pytest.raises(httpx2.LocalProtocolError):
            http.post(f"{server.root}/peer/call/remember", headers=headers, json={})
        assert http.post(f"{server.root}/peer/call/remember", json={}).status_code == 401
        token = {"Authorization": f"Bearer {server.token('a', 'admin')}"}
        answer = http.post(f"{server.root}/peer/call/remember", headers=token, json={})
        assert answer.status_code == 404


async def test_a_change_waits_for_the_writer_that_takes_over_and_counts_once(
    tmp_path: Path,
) -> None:
    first = served(tmp_path / "one")
    second = served(tmp_path / "two")
    urls = [first.root]
    try:
        settings = Settings(store=Path("nowhere"), model_wait=1.0)
        reach = WriterReach(lambda: urls[-1], SECRET)
        memory = HostMemory(settings, "shop", "1", reach)
        assert (await memory.remember(LESSON)).status == "added"
        first.end()
        urls.append("")  # nobody, for a while

        async def take_over() -> None:
            await anyio.sleep(0.5)
            urls.append(second.root)

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(take_over)
                assert (await memory.remember(LESSON)).status == "added"
        assert (await memory.remember(LESSON)).status == "duplicate"
        await memory.aclose()
    finally:
        first.end()
        second.end()


async def test_a_writer_that_stays_away_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 0.5)
    async with way("http://127.0.0.1:9") as memory:
        with pytest.raises(MemoryUnavailable, match="recalls go on"):
            await memory.remember(LESSON)


# -- what the guard before the writer refuses --------------------------------------------

CHANGE = {"request": {"title": "t", "content": "c"}, "wait": 1}


@asynccontextmanager
async def link_to(server: Server, token: str, **headers: str) -> AsyncIterator[Link]:
    """A connection to the writer's door that sends such headers."""
    link = Link.of_url(server.root + PATH, token, 1)
    link.http.headers.update(headers)
    try:
        with anyio.fail_after(PATIENCE):
            yield link
    finally:
        await link.close()


async def test_a_writer_that_does_not_know_its_own_name_is_said_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        async with link_to(server, SECRET, host="writer.internal:8377") as link:
            with pytest.raises(MemoryUnavailable, match="LESSONBANK_ADVERTISE") as said:
                await link.ask("remember", "key", CHANGE, None)
    assert "--allowed-host" in str(said.value)


async def test_a_peer_that_was_refused_too_often_comes_again_later(tmp_path: Path) -> None:
    """The writer's 429 is no answer to the change: it is sent again."""
    with served(tmp_path) as server:
        async with link_to(server, "not-the-secret") as link:
            found: list[type[Exception]] = []
            while HostBusy not in found:
                try:
                    await link.ask("remember", "key", CHANGE, None)
                except (HostEnded, HostBusy) as refused:
                    found.append(type(refused))
    assert len(found) > REFUSED_A_MINUTE
    assert set(found[:-1]) == {HostEnded}


@pytest.mark.parametrize("said", ['{"error": "not_found"}', '{"error": null}', "[]", "1", "no"])
async def test_any_other_refusal_is_one_sentence(said: str) -> None:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, text=said)

    transport = httpx2.MockTransport(answer)
    async with httpx2.AsyncClient(transport=transport, base_url="http://writer") as http:
        with pytest.raises(MemoryUnavailable, match="status 404"):
            await Link(http).ask("remember", "key", CHANGE, None)


# -- reads here, changes there -----------------------------------------------------------


async def test_a_replica_reads_from_its_copy_and_changes_by_the_writer() -> None:
    own, far = FakeMemory(), FakeMemory()
    memory = ReplicaMemory(own, far)
    stored = await memory.remember(LESSON)
    assert list(far.kept) == [stored.id]
    assert not own.kept
    assert (await memory.list_lessons(ListRequest())).total == 0
    own.kept.update(far.kept)  # the log was followed
    answer = await memory.recall(RecallRequest(task="t"))
    assert [item.id for item in answer.items] == [stored.id]
    await memory.forget(ForgetRequest(item_id=stored.id, reason="r"))
    assert far.kept[stored.id].state == "retired"
    await memory.aclose()
    assert own.closed
    assert far.closed


async def test_a_report_waits_for_a_recall_that_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replica, "_PAUSE", 0.01)
    own, far = FakeMemory(), FakeMemory()
    memory = ReplicaMemory(own, far)
    await own.remember(LESSON)
    answer = await memory.recall(RecallRequest(task="t"))
    request = OutcomeRequest(recall_id=new_id("rec"), outcome="success", used_ids=())

    async def arrive() -> None:
        await anyio.sleep(0.05)
        far.served[request.recall_id] = ("default", ())

    assert answer.recall_id not in far.served
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(arrive)
            assert (await memory.report_outcome(request)).status == "recorded"


async def test_a_recall_that_nobody_served_is_refused_at_once() -> None:
    memory = ReplicaMemory(FakeMemory(), FakeMemory())
    for made_up in ("rec_nonsense", "rec_0000000000000000000000000000", "x"):
        with pytest.raises(InvalidInput, match="recall_id"):
            await memory.report_outcome(OutcomeRequest(recall_id=made_up, outcome="success"))
    assert replica.is_recent(new_id("rec"))
    assert not replica.is_recent(new_id("rec"), time.time() + 2 * replica.RECENT)
