"""The memory port over the socket beside the same memory in process: what a warm call costs.

Copies of one store, one behind a host, one in this process. They are asked the same by
turns, every question once, so that no answer comes from a cache. A third way asks the
host as hooks do (`server.host.direct`), with questions of its own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from benchmarks.caller import ERRORS, Caller
from benchmarks.corpus import queries
from benchmarks.hosts.stage import PROJECT, Stage, until
from benchmarks.report import Cell, Report, Table
from benchmarks.stocked import KEPT, Say, memory, say, stock
from benchmarks.stopwatch import percentile
from memory_core.bootstrap import open_memory, product_version
from memory_core.port import Memory
from memory_core.requests import CheckRequest, Empty, OutcomeRequest, RecallRequest
from server.host import direct
from server.host.client import HostMemory

if TYPE_CHECKING:
    from memory_core.ports import Embedder

IN_PROCESS, SOCKET, LIGHT = "in process", "socket", "socket, as hooks ask"
CALLS = ("recall", "check", "report_outcome")
WITHIN = 60.0
WARM_UP = 5
"""Questions to each way that are not counted."""

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    `questions` of each call by turns; `clients` at once ask `rounds` times each.
    """

    items: int
    reports: int
    questions: int
    clients: int
    rounds: int


# -- what is asked ---------------------------------------------------------------


