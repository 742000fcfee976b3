"""LinUCB: a linear payoff model over features of (query, item), with optimism."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from benchmarks.learning.baselines.base import Baseline, Floats, credits, hybrid
from benchmarks.learning.stream import Feedback, Slate
from memory_core.scorer.panel import Panel, zscore

MEAN_RATE = 0.05
START = np.array([0.0, 0.1, 0.1, 0.1, 0.05, 0.0, 0.0, 0.0, 0.0])
"""The prior mean of theta: plain similarity until there is more to say."""


class LinUcb(Baseline):
    """LinUCB with shared parameters (Li et al. 2010), ridge toward a start at similarity.

    The payoff of an item is what the report says of it in [-1, 1] above the running
    mean, weighted by how high it stood. `optimism` widens the upper bound while it
    learns.
    """

    name = "LinUCB"

    def __init__(self, *, optimism: float = 0.05, ridge: float = 5.0, pool: int = 15) -> None:
        self.optimism, self.pool = optimism, pool
        self._gram = ridge * np.eye(START.size)
        self._sum = ridge * START
        self._mean = 0.0
        self._wins: dict[str, float] = defaultdict(float)
        self._losses: dict[str, float] = defaultdict(float)

    def features(self, panel: Panel) -> Floats:
        """float64[N, 9].

        1, cosine below the best (x 10), z(cosine), z(BM25), z(RRF), share of wins,
        share of losses, log wins, log losses.
        """
        wins = np.array([self._wins[item] for item in panel.ids])
        losses = np.array([self._losses[item] for item in panel.ids])
        uses = 1.0 + wins + losses
        return np.stack(
            [
                np.ones(panel.size),
                10.0 * (panel.dense - panel.dense.max(initial=-1.0)),
                zscore(panel.dense),
                zscore(panel.keyword),
                zscore(panel.fused),
                wins / uses,
                losses / uses,
                np.log1p(wins),
                np.log1p(losses),
            ],
            axis=1,
        )

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        rows = self.features(panel)
        mean: Floats = rows @ np.linalg.solve(self._gram, self._sum)
        if explore:
            solved = np.linalg.solve(self._gram, rows.T)
            mean = mean + self.optimism * np.sqrt(np.maximum((rows.T * solved).sum(axis=0), 0.0))
        return mean + 1e-9 * hybrid(panel)

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        rows = self.features(slate.panel)
        known = credits(feedback)
        for credit in known:
            row = rows[credit.row]
            self._gram += credit.weight * np.outer(row, row)
            self._sum += credit.weight * (credit.value - self._mean) * row
            item = slate.panel.ids[credit.row]
            self._wins[item] += credit.weight * (1 + credit.value) / 2
            self._losses[item] += credit.weight * (1 - credit.value) / 2
        if known:
            self._mean += MEAN_RATE * (known[0].value - self._mean)
