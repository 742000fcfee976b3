"""The simulator: generated tasks and lessons with a known truth, for what real data cannot show.

Text is generated, so that embeddings are real. Three generators differ in what
makes a lesson useful; see `lessons`. Held-out tasks use other sentences and
other signs than training, and a share of the conditions never occurs in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.learning.stream import Stream, Task
from benchmarks.learning.streams.simulator.lessons import GENERATORS, Lessons
from benchmarks.learning.streams.simulator.phrasing import told
from benchmarks.learning.streams.simulator.truth import Truth
from benchmarks.learning.streams.simulator.vocabulary import Problem, problems

WORLDS = {"test": 2601, "dev": 2602}
HELD_OUT_CONDITIONS = 0.6
"""The share of problems of which training never meets one condition."""
SAID_IN_CONTEXT = 0.3
"""The share of tasks that tell their condition as context, not in the text."""
SAID_TWICE = frozenset({"conditions"})
"""Generators whose tasks tell their condition in the text and in the context, in other words."""
HELD_OUT_WAYS = 2
"""Ways to say a condition, the last ones, that only held-out tasks use, and half of them do."""


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells tasks; no two have the same text."""

    rng: np.random.Generator
    twice: bool
    seen: set[str]

    def tell(self, problem: Problem, said: tuple[str, ...], *, held_out: bool) -> tuple[str, str]:
        """(text, context) of a new task."""
        fresh = held_out and self.rng.random() < 0.5
        ways = said[-HELD_OUT_WAYS:] if fresh else said[:-HELD_OUT_WAYS]
        while True:
            inside, outside = self._places(ways)
            text = told(self.rng, problem, inside, held_out=held_out)
            if text not in self.seen:
                self.seen.add(text)
                return text, outside

    def _places(self, ways: tuple[str, ...]) -> tuple[str, str]:
        """How the condition is put in the text and in the context, "" for not at all."""
        one, other = (ways[int(i)] for i in self.rng.permutation(len(ways))[:2])
        if self.twice:
            return one, other
        return ("", one) if self.rng.random() < SAID_IN_CONTEXT else (one, "")


def build(
    seed: int,
    data: Path | None = None,
    *,
    generator: str = "advice",
    tasks: int = 1200,
    held_out: int = 300,
    conflict: bool = False,
    domains: int = 12,
    split: Literal["test", "dev"] = "test",
    k: int = 3,
) -> Stream:
    """Give one simulated stream.

    Args:
        seed: Of the world and of every wording.
        data: Not needed; the simulator makes its own.
        generator: "advice", "conditions" or "decoys".
        tasks: In the stream.
        held_out: Tasks that are never reported on.
        conflict: What is right in the first half of the domains is wrong in the second.
        domains: At most 12, of four problems each.
        split: "dev" gives other worlds than "test", for tuning.
        k: Items shown; only the first three are looked at.

    Raises:
        ValueError: No such generator.
    """
    del data
    if generator not in GENERATORS:
        known = ", ".join(GENERATORS)
        raise ValueError(f"There is no generator {generator!r}. Use one of: {known}.")
    rng = np.random.default_rng((seed, list(GENERATORS).index(generator), WORLDS[split]))
    told_of = problems(domains)
    lessons = GENERATORS[generator](told_of, rng, conflict=conflict)
    train, test = _split(lessons, rng)
    teller = _Teller(rng, generator in SAID_TWICE, set())
    first = _tasks(teller, lessons, told_of, (train, tasks), held_out=False)
    last = _tasks(teller, lessons, told_of, (test, held_out), held_out=True)
    truth = Truth(
        situations={task.key: place for task, place in (*first, *last)},
        columns={memory.key: column for column, memory in enumerate(lessons.memories)},
        problems=tuple(situation.problem for situation in lessons.situations),
        table=lessons.worth,
    )
    return Stream(
        name=f"simulator-{generator}",
        seed=seed,
        memories=lessons.memories,
        tasks=tuple(task for task, _ in first),
        held_out=tuple(task for task, _ in last),
        world=truth,
        k=k,
    )


def _split(lessons: Lessons, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Situations that training meets, and those of held-out tasks: all, the unseen ones too."""
    by_problem: dict[int, list[int]] = {}
    for place, situation in enumerate(lessons.situations):
        by_problem.setdefault(situation.problem, []).append(place)
    unseen = {
        places[int(rng.integers(len(places)))]
        for places in by_problem.values()
        if rng.random() < HELD_OUT_CONDITIONS
    }
    every = list(range(len(lessons.situations)))
    return [place for place in every if place not in unseen], every


def _tasks(
    teller: _Teller,
    lessons: Lessons,
    told_of: tuple[Problem, ...],
    wanted: tuple[list[int], int],
    *,
    held_out: bool,
) -> list[tuple[Task, int]]:
    """Tasks with their situations, every problem about equally often, in random order."""
    places, count = wanted
    by_problem: dict[int, list[int]] = {}
    for place in places:
        by_problem.setdefault(lessons.situations[place].problem, []).append(place)
    turns = list(by_problem)
    drawn = []
    for number in range(count):
        if number % len(turns) == 0:
            turns = [turns[int(i)] for i in teller.rng.permutation(len(turns))]
        options = by_problem[turns[number % len(turns)]]
        place = options[int(teller.rng.integers(len(options)))]
        situation = lessons.situations[place]
        problem = told_of[situation.problem]
        text, context = teller.tell(problem, situation.condition.said, held_out=held_out)
        key = f"{'held' if held_out else 'task'}-{number:05d}"
        drawn.append((Task(key=key, text=text, context=context, group=problem.domain), place))
    return drawn
