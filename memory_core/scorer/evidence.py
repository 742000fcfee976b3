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
        self._table: tuple[int, Matrix] = (0, np.zeros((256, dimension), np.float32))
        """The number of the first row held, and the rows: published together."""
        self._count = 0
        self._logs: dict[str, ItemLog] = {}
        self._owned: dict[str, tuple[int, tuple[str, ...]]] = {}

    @property
    def rows(self) -> int:
        """Condition vectors held."""
        return self._count

    def add(self, owner: str, query: Vector, credits: Sequence[tuple[str, float, float]]) -> None:
        """Add one outcome, in place of its owner's earlier one.

        Args:
            owner: The recall's id, or the first outcome's where there was no recall.
            query: float32[d], the conditions.
            credits: (item id, value in [-1, 1], weight >= 0) each.
        """
        self.forget(owner)
        kept = [(item_id, value, weight) for item_id, value, weight in credits if weight > 0]
        if not kept:
            return
        row = self._append(query)
        self._owned[owner] = (row, tuple(item_id for item_id, _, _ in kept))
        for item_id, value, weight in kept:
            log = self._logs.get(item_id, _EMPTY)
            self._logs[item_id] = ItemLog(
                np.append(log.rows, row)[-LOG_LENGTH:],
                np.append(log.values, value)[-LOG_LENGTH:],
                np.append(log.weights, weight)[-LOG_LENGTH:],
                (*log.owners, owner)[-LOG_LENGTH:],
            )

    def forget(self, owner: str) -> None:
        """Take an owner's outcome out of its items' logs (it was corrected)."""
        _, items = self._owned.pop(owner, (0, ()))
        for item_id in items:
            log = self._logs[item_id]
            self._logs[item_id] = _kept(log, np.array([held != owner for held in log.owners]))

    def _append(self, query: Vector) -> int:
        if self._count == MOST_ROWS:
            self._drop_oldest(MOST_ROWS // 4)
        first, matrix = self._table
        if self._count == len(matrix):
            grown = np.zeros((2 * self._count, self._dimension), np.float32)
            grown[: self._count] = matrix
            self._table, matrix = (first, grown), grown
        matrix[self._count] = query
        self._count += 1
        return first + self._count - 1

    def _drop_oldest(self, many: int) -> None:
        first, matrix = self._table
        fresh = np.zeros((MOST_ROWS, self._dimension), np.float32)
        fresh[: self._count - many] = matrix[many : self._count]
        self._count -= many
        first += many
        self._owned = {owner: held for owner, held in self._owned.items() if held[0] >= first}
        for item_id, log in list(self._logs.items()):
            self._logs[item_id] = _kept(log, log.rows >= first)
        self._table = (first, fresh)

    def score(self, query: Vector, ids: Sequence[str]) -> tuple[Floats, Floats, Floats]:
        """Give evidence, its mass and standing for these items in these conditions.

        Returns:
            Three float64[N]: evidence in [-1, 1], kernel mass >= 0, standing in
            [-1, 1]; all zero for an item with no outcome.
        """
        evidence, mass, standing = np.zeros(len(ids)), np.zeros(len(ids)), np.zeros(len(ids))
        first, matrix = self._table
        for place, item_id in enumerate(ids):
            log = self._logs.get(item_id)
            if log is None:
                continue
            log = _kept(log, log.rows >= first) if log.rows.size and log.rows[0] < first else log
            if not log.rows.size:
                continue
            cosines = matrix[log.rows - first] @ query
            kernel = log.weights * np.exp((np.minimum(cosines, 1.0) - 1.0) / BANDWIDTH)
            mass[place] = kernel.sum()
            evidence[place] = kernel @ log.values / (PRIOR_MASS + mass[place])
            standing[place] = log.weights @ log.values / (STANDING_PRIOR + log.weights.sum())
        return evidence, mass, standing


def _kept(log: ItemLog, keep: NDArray[np.bool_]) -> ItemLog:
    owners = tuple(owner for owner, kept in zip(log.owners, keep, strict=True) if kept)
    return ItemLog(log.rows[keep], log.values[keep], log.weights[keep], owners)
