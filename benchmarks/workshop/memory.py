"""The agent's side of the wire: a real MCP client over stdio.

Knows the tool contract and nothing else: not the tasks, not how the server
ranks. Whatever the server answers that the contract does not allow is raised
as :class:`ServerMisbehaved`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextResourceContents

from benchmarks.workshop.model import Strategy

PROJECT = "workshop"
ROOT = Path(__file__).resolve().parents[2]
CALL_TIMEOUT = 120.0
READY_TIMEOUT = 240.0
"""Seconds to wait for the embedding model before giving up."""
SETTLE_TIMEOUT = 60.0
"""Seconds to wait for the learner to take in the last reports."""
LOADING = ("ready", "idle", "store", "model")
_PAUSE = 0.2


class ServerMisbehaved(Exception):
    """The server broke its contract; the message says how."""


@dataclass(frozen=True, slots=True)
class Item:
    """One recalled item, as far as the agent looks at it."""

    id: str
    kind: str
    title: str
    score: float
    wins: int
    losses: int
    why: str


@dataclass(frozen=True, slots=True)
class Recall:
    """One answer of `recall`."""

    recall_id: str
    items: tuple[Item, ...]
    mode: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one attempt tells the server.

    Attributes:
        outcome: ``success`` or ``failure``.
        recall_id: The recall it answers, or "" when the agent chose by itself.
        task: The task in words, used when there is no recall.
        used_id: The item that was followed.
        error: The end of the traceback.
        exit_code: Of the process.
        session: The working session.
        lessons: Lessons distilled from this attempt.
    """

    outcome: str
    recall_id: str
    task: str
    used_id: str
    error: str
    exit_code: int
    session: str
    lessons: tuple[Mapping[str, str], ...] = ()


