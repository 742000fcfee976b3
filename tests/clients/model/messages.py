"""Anthropic's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.clients.model.turn import JSON, Answer, Pairing, Say, Turn, tools_of


def read(body: JSON) -> Turn:
    """Give what a request says."""
    pairs = Pairing()
    parts = [
        part
        for message in body.get("messages", ())
        if isinstance(message.get("content"), list)
        for part in message["content"]
    ]
    for part in parts:
        if part.get("type") == "tool_use":
            pairs.called(part["id"], part["name"], part["input"])
        elif part.get("type") == "tool_result":
            pairs.answered(part["tool_use_id"], part.get("content"))
    return Turn(
        tuple(tools_of(body.get("tools"))),
        pairs.done(),
        json.dumps(body, ensure_ascii=False),
        stream=bool(body.get("stream")),
        model=str(body.get("model", "")),
    )


def whole(turn: Turn, answer: Answer, key: str) -> JSON:
    """Give the answer in one piece."""
    block, reason = _block(answer, key)
    return {
        "id": f"msg_{key}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": [block],
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 10},
    }


def events(turn: Turn, answer: Answer, key: str) -> Iterator[JSON | str]:
    """Give the answer as a stream."""
    message = whole(turn, answer, key)
    block = message["content"][0]
    if isinstance(answer, Say):
        empty = {**block, "text": ""}
        delta = {"type": "text_delta", "text": answer.text}
    else:
        empty = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(answer.arguments)}
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    yield {"type": "content_block_start", "index": 0, "content_block": empty}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": 10}}
    yield {"type": "message_stop"}


def _block(answer: Answer, key: str) -> tuple[JSON, str]:
    if isinstance(answer, Say):
        return {"type": "text", "text": answer.text}, "end_turn"
    call = {"type": "tool_use", "id": f"toolu_{key}", "name": answer.tool.name}
    return {**call, "input": answer.arguments}, "tool_use"