def requests(seed: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give a recall's and a check's arguments, never the same twice."""
    chance = random.Random(seed)
    tasks = queries(seed)
    for task in tasks:
        numbers = {"a": chance.randint(1, 255), "b": chance.randint(100, 9_999)}
        yield (
            {"task": task},
            {"action": next(tasks), "error": chance.choice(ERRORS).format(**numbers)},
        )


def outcome_of(answer: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Give the arguments of a report on a recall's answer; every other one is a success."""
    return {"recall_id": answer["recall_id"], "outcome": ("success", "failure")[number % 2]}


# -- ways ------------------------------------------------------------------------


def port_way(of: Memory) -> Ask:
    """Ask a memory by its port."""
    calls: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
        "recall": lambda given: of.recall(RecallRequest(**given)),
        "check": lambda given: of.check(CheckRequest(**given)),
        "report_outcome": lambda given: of.report_outcome(OutcomeRequest(**given)),
    }

    async def ask(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await calls[name](given)
        return {"recall_id": getattr(answer, "recall_id", ""), "mode": getattr(answer, "mode", "")}

    return ask


def light_way(store: Path) -> Ask:
    """Ask a store's host with the standard library alone."""

    async def ask(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return direct.ask(store, name, {**given, "project": PROJECT}, within=WITHIN)

    return ask


@dataclass(slots=True)
class Way:
    """One way to ask, its questions, and milliseconds by call."""

    name: str
    ask: Ask
    asked: Iterator[tuple[dict[str, Any], dict[str, Any]]]
    laps: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CALLS})
    answers: list[Mapping[str, Any]] = field(default_factory=list)

    async def timed(self, name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        began = time.perf_counter()
        answer = await self.ask(name, given)
        self.laps[name].append((time.perf_counter() - began) * 1e3)
        return answer

    async def question(self) -> None:
        """Recall, then check."""
        recall, check = next(self.asked)
        self.answers.append(await self.timed("recall", recall))
        await self.timed("check", check)

    async def report(self, number: int) -> None:
        """Report what became of a recall of before."""
        await self.timed("report_outcome", outcome_of(self.answers[number], number))


async def settled(of: Memory) -> None:
    """Wait until a memory has learned everything that was reported."""
    while True:
        if not (await of.scorer(Empty())).pending:
            return
        await anyio.sleep(0.005)


async def by_turns(ways: Sequence[Way], learners: Sequence[Memory], questions: int) -> None:
    """Ask every way `questions` times, another one first in each round; then report likewise.

    No report is made while the `learners` still learn an earlier one.
    """
    for number in range(WARM_UP + questions):
        for place in range(len(ways)):
            await ways[(number + place) % len(ways)].question()
    for number in range(WARM_UP + questions):
        for place in range(len(ways)):
            await ways[(number + place) % len(ways)].report(number)
            for one in learners:
                await settled(one)
    for way in ways:
        way.laps = {name: laps[WARM_UP:] for name, laps in way.laps.items()}


# -- many at once ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rush:
    """Clients at once: calls a second, and milliseconds of every call."""

    per_second: float
    laps: tuple[float, ...]


async def rush(asks: Sequence[Ask], rounds: int, seed: int) -> Rush:
    """Let every client recall, check and report, `rounds` times, all at once."""
    laps: list[float] = []

    async def work(place: int, ask: Ask) -> None:
        way = Way("", ask, requests(seed + place))
        for number in range(rounds):
            await way.question()
            await way.report(number)
        laps.extend(lap for several in way.laps.values() for lap in several)

    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for place, ask in enumerate(asks):
            group.start_soon(work, place, ask)
    return Rush(len(laps) / (time.perf_counter() - began), tuple(laps))


# -- all of it -------------------------------------------------------------------


@dataclass(slots=True)
class Found:
    """What was measured: the ways, the rushes by way, and the floor of a round trip in ms."""

    ways: list[Way]
    rushes: dict[str, Rush]
    floor: list[float]


def stocked(
    stage: Stage, embedder: Embedder, size: Size, kept: Path = KEPT, tell: Say = say
) -> Path:
    """Give a closed store with items and outcomes."""
    made = stock(stage.store("stock"), embedder, size.items, kept, tell)
    if size.reports:
        with memory(made.folder, embedder) as taught:
            Caller(taught, seed=3).work(size.reports)
    return made.folder


async def measured(stage: Stage, source: Path, size: Size) -> Found:
    """Ask copies of a store: by turns, then many at once."""
    hosted, own = stage.copied(source, "hosted"), stage.copied(source, "own")
    there = stage.host(hosted)
    settings = stage.settings(hosted)
    clients = [HostMemory(settings, PROJECT, product_version()) for _ in range(size.clients)]
    inside = open_memory(stage.settings(own))
    try:
        inside.warm()
        await inside.recall(RecallRequest(task="the first question of all"))
        ways = [
            Way(IN_PROCESS, port_way(inside), requests(11)),
            Way(SOCKET, port_way(clients[0]), requests(11)),
            Way(LIGHT, light_way(hosted), requests(12)),
        ]
        both = (inside, clients[0])
        learners = [one for one in both if (await one.stats(Empty())).readiness == "ready"]
        await by_turns(ways, learners, size.questions)
        floor = []
        for _ in range(size.questions):
            began = time.perf_counter()
            direct.health(there)
            floor.append((time.perf_counter() - began) * 1e3)
        rushes = {
            IN_PROCESS: await rush([port_way(inside)] * size.clients, size.rounds, 100),
            SOCKET: await rush([port_way(one) for one in clients], size.rounds, 100),
        }
    finally:
        for one in (inside, *clients):
            await one.aclose()
    return Found(ways, rushes, floor)


def tables(found: Found, size: Size) -> list[Table]:
    """What each call took each way, and many at once."""
    inside = found.ways[0]
    rows: list[tuple[Cell, ...]] = []
    for name in CALLS:
        for way in found.ways:
            laps = way.laps[name]
            p50, p95 = percentile(laps, 50), percentile(laps, 95)
            more = [lap - least for lap, least in zip(laps, inside.laps[name], strict=True)]
            ratio = p50 / percentile(inside.laps[name], 50)
            beyond = ("", "") if way is inside else (percentile(more, 50), ratio)
            rows.append((name, way.name, p50, p95, *beyond))
    trip = percentile(found.floor, 50), percentile(found.floor, 95)
    rows.append(("health", LIGHT, *trip, "", ""))
    columns = ("call", "way", "p50 ms", "p95 ms", "more, p50 ms", "ratio p50")
    note = (
        f"{size.questions} of each, by turns, more: than in process, turn by turn; "
        f"{size.items:,} items, {size.reports:,} reports"
    )
    rushed: tuple[tuple[Cell, ...], ...] = tuple(
        (name, one.per_second, percentile(one.laps, 50), percentile(one.laps, 95))
        for name, one in found.rushes.items()
    )
    kept = found.rushes[SOCKET].per_second / found.rushes[IN_PROCESS].per_second
    return [
        Table("a warm call over the socket against in process", columns, tuple(rows), note),
        Table(
            f"{size.clients} clients at once, each recall, check, report_outcome",
            ("way", "calls a second", "p50 ms", "p95 ms"),
            rushed,
            f"throughput over the socket against in process: {kept:.2f}",
        ),
    ]


def measure_calls(stage: Stage, source: Path, size: Size, report: Report) -> None:
    found = anyio.run(measured, stage, source, size)
    report.tables += tables(found, size)
    until(lambda: not stage.told(stage.store("hosted")).get("calls"), "the host's last calls")
