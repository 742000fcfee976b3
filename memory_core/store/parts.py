"""Further vectors of long items, in memory: rows grouped by item.

An item longer than the model's window is found by any of its parts. The rows are
derived from its text and can be lost; whoever made them puts them in again.
Thread-safe.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Matrix

MOST_ROWS = 60_000
"""Rows held (90 MiB of 384 dimensions); later items have their one vector."""
WEIGHT = 0.9
"""What a match with a part counts: who has many parts has many chances."""

Owners = NDArray[np.int64]
"""int64[M]: catalog rows of the items whose parts the rows of a matrix are."""


class PartTable:
    """The parts of items by catalog row."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: dict[int, tuple[int, int]] = {}
        self._used = 0
        self._data: Matrix = np.zeros((0, 0), dtype=np.float32)
        self._owners: Owners = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return self._used

    def put(self, row: int, parts: Matrix) -> bool:
        """Add the parts of an item, once; False when there is no room for them.

        Args:
            row: Of the item in the catalog.
            parts: float32[P, d].
        """
        with self._lock:
            if row in self._spans or not len(parts):
                return True
            need = self._used + len(parts)
            if need > MOST_ROWS:
                return False
            self._grow(need, parts.shape[1])
            self._data[self._used : need] = parts
            self._owners[self._used : need] = row
            self._spans[row] = (self._used, need)
            self._used = need
            return True

    def _grow(self, need: int, dimension: int) -> None:
        if need <= len(self._owners):
            return
        size = max(need, 2 * len(self._owners), 256)
        data = np.zeros((size, dimension), dtype=np.float32)
        owners: Owners = np.zeros(size, dtype=np.int64)
        if self._used:
            data[: self._used] = self._data[: self._used]
            owners[: self._used] = self._owners[: self._used]
        self._data, self._owners = data, owners

    def clear(self) -> None:
        """Forget all: another model reads the items now."""
        with self._lock:
            self._spans, self._used = {}, 0
            self._data, self._owners = self._data[:0], self._owners[:0]

    def view(self) -> tuple[Matrix, Owners]:
        """Give all rows, (float32[M, d], int64[M])."""
        with self._lock:
            return self._data[: self._used], self._owners[: self._used]

    def of(self, row: int) -> Matrix | None:
        """Give an item's parts, float32[P, d]; None for an item without any."""
        with self._lock:
            span = self._spans.get(row)
            return None if span is None else self._data[span[0] : span[1]]
