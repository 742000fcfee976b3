"""The port as a table: what each row says, and that a row and a function are a whole call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from pydantic import BaseModel
from starlette.applications import Starlette

from memory_core.caller import Caller
from memory_core.errors import Forbidden, InvalidInput
from memory_core.in_process import InProcessMemory
from memory_core.port import METHODS, Memory, Method
from memory_core.requests import Name, Request, Words
from memory_core.service.reading import Reading
from memory_core.service.service import MemoryService
from memory_core.settings import Settings
from memory_core.store.lance_store import LanceStore
from server.host.client import HostMemory
from server.host.link import Link
from server.peers.opening import ReplicaMemory
from server.peers.writer import PATH, WriterReach
from server.web.application import peer_routes
from tests.memory_core.hash_embedder import HashEmbedder
from tests.server.fake_memory import FakeMemory
from tests.server.host.test_client import hosted

pytestmark = pytest.mark.anyio


class ShoutRequest(Request):
    text: Words
    source: Name = ""


class Shouted(BaseModel):
    text: str
    by: str


def shout(self: Reading, request: ShoutRequest, caller: Caller) -> Shouted:
    return Shouted(text=request.text.upper(), by=self._core.source_of(request.source, caller))


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Method[ShoutRequest, Shouted]:
    """A new call: its row, and its function in one of the service's parts."""
    row = Method(ShoutRequest, Shouted, scope="write")
    row.__set_name__(Memory, "shout")
    monkeypatch.setitem(METHODS, "shout", row)
    monkeypatch.setattr(Reading, "shout", shout, raising=False)
    return row


@asynccontextmanager
async def real(folder: Path) -> AsyncIterator[InProcessMemory]:
    """The memory itself: a real store under a real service."""
    settings = Settings(store=folder / "real", source="own")
    store = LanceStore.open(settings.store, maintain=False)
    memory = InProcessMemory(
        lambda notify: MemoryService(settings, store, project="demo", notify=notify),
        HashEmbedder,
        0.0,
    )
    try:
        yield memory
    finally:
        await memory.aclose()


@asynccontextmanager
async def behind_a_host(folder: Path, memory: Memory) -> AsyncIterator[Memory]:
    async with hosted(folder, memory) as there:
        there.memory._settings = replace(there.settings, source="front")
        yield there.memory


@asynccontextmanager
async def at_a_writer(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Memory]:
    app = Starlette(routes=peer_routes(memory, "secret"))

    def of_url(_url: str, token: str, _at_once: int) -> Link:
        told = {"authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(app=app)
        base = f"http://writer{PATH}"
        return Link(httpx2.AsyncClient(transport=transport, base_url=base, headers=told))

    monkeypatch.setattr(Link, "of_url", of_url)
    settings = Settings(store=Path("nowhere"), source="front")
    far = HostMemory(settings, "demo", "1", WriterReach(lambda: "http://writer", "secret"))
    replica = ReplicaMemory(FakeMemory(), far)
    yield replica
    await replica.aclose()


@pytest.mark.parametrize("door", ["in process", "a host", "a writer"])
async def test_a_row_and_a_function_are_a_whole_call_behind_every_door(
    door: str,
    row: Method[ShoutRequest, Shouted],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is validated, carried out, held to its scope, and told who writes, from the row alone."""
    async with AsyncExitStack() as stack:
        memory: Memory = await stack.enter_async_context(real(tmp_path))
        if door == "a host":
            memory = await stack.enter_async_context(behind_a_host(tmp_path, memory))
        if door == "a writer":
            memory = await stack.enter_async_context(at_a_writer(memory, monkeypatch))
        said = await memory.call(row, ShoutRequest(text="louder"))
        assert said == Shouted(text="LOUDER", by="own" if door == "in process" else "front")
        agent = memory.bound(Caller("agent", "write"))
        assert (await agent.call(row, ShoutRequest(text="x"))).by == "agent"
        with pytest.raises(Forbidden, match="shout needs the scope write"):
            await memory.bound(Caller("reader", "read")).call(row, ShoutRequest(text="x"))
        if door != "in process":  # there whoever calls has made the request
            with pytest.raises(InvalidInput, match="text"):
                await memory.call(row, ShoutRequest.model_construct({"text"}, text=" "))


def test_the_table_says_of_each_call_what_it_may_do() -> None:
    """A read that becomes a change, or a change that is passed on no more, is seen here."""

    def those(condition: str) -> set[str]:
        return {name for name, row in METHODS.items() if getattr(row, condition)}

    assert those("changes") == {
        *("remember", "edit", "report_outcome", "forget", "restore"),
        *("change_project", "compact", "reembed"),
    }
    assert those("for_writer") == those("changes") - {"compact", "reembed"}
    assert those("upkeep") == {"compact", "reembed"}
    assert {name for name, row in METHODS.items() if row.scope == "admin"} == {
        *("change_project", "compact", "reembed")
    }
    assert those("model") == {"recall", "check", "remember", "edit", "report_outcome"}
    assert those("destroys") == {"forget"}
    assert set(METHODS) - those("repeats") == {"report_outcome"}


async def test_every_row_has_one_function_in_the_service(tmp_path: Path) -> None:
    """Two parts with a function of one name, or none, would leave open which one answers."""
    async with real(tmp_path) as memory:
        service = await memory._loading.ready_service()
        for name in METHODS:
            assert len([part for part in service._parts if hasattr(type(part), name)]) == 1, name
