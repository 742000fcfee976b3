"""Hosts killed under eight clients: what was acknowledged is there once, and all go on."""

from __future__ import annotations

import collections
import itertools
import random
from collections.abc import Awaitable, Callable

import anyio
import pytest

from memory_core import port
from server.host.client import HostMemory
from tests.server.connections import until
from tests.server.host.room import Room

pytestmark = pytest.mark.anyio

KILLS = 50
CLIENTS = 8


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
        calls: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self._remember, self._recall, self._report, self._report_recall),
            *(self._check, self._list, self._forget),
        )
        while not done.is_set():
            call = self._random.choice(calls)
            self.running = call.__name__
            await call()
            self.answered[self.running] += 1
        await self.memory.aclose()

    async def _remember(self) -> None:
        title = f"{self.name} lesson {next(self._numbers)}"
        answer = await self.memory.remember(
            port.RememberRequest(title=title, content=f"Do what {title} says.")
        )
        self.stored.append(title)
        self.ids.append(answer.id)

    async def _recall(self) -> None:
        await self.memory.recall(port.RecallRequest(task=f"{self.name} lesson"))

    async def _check(self) -> None:
        await self.memory.check(port.CheckRequest(action=f"{self.name} lesson"))

    async def _report(self) -> None:
        task = f"{self.name} task {next(self._numbers)}"
        answer = await self.memory.report_outcome(
            port.OutcomeRequest(task=task, outcome="success", session=self.name)
        )
        self.reported.append(answer.outcome_id)

    async def _report_recall(self) -> None:
        recall = await self.memory.recall(port.RecallRequest(task=f"{self.name} lesson"))
        answer = await self.memory.report_outcome(
            port.OutcomeRequest(recall_id=recall.recall_id, outcome="failure")
        )
        self.reported.append(answer.outcome_id)

    async def _list(self) -> None:
        await self.memory.list_lessons(port.ListRequest(limit=5))

    async def _forget(self) -> None:
        if len(self.ids) > 3:
            item_id = self.ids.pop(0)
            answer = await self.memory.forget(port.ForgetRequest(item_id=item_id, reason="old"))
            assert answer.state == "retired"
            self.forgotten.append(item_id)


async def _killing(room: Room, clients: list[Client], done: anyio.Event) -> set[str]:
    """Kill the host fifty times, each time while calls run; give the kinds that were hit.

    Between two kills every client gets an answer, so that no call is hit again and again.
    """
    hit: set[str] = set()
    for number in range(KILLS):
        before = [client.answered.total() for client in clients]
        await until(
            lambda before=before: all(
                client.answered.total() > then for client, then in zip(clients, before, strict=True)
            )
        )
        await anyio.sleep(0.003 * (number % 7))
        hit.update(client.running for client in clients)
        assert room.kill()
    done.set()
    return hit


async def _titles(memory: HostMemory, state: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = await memory.list_lessons(
            port.parse(port.ListRequest, {"limit": 100, "cursor": cursor, "state": state})
        )
        found += [line.title for line in page.items]
        cursor = page.next_cursor
        if not cursor:
            return found


@pytest.mark.timeout(3_600)  # fifty hosts have to start, however slow the machine
async def test_every_acknowledged_write_is_there_once_after_fifty_kills(room: Room) -> None:
    clients = [Client(f"client {number}", room.memory()) for number in range(CLIENTS)]
    done, hit = anyio.Event(), set[str]()
    with anyio.fail_after(3_000):
        async with anyio.create_task_group() as tasks:
            for client in clients:
                tasks.start_soon(client.work, done)
            hit = await _killing(room, clients, done)
    memory = room.memory()
    active, retired = await _titles(memory, "active"), await _titles(memory, "retired")
    stats = await memory.stats()
    await memory.aclose()
    stored = [title for client in clients for title in client.stored]
    assert collections.Counter(active + retired) == collections.Counter(stored)
    assert len(retired) == sum(len(client.forgotten) for client in clients)
    reported = [outcome for client in clients for outcome in client.reported]
    assert len(set(reported)) == len(reported)
    assert sum(stats.outcomes.values()) == len(reported)
    assert hit == {
        *("_remember", "_recall", "_report", "_report_recall", "_check", "_list", "_forget")
    }
    assert len(room.hosts()) == 1
