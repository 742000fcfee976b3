"""An id given in one project is taken by a server of another: real hosts, fronts and hooks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.server.connections import data_of
from tests.server.host.room import Room

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]
LESSON = {"title": "Strip the mark", "content": "Open it with utf-8-sig."}


@asynccontextmanager
async def front(room: Room, *words: str) -> AsyncIterator[Client]:
    """A real `lessonbank serve` that was started in project "room"."""
    environment = {
        **os.environ,
        "LESSONBANK_STORE": str(room.store),
        "LESSONBANK_PROJECT": "room",
        "LESSONBANK_MODEL_WAIT": "0",
    }
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "server", "serve", *words], env=environment
    )
    async with Client(stdio_client(command), mode="legacy") as client:
        with anyio.fail_after(180):
            yield client


async def called(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    return data_of(await client.call_tool(name, arguments))


def prompted(room: Room, project: str, task: str) -> str:
    """What the prompt hook of another project adds to the model's context."""
    payload = {
        "hook_event_name": "UserPromptSubmit",
        "session_id": "s1",
        "cwd": str(room.store.parent),
        "prompt": task,
    }
    words = ["hook", "claude-code", "--store", str(room.store), "--project", project]
    ran = subprocess.run(
        [sys.executable, "-m", "server", *words],
        input=json.dumps(payload).encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    said: str = json.loads(ran.stdout)["hookSpecificOutput"]["additionalContext"]
    return said


@pytest.mark.parametrize("words", [(), ("--in-process",)], ids=["host", "in process"])
async def test_every_door_takes_the_ids_of_another_project(
    room: Room, words: tuple[str, ...]
) -> None:
    async with front(room, *words) as client:
        stored = await called(client, "remember", **LESSON, project="other")
        served = await called(client, "recall", task="strip the mark", project="other")
        assert "report_outcome" in served["next"]
        report = await called(
            client, "report_outcome", recall_id=served["recall_id"], outcome="success"
        )
        lesson = {"title": "Of the outcome", "content": "c"}
        learned = await called(client, "remember", **lesson, outcome_id=report["outcome_id"])
        assert "'other'" in report["note"]
        assert "'other'" in learned["note"]
        for item in (stored["id"], learned["id"]):
            read = await client.read_resource(f"memory://lessons/{item}")
            assert json.loads(str(read.contents[0].text))["project"] == "other"  # type: ignore[union-attr]
        gone = await called(client, "forget", item_id=stored["id"], reason="r")
        assert gone["state"] == "retired"


async def test_what_a_hook_of_one_project_names_a_server_of_another_takes(room: Room) -> None:
    async with front(room) as client:
        await called(client, "remember", **LESSON, project="hooked")
        context = prompted(room, "hooked", "How do I strip the mark of a file?")
        recall_id = re.findall(r"recall_id=\"(rec_\w+)\"", context)[0]
        report = await called(client, "report_outcome", recall_id=recall_id, outcome="failure")
        assert report["status"] == "recorded"
        assert report["credited"]
        assert "'hooked'" in report["note"]
    shown = room.command("--json", "--project", "elsewhere", "outcome", "success",
                         "--recall-id", recall_id)  # fmt: skip
    assert json.loads(shown.stdout)["status"] == "corrected", shown.stderr
