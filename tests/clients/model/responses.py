"""OpenAI's responses."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.clients.model.turn import JSON, Answer, Pairing, Say, Tool, Turn, tools_of

_USAGE = {
    "input_tokens": 100,
    "output_tokens": 10,
    "total_tokens": 110,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
SEARCH = "tool_search"


def read(body: JSON) -> Turn:
    """Give what a request says; tools that a search found count as offered."""
    history = body.get("input")
    items = history if isinstance(history, list) else []
    pairs = Pairing()
    found: list[Tool] = []
    for item in items:
        kind = str(item.get("type") or "")
        if kind.endswith("_call"):
            name = item.get("name") or kind.removesuffix("_call")
            pairs.called(item["call_id"], name, item.get("arguments") or item.get("input"))
        elif kind == f"{SEARCH}_output":
            found += tools_of(item.get("tools"))
            pairs.answered(item["call_id"], item.get("tools"))
        elif kind.endswith("_call_output"):
            pairs.answered(item["call_id"], item.get("output"))
    return Turn(
        (*tools_of(body.get("tools")), *found),
        pairs.done(),
        json.dumps(body, ensure_ascii=False),
        stream=bool(body.get("stream")),
        model=str(body.get("model", "")),
    )


def whole(turn: Turn, answer: Answer, key: str) -> JSON:
    """Give the answer in one piece."""
    return {
        "id": f"resp_{key}",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": turn.model,
        "output": [_item(answer, key)],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": _USAGE,
    }


def events(turn: Turn, answer: Answer, key: str) -> Iterator[JSON | str]:
    """Give the answer as a stream."""
    full = whole(turn, answer, key)
    begun = {**full, "status": "in_progress", "output": [], "usage": None}
    told = [{"type": "response.created", "response": begun}, *_growing(full["output"][0])]
    told.append({"type": "response.completed", "response": full})
    for number, event in enumerate(told):
        yield {**event, "sequence_number": number}


def _growing(item: JSON) -> Iterator[JSON]:
    at = {"item_id": item["id"], "output_index": 0}
    empty: JSON = {"content": []} if item["type"] == "message" else {}
    yield {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**item, "status": "in_progress", **empty},
    }
    if item["type"] == "message":
        part = item["content"][0]
        at = {**at, "content_index": 0}
        yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
        yield {"type": "response.output_text.delta", **at, "delta": part["text"]}
        yield {"type": "response.output_text.done", **at, "text": part["text"]}
        yield {"type": "response.content_part.done", **at, "part": part}
    elif item["type"] == "function_call":
        arguments = item["arguments"]
        yield {"type": "response.function_call_arguments.delta", **at, "delta": arguments}
        yield {
            "type": "response.function_call_arguments.done",
            **at,
            "arguments": arguments,
            "name": item["name"],
        }
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _item(answer: Answer, key: str) -> JSON:
    if isinstance(answer, Say):
        part = {"type": "output_text", "text": answer.text, "annotations": []}
        head = {"id": f"msg_{key}", "type": "message", "role": "assistant"}
        return {**head, "status": "completed", "content": [part]}
    call = {"call_id": f"call_{key}", "status": "completed"}
    if answer.tool.name == SEARCH:
        head = {"id": f"ts_{key}", "type": f"{SEARCH}_call", "execution": "client"}
        return {**head, **call, "arguments": answer.arguments}
    named = {"name": answer.tool.name, "arguments": json.dumps(answer.arguments)}
    spaced = {"namespace": answer.tool.namespace} if answer.tool.namespace else {}
    return {"id": f"fc_{key}", "type": "function_call", **call, **named, **spaced}
