"""The truth of a simulated world: what each memory is worth in each situation.

    P(success) = sigmoid(4 sum_j a_j u_j),  a = (.6, .25, .15)

with u in [-1, 1] the utility of the j-th shown memory and a the examination of
its place. No ranker sees any of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.stream import Attempt, Task

EXAMINED = (0.6, 0.25, 0.15)
STEEPNESS = 4.0
IRRELEVANT = -0.3
"""Utility of advice on something else: it takes attention and gives nothing."""
TELLING = 0.4
"""From this utility on an item is helpful, below its negative it is harmful."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A world.

    `table` is float64[situations, memories]; `problems` the problem of each
    situation; `situations` and `columns` find a task's row and a memory's column.
    """

    situations: Mapping[str, int]
    columns: Mapping[str, int]
    problems: tuple[int, ...]
    table: NDArray[np.float64]

    def problem(self, task: Task) -> int:
        """The number of the task's problem."""
        return self.problems[self.situations[task.key]]

    def utility(self, task: Task, key: str) -> float:
        """What the memory is worth for this task, in [-1, 1]."""
        return float(self.table[self.situations[task.key], self.columns[key]])

    def utilities(self, task: Task, keys: Sequence[str]) -> NDArray[np.float64]:
        """The same for many memories, float64[len(keys)]."""
        return self.table[self.situations[task.key], [self.columns[key] for key in keys]]

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        """The chance of success, what was about the task, and what was good or bad of it."""
        values = self.utilities(task, shown)
        examined = np.array(EXAMINED[: len(shown)])
        push = float(STEEPNESS * examined @ values[: len(examined)])
        told = list(zip(shown, values.tolist(), strict=True))
        return Attempt(
            chance=1.0 / (1.0 + math.exp(-push)),
            used=tuple(key for key, value in told if value != IRRELEVANT),
            helpful=tuple(key for key, value in told if value >= TELLING),
            harmful=tuple(key for key, value in told if value <= -TELLING),
            detail={"right first": float(bool(told) and told[0][1] >= TELLING)},
        )

    def best(self, task: Task, keys: Sequence[str]) -> tuple[str, ...]:
        """The keys by what they are worth, best first: the oracle's order."""
        order = np.argsort(-self.utilities(task, keys), kind="stable")
        return tuple(keys[i] for i in order)
