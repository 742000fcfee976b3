"""Every command beside a running client: the real command, the real host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from memory_core.requests import ListRequest, RememberRequest
from tests.server.host.room import Room

pytestmark = pytest.mark.anyio


def _json(room: Room, *words: str, code: int = 0) -> Any:
    answer = room.command("--json", "--project", "room", *words)
    assert answer.returncode == code, answer.stderr + answer.stdout
    return json.loads(answer.stdout)


async def test_every_command_works_beside_a_client(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONBANK_HOST_IDLE", "900")  # `eval` asks no host
    memory = room.memory()
    stored = await memory.remember(
        RememberRequest(title="Strip the mark", content="Open it with utf-8-sig.")
    )
    host = room.living().pid
    assert _json(room, "lessons")["total"] == 1
    recall = _json(room, "recall", "strip the mark", "--session", "s")
    assert [item["id"] for item in recall["items"]] == [stored.id]
    opened = _json(room, "recalls", "--open")
    assert [one["recall_id"] for one in opened["recalls"]] == [recall["recall_id"]]
    outcome = _json(room, "outcome", "success", "--recall-id", recall["recall_id"])
    assert outcome["judged"]["outcome"] == "success"
    assert _json(room, "recalls", "--open")["open"] == 0
    added = _json(room, "remember", "Guess", "Let a detector guess the encoding.")
    assert _json(room, "show", added["id"])["id"] == added["id"]
    assert _json(room, "forget", added["id"], "--reason", "wrong")["state"] == "retired"
    assert _json(room, "restore", added["id"], "--reason", "right")["state"] == "active"
    assert _json(room, "stats")["outcomes"] == {"success": 1}
    assert _json(room, "proof")["reports"] >= 0
    assert _json(room, "eval")["outcomes"] == 1
    assert _json(room, "compact")["fragments_after"] >= 1
    assert _json(room, "reembed", code=1)["error"], "there is no model in this test"
    assert _json(room, "host", "status")["pid"] == host
    assert any("listens" in line for line in _json(room, "host", "logs")["lines"])
    assert room.hosts() == [host]
    seen = await memory.list_lessons(ListRequest())
    assert seen.total == 2
    restarted = _json(room, "host", "restart")
    assert restarted["running"]
    assert restarted["pid"] != host
    assert (await memory.list_lessons(ListRequest())).total == 2
    assert _json(room, "host", "stop")["running"] is False
    assert _json(room, "host", "status", code=1)["running"] is False
    await memory.aclose()


def test_a_command_that_holds_its_store_itself_starts_no_host(room: Room) -> None:
    assert room.command("--in-process", "lessons").returncode == 0
    assert room.hosts() == []
    assert room.host() is None
