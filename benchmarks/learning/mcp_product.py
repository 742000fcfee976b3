"""The product driven through MCP over stdio alone, as an agent drives it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from benchmarks.learning.conditions import Report
from benchmarks.learning.stream import Memory, Stream, Task
from benchmarks.workshop.memory import Memory as Server
from benchmarks.workshop.memory import serve

MOST_TOKENS = 20_000
LEARNED_WITHIN = 120.0
_PAUSE = 0.002


class McpProduct:
    """A `Ranker` whose every call goes over the wire. Use `opened_over_mcp`.

    Every task is a session of its own, since the server's clock is real.
    """

    name = "learned (MCP)"

    def __init__(self, stream: Stream, portal: BlockingPortal, server: Server) -> None:
        self._stream, self._portal, self._server = stream, portal, server
        self._ids: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._recalls: dict[int, str] = {}

    def fill(self) -> None:
        """Remember every memory of the stream."""
        self._portal.call(self._server.wait_until_ready)
        for memory in self._stream.memories:
            item_id = str(self._call("remember", _arguments(memory))["id"])
            self._ids[memory.key] = item_id
            self._keys.setdefault(item_id, memory.key)

    def show(self, number: int, task: Task) -> tuple[str, ...]:
        answer = self._recall(task, f"task {number}")
        self._recalls[number] = str(answer["recall_id"])
        return self._served(answer)

    def look(self, task: Task) -> tuple[str, ...]:
        return self._served(self._recall(task, "held out"))

    def hear(self, report: Report) -> None:
        self._call("report_outcome", report.request(self._recalls[report.number], self._ids))
        self._settle()

    def calibration(self) -> float | None:
        error = self._scorer().get("calibration_error")
        return None if error is None else float(error)

    def _settle(self) -> None:
        """Wait until every report is learned.

        Raises:
            TimeoutError: The learner does not come to an end.
        """
        end = time.monotonic() + LEARNED_WITHIN
        while self._scorer()["pending"]:
            if time.monotonic() > end:
                raise TimeoutError(f"reports are not learned after {LEARNED_WITHIN:.0f} seconds")
            time.sleep(_PAUSE)

    def _scorer(self) -> dict[str, Any]:
        return self._portal.call(self._server.resource, "memory://scorer")

    def _recall(self, task: Task, session: str) -> dict[str, Any]:
        asked = {
            "task": task.text,
            "context": task.context,
            "error": task.error,
            "project": task.project,
            "session": session,
            "k": self._stream.k,
            "max_tokens": MOST_TOKENS,
        }
        return self._call("recall", {name: value for name, value in asked.items() if value})

    def _served(self, answer: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(self._keys[item["id"]] for item in answer["items"])

    def _call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return self._portal.call(self._server.call, tool, arguments)


def _arguments(memory: Memory) -> dict[str, Any]:
    """What `remember` is called with."""
    given = {
        "title": memory.title,
        "description": memory.description,
        "content": memory.content,
        "task": memory.task,
        "kind": memory.kind,
        "project": memory.project,
    }
    return {name: value for name, value in given.items() if value}


@contextmanager
def opened_over_mcp(stream: Stream) -> Iterator[McpProduct]:
    """Start a server on an empty store, fill it, and give it; it ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="lessonbank-learning-mcp-"))
    try:
        with (
            (folder / "server.log").open("w", encoding="utf-8") as log,
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(serve(folder / "store", "learned", log)) as server,
        ):
            product = McpProduct(stream, portal, server)
            product.fill()
            yield product
    finally:
        shutil.rmtree(folder, ignore_errors=True)
