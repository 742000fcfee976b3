"""A prompt's recall and the agent's own are one: a real server, real hooks, a real host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.patience import PATIENCE
from tests.server.connections import data_of
from tests.server.host.room import Room

pytestmark = pytest.mark.anyio

LESSON = {
    "title": "Wait for the rollout of the billing service",
    "content": "Deploy with --wait, then look at /healthz.",
}
PROMPT = "please bring the billing service to staging"
OWN_WORDS = "deploy with helm and wait until it is healthy"


@asynccontextmanager
async def server(room: Room, **environment: str) -> AsyncIterator[Client]:
    """A real `lessonbank serve`, started as clients start it: as a child of their own."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "server", "serve"],
        env={**os.environ, **given(room), **environment},
    )
    client = Client(stdio_client(parameters), mode="legacy", read_timeout_seconds=PATIENCE)
    async with client:
        yield client


def given(room: Room) -> dict[str, str]:
    return {"LESSONBANK_STORE": str(room.store), "LESSONBANK_PROJECT": "room"}


def hook(room: Room, event: str, session: str, entrypoint: str = "cli", **more: Any) -> str:
    """Run the hook through a shell, as Claude Code does; what it adds to the context."""
    payload = {"hook_event_name": event, "session_id": session, **more}
    ran = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m server hook claude-code; exit $?"],
        input=json.dumps(payload).encode(),
        capture_output=True,
        env={**os.environ, **given(room), "CLAUDE_CODE_ENTRYPOINT": entrypoint},
        check=True,
        timeout=PATIENCE,
    )
    assert ran.stderr == b""
    if not ran.stdout:
        return ""
    said: str = json.loads(ran.stdout)["hookSpecificOutput"]["additionalContext"]
    return said


def open_ones(room: Room) -> list[str]:
    said = json.loads(room.command("recalls", "--open", "--json", LESSONBANK_PROJECT="room").stdout)
    return [one["recall_id"] for one in said["recalls"]]


async def test_one_report_closes_both_and_nothing_is_asked_for_afterwards(room: Room) -> None:
    async with server(room) as client:
        await client.call_tool("remember", LESSON)
        said = hook(room, "UserPromptSubmit", "one", prompt=PROMPT)
        assert LESSON["title"] in said
        assert "report_outcome" in said
        own = data_of(await client.call_tool("recall", {"task": OWN_WORDS}))
        assert "no outcome yet" not in own["note"]
        assert open_ones(room) == [own["recall_id"]]
        report = {"recall_id": own["recall_id"], "outcome": "success"}
        assert not (await client.call_tool("report_outcome", report)).is_error
        assert open_ones(room) == []
        assert hook(room, "Stop", "one") == ""
        assert "no outcome yet" not in hook(room, "UserPromptSubmit", "one", prompt=PROMPT)


async def test_after_clear_the_server_is_in_the_new_session(room: Room) -> None:
    """The server was told the first session when it was started, and no other since."""
    async with server(room, CLAUDE_CODE_SESSION_ID="one") as client:
        await client.call_tool("remember", LESSON)
        hook(room, "UserPromptSubmit", "one", prompt=PROMPT)
        hook(room, "UserPromptSubmit", "two", prompt=f"once more, {PROMPT}")
        own = data_of(await client.call_tool("recall", {"task": OWN_WORDS}))
        listed = json.loads(
            room.command("recalls", "--open", "--json", LESSONBANK_PROJECT="room").stdout
        )
        sessions = {one["recall_id"]: one["session"] for one in listed["recalls"]}
        assert len(sessions) == 2
        assert sessions[own["recall_id"]] == "claude-code:two"


async def test_a_printed_run_is_asked_nothing_and_the_next_prompt_is(room: Room) -> None:
    async with server(room) as client:
        await client.call_tool("remember", LESSON)
        hook(room, "UserPromptSubmit", "one", "sdk-cli", prompt=PROMPT)
        (left,) = open_ones(room)
        assert hook(room, "Stop", "one", "sdk-cli") == ""
        said = hook(room, "UserPromptSubmit", "one", "sdk-cli", prompt="billing invoices by mail")
        assert f"1 recall has no outcome yet ({left})" in said.split("\n")[-1]


async def test_without_a_server_of_ours_no_tool_is_named(room: Room) -> None:
    assert room.command("remember", *LESSON.values(), LESSONBANK_PROJECT="room").returncode == 0
    said = hook(room, "UserPromptSubmit", "one", prompt=PROMPT)
    assert LESSON["title"] in said
    assert "report_outcome" not in said
    assert hook(room, "Stop", "one") == ""
