"""What the protocols share: a simulated stream with its candidates, and who is measured."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from benchmarks.learning.baselines import rivals
from benchmarks.learning.learner_rival import LearnerRival
from benchmarks.learning.offline import Loop, expected_success
from benchmarks.learning.slates import Slates, slates_of
from benchmarks.learning.stream import Rival, Task
from benchmarks.learning.streams.simulator import build
from benchmarks.learning.streams.simulator.truth import Truth
from memory_core.ports import Embedder

Figures = dict[str, float]
"""What was measured of one ranker on one seed, by name."""
Maker = Callable[[int, int], Rival]
"""(dimension, seed) -> a fresh ranker."""


@runtime_checkable
class Sessions(Protocol):
    """A ranker that knows sessions."""

    def begin(self, session: str) -> None:
        """Enter a session; "" for none."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done; `quick` is for a look, not for figures."""

    reports: int = 600
    warm: int = 400
    held_out: int = 240
    quick: bool = False


FULL = Sizes()
QUICK = Sizes(reports=60, warm=40, held_out=36, quick=True)


@dataclass(frozen=True, slots=True)
class Ground:
    """One seed of a simulated world with its candidates."""

    seed: int
    dimension: int
    tasks: tuple[Task, ...]
    held_out: tuple[Task, ...]
    truth: Truth
    slates: Slates
    k: int

    def loop(self, rival: Rival, noise: float = 0.0, start: int = 0) -> Loop:
        """A replay of bare reports; `start` keeps two loops' draws apart."""
        return Loop(rival, self.slates.of, self.truth, self.k, noise, "flag", self.seed + start)

    def success(self, rival: Rival, tasks: Sequence[Task]) -> float:
        """Mean chance of success on these tasks, in [0, 1]."""
        return expected_success(rival, tasks, self.slates.of, self.truth, self.k)


def ground(
    seed: int,
    embedder: Embedder,
    *,
    generator: str = "advice",
    tasks: int = 1200,
    held_out: int = 240,
    conflict: bool = False,
) -> Ground:
    """Build one seed."""
    stream = build(seed, generator=generator, tasks=tasks, held_out=held_out, conflict=conflict)
    assert isinstance(stream.world, Truth)
    return Ground(
        seed,
        embedder.dimension,
        stream.tasks,
        stream.held_out,
        stream.world,
        slates_of(stream, embedder),
        stream.k,
    )


def makers(chosen: Sequence[str] = ()) -> dict[str, Maker]:
    """The product's learner and the rivals, by name; `chosen` of the rivals, all by default."""
    names = [rival.name for rival in rivals(1, 0)]
    wanted = [name for name in names if not chosen or name in chosen]
    made: dict[str, Maker] = {LearnerRival.name: LearnerRival}
    for name in wanted:
        made[name] = _rival(names.index(name))
    return made


def _rival(place: int) -> Maker:
    return lambda dimension, seed: rivals(dimension, seed)[place]


def copied(rival: Rival) -> Rival:
    """A copy that learns on its own."""
    return copy.deepcopy(rival)


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean over seeds and its standard error (0 for one seed)."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return float(np.mean(values)), spread / len(values) ** 0.5
