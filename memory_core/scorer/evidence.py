"""Fast evidence: what became of an item, weighted by how close the conditions were.

For a query q and an item m with past outcomes (q_i, y_i, w_i):

    ev(q, m) = sum_i w_i K(q, q_i) y_i / (kappa + sum_i w_i K(q, q_i)),
    K(q, q_i) = exp((cos(q, q_i) - 1) / h)

a kernel regression shrunk to zero (Nadaraya 1964; Watson 1964; the per-case
kernel of Memento, arXiv 2508.16153, equation 9, with kappa as prior mass). The
standing of an item is the same with K = 1: its outcomes in all conditions.

One writer adds; any number of readers score without a lock: rows are only ever
appended, and each item's log is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Matrix, Vector
from memory_core.scorer.panel import Floats

BANDWIDTH = 0.15
PRIOR_MASS = 1.0
STANDING_PRIOR = 4.0
LOG_LENGTH = 64
"""Outcomes kept for each item, the newest."""
MOST_ROWS = 32_768
"""Condition vectors kept at the most (48 MiB at 384 dimensions); the oldest go first."""


@dataclass(frozen=True, slots=True)
class ItemLog:
    """One item's outcomes: row numbers of their conditions, values in [-1, 1], weights >= 0."""

    rows: NDArray[np.int64]
    values: Floats
    weights: Floats
    owners: tuple[str, ...]


_EMPTY = ItemLog(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), ())


class Evidence:
    """The outcome logs of all items.

    Args:
        dimension: Of the condition vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._matrix: Matrix = np.zeros((256, dimension), np.float32)
        self._count = 0
        self._first = 0
        self._logs: dict[str, ItemLog] = {}

    @property
    def rows(self) -> int:
        """Condition vectors held."""
        return self._count

    def add(self, owner: str, query: Vector, credits: Sequence[tuple[str, float, float]]) -> None:
        """Add one outcome: `owner` is its recall (a later outcome of it replaces this one).

        Args:
            owner: The recall's id, or the outcome's where there was no recall.
            query: float32[d], the conditions.
            credits: (item id, value in [-1, 1], weight >= 0) each.
        """
        self.forget(owner, [item_id for item_id, _, _ in credits])
        kept = [(item_id, value, weight) for item_id, value, weight in credits if weight > 0]
        if not kept:
            return
        row = self._append(query)
        for item_id, value, weight in kept:
            log = self._logs.get(item_id, _EMPTY)
            self._logs[item_id] = ItemLog(
                np.append(log.rows, row)[-LOG_LENGTH:],
                np.append(log.values, value)[-LOG_LENGTH:],
                np.append(log.weights, weight)[-LOG_LENGTH:],
                (*log.owners, owner)[-LOG_LENGTH:],
            )

    def forget(self, owner: str, item_ids: Sequence[str]) -> None:
        """Take one recall's outcome out of these items' logs (it was corrected)."""
        for item_id in item_ids:
            log = self._logs.get(item_id, _EMPTY)
            if owner not in log.owners:
                continue
            keep = np.array([held != owner for held in log.owners])
            self._logs[item_id] = ItemLog(
                log.rows[keep],
                log.values[keep],
                log.weights[keep],
                tuple(held for held in log.owners if held != owner),
            )

    def _append(self, query: Vector) -> int:
        if self._count == MOST_ROWS:
            self._drop_oldest(MOST_ROWS // 4)
        if self._count == len(self._matrix):
            grown = np.zeros((2 * self._count, self._dimension), np.float32)
            grown[: self._count] = self._matrix
            self._matrix = grown
        self._matrix[self._count] = query
        self._count += 1
        return self._first + self._count - 1

    def _drop_oldest(self, many: int) -> None:
        kept = self._matrix[many : self._count].copy()
        self._matrix = np.zeros((MOST_ROWS, self._dimension), np.float32)
        self._matrix[: len(kept)] = kept
        self._count -= many
        self._first += many
        for item_id, log in list(self._logs.items()):
            alive = log.rows >= self._first
            owners = tuple(owner for owner, live in zip(log.owners, alive, strict=True) if live)
            self._logs[item_id] = ItemLog(
                log.rows[alive], log.values[alive], log.weights[alive], owners
            )

    def score(self, query: Vector, ids: Sequence[str]) -> tuple[Floats, Floats, Floats]:
        """Give evidence, its mass and standing for these items in these conditions.

        Returns:
            Three float64[N]: evidence in [-1, 1], kernel mass >= 0, standing in
            [-1, 1]; all zero for an item with no outcome.
        """
        evidence, mass, standing = np.zeros(len(ids)), np.zeros(len(ids)), np.zeros(len(ids))
        logs = [
            (place, self._logs[item_id])
            for place, item_id in enumerate(ids)
            if item_id in self._logs
        ]
        if not logs:
            return evidence, mass, standing
        first, matrix = self._first, self._matrix
        for place, log in logs:
            if not log.rows.size:
                continue
            cosines = matrix[np.maximum(log.rows - first, 0)] @ query
            kernel = log.weights * np.exp((np.minimum(cosines, 1.0) - 1.0) / BANDWIDTH)
            mass[place] = kernel.sum()
            evidence[place] = kernel @ log.values / (PRIOR_MASS + mass[place])
            standing[place] = log.weights @ log.values / (STANDING_PRIOR + log.weights.sum())
        return evidence, mass, standing

    def conditions(self, item_id: str) -> tuple[Matrix, Floats]:
        """An item's past conditions, float32[n, d], and their weighted values, float64[n]."""
        log = self._logs.get(item_id, _EMPTY)
        return self._matrix[np.maximum(log.rows - self._first, 0)], log.values * log.weights
