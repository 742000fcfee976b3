"""A client that starts its servers elsewhere says where it works, and is told what was taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client

from memory_core.projects import derive_project, locate_project
from server.app import Front
from server.roots import folder_of
from tests.memory_core.test_projects import repository_at
from tests.server.connections import MODERN, text_of
from tests.server.fake_memory import FakeMemory

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client(
    memory: FakeMemory, folder: Path, roots: Any = None, era: str = "legacy", configured: str = ""
) -> AsyncIterator[Client]:
    located = locate_project(folder, configured, {})
    front = Front(memory, session="s", located=located)
    one = Client(front.server, mode=era, list_roots_callback=roots)
    async with front.running(), one:
        with anyio.fail_after(60):
            yield one


def offering(*uris: str) -> Any:
    async def roots(_ctx: Any) -> types.ListRootsResult:
        asked.append(1)
        return types.ListRootsResult(
            roots=[types.Root.model_validate({"uri": uri}) for uri in uris]
        )

    asked: list[int] = []
    roots.asked = asked  # type: ignore[attr-defined]
    return roots


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository_at(tmp_path / "my shop", "https://example.org/team/shop")


async def recalled(one: Client, **more: str) -> str:
    return text_of(await one.call_tool("recall", {"task": "parse dates", **more}))


async def test_the_clients_root_is_the_project_when_nothing_else_led_anywhere(
    shop: Path, tmp_path: Path
) -> None:
    memory, roots = FakeMemory(), offering(tmp_path.as_uri(), shop.as_uri())
    async with client(memory, Path("/"), roots) as one:
        assert "Project:" not in await recalled(one)
        await recalled(one)
    assert memory.project == derive_project(shop)
    assert roots.asked == [1]


async def test_who_started_in_a_repository_is_not_asked(shop: Path) -> None:
    memory, roots = FakeMemory(), offering(Path("/").as_uri())
    async with client(memory, shop, roots) as one:
        assert "Project:" not in await recalled(one)
    assert (memory.project, roots.asked) == ("", [])


@pytest.mark.parametrize("era", ["legacy", MODERN])
async def test_the_first_answer_says_why_it_is_default_and_the_next_does_not(era: str) -> None:
    async with client(FakeMemory(), Path("/"), era=era) as one:
        await one.call_tool("list_lessons", {})
        assert "Project:" not in await recalled(one, project="mine")
        first = await recalled(one)
        assert "Project: default, since / is in no git repository." in first
        assert "Project:" not in await recalled(one)


async def test_a_default_that_was_configured_is_not_remarked_on() -> None:
    async with client(FakeMemory(), Path("/"), configured="default") as one:
        assert "Project:" not in await recalled(one)


@pytest.mark.parametrize(
    "uri", ["https://example.org/x", "file://elsewhere/x", "file:///no/such", "file:///a%00b", "x"]
)
async def test_roots_that_lead_nowhere_change_nothing(uri: str) -> None:
    memory = FakeMemory()
    async with client(memory, Path("/"), offering("file:///tmp/nowhere-at-all")) as one:
        assert "Project: default" in await recalled(one)
    assert folder_of(uri) in (None, Path("/no/such"))


async def test_a_client_that_refuses_to_tell_is_served_all_the_same() -> None:
    async def refusing(_ctx: Any) -> types.ErrorData:
        return types.ErrorData(code=-32603, message="no")

    async with client(FakeMemory(), Path("/"), refusing) as one:
        assert "Project: default" in await recalled(one)
