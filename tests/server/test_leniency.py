"""What hosts and models of many makes send is taken at the door, and what was not is told."""

from __future__ import annotations

import json
import warnings
from typing import Any

import mcp_types as types
import pytest
from mcp import Client, MCPError

from tests.server.connections import ERAS, MODERN, connected, data_of, text_of
from tests.server.fake_memory import FakeMemory

pytestmark = pytest.mark.anyio

LESSON = {"title": "Pin versions", "content": "A new release broke the build."}
REPORT = {"task": "build", "outcome": "success"}
EXTRA = {
    "sessionId": "abc",
    "action": "sendMessage",
    "chatInput": "build it",
    "toolCallId": "call_1",
}
"""What n8n adds to every call."""


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("recall", {"task": "build"}),
        ("remember", LESSON),
        ("report_outcome", REPORT),
        ("list_lessons", {}),
        ("forget", {"item_id": "", "reason": "wrong"}),
        ("check", {"error": "build broke"}),
    ],
)
async def test_arguments_that_a_host_adds_do_no_harm_and_are_named_in_text_and_data(
    name: str, arguments: dict[str, Any]
) -> None:
    async with connected(FakeMemory(), MODERN) as client:
        if name == "forget":
            stored = data_of(await client.call_tool("remember", LESSON))
            arguments = {**arguments, "item_id": stored["id"]}
        result = await client.call_tool(name, {**EXTRA, **arguments, "notes": None})
    note = data_of(result)["note"]
    left = "sessionId, chatInput, toolCallId" if name == "check" else ", ".join(EXTRA)
    assert f"Left aside, no arguments of this call: {left}." in note
    assert left in text_of(result)


@pytest.mark.parametrize(
    "more",
    [
        {"evidence": {"exit_code": 0, "tests_passed": None, "tests_failed": None, "log": None}},
        {"evidence": None, "lessons": None, "steps": None, "used_ids": None, "error": None},
        {"lessons": [{**LESSON, "description": None, "kind": None, "tags": None}]},
        {"lessons": [json.dumps(LESSON)]},
        {"lessons": json.dumps([LESSON])},
        {"lessons": "Pin versions."},
        {"steps": ["pinned", None]},
        {"steps": [{"step": 1, "did": "pinned"}]},
        {"evidence": ["1 passed", "done"]},
        {"evidence": {"exitCode": 0, "output": "1 passed"}},
        {"report_id": 17},
        {"used_ids": "null"},
        {"project": None, "outcome": "Completed"},
        {"outcome": "passed"},
        {"outcome": "error"},
        {"helpfulIds": [], "attemptGroup": 3},
    ],
)
async def test_a_report_arrives_however_it_is_sent(more: dict[str, Any]) -> None:
    async with connected(FakeMemory(), MODERN) as client:
        data = data_of(await client.call_tool("report_outcome", {**REPORT, **more}))
    assert data["status"] == "recorded"
    assert data["note"] == ""


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("recall", {"task": "build", "k": 50}, "k = 50 was taken as 20, the most."),
        ("recall", {"task": "build", "k": 0}, "k = 0 was taken as 1, the least."),
        ("recall", {"task": "build", "max_tokens": "99999"}, "taken as 20,000, the most"),
        ("check", {"action": "build", "k": 99}, "k = 99 was taken as 20, the most."),
        ("list_lessons", {"limit": 1000}, "limit = 1000 was taken as 100, the most."),
    ],
)
async def test_a_number_that_was_moved_is_told_in_text_and_data(
    name: str, arguments: dict[str, Any], said: str
) -> None:
    async with connected(FakeMemory(), MODERN) as client:
        result = await client.call_tool(name, arguments)
    assert said in data_of(result)["note"]
    assert said in text_of(result)


async def test_a_kind_in_other_words_is_stored_and_found() -> None:
    async with connected(FakeMemory(), MODERN) as client:
        stored = data_of(await client.call_tool("remember", {**LESSON, "kind": "Anti-pattern"}))
        found = await client.call_tool("recall", {"task": "versions", "kinds": ["Pitfalls"]})
        none = await client.call_tool("recall", {"task": "versions", "kinds": "Strategy"})
    assert [one["id"] for one in data_of(found)["items"]] == [stored["id"]]
    assert data_of(none)["items"] == []


