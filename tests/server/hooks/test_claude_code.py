"""What a payload asks of the memory."""

from __future__ import annotations

from typing import Any

import pytest

from memory_core.requests import CheckRequest, RecallRequest, parse
from server.hooks.claude_code import may_ask_for_outcome, question, session_of
from tests.server.hooks.recorded import payload

SILENT = [
    "user_prompt_command",
    "user_prompt_assent",
    "post_tool_use_failure_own",
    "post_tool_use_failure_interrupt",
    "post_tool_use_failure_bare",
    "post_tool_use_success",
    "post_tool_use_bash_success",
    "stop",
    "stop_active",
    "stop_background",
    "session_start",
]


def asked(name: str, **changes: Any) -> dict[str, Any]:
    found = question({**payload(name), **changes})
    assert found
    return {"method": found.method, **found.request}


def test_a_prompt_is_recalled_as_the_task() -> None:
    given = payload("user_prompt_submit")
    assert asked("user_prompt_submit") == {
        "method": "recall",
        "task": given["prompt"],
        "door": "prompt",
    }


def test_a_failed_command_is_checked_with_its_error() -> None:
    found = asked("post_tool_use_failure_bash")
    assert found["method"] == "check"
    assert found["action"] == "python -m pytest tests/test_import.py"
    assert found["error"].startswith("Exit code 1\nTraceback")
    assert "UnicodeDecodeError" in found["error"]
    assert "\r" not in found["error"]


def test_other_failed_tools_are_named_with_what_they_were_given() -> None:
    assert asked("post_tool_use_failure_edit")["action"] == (
        "Edit /home/dev/shop/shop/importing.py"
    )
    action = asked("post_tool_use_failure_mcp")["action"]
    assert action.startswith("mcp__database__query")
    assert "SELECT nmae FROM suppliers" in action
    assert asked("post_tool_use_failure_edit", tool_input=None)["action"] == "Edit"


def test_an_error_in_a_response_counts_where_failures_have_no_event() -> None:
    found = asked("post_tool_use_error")
    assert found["action"] == "make build"
    assert found["error"] == "make: *** No rule to make target 'build'.  Stop."


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ({"success": False, "error": "no such file"}, "no such file"),
        ({"is_error": True, "content": "denied"}, "denied"),
        ({"isError": True, "stdout": "bad"}, "bad"),
        ({"returnCode": 3, "stderr": "three"}, "three"),
    ],
)
def test_each_known_sign_of_failure_is_read(response: dict[str, Any], error: str) -> None:
    assert asked("post_tool_use_error", tool_response=response)["error"] == error


@pytest.mark.parametrize(
    "response", [None, "text", [], {"exit_code": 0, "stderr": "note"}, {"interrupted": True}]
)
def test_a_response_without_a_sign_of_failure_asks_nothing(response: object) -> None:
    assert question({**payload("post_tool_use_error"), "tool_response": response}) is None


@pytest.mark.parametrize("name", SILENT)
def test_what_is_no_task_and_no_failure_asks_nothing(name: str) -> None:
    assert question(payload(name)) is None


@pytest.mark.parametrize("prompt", ["修复登录测试", "Fix the tests", "日本"])
def test_a_short_task_in_any_script_is_a_task(prompt: str) -> None:
    assert asked("user_prompt_submit", prompt=prompt)["task"] == prompt


def test_requests_fit_the_port_whatever_the_payload_holds() -> None:
    wild = "\x1b[31mred\x1b[0m\x00\x07\ud800 " + "x" * 40_000 + " the end"
    task = asked("user_prompt_submit", prompt=wild)
    del task["method"]
    assert parse(RecallRequest, task).task.endswith("the end")
    check = asked(
        "post_tool_use_failure_bash", error=wild, tool_input={"command": wild}, tool_name=wild
    )
    del check["method"]
    assert parse(CheckRequest, check).error.startswith("red")


@pytest.mark.parametrize(
    ("name", "may"),
    [("stop", True), ("stop_active", False), ("stop_background", False), ("session_start", False)],
)
def test_only_an_end_of_the_agents_own_asks_for_an_outcome(name: str, may: bool) -> None:
    assert may_ask_for_outcome(payload(name), {"CLAUDE_CODE_ENTRYPOINT": "cli"}) is may


@pytest.mark.parametrize("said", ["sdk-cli", "sdk-py", "sdk-ts", "claude-vscode", "remote", ""])
def test_a_stop_asks_nothing_where_the_client_does_not_say_that_a_person_sits_there(
    said: str,
) -> None:
    assert not may_ask_for_outcome(payload("stop"), {"CLAUDE_CODE_ENTRYPOINT": said})
    assert not may_ask_for_outcome(payload("stop"), {})


@pytest.mark.parametrize(
    ("session", "name"),
    [("abc", "claude-code:abc"), ("a\nb\x00", "claude-code:a b"), ("", ""), (None, ""), (3, "")],
)
def test_the_session_is_named_after_the_clients(session: object, name: str) -> None:
    assert session_of({"session_id": session}) == name


def test_a_long_session_fits_the_port() -> None:
    assert len(session_of({"session_id": "s" * 500})) == 128
