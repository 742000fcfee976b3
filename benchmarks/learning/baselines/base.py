"""What the baselines share: the candidates they re-order and how a report becomes item values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.stream import Feedback, Slate
from memory_core.scorer.panel import Panel, zscore

Floats = NDArray[np.float64]
Order = NDArray[np.int64]

SHARES = (0.6, 0.25, 0.15)
"""How much a served place is looked at; every further place half as much as the one before."""


class Credit(NamedTuple):
    """What a report says of one row of the slate: value in [-1, 1], weight in (0, 1]."""

    row: int
    value: float
    weight: float


def credits(feedback: Feedback) -> list[Credit]:
    """The best per-item reading of a report that needs no model.

    Labels are taken as they are, and nothing is said of items without one.
    Otherwise the outcome is every used item's, the more the higher it stood.
    """
    if not np.isnan(feedback.labels).all():
        pairs = zip(feedback.shown, feedback.labels.tolist(), strict=True)
        return [Credit(row, value, 1.0) for row, value in pairs if not np.isnan(value)]
    value = 2.0 * feedback.reward - 1.0
    if feedback.used.all():
        shares = looked_at(len(feedback.shown)) / SHARES[0]
    else:
        shares = feedback.used.astype(np.float64)
    pairs = zip(feedback.shown, shares.tolist(), strict=True)
    return [Credit(row, value, share) for row, share in pairs if share > 0]


def looked_at(count: int) -> Floats:
    """How much each of `count` served places is looked at, float64[count]."""
    tail = [SHARES[-1] * 0.5 ** (place + 1) for place in range(count - len(SHARES))]
    return np.array([*SHARES, *tail][:count])


def hybrid(panel: Panel) -> Floats:
    """z(RRF), the similarity that the product starts from, float64[N]."""
    return zscore(panel.fused)


def cosine(panel: Panel) -> Floats:
    """z(cosine), the similarity that the papers start from, float64[N]."""
    return zscore(panel.dense)


class Baseline:
    """A ranker that re-orders the first `pool` candidates by a score; the rest follow as found.

    `order` is what it shows while it learns, `best` what it holds for best (the
    same, unless it explores).
    """

    name = ""
    pool = 50

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        """float64[N], higher is better."""
        raise NotImplementedError

    def order(self, slate: Slate) -> Order:
        return self._ranked(slate, self.scores(slate.panel, explore=True))

    def best(self, slate: Slate) -> Order:
        """The order without exploration, int64[N]."""
        return self._ranked(slate, self.scores(slate.panel, explore=False))

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        """Learn one report."""

    def record(self, panel: Panel) -> Floats:
        """What it holds of each item, float64[N]: its score where it keeps nothing apart."""
        return filled(self.scores(panel, explore=False), panel.size)

    def _ranked(self, slate: Slate, scores: Floats) -> Order:
        size = slate.panel.size
        first = np.argsort(-scores[: self.pool], kind="stable")
        return np.concatenate([first, np.arange(min(self.pool, size), size)]).astype(np.int64)


def filled(values: Floats, size: int) -> Floats:
    """The same with room for the candidates behind the pool, float64[size]."""
    return np.concatenate([values, np.full(max(size - values.size, 0), -np.inf)])
