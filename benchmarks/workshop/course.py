"""One course of the workshop: three arms, the same tasks, two servers.

Starts the servers, lets the arms work round by round and reads from the real
server what it learned. Prints progress through the function it is given.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from benchmarks.workshop.agent import Agent, Assignment, Diary, plan
from benchmarks.workshop.figures import rates
from benchmarks.workshop.memory import Memory, serve
from benchmarks.workshop.model import Family, Strategy, Task

NO_MEMORY, SIMILARITY, LEARNED = "no memory", "similarity", "learned"
ARMS = (NO_MEMORY, SIMILARITY, LEARNED)
PROGRESS_EVERY = 5.0
"""Seconds between two signs of life in a long step."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a course runs."""

    rounds: int = 5
    retries: int = 0
    distil: bool = False
    workers: int = 2
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the learning server says of itself at the end.

    Attributes:
        counts: The server's own (wins, losses) by strategy id.
        scorer: ``memory://scorer``.
        mistakes: ``memory://mistakes``.
        pitfalls: Pitfalls that were distilled on the way.
    """

    counts: Mapping[str, tuple[int, int]]
    scorer: Mapping[str, Any]
    mistakes: Mapping[str, Any]
    pitfalls: int


@dataclass(frozen=True, slots=True)
class Course:
    """Everything that one seed left behind."""

    seed: int
    diaries: Mapping[str, Diary]
    known: Known
    store: Path


async def run_course(
    families: Sequence[Family], seed: int, folder: Path, options: Options, say: Say
) -> Course:
    """Let the three arms work through all rounds.

    Args:
        families: The tasks and strategies.
        seed: Decides order, words, inputs and random choices.
        folder: An empty folder; stores and server logs go below it. The learning
            arm's store stays, the other one is removed at the end.
        options: How to run.
        say: Takes one line of progress.

    Raises:
        ServerMisbehaved: A server broke its contract.
    """
    workers = anyio.CapacityLimiter(options.workers)
    async with AsyncExitStack() as stack:
        say("  starting two servers, one that learns and one that only compares")
        memories = {}
        for name in (SIMILARITY, LEARNED):
            log = stack.enter_context((folder / f"{name}.log").open("w", encoding="utf-8"))
            store = folder / name
            memories[name] = await stack.enter_async_context(
                serve(store, name, log, options.command)
            )
        agents = {
            name: Agent(
                name,
                families,
                seed,
                memories.get(name),
                retries=options.retries,
                distil=options.distil,
                workers=workers,
            )
            for name in ARMS
        }
        await _prepare(agents, memories, say)
        for number, assignments in enumerate(plan(_tasks(families), options.rounds, seed)):
            await _round(agents, assignments, number, options.rounds, say)
        known = await _ask_what_is_known(memories[LEARNED], agents[LEARNED].strategies)
    shutil.rmtree(folder / SIMILARITY, ignore_errors=True)
    diaries = {name: agent.diary for name, agent in agents.items()}
    return Course(seed, diaries, known, folder / LEARNED)


def _tasks(families: Sequence[Family]) -> list[Task]:
    return [task for family in families for task in family.tasks]


async def _prepare(agents: Mapping[str, Agent], memories: Mapping[str, Memory], say: Say) -> None:
    """Wait for the models, then tell both servers every strategy."""
    started = time.monotonic()
    life = _signs_of_life(lambda: "  loading the embedding model", say)
    async with life, anyio.create_task_group() as tasks:
        for memory in memories.values():
            tasks.start_soon(memory.wait_until_ready)
    say(f"  embedding models ready after {time.monotonic() - started:.1f} s")
    started = time.monotonic()
    async with anyio.create_task_group() as tasks:
        for agent in agents.values():
            tasks.start_soon(agent.learn_words)
    count = len(agents[LEARNED].strategies)
    say(f"  {count} strategies remembered by each in {time.monotonic() - started:.1f} s")


async def _round(
    agents: Mapping[str, Agent], assignments: Sequence[Assignment], number: int, of: int, say: Say
) -> None:
    """Let all arms do one round, side by side."""
    done = dict.fromkeys(agents, 0)
    title = f"  round {number + 1} of {of}"

    async def work(name: str) -> None:
        for assignment in assignments:
            await agents[name].work(assignment)
            done[name] += 1

    def state() -> str:
        parts = (f"{name} {count}/{len(assignments)}" for name, count in done.items())
        return f"{title}: {', '.join(parts)}"

    started = time.monotonic()
    async with _signs_of_life(state, say), anyio.create_task_group() as tasks:
        for name in agents:
            tasks.start_soon(work, name)
    parts = (f"{name} {rates(agent.diary, number).success:4.0%}" for name, agent in agents.items())
    say(f"{title} done in {time.monotonic() - started:4.1f} s: solved by {', '.join(parts)}")


@asynccontextmanager
async def _signs_of_life(state: Callable[[], str], say: Say) -> AsyncIterator[None]:
    """Say how far a step is, every few seconds where that is something new."""

    async def beat() -> None:
        said = ""
        while True:
            await anyio.sleep(PROGRESS_EVERY)
            if (now := state()) != said:
                said = now
                say(f"{said} ...")

    async with anyio.create_task_group() as group:
        group.start_soon(beat)
        yield
        group.cancel_scope.cancel()


async def _ask_what_is_known(memory: Memory, strategies: Mapping[str, Strategy]) -> Known:
    """Read the lists and resources that a person would read."""
    scorer = await memory.wait_until_learned()
    counts = {
        strategies[line["id"]].id: (int(line["wins"]), int(line["losses"]))
        for line in await memory.lessons("wins")
        if line["id"] in strategies
    }
    pitfalls = await memory.lessons("recent", kind="pitfall")
    return Known(
        counts=counts,
        scorer=scorer,
        mistakes=await memory.resource("memory://mistakes"),
        pitfalls=len(pitfalls),
    )
