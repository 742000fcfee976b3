"""The run over MCP calls the tools as an agent does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from benchmarks.learning.conditions import Report
from benchmarks.learning.mcp_product import McpProduct
from benchmarks.workshop.memory import Memory
from tests.benchmarks.learning.conftest import toy


class FakeServer(Memory):
    """A server that offers its first items to every task and learns at the second look."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.pending = 0
        self.items: list[str] = []

    async def wait_until_ready(self) -> None:
        self.calls.append(("ready", {}))

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((tool, dict(arguments)))
        if tool == "remember":
            self.items.append(f"item_{len(self.items)}")
            return {"id": self.items[-1], "status": "added"}
        if tool == "recall":
            shown = self.items[: arguments["k"]]
            return {"recall_id": f"rec_{len(self.calls)}", "items": [{"id": one} for one in shown]}
        self.pending = 1
        return {"status": "recorded"}

    async def resource(self, uri: str) -> dict[str, Any]:
        found = {"pending": self.pending, "calibration_error": 0.25}
        self.pending = 0
        return found


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def memory(server: FakeServer) -> Iterator[McpProduct]:
    with start_blocking_portal() as portal:
        product = McpProduct(toy(), portal, server)
        product.fill()
        yield product


def test_every_memory_is_remembered_once_the_model_is_ready(
    memory: McpProduct, server: FakeServer
) -> None:
    assert server.calls[0][0] == "ready"
    assert [tool for tool, _ in server.calls[1:]] == ["remember"] * len(toy().memories)
    first = toy().memories[0]
    assert server.calls[1][1] == {
        "title": first.title,
        "content": first.content,
        "kind": "strategy",
        "project": "bench",
    }


def test_each_task_is_a_session_of_its_own(memory: McpProduct, server: FakeServer) -> None:
    stream = toy()
    shown = memory.show(0, stream.tasks[0])
    memory.show(1, stream.tasks[1])
    assert shown == tuple(one.key for one in stream.memories[:2])
    first, second = (arguments for _, arguments in server.calls[-2:])
    assert (first["session"], second["session"]) == ("task 0", "task 1")
    assert (first["task"], first["k"], first["project"]) == (stream.tasks[0].text, 2, "bench")


def test_a_report_names_the_recall_and_waits_until_it_is_learned(
    memory: McpProduct, server: FakeServer
) -> None:
    shown = memory.show(0, toy().tasks[0])
    recall_id = f"rec_{len(server.calls)}"
    memory.hear(Report(0, success=False, used=shown[:1]))
    assert server.calls[-1] == (
        "report_outcome",
        {"recall_id": recall_id, "outcome": "failure", "used_ids": ["item_0"]},
    )
    assert server.pending == 0
    assert memory.calibration() == 0.25
