"""The real server, the real model, the real store: killed at any report, it comes back the same."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.patience import PATIENCE

pytestmark = pytest.mark.anyio

SERVE = """
import os, pathlib, sys
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
from server.cli import main
sys.exit(main(["serve", "--in-process"]))
"""
LESSONS = {
    "Strip the byte order mark": "Open the file with utf-8-sig so that no mark is left.",
    "Guess the encoding": "Let a detector guess the encoding of the file.",
    "Ignore bad bytes": "Open the file with errors='ignore'.",
    "Read bytes first": "Read the file as bytes and look at the first ones.",
}
SESSION = "exports"
"""Named, so that it outlives the process: one that is not named ends with it."""
TASK = "Read an exported text file whose first column name looks odd"
ENCODING = "Guess the encoding of an exported text file"


class Killed:
    """A real server process over stdio that the test can kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid_file = folder / "pid"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Client]:
        """Start the server on the test's store; the client speaks real MCP to it."""
        environment = {
            **os.environ,
            "LESSONBANK_STORE": str(self.folder / "store"),
            "LESSONBANK_PROJECT": "restart",
            "LESSONBANK_MODEL_WAIT": "300",
        }
        parameters = StdioServerParameters(
            command=sys.executable, args=["-c", SERVE, str(self.pid_file)], env=environment
        )
        async with Client(stdio_client(parameters), read_timeout_seconds=400) as client:
            yield client

    def kill(self) -> None:
        """End the server as a crash does."""
        os.kill(int(self.pid_file.read_text()), signal.SIGKILL)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that must succeed and give its structured answer."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    answer: dict[str, Any] = result.structured_content or {}
    return answer


async def order(client: Client) -> list[str]:
    """The titles that a recall of the task serves in the session, best first."""
    answer = await call(client, "recall", task=TASK, session=SESSION, k=4)
    return [item["title"] for item in answer["items"]]


async def reminded(client: Client) -> list[str]:
    """What the last two recalls of this process's own session say is unreported."""
    tasks = (ENCODING, "Guess how a mail is encoded", "Let a detector tell the encoding of a log")
    notes = [(await call(client, "recall", task=task))["note"] for task in tasks]
    return [note.partition(" of this session")[0].rpartition(". ")[2] for note in notes[1:]]


async def follow(client: Client) -> str:
    """Recall, follow the first item, fail unless it is the right one; gives its title."""
    answer = await call(client, "recall", task=TASK, session=SESSION)
    first = answer["items"][0]
    right = first["title"] == "Read bytes first"
    await call(
        client,
        "report_outcome",
        recall_id=answer["recall_id"],
        outcome="success" if right else "failure",
        used_ids=[first["id"]],
        evidence={"exit_code": 0 if right else 1},
    )
    return str(first["title"])


async def settled(client: Client) -> None:
    """Wait until the learner has learned every report."""
    with anyio.fail_after(PATIENCE):
        while True:
            result = await client.read_resource("memory://scorer")
            if '"pending":0' in result.contents[0].text.replace(" ", ""):  # type: ignore[union-attr]
                return
            await anyio.sleep(0.05)


async def counted(client: Client) -> tuple[int, int]:
    """Wins and losses over all lessons."""
    lines = (await call(client, "list_lessons"))["items"]
    return sum(line["wins"] for line in lines), sum(line["losses"] for line in lines)


async def report_and_crash(server: Killed, reports: int, seen: dict[str, Any]) -> None:
    """Check what the last crash left, follow what is recalled, note the order, and be killed."""
    async with server.running() as client:
        if "order" in seen:
            seen["came_back"].append(
                (await order(client), await counted(client)) == (seen["order"], seen["counted"])
            )
        else:
            for title, content in LESSONS.items():
                await call(client, "remember", title=title, content=content, task="read a file")
            seen["mode"] = (await call(client, "recall", task=TASK))["mode"]
        seen["followed"] += [await follow(client) for _ in range(reports)]
        await settled(client)
        seen["order"], seen["counted"] = await order(client), await counted(client)
        server.kill()
        await call(client, "recall", task=TASK)


async def test_server_killed_after_a_report_comes_back_with_the_same_order(tmp_path: Path) -> None:
    """Killed after the first, third and sixth report, it goes on where it was."""
    server = Killed(tmp_path)
    seen: dict[str, Any] = {"came_back": [], "followed": []}
    for reports in (1, 2, 3):
        with pytest.raises(BaseException):  # noqa: B017, PT011 (the transport ends with its process)
            await report_and_crash(server, reports, seen)
    async with server.running() as client:
        assert await order(client) == seen["order"]
        assert await counted(client) == seen["counted"]
    assert seen["came_back"] == [True, True]
    assert seen["mode"] == "similarity"
    assert seen["followed"][-1] == seen["order"][0] == "Read bytes first"
    assert sum(seen["counted"]) == len(seen["followed"]) == 6


async def test_a_restart_begins_a_new_session_where_none_is_named(tmp_path: Path) -> None:
    """What failed is demoted by the process that it failed in, and asked for by no other."""
    server = Killed(tmp_path)
    said: list[list[str]] = []
    why: list[str] = []
    for _ in range(2):
        async with server.running() as client:
            if not said:
                lesson = {"title": "Guess the encoding", "content": "Let a detector guess it."}
                await call(client, "remember", **lesson)
                failed = await call(client, "recall", task=ENCODING)
                report = {"recall_id": failed["recall_id"], "outcome": "failure"}
                await call(client, "report_outcome", **report)
            answer = await call(client, "recall", task=ENCODING)
            why.append(answer["items"][0]["why"])
            await call(client, "report_outcome", recall_id=answer["recall_id"], outcome="unknown")
            said.append(await reminded(client))
    assert "just failed in this session" in why[0].lower()
    assert "just failed in this session" not in why[1].lower()
    assert said == [["1 earlier recall", "2 earlier recalls"]] * 2
