"""OpenAI's chat completions."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

from tests.clients.model.turn import JSON, Answer, Pairing, Say, Turn, as_text, tools_of

_CALLED, _OBSERVED = "Calling tools:\n", "Observation:\n"
_USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


def read(body: JSON) -> Turn:
    """Give what a request says."""
    pairs = Pairing()
    last = ""
    for message in body.get("messages", ()):
        for call in message.get("tool_calls") or _in_words(message):
            last = call["id"]
            pairs.called(last, call["function"]["name"], call["function"]["arguments"])
        if message.get("role") == "tool":
            pairs.answered(message["tool_call_id"], message.get("content"))
        elif as_text(message.get("content")).startswith(_OBSERVED):
            pairs.answered(last, message["content"])
    return Turn(
        tuple(tools_of(body.get("tools"))),
        pairs.done(),
        json.dumps(body, ensure_ascii=False),
        stream=bool(body.get("stream")),
        model=str(body.get("model", "")),
    )


def _in_words(message: JSON) -> list[JSON]:
    """Give the calls that smolagents tells its model of as text, in Python's notation."""
    before, told, calls = as_text(message.get("content")).partition(_CALLED)
    found: list[JSON] = ast.literal_eval(calls.strip()) if told and not before else []
    return found


def whole(turn: Turn, answer: Answer, key: str) -> JSON:
    """Give the answer in one piece."""
    message, reason = _message(answer, key)
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {
        **_head(turn, key, "chat.completion"),
        "choices": [choice],
        "usage": _USAGE,
    }


def events(turn: Turn, answer: Answer, key: str) -> Iterator[JSON | str]:
    """Give the answer as a stream."""
    message, reason = _message(answer, key)
    head = _head(turn, key, "chat.completion.chunk")
    for place, call in enumerate(message.get("tool_calls", ())):
        call["index"] = place
    yield {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    yield {**head, "choices": [], "usage": _USAGE}
    yield "[DONE]"


def _head(turn: Turn, key: str, kind: str) -> JSON:
    return {"id": f"chatcmpl-{key}", "object": kind, "created": 1, "model": turn.model}


def _message(answer: Answer, key: str) -> tuple[JSON, str]:
    if isinstance(answer, Say):
        return {"role": "assistant", "content": answer.text}, "stop"
    function = {"name": answer.tool.name, "arguments": json.dumps(answer.arguments)}
    call = {"id": f"call_{key}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
