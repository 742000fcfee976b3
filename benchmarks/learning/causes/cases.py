"""Failures whose cause is known to the benchmark, and to nobody else.

The causes never reach the memory: it sees errors, tasks and outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.learning.stream import Memory


@dataclass(frozen=True, slots=True)
class Case:
    """One failure.

    `causes`: what is behind it; two failures are the same when they share one.
    `group`: the unit that intervals are resampled by. `shape`: failures of the
    same shape read alike.
    """

    project: str
    task: str
    error: str
    causes: frozenset[object]
    group: str
    shape: str = ""

    def same(self, other: Case) -> bool:
        return bool(self.causes & other.causes)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Held-out pairs of failures: rows of `cases`, whether they are the same, and alike in text."""

    cases: tuple[Case, ...]
    ends: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    same: np.ndarray[tuple[int], np.dtype[np.bool_]]
    near: np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the agent does about one task.

    `first`: the failure that it reports before it asks (None: it does not).
    `asked`: whether it then recalls with that error and follows what it is shown.
    `tried`: keys that it follows on its own, in order, each with the failure that
    came of it (None: it worked).
    """

    key: str
    project: str
    task: str
    first: Case | None = None
    asked: bool = False
    tried: tuple[tuple[str, Case | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """One seed of one data set: a memory, a life to report, held-out pairs and questions."""

    name: str
    seed: int
    memories: tuple[Memory, ...]
    life: tuple[Attempt, ...]
    pairs: Pairs
    questions: tuple[Case, ...]
    world: object = field(default=None)


def paired(
    cases: Sequence[Case],
    allowed: Callable[[Case, Case], bool],
    most: int,
    chance: np.random.Generator,
) -> Pairs:
    """Draw at most `most` pairs of each kind out of all that are allowed."""
    same: list[tuple[int, int]] = []
    other: list[tuple[int, int]] = []
    for i, one in enumerate(cases):
        for j in range(i):
            if allowed(one, cases[j]):
                (same if one.same(cases[j]) else other).append((i, j))
    drawn = [
        [kind[place] for place in sorted(chance.permutation(len(kind))[:most])]
        for kind in (same, other)
    ]
    ends = np.array(drawn[0] + drawn[1], dtype=np.int64).reshape(-1, 2)
    is_same = np.arange(len(ends)) < len(drawn[0])
    near = np.array([cases[i].shape == cases[j].shape for i, j in ends], dtype=bool)
    return Pairs(tuple(cases), ends, is_same, near)
