"""Hosts killed under eight clients: what was acknowledged is there once, and all go on."""

from __future__ import annotations

import collections
import itertools
import random
from collections.abc import Awaitable, Callable

import anyio
import pytest

from memory_core.requests import (
    CheckRequest,
    Empty,
    ForgetRequest,
    ListRequest,
    OutcomeRequest,
    RecallRequest,
    RememberRequest,
    parse,
)
from server.host.client import HostMemory
from tests.server.connections import until
from tests.server.host.room import Room

pytestmark = pytest.mark.anyio

ROUNDS = 2
KILLS = 10
CLIENTS = 8
CALLS = ("_remember", "_recall", "_report", "_report_recall", "_check", "_list", "_forget")


class Client:
    """One client that works until it is told to stop, and notes what was acknowledged."""

    def __init__(self, name: str, memory: HostMemory) -> None:
        self.name, self.memory = name, memory
        self.stored: list[str] = []
        self.reported: list[str] = []
        self.forgotten: list[str] = []
        self.ids: list[str] = []
        self.answered: collections.Counter[str] = collections.Counter()
        self.running = ""
        self._numbers = itertools.count()
        self._random = random.Random(name)  # which call comes next

    async def work(self, done: anyio.Event) -> None:
        while not done.is_set():
            self.running = self._random.choice(CALLS)
            call: Callable[[], Awaitable[None]] = getattr(self, self.running)
            await call()
            self.answered[self.running] += 1
        await self.memory.aclose()

    async def _remember(self) -> None:
        title = f"{self.name} lesson {next(self._numbers)}"
        answer = await self.memory.remember(
            RememberRequest(title=title, content=f"Do what {title} says.")
        )
        self.stored.append(title)
        self.ids.append(answer.id)

    async def _recall(self) -> None:
        await self.memory.recall(RecallRequest(task=f"{self.name} lesson"))

    async def _check(self) -> None:
        await self.memory.check(CheckRequest(action=f"{self.name} lesson"))

    async def _report(self) -> None:
        task = f"{self.name} task {next(self._numbers)}"
        answer = await self.memory.report_outcome(
            OutcomeRequest(task=task, outcome="success", session=self.name)
        )
        self.reported.append(answer.outcome_id)

    async def _report_recall(self) -> None:
        recall = await self.memory.recall(RecallRequest(task=f"{self.name} lesson"))
        answer = await self.memory.report_outcome(
            OutcomeRequest(recall_id=recall.recall_id, outcome="failure")
        )
        self.reported.append(answer.outcome_id)

    async def _list(self) -> None:
        await self.memory.list_lessons(ListRequest(limit=5))

    async def _forget(self) -> None:
        if len(self.ids) > 3:
            item_id = self.ids.pop(0)
            answer = await self.memory.forget(ForgetRequest(item_id=item_id, reason="old"))
            assert answer.state == "retired"
            self.forgotten.append(item_id)


async def _killing(room: Room, clients: list[Client], done: anyio.Event, first: int) -> None:
    """Kill the host ten times, each time while a call of the next kind runs.

    Between two kills every client gets an answer, so that no call is hit again and again.
    """
    for number in range(first, first + KILLS):
        before = [client.answered.total() for client in clients]
        await until(
            lambda before=before: all(
                client.answered.total() > then for client, then in zip(clients, before, strict=True)
            )
        )
        await anyio.sleep(0.003 * (number % 7))
        await until(
            lambda number=number: any(
                client.running == CALLS[number % len(CALLS)] for client in clients
            )
        )
        assert room.kill()
    done.set()


async def _titles(memory: HostMemory, state: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = await memory.list_lessons(
            parse(ListRequest, {"limit": 100, "cursor": cursor, "state": state})
        )
        found += [line.title for line in page.items]
        cursor = page.next_cursor
        if not cursor:
            return found


@pytest.mark.parametrize("turn", range(ROUNDS))
async def test_every_acknowledged_write_is_there_once_after_ten_kills(
    room: Room, turn: int
) -> None:
    clients = [Client(f"client {turn}.{number}", room.memory()) for number in range(CLIENTS)]
    done = anyio.Event()
    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(client.work, done)
        await _killing(room, clients, done, turn * KILLS)
    memory = room.memory()
    active, retired = await _titles(memory, "active"), await _titles(memory, "retired")
    stats = await memory.stats(Empty())
    await memory.aclose()
    stored = [title for client in clients for title in client.stored]
    assert collections.Counter(active + retired) == collections.Counter(stored)
    assert len(retired) == sum(len(client.forgotten) for client in clients)
    reported = [outcome for client in clients for outcome in client.reported]
    assert len(set(reported)) == len(reported)
    assert sum(stats.outcomes.values()) == len(reported)
    assert len(room.hosts()) == 1
