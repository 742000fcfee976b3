from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from mcp import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp.server.connection import Connection

from memory_core.caller import OWNER
from memory_core.port import Change
from server import changes
from server.app import Front
from server.changes import Changes
from tests.server.connections import MODERN, connected, data_of, until
from tests.server.fake_memory import FakeMemory

pytestmark = [
    pytest.mark.anyio,
    # the handshake era's own calls are deprecated in the SDK; clients of it still use them
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]

LESSON = {"title": "a title", "content": "some content"}


async def test_a_modern_listener_hears_what_it_asked_for_and_nothing_else() -> None:
    memory = FakeMemory()
    async with connected(memory, MODERN) as client:
        stored = data_of(await client.call_tool("remember", LESSON))
        uris = [f"memory://lessons/{stored['id']}", "memory://scorer"]
        async with client.listen(resource_subscriptions=uris) as stream:
            memory.tell("stats")
            memory.tell("item", "item_of_someone_else")
            await client.call_tool("forget", {"item_id": stored["id"], "reason": "r"})
            assert await anext(stream) == ResourceUpdated(uris[0])
            memory.tell("scorer")
            assert await anext(stream) == ResourceUpdated(uris[1])


@pytest.mark.parametrize("mode", ["legacy", "auto"])  # a pinned era asks for no declaration
async def test_resources_are_declared_to_change_and_the_lists_are_not(mode: str) -> None:
    async with connected(FakeMemory(), mode) as client:
        offered = client.server_capabilities
    assert offered.resources is not None
    assert offered.resources.subscribe is True
    for listed in (offered.tools, offered.prompts, offered.resources):
        assert listed is not None
        assert listed.list_changed is False


async def test_a_handshake_subscriber_hears_until_it_unsubscribes() -> None:
    memory, heard = FakeMemory(), list[str]()
    async with connected(memory, "legacy", heard) as client:
        await client.subscribe_resource("memory://stats")
        await client.subscribe_resource("memory://anything/at-all")
        memory.tell("scorer")
        await client.call_tool("remember", LESSON)
        await until(lambda: heard)
        assert heard == ["memory://stats"]
        await client.unsubscribe_resource("memory://stats")
        await client.subscribe_resource("memory://mistakes")
        memory.tell("stats")
        memory.tell("mistakes")
        await until(lambda: len(heard) > 1)
    assert heard == ["memory://stats", "memory://mistakes"]


async def test_a_project_is_heard_under_its_encoded_and_its_plain_name() -> None:
    memory, heard = FakeMemory(), list[str]()
    plain = "memory://projects/my app/brief"
    async with connected(memory, "legacy", heard) as client:
        await client.subscribe_resource(plain)
        memory.tell("project", "my app")
        await until(lambda: heard)
    assert heard == [plain]


async def test_only_the_connection_that_subscribed_is_told_and_a_closed_one_is_forgotten() -> None:
    memory = FakeMemory()
    front = Front(memory)
    mine, theirs = list[str](), list[str]()

    async def hear_mine(message: object) -> None:
        mine.append(str(message))

    async def hear_theirs(message: object) -> None:
        theirs.append(str(message))

    other = Client(front.server, mode="legacy", message_handler=hear_theirs)
    async with front.running(), other:
        await other.list_tools()
        async with Client(front.server, mode="legacy", message_handler=hear_mine) as client:
            await client.subscribe_resource("memory://stats")
            assert front.subscribers == 1
            memory.tell("stats")
            await until(lambda: mine)
        await until(lambda: front.subscribers == 0)
        memory.tell("stats")
        await other.list_tools()
    assert len(mine) == 1
    assert theirs == []


async def test_a_memory_that_fails_to_tell_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faltering(FakeMemory):
        asked = 0

        def changes(self) -> AsyncIterator[Change]:
            self.asked += 1
            if self.asked == 1:
                raise OSError("no connection")
            return super().changes()

    monkeypatch.setattr(changes, "_FIRST_PAUSE", 0.01)
    memory, heard = Faltering(), list[str]()
    async with connected(memory, "legacy", heard) as client:
        await client.subscribe_resource("memory://stats")
        await until(lambda: memory.listeners)
        memory.tell("stats")
        await until(lambda: heard)
    assert memory.asked == 2


async def test_a_subscriber_that_stops_reading_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stuck:
        async def notify(self, *_: object) -> None:
            await anyio.sleep_forever()

    monkeypatch.setattr(changes, "_PATIENCE", 0.01)
    subscribers = Changes(FakeMemory(), lambda _: OWNER)
    connection = Connection.for_loop(Stuck())  # type: ignore[arg-type]  # it is only notified
    subscribers._legacy[connection] = changes._Subscriber(OWNER, {"memory://stats"})
    await subscribers.tell(Change("stats"))
    assert subscribers.subscribers == 0
