"""Gemini's generateContent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from tests.clients.model.turn import JSON, Answer, Pairing, Say, Turn, tools_of


def read(body: JSON) -> Turn:
    """Give what a request says; calls without an id are paired by name and order."""
    pairs = Pairing()
    calls: Counter[str] = Counter()
    results: Counter[str] = Counter()
    parts = [part for one in body.get("contents", ()) for part in one.get("parts") or ()]
    for part in parts:
        if call := part.get("functionCall"):
            calls[call["name"]] += 1
            pairs.called(f"{call['name']} {calls[call['name']]}", call["name"], call.get("args"))
        if found := part.get("functionResponse"):
            results[found["name"]] += 1
            response = found.get("response")
            said = response.get("output", response) if isinstance(response, dict) else response
            pairs.answered(f"{found['name']} {results[found['name']]}", said)
    config = body.get("generationConfig") or {}
    return Turn(
        tuple(tools_of(body.get("tools"))),
        pairs.done(),
        json.dumps(body, ensure_ascii=False),
        model="gemini",
        wants_json=config.get("responseMimeType") == "application/json",
    )


def whole(turn: Turn, answer: Answer, key: str) -> JSON:
    """Give the answer in one piece, which is also the only piece of a stream."""
    if isinstance(answer, Say):
        part: JSON = {"text": answer.text}
    else:
        part = {"functionCall": {"name": answer.tool.name, "args": answer.arguments}}
    content = {"role": "model", "parts": [part]}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage,
        "responseId": key,
    }


def events(turn: Turn, answer: Answer, key: str) -> Iterator[JSON | str]:
    """Give the answer as a stream."""
    yield whole(turn, answer, key)
