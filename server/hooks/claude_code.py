"""What Claude Code's hook payloads ask of the memory, and what it is answered.

Formats: https://code.claude.com/docs/en/hooks (events UserPromptSubmit,
PostToolUseFailure, PostToolUse, Stop; `hookSpecificOutput.additionalContext`).
A payload's field that is missing or of another type counts as empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.client_sessions import CLAUDE_CODE, named
from server.hooks.texts import check_context, recall_context
from server.plain import cleaned, one_line

EVENTS = ("UserPromptSubmit", "PostToolUseFailure", "PostToolUse", "Stop")
_LONGEST = 1_000_000
"""Characters of a text that are sent: what the memory reads within the time that a hook has."""
_SHORTEST_PROMPT = 8
"""Characters below which a prompt in a Latin script is a word of assent, not a task."""
_OWN_TOOLS = re.compile(r"mcp__\w*lessonbank\w*__")
_BARE_EXIT_CODE = re.compile(
    r"\s*(?:error:\s*)?(?:exit code|command exited)\D*\d+\s*", re.IGNORECASE
)
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One call of the memory port, and how its answer is told to the client."""

    method: str
    request: dict[str, Any]
    tell: Callable[[Mapping[str, Any], int, bool], str]


def event_of(payload: Payload) -> str:
    """Give the event's name, "another event" for one that is not handled here."""
    name = _text(payload, "hook_event_name")
    return name if name in EVENTS else "another event"


def session_of(payload: Payload) -> str:
    """Give the session's name in the memory, "" when the payload names none."""
    return named(CLAUDE_CODE, one_line(_text(payload, "session_id")))


def question(payload: Payload) -> Question | None:
    """Give what a prompt or a failed tool asks; None when there is nothing to ask."""
    event = _text(payload, "hook_event_name")
    if event == "UserPromptSubmit":
        return _about_prompt(_text(payload, "prompt"))
    if event == "PostToolUseFailure" and payload.get("is_interrupt") is not True:
        return _about_failure(payload, _text(payload, "error"))
    if event == "PostToolUse":
        return _about_failure(payload, _error_of(payload.get("tool_response")))
    return None


def may_ask_for_outcome(payload: Payload, environ: Mapping[str, str]) -> bool:
    """Whether this is a stop at which a person sits: asking there prolongs the run.

    A run that prints (`claude -p`, a pipe, an SDK) would print the reply to the question in
    place of its answer. Claude Code says "cli" of a terminal alone, also when it was itself
    started inside another session; who says nothing is not asked.

    Args:
        payload: The hook's.
        environ: The hook's own environment, which the client has made.
    """
    return (
        _text(payload, "hook_event_name") == "Stop"
        and environ.get("CLAUDE_CODE_ENTRYPOINT") == "cli"
        and payload.get("stop_hook_active") is not True
        and not payload.get("background_tasks")
    )


def told(event: str, context: str) -> dict[str, Any]:
    """Give the client's form of an addition to the model's context."""
    return {"hookSpecificOutput": {"hookEventName": event, "additionalContext": context}}


def _about_prompt(prompt: str) -> Question | None:
    task = _plain(prompt).strip()
    if task.startswith("/") or (task.isascii() and len(task) < _SHORTEST_PROMPT) or not task:
        return None
    request = {"task": _middle_cut(task), "door": "prompt"}
    return Question("recall", request, recall_context)


def _about_failure(payload: Payload, error: str) -> Question | None:
    tool = one_line(_text(payload, "tool_name"))
    error = _plain(error).strip()
    if not error or _BARE_EXIT_CODE.fullmatch(error) or _OWN_TOOLS.match(tool):
        return None
    request = {
        "action": _middle_cut(_action(tool, payload.get("tool_input"))),
        "error": _middle_cut(error),
        "door": "prompt",
    }
    return Question("check", request, check_context)


def _action(tool: str, given: object) -> str:
    """Give what the tool was to do: a command as it is, else the tool and its arguments."""
    if not isinstance(given, Mapping):
        return tool
    command = given.get("command")
    if isinstance(command, str):
        return _plain(command)
    path = given.get("file_path") or given.get("notebook_path")
    if isinstance(path, str):
        return _plain(f"{tool} {path}")
    return _plain(f"{tool} {json.dumps(given, ensure_ascii=False)}")


def _error_of(response: object) -> str:
    """Give the error of a finished tool's response, "" when it says none.

    Before PostToolUseFailure existed, and in other clients, failures came this way.
    """
    if not isinstance(response, Mapping):
        return ""
    code = next(
        (response[one] for one in ("exit_code", "exitCode", "returnCode") if one in response), 0
    )
    said = response.get("error")
    failed = (
        response.get("is_error") is True
        or response.get("isError") is True
        or response.get("success") is False
        or (isinstance(code, int) and code != 0)
        or (isinstance(said, str) and said.strip() != "")
    )
    if not failed or response.get("interrupted") is True:
        return ""
    texts = (response.get(one) for one in ("error", "stderr", "stdout", "content"))
    return next((one for one in texts if isinstance(one, str) and one.strip()), "")


def _text(payload: Payload, name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else ""


def _plain(text: str) -> str:
    """Give `text` as the memory takes it: no terminal colours, no control characters."""
    return cleaned(_ANSI.sub("", text))


def _middle_cut(text: str) -> str:
    """Give at most `_LONGEST` characters: the two halves at the ends."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2 - 8]}\n...\n{text[-_LONGEST // 2 + 8 :]}"