async def test_strict_schemas_filled_with_nothing_are_no_success() -> None:
    filled = {
        "recall_id": "",
        "task": "build",
        "outcome": "unknown",
        "used_ids": [],
        "helpful_ids": [],
        "harmful_ids": [],
        "error": "",
        "evidence": {"exit_code": None, "tests_passed": None, "tests_failed": None, "log": ""},
        "steps": [],
        "lessons": [],
        "attempt_group": "",
        "report_id": "",
        "project": "",
    }
    async with connected(FakeMemory(), MODERN) as client:
        data = data_of(await client.call_tool("report_outcome", filled))
    assert data["judged"]["outcome"] == "unknown"
    assert data["note"] == ""


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("sent", ['{"limit": 1}', "{}", "", [], None])
async def test_all_arguments_may_come_as_text_or_as_nothing(era: str, sent: Any) -> None:
    async with connected(FakeMemory(), era) as client:
        data = data_of(await asked(client, "tools/call", "list_lessons", sent))
    assert data["total"] == 0


@pytest.mark.parametrize("sent", [5, [1], "limit", True, "[" * 1000])
async def test_arguments_that_are_no_object_are_refused_by_their_value(sent: Any) -> None:
    async with connected(FakeMemory(), MODERN) as client:
        with pytest.raises(MCPError, match=r"arguments = .* is no object. Pass an object."):
            await asked(client, "tools/call", "list_lessons", sent)
        data_of(await client.call_tool("list_lessons", {}))


async def test_arguments_of_prompts_may_be_null_numbers_or_text() -> None:
    async with connected(FakeMemory(), MODERN) as client:
        for sent in ({"task": 5, "project": None}, '{"task": "5"}', {"task": ["", "5", ""]}):
            result = await asked(client, "prompts/get", "start_task", sent)
            assert "\n5\n" in str(result.messages[0].content.text)


@pytest.mark.parametrize("era", ERAS)
async def test_params_of_another_shape_are_named(era: str) -> None:
    async with connected(FakeMemory(), era) as client:
        with pytest.raises(MCPError, match=r"^name .*tools/call") as refused:
            await asked(client, "tools/call", None, {})  # type: ignore[arg-type]
        assert refused.value.error.code == types.INVALID_PARAMS
        with pytest.raises(MCPError, match=r"^name .*prompts/get"):
            await asked(client, "prompts/get", 5, {})  # type: ignore[arg-type]


async def asked(client: Client, method: str, name: str, arguments: Any) -> Any:
    """Ask with arguments that the client's own types would not let through."""
    request: Any = types.CallToolRequest
    params: Any = types.CallToolRequestParams
    answer: Any = types.CallToolResult
    if method == "prompts/get":
        request, params = types.GetPromptRequest, types.GetPromptRequestParams
        answer = types.GetPromptResult
    odd = request.model_construct(
        method=method, params=params.model_construct(name=name, arguments=arguments)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, of a value of another type
        return await client.session.send_request(odd, answer)


@pytest.mark.parametrize(
    "before",
    ["lessonbank__", "mcp__lessonbank__", "mcp__memory__", "lessonbank.", "mcp_lessonbank_", "x__"],
)
async def test_a_tools_name_with_the_servers_before_it_is_the_tools(before: str) -> None:
    async with connected(FakeMemory(), MODERN) as client:
        for name, arguments in (("remember", LESSON), ("recall", {"task": "build"})):
            expected = data_of(await client.call_tool(name, arguments))
            told = data_of(await client.call_tool(before + name, arguments))
            assert told.keys() == expected.keys()
        for wrong in (f"{before}forgetting", "do_not_forget", "recal", before):
            refused = await client.call_tool(wrong, {})
            assert refused.is_error
            assert f"Unknown tool '{wrong}'" in text_of(refused)
