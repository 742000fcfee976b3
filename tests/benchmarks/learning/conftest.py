"""A toy stream: eight topics, each with a right and a wrong procedure, told in made-up words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from benchmarks.learning.measures import first_hit
from benchmarks.learning.stream import Attempt, Memory, Stream, Task
from tests.memory_core.hash_embedder import HashEmbedder

TOPICS = ("anchor", "barrel", "candle", "dagger", "ember", "feather", "goblet", "hammer")
WAYS = ("gently", "at once", "by night", "in winter", "with both hands", "twice")


@dataclass(frozen=True)
class ToyWorld:
    """Right iff the first item shown is the right procedure of the task's topic."""

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        if not shown:
            return Attempt(0.0)
        hits = [key == f"{task.group} right" for key in shown]
        first = (shown[0],)
        good, bad = (first, ()) if hits[0] else ((), first)
        return Attempt(float(hits[0]), first, good, bad, first_hit(hits))


def toy(seed: int = 0, *, rounds: int = 3, k: int = 2) -> Stream:
    """Topics one after another; the wrong procedure looks nearer to every task."""
    memories = [
        Memory(f"{topic} {which}", f"{which} {topic} procedure", f"Polish the {topic} {how}.")
        for topic in TOPICS
        for which, how in (("right", "slowly"), ("wrong", WAYS[0]))
    ]
    tasks = [
        Task(f"{topic} {number}", f"polish the {topic} {WAYS[number % len(WAYS)]}", group=topic)
        for topic in TOPICS
        for number in range(rounds)
    ]
    held = [Task(f"held {topic}", f"polish one {topic} {WAYS[0]}", group=topic) for topic in TOPICS]
    return Stream("toy", seed, tuple(memories), tuple(tasks), tuple(held), ToyWorld(), k)


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder(64)
