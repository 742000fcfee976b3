"""What every stream gives and every ranker is run on.

A stream is a memory to fill, tasks in order, held-out tasks, and a world that
says how an attempt ends. Rankers see none of the truth: only what was reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from memory_core.model import Kind
from memory_core.scorer.panel import Panel

Richness = Literal["flag", "used", "labels"]
"""How much a report says: the bare outcome, also what was used, or helpful and harmful items."""
RICHNESS: tuple[Richness, ...] = ("flag", "used", "labels")


@dataclass(frozen=True, slots=True)
class Memory:
    """One item to remember. `key` is the stream's own name of it."""

    key: str
    title: str
    content: str
    description: str = ""
    task: str = ""
    kind: Kind = "strategy"
    project: str = "bench"


@dataclass(frozen=True, slots=True)
class Task:
    """One task: what recall is asked with. `key` is the stream's own name; `group` its domain."""

    key: str
    text: str
    context: str = ""
    error: str = ""
    group: str = ""
    project: str = "bench"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt with some items ended.

    `chance` in [0, 1] is the probability of success (0 or 1 where the world is
    certain). `used` are the keys that were followed; `helpful` and `harmful` the
    truth about them, for reports with labels.
    """

    chance: float
    used: tuple[str, ...] = ()
    helpful: tuple[str, ...] = ()
    harmful: tuple[str, ...] = ()
    detail: dict[str, float] = field(default_factory=dict)


class World(Protocol):
    """Says how attempts end."""

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        """The outcome of `task` with these memories (keys) shown in this order."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A memory, a stream of tasks that are reported on, and held-out tasks that never are."""

    name: str
    seed: int
    memories: tuple[Memory, ...]
    tasks: tuple[Task, ...]
    held_out: tuple[Task, ...]
    world: World
    k: int = 3


@dataclass(frozen=True, slots=True)
class Slate:
    """The candidates of one task, the same for every ranker; `keys` in the panel's order."""

    panel: Panel
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a report says, after noise. Places are rows of the slate, in the order shown.

    `labels` float64[S] in [-1, 1], NaN where nothing is said of the item; `used`
    bool[S], all True where the report does not say.
    """

    shown: tuple[int, ...]
    reward: float
    used: NDArray[np.bool_]
    labels: NDArray[np.float64]


class Rival(Protocol):
    """A ranker that the product is compared with."""

    name: str

    def order(self, slate: Slate) -> NDArray[np.int64]:
        """Rows of the slate, best first, int64[N]."""

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        """Learn one report."""
