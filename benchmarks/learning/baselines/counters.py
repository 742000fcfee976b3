"""Rankers that keep a few numbers for each item, whatever the task was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from benchmarks.learning.baselines.base import Baseline, Floats, cosine, credits, filled, hybrid
from benchmarks.learning.stream import Feedback, Slate
from memory_core.scorer.panel import Panel

Similarity = Callable[[Panel], Floats]
POOL = 15
"""Of these first candidates the papers' second phase chooses; larger pools did worse."""


class MemRl(Baseline):
    """MemRL (arXiv 2601.03192): Q <- Q + alpha (r - Q), r in {-1, 1}, Q0 = 0.

    Phase A: the first `pool` by similarity. Phase B: (1 - mix) z(similarity) + mix z(Q).
    """

    name = "MemRL"

    def __init__(
        self, near: Similarity = hybrid, *, rate: float = 0.1, mix: float = 0.35, pool: int = POOL
    ) -> None:
        self.near, self.rate, self.mix, self.pool = near, rate, mix, pool
        self.name = f"{self.name}{_told(near)}"
        self._values: dict[str, float] = {}

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        values = self.record(panel)
        near = _standard(self.near(panel)[: self.pool])
        good = _standard(values[: self.pool])
        return filled((1 - self.mix) * near + self.mix * good, panel.size)

    def record(self, panel: Panel) -> Floats:
        return np.array([self._values.get(item, 0.0) for item in panel.ids])

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        for credit in credits(feedback):
            item = slate.panel.ids[credit.row]
            before = self._values.get(item, 0.0)
            self._values[item] = before + self.rate * credit.weight * (credit.value - before)


class Counting(Baseline):
    """Similarity plus `gain` times a value in [-1, 1] of the item's weighted wins and losses."""

    pool = POOL

    def __init__(self, near: Similarity = hybrid, *, gain: float = 2.0) -> None:
        self.near, self.gain = near, gain
        self.name = f"{self.name}{_told(near)}"
        self.wins: dict[str, float] = defaultdict(float)
        self.losses: dict[str, float] = defaultdict(float)

    def value(self, wins: Floats, losses: Floats, *, explore: bool) -> Floats:
        """What the counts are worth, float64[N]."""
        raise NotImplementedError

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        return self.near(panel) + self.gain * self._values(panel, explore=explore)

    def record(self, panel: Panel) -> Floats:
        return self._values(panel, explore=False)

    def _values(self, panel: Panel, *, explore: bool) -> Floats:
        wins = np.array([self.wins[item] for item in panel.ids])
        losses = np.array([self.losses[item] for item in panel.ids])
        return self.value(wins, losses, explore=explore)

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        for credit in credits(feedback):
            item = slate.panel.ids[credit.row]
            self.wins[item] += credit.weight * (1 + credit.value) / 2
            self.losses[item] += credit.weight * (1 - credit.value) / 2


class Ace(Counting):
    """Counters of helpful and harmful uses (ACE, arXiv 2510.04618): their difference, damped."""

    name = "ACE counters"

    def value(self, wins: Floats, losses: Floats, *, explore: bool) -> Floats:
        del explore
        damped: Floats = (wins - losses) / (1.0 + wins + losses)
        return damped


class Laplace(Counting):
    """The smoothed success rate (s + 1) / (n + 2), as EvolveR and ReMe keep it."""

    name = "Laplace"

    def value(self, wins: Floats, losses: Floats, *, explore: bool) -> Floats:
        del explore
        rate: Floats = (wins + 1.0) / (wins + losses + 2.0)
        return 2.0 * rate - 1.0


class Thompson(Counting):
    """Thompson sampling with a Beta(1 + s, 1 + f) for each item; its mean where it must not try."""

    name = "Thompson"

    def __init__(
        self, seed: int, near: Similarity = hybrid, *, gain: float = 2.0, heat: float = 1.0
    ) -> None:
        super().__init__(near, gain=gain)
        self.heat = heat
        self._rng = np.random.default_rng((seed, 31))

    def value(self, wins: Floats, losses: Floats, *, explore: bool) -> Floats:
        mean: Floats = (wins + 1.0) / (wins + losses + 2.0)
        if explore:
            drawn = self._rng.beta(1.0 + wins, 1.0 + losses)
            mean = mean + self.heat * (drawn - mean)
        return 2.0 * mean - 1.0


def _told(near: Similarity) -> str:
    return " over cosine" if near is cosine else ""


def _standard(values: Floats) -> Floats:
    """z-scores, without a limit."""
    spread = float(values.std()) if values.size else 0.0
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)
