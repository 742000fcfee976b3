"""Scorers of one feature, fitted as the stack is: what the full stack is compared with offline.

    p = sigmoid(b + w x),
    loss = sum_i u_i BCE(p_i, r_i) + (w - 1)^2 / 2 + (b - b0)^2 / 8

with the stack's rows (one a labelled item, else one a report), half-life and
schedule of refits. So a rival differs from the stack in what it looks at, not in
how well it is calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from memory_core.scorer.episode import Episode
from memory_core.scorer.logistic import fitted, prior_logit
from memory_core.scorer.panel import Floats
from memory_core.scorer.stack import HALF_LIFE, MOST_ROWS, RIDGE_INTERCEPT

REFIT_EVERY = 25
REFIT_ALWAYS_UNTIL = 100
"""Refitted after every 5th report until this many, then every 25th, as the stack is."""


@dataclass(frozen=True, slots=True)
class _Row:
    value: float
    reward: float
    weight: float
    owner: str
    at: int


class Rival:
    """One feature's logistic fit, prequential: predict first, then learn."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._reports = 0
        self.slope, self.intercept = 1.0, 0.0

    def predict(self, episode: Episode, values: Floats) -> float:
        """P(success) of a report; `values` float64[S] has the feature of each served item."""
        return float(expit(self.intercept + self.slope * float(episode.attention @ values)))

    def learn(self, episode: Episode, values: Floats) -> None:
        """Learn one report, in place of its owner's earlier one, and refit when it is due."""
        self._reports += 1
        self._rows = [row for row in self._rows if row.owner != episode.owner]
        if episode.scored and not episode.held_out and episode.trust > 0:
            self._rows = [*self._rows, *self._rows_of(episode, values)][-MOST_ROWS:]
        if self._reports % (5 if self._reports <= REFIT_ALWAYS_UNTIL else REFIT_EVERY) == 0:
            self._refit()

    def _rows_of(self, episode: Episode, values: Floats) -> list[_Row]:
        labelled = np.flatnonzero(~np.isnan(episode.labels))
        if labelled.size:
            return [
                _Row(
                    float(values[place]),
                    (float(episode.labels[place]) + 1) / 2,
                    episode.trust,
                    episode.owner,
                    self._reports,
                )
                for place in labelled
            ]
        weight = episode.strength * episode.trust
        if weight <= 0 or not episode.attention.any():
            return []
        seen = float(episode.attention @ values)
        return [_Row(seen, episode.reward, weight, episode.owner, self._reports)]

    def _refit(self) -> None:
        if not self._rows:
            return
        values = np.array([row.value for row in self._rows])
        rewards = np.array([row.reward for row in self._rows])
        age = self._reports - np.array([row.at for row in self._rows], dtype=np.float64)
        weights = np.array([row.weight for row in self._rows]) * 0.5 ** (age / HALF_LIFE)
        table = np.column_stack([values, np.ones(len(values))])  # [n, 2]
        found = fitted(
            table,
            rewards,
            weights,
            center=np.array([1.0, prior_logit(rewards, weights)]),
            ridge=np.array([1.0, RIDGE_INTERCEPT]),
            begin=np.array([self.slope, self.intercept]),
        )
        self.slope, self.intercept = float(found[0]), float(found[1])
