"""Odd texts at the real doors: an answer or one sentence, and the next call is answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.odd_texts import ASKED, BURIED, TAKEN
from tests.patience import PATIENCE
from tests.server.connections import MODERN, ROOT, Announcing, data_of, text_of
from tests.server.host.room import Room

pytestmark = pytest.mark.anyio
LESSON = {
    "title": "CSV from Excel begins with a mark",
    "content": "Open the CSV with utf-8-sig: Excel writes a mark before the first header.",
}


@pytest.fixture
def environment(room: Room) -> dict[str, str]:
    """Of a process that works in the room's store."""
    return {**os.environ, "LESSONBANK_STORE": str(room.store), "LESSONBANK_PROJECT": "room"}


async def holds(client: Client) -> None:
    """Every text is answered, a name refused by its place; what is asked between logs is found."""
    data_of(await client.call_tool("remember", LESSON))
    for name, text in TAKEN.items():
        data = data_of(await client.call_tool("recall", {"task": text, "error": text[:100_000]}))
        assert data["items"] == [], name
    for odd in "\x00\x07\x08\x0c\x7f":
        [item] = data_of(await client.call_tool("recall", {"task": f"{odd}{ASKED}{odd}"}))["items"]
        assert item["title"] == LESSON["title"]
    result = await client.call_tool("recall", {"task": "x", "session": "a\x00b"})
    assert result.is_error
    assert r"'\x00' at position 1" in text_of(result)
    for task in (ASKED, BURIED):
        [item] = data_of(await client.call_tool("recall", {"task": task}))["items"]
        assert item["title"] == LESSON["title"]


async def test_over_stdio_through_the_host(environment: dict[str, str]) -> None:
    way = stdio_client(
        StdioServerParameters(
            command=sys.executable, args=["-m", "server", "serve"], cwd=ROOT, env=environment
        )
    )
    with anyio.fail_after(PATIENCE):
        async with Client(way, mode=MODERN) as client:
            await holds(client)


async def test_over_http(room: Room, environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "server", "serve", "--transport", "http", "--port", "0"]
    with Announcing([*words, "--no-auth"], environment, room.store.parent / "http.log") as served:
        with anyio.fail_after(PATIENCE):
            async with (
                httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http,
                Client(streamable_http_client(served.url, http_client=http), mode=MODERN) as client,
            ):
                await holds(client)


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the real command with something on standard input."""

    def one(*words: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "server", *words],
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            env=environment,
            check=False,
        )

    return one


def test_at_the_command_line(run: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    assert run("remember", LESSON["title"], "-", stdin=LESSON["content"].encode()).returncode == 0
    found = run("--json", "recall", "-", stdin=BURIED.encode())
    assert [one["title"] for one in json.loads(found.stdout)["items"]] == [LESSON["title"]]
    for name in ("2 MB", "emoji"):
        done = run("--json", "check", "--error", "-", stdin=TAKEN[name].encode())
        assert json.loads(done.stdout)["items"] == [], name
    found = run("--json", "recall", "-", stdin=b"\x00\x0c\x7f" + BURIED.encode())
    assert [one["title"] for one in json.loads(found.stdout)["items"]] == [LESSON["title"]]


def test_in_a_hook(run: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    assert run("remember", LESSON["title"], "-", stdin=LESSON["content"].encode()).returncode == 0

    def told(prompt: str) -> str:
        payload: dict[str, Any] = {"hook_event_name": "UserPromptSubmit", "prompt": prompt}
        done = run("hook", "claude-code", stdin=json.dumps(payload).encode())
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    for name in ("2 MB", "8,000 like lines", "emoji", "Amharic"):
        assert told(TAKEN[name]) == "", name
    assert told("a\x00b and \ud800") == ""
    assert LESSON["title"] in told(BURIED)
