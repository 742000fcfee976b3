"""Forgetting under a conflicting shift.

Six domains are learned; then come reports of the other six, where the style of
advice that was right is wrong. How much of the first six is lost, at the end
and at the worst moment? A benign shift would show nothing for any ranker, so
does a shift that nothing was learned before: the control without replay has to
lose more than the limit, otherwise the test proves nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from benchmarks.learning.baselines.base import Baseline, Floats, looked_at
from benchmarks.learning.protocols.ground import Figures, Ground, Maker, Sizes, ground, makers
from benchmarks.learning.stream import Feedback, Rival, Slate, Task
from benchmarks.learning.streams.simulator.vocabulary import problems
from memory_core.ports import Embedder
from memory_core.scorer.panel import Panel, zscore

SHIFTED = 100
EVERY = 5
FLIPPED = 0.1
LIMIT = 0.042
"""The relative loss that is allowed."""
CONTROL = "control without replay"
RATE, BASE_RATE = 4.0, 0.02
NEAR = 8
"""Nearest candidates whose mean key is taken out: what they have in common tells nothing."""


class Forgetful(Baseline):
    """A linear worth of every memory's key, one step of gradient descent a report, no replay.

    p = sigmoid(b + w . sum_j a_j (m_j - mean m)): quick to see which style of
    advice works, and with nothing that keeps it from unlearning.
    """

    name = CONTROL

    def __init__(self, dimension: int) -> None:
        self._worth = np.zeros(dimension)
        self._base = -1.0

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        scores: Floats = 0.5 * zscore(panel.fused) + 0.5 * (panel.keys @ self._worth)
        return scores

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        rows, keys = list(feedback.shown), slate.panel.keys
        seen = looked_at(len(rows)) @ (keys[rows] - keys[:NEAR].mean(axis=0))
        error = feedback.reward - float(expit(self._base + seen @ self._worth))
        self._worth = self._worth + RATE * error * seen
        self._base += BASE_RATE * error


def who() -> dict[str, Maker]:
    """Whom this protocol measures."""
    return {**makers(), CONTROL: lambda dimension, _: Forgetful(dimension)}


def measure(seed: int, embedder: Embedder, sizes: Sizes) -> dict[str, Figures]:
    """Measure every ranker on one seed."""
    wanted = 2 * (sizes.reports + SHIFTED)
    here = ground(seed, embedder, tasks=wanted, held_out=2 * sizes.held_out, conflict=True)
    first, then, kept = _split(here, sizes)
    return {
        name: _lost(here, maker(here.dimension, seed), first, then, kept)
        for name, maker in who().items()
    }


def _split(here: Ground, sizes: Sizes) -> tuple[list[Task], list[Task], list[Task]]:
    """Tasks of the first domains, of the others, and held-out tasks of the first."""
    domains = list(dict.fromkeys(problem.domain for problem in problems()))
    firsts = set(domains[: len(domains) // 2])
    first = [task for task in here.tasks if task.group in firsts][: sizes.reports]
    then = [task for task in here.tasks if task.group not in firsts][:SHIFTED]
    kept = [task for task in here.held_out if task.group in firsts]
    return first, then, kept


def _lost(
    here: Ground, rival: Rival, first: list[Task], then: list[Task], kept: list[Task]
) -> Figures:
    start = here.success(rival, kept)
    here.loop(rival, FLIPPED).run(first)
    before = here.success(rival, kept)
    seen: list[float] = []

    def look(done: int) -> None:
        if done % EVERY == 0:
            seen.append(here.success(rival, kept))

    here.loop(rival, FLIPPED, start=1000).run(then, look)
    return {
        "untrained": start,
        "before": before,
        "after": seen[-1],
        "end loss": (before - seen[-1]) / before,
        "worst loss": (before - min(seen)) / before,
    }
