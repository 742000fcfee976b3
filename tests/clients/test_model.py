from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.model import chat, gemini, messages, responses
from tests.clients.model.script import Script, Step, filled, recall_id, worked
from tests.clients.model.turn import JSON, Say, Turn, Use

SCHEMA = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}
RESULT = '{"recall_id": "rec_0123456789"}'
SCRIPT = Script(
    (
        Step("recall", lambda turn: {"task": "deploy"}),
        Step("report_outcome", lambda turn: {"recall_id": recall_id(turn)}),
    ),
    "all is well",
)
TOOLS = ("mcp__lessonbank__recall", "lessonbank_report_outcome")


def _chat(call: JSON | None) -> JSON:
    told: list[JSON] = [{"role": "user", "content": "deploy"}]
    if call:
        message = call["choices"][0]["message"]
        key = message["tool_calls"][0]["id"]
        told += [message, {"role": "tool", "tool_call_id": key, "content": RESULT}]
    functions = [{"name": name, "parameters": SCHEMA} for name in TOOLS]
    return {"messages": told, "tools": [{"type": "function", "function": f} for f in functions]}


def _responses(call: JSON | None) -> JSON:
    told: list[JSON] = [{"role": "user", "content": "deploy"}]
    if call:
        key = call["output"][0]["call_id"]
        output = {"type": "function_call_output", "call_id": key, "output": RESULT}
        told += [call["output"][0], output]
    tools = [{"type": "function", "name": name, "parameters": SCHEMA} for name in TOOLS]
    return {"input": told, "tools": tools}


def _messages(call: JSON | None) -> JSON:
    told: list[JSON] = [{"role": "user", "content": "deploy"}]
    if call:
        part = {"type": "text", "text": RESULT}
        key = call["content"][0]["id"]
        result = {"type": "tool_result", "tool_use_id": key, "content": [part]}
        told += [
            {"role": "assistant", "content": call["content"]},
            {"role": "user", "content": [result]},
        ]
    return {"messages": told, "tools": [{"name": one, "input_schema": SCHEMA} for one in TOOLS]}


def _gemini(call: JSON | None) -> JSON:
    told: list[JSON] = [{"role": "user", "parts": [{"text": "deploy"}]}]
    if call:
        content = call["candidates"][0]["content"]
        response = {"name": TOOLS[0], "response": {"output": RESULT}}
        told += [content, {"role": "user", "parts": [{"functionResponse": response}]}]
    declared = [{"name": one, "parametersJsonSchema": SCHEMA} for one in TOOLS]
    return {"contents": told, "tools": [{"functionDeclarations": declared}]}


@pytest.mark.parametrize(
    ("dialect", "request_of"),
    [(chat, _chat), (responses, _responses), (messages, _messages), (gemini, _gemini)],
    ids=["chat", "responses", "messages", "gemini"],
)
def test_a_script_is_played_and_heard_in_every_dialect(
    dialect: Any, request_of: Callable[[JSON | None], JSON]
) -> None:
    first: Turn = dialect.read(request_of(None))
    said = SCRIPT.next(first)
    assert isinstance(said, Use)
    assert (said.tool.name, said.arguments) == (TOOLS[0], {"task": "deploy"})
    second: Turn = dialect.read(request_of(dialect.whole(first, said, "1")))
    assert [one.result for one in worked(second)] == [RESULT]
    reported = SCRIPT.next(second)
    assert isinstance(reported, Use)
    assert reported.arguments == {"recall_id": "rec_0123456789"}
    assert list(dialect.events(second, reported, "2"))


def test_a_model_that_is_asked_again_after_its_answer_says_something_else() -> None:
    script = Script((), "all is well")
    first = SCRIPT.next(chat.read({"messages": [{"role": "user", "content": "hello"}]}))
    assert first == Say("ok")
    asked = _chat(None)
    assert script.next(chat.read(asked)) == Say("all is well")
    asked["messages"].append({"role": "assistant", "content": "all is well"})
    assert script.next(chat.read(asked)) != Say("all is well")


def test_a_strict_model_fills_in_null_where_it_may_and_the_emptiest_value_where_it_must() -> None:
    count = {"type": "integer"}
    evidence = {"type": "object", "properties": {"exit_code": count, "tests_passed": count}}
    schema = {
        "properties": {
            "task": {"type": "string"},
            "error": {"type": ["string", "null"]},
            "session": {"type": "string"},
            "k": {"type": "integer", "minimum": 1},
            "limit": {"type": "integer", "description": "1 to 20, default 3"},
            "evidence": {"anyOf": [{"$ref": "#/$defs/Evidence"}, {"type": "null"}]},
        },
        "$defs": {"Evidence": evidence},
    }
    assert filled(schema, {"task": "deploy", "evidence": {"exit_code": 0}}) == {
        "task": "deploy",
        "error": None,
        "session": "",
        "k": 1,
        "limit": 3,
        "evidence": {"exit_code": 0, "tests_passed": 0},
    }


def test_a_tool_behind_a_search_is_searched_for_then_called_by_the_clients_caller() -> None:
    search: JSON = {"name": "tool_search", "input_schema": {}}
    caller: JSON = {"name": "tool_call", "input_schema": {}}
    body: JSON = {"tools": [search, caller], "messages": []}
    said = SCRIPT.next(messages.read(body))
    assert isinstance(said, Use)
    assert said.tool.name == "tool_search"
    use = {"type": "tool_use", "id": "1", "name": "tool_search", "input": said.arguments}
    found = {"type": "tool_result", "tool_use_id": "1", "content": "mcp__lessonbank__recall"}
    body["messages"] = [
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [found]},
    ]
    called = SCRIPT.next(messages.read(body))
    assert isinstance(called, Use)
    assert called.tool.name == "tool_call"
    assert called.arguments == {"name": "mcp__lessonbank__recall", "arguments": {"task": "deploy"}}


def test_calls_told_in_words_are_heard_and_the_tool_for_answers_ends_the_turn() -> None:
    body = _chat(None)
    call = {"id": "1", "type": "function", "function": {"name": "recall", "arguments": {}}}
    body["messages"] += [
        {"role": "assistant", "content": [{"type": "text", "text": f"Calling tools:\n[{call}]"}]},
        {"role": "user", "content": [{"type": "text", "text": f"Observation:\n{RESULT}"}]},
    ]
    assert recall_id(chat.read(body)) == "rec_0123456789"
    body["tools"].append({"type": "function", "function": {"name": "final_answer"}})
    said = Script((), "all is well").next(chat.read(body))
    assert isinstance(said, Use)
    assert said.arguments == {"answer": "all is well"}