class Memory:
    """A lessonbank server as one agent sees it.

    Args:
        client: An entered MCP client.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool and give its structured answer.

        Raises:
            ServerMisbehaved: The call failed or its answer has no structure.
        """
        try:
            result = await self._client.call_tool(tool, dict(arguments))
        except (MCPError, anyio.ClosedResourceError, anyio.EndOfStream) as error:
            raise ServerMisbehaved(f"{tool} failed: {error}") from error
        said = " ".join(getattr(part, "text", "") for part in result.content)
        if result.is_error:
            raise ServerMisbehaved(f"{tool} answered with an error: {said[:400]}")
        if not isinstance(result.structured_content, dict):
            raise ServerMisbehaved(f"{tool} answered without structured content: {said[:200]}")
        return result.structured_content

    async def wait_until_ready(self) -> None:
        """Recall until the embedding model answers.

        Raises:
            ServerMisbehaved: The model did not come, or not in time.
        """
        with anyio.move_on_after(READY_TIMEOUT):
            while True:
                recall = await self.recall("is the memory ready", "warm-up")
                stage = (await self.resource("memory://stats")).get("readiness", "ready")
                if stage == "ready" and recall.mode != "keyword":
                    return
                if stage not in LOADING:
                    raise ServerMisbehaved(f"the memory is {stage!r} instead of ready")
                await anyio.sleep(_PAUSE)
        raise ServerMisbehaved(f"the embedding model is not ready after {READY_TIMEOUT:.0f} s")

    async def wait_until_learned(self) -> dict[str, Any]:
        """Wait until every report is learned, and give ``memory://scorer``.

        Raises:
            ServerMisbehaved: The learner learned nothing, or is not done in time.
        """
        scorer: dict[str, Any] = {"pending": -1}
        with anyio.move_on_after(SETTLE_TIMEOUT):
            while scorer["pending"]:
                scorer = await self.resource("memory://scorer")
                await anyio.sleep(_PAUSE if scorer["pending"] else 0)
        if scorer["pending"] or not scorer.get("trained"):
            raise ServerMisbehaved(
                f"of {scorer.get('reports')} reports {scorer.get('trained')} were learned and "
                f"{scorer['pending']} wait; its state: {scorer.get('state')}"
            )
        return scorer

    async def remember(self, strategy: Strategy) -> str:
        """Store a strategy's words and give the id of the item."""
        answer = await self.call(
            "remember",
            {
                "title": strategy.title,
                "description": strategy.description,
                "content": strategy.content,
                "kind": strategy.kind,
            },
        )
        if answer.get("status") != "added":
            raise ServerMisbehaved(
                f"remember({strategy.title!r}) was {answer.get('status')!r} in an empty store"
            )
        return str(answer["id"])

    async def recall(
        self, task: str, session: str, *, k: int = 3, context: str = "", error: str = ""
    ) -> Recall:
        """Recall strategies for a task.

        Args:
            task: The task in words.
            session: The working session.
            k: Items wanted.
            context: What was tried already, for a retry.
            error: The error of the last try, for a retry.
        """
        arguments: dict[str, Any] = {"task": task, "session": session, "k": k}
        arguments |= {key: text for key, text in (("context", context), ("error", error)) if text}
        answer = await self.call("recall", {**arguments, "kinds": ["strategy"]})
        try:
            items = tuple(
                Item(**{name: item[name] for name in Item.__slots__}) for item in answer["items"]
            )
            return Recall(answer["recall_id"], items, answer["mode"])
        except (KeyError, TypeError) as missing:
            raise ServerMisbehaved(f"recall's answer lacks {missing}") from missing

    async def report(self, report: Report) -> dict[str, Any]:
        """Report what became of an attempt.

        Raises:
            ServerMisbehaved: The server judged the evidence the other way round.
        """
        arguments: dict[str, Any] = {
            "outcome": report.outcome,
            "used_ids": [report.used_id],
            "session": report.session,
            "evidence": {"exit_code": report.exit_code, "log": report.error},
            **({"recall_id": report.recall_id} if report.recall_id else {"task": report.task}),
        }
        if report.error:
            arguments["error"] = report.error
        if report.lessons:
            arguments["lessons"] = [dict(lesson) for lesson in report.lessons]
        answer = await self.call("report_outcome", arguments)
        judged = answer.get("judged", {}).get("outcome")
        if judged != report.outcome:
            raise ServerMisbehaved(
                f"exit code {report.exit_code}, reported as {report.outcome}, judged {judged!r}"
            )
        return answer

    async def lessons(self, sort: str, *, kind: str = "strategy") -> list[dict[str, Any]]:
        """List all active items of a kind, page by page.

        Args:
            sort: ``recent``, ``wins``, ``losses`` or ``useful``.
            kind: Kind of the items.
        """
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            arguments = {"sort": sort, "kind": kind, "limit": 100}
            page = await self.call(
                "list_lessons", arguments | ({"cursor": cursor} if cursor else {})
            )
            found.extend(page["items"])
            cursor = page.get("next_cursor", "")
            if not cursor:
                return found

    async def resource(self, uri: str) -> dict[str, Any]:
        """Read a JSON resource, e.g. ``memory://scorer``.

        Raises:
            ServerMisbehaved: It cannot be read or is no JSON object.
        """
        try:
            result = await self._client.read_resource(uri)
        except MCPError as error:
            raise ServerMisbehaved(f"{uri} cannot be read: {error}") from error
        texts = [part.text for part in result.contents if isinstance(part, TextResourceContents)]
        try:
            read = json.loads("".join(texts))
        except ValueError as error:
            raise ServerMisbehaved(f"{uri} is no JSON: {error}") from error
        if not isinstance(read, dict):
            raise ServerMisbehaved(f"{uri} is no JSON object")
        return read


@asynccontextmanager
async def serve(
    store: Path, scorer_mode: str, log: TextIO, command: Sequence[str] = ()
) -> AsyncIterator[Memory]:
    """Start a server on a store and connect to it.

    Args:
        store: Folder of the store.
        scorer_mode: ``learned`` or ``similarity``.
        log: Where the server's standard error goes; must be a real file.
        command: Another server than ``python -m server serve``.

    Yields:
        The memory behind it. The server ends with the block.
    """
    env = {
        "LESSONBANK_STORE": str(store),
        "LESSONBANK_SCORER_MODE": scorer_mode,
        "LESSONBANK_PROJECT": PROJECT,
        "PYTHONUTF8": "1",
    }
    if model := os.environ.get("LESSONBANK_MODEL"):
        env["LESSONBANK_MODEL"] = model
    program, *arguments = command or (sys.executable, "-m", "server", "serve", "--in-process")
    parameters = StdioServerParameters(command=program, args=arguments, env=env, cwd=ROOT)
    transport = stdio_client(parameters, errlog=log)
    async with Client(transport, read_timeout_seconds=CALL_TIMEOUT, cache=None) as client:
        yield Memory(client)
