from __future__ import annotations

from typing import Any

import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import ToolsListChanged

from server.definitions import TOOLS
from tests.conformance.fixtures.asking import Rounds
from tests.conformance.fixtures.front import FixtureFront
from tests.server.connections import MODERN, data_of, text_of
from tests.server.fake_memory import FakeMemory

pytestmark = pytest.mark.anyio

ASKED: dict[str, types.InputRequest] = {"roots": types.ListRootsRequest()}
MORE: dict[str, types.InputRequest] = {"more": types.ListRootsRequest()}
GIVEN = types.ListRootsResult(roots=[])


async def test_the_fixtures_stand_beside_the_tools_resources_and_prompts_of_the_product() -> None:
    front = FixtureFront(FakeMemory())
    async with front.running(), Client(front.server, mode="auto") as client:
        tools = [one.name for one in (await client.list_tools()).tools]
        uris = [one.uri for one in (await client.list_resources()).resources]
        prompts = [one.name for one in (await client.list_prompts()).prompts]
        stored = data_of(await client.call_tool("remember", {"title": "t", "content": "c"}))
        simple = text_of(await client.call_tool("test_simple_text", {}))
        read = (await client.read_resource("test://static-text")).contents[0]
        own = (await client.read_resource(f"memory://lessons/{stored['id']}")).contents[0]
        offered = client.server_capabilities
    assert tools[: len(TOOLS)] == [one.method.name for one in TOOLS]
    assert {"memory://stats", "test://static-binary"} <= set(uris)
    assert {"start_task", "test_simple_prompt"} <= set(prompts)
    assert simple == "This is a simple text response for testing."
    assert isinstance(read, types.TextResourceContents)
    assert read.text == "This is the content of the static text resource."
    assert isinstance(own, types.TextResourceContents)
    assert offered.tools is not None
    assert offered.tools.list_changed is True


async def test_subscribers_of_the_product_hear_of_a_changed_list() -> None:
    front = FixtureFront(FakeMemory())
    async with (
        front.running(),
        Client(front.server, mode=MODERN) as client,
        client.listen(tools_list_changed=True) as stream,
    ):
        await client.call_tool("test_trigger_tool_change", {})
        assert await anext(stream) == ToolsListChanged()


async def test_a_client_without_the_capability_is_told_which_one_it_lacks() -> None:
    front = FixtureFront(FakeMemory())
    async with front.running(), Client(front.server, mode=MODERN) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("test_missing_capability", {})
    assert caught.value.error.code == types.MISSING_REQUIRED_CLIENT_CAPABILITY
    assert caught.value.error.data == {"requiredCapabilities": {"sampling": {}}}


def _params(state: str | None = None, **given: Any) -> types.CallToolRequestParams:
    return types.CallToolRequestParams(
        name="any", input_responses=given or None, request_state=state
    )


async def test_one_round_asks_until_its_keys_are_answered() -> None:
    rounds = Rounds(ASKED)
    assert rounds.still_needed(_params()) == types.InputRequiredResult(input_requests=ASKED)
    assert rounds.still_needed(_params(other=GIVEN)) is not None
    assert rounds.still_needed(_params(other=GIVEN, roots=GIVEN)) is None


async def test_rounds_follow_each_other_by_their_state() -> None:
    rounds = Rounds(ASKED, MORE, state=True)
    first = types.InputRequiredResult(input_requests=ASKED, request_state="1")
    second = types.InputRequiredResult(input_requests=MORE, request_state="2")
    assert rounds.still_needed(_params(roots=GIVEN)) == first
    assert rounds.still_needed(_params("1")) == first
    assert rounds.still_needed(_params("1", roots=GIVEN)) == second
    assert rounds.still_needed(_params("2", roots=GIVEN)) == second
    assert rounds.still_needed(_params("2", more=GIVEN)) is None
