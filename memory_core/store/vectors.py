"""What is kept of items in memory: recent ones whole, and all vectors of a small store.

The state that a cached item shows may be an old one: the catalog knows it.
The matrices let a store below the size of a vector index be searched exactly,
in a fraction of a millisecond. Thread-safe.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Matrix, StoredItem, Vector


class ItemCache:
    """The items used last, at most `limit` of them (about 6 kB each with two vectors)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._items: OrderedDict[str, StoredItem] = OrderedDict()

    def put(self, items: Iterable[StoredItem]) -> None:
        """Keep these items, letting the longest unused go."""
        with self._lock:
            for stored in items:
                self._items[stored.item.id] = stored
                self._items.move_to_end(stored.item.id)
            while len(self._items) > self._limit:
                self._items.popitem(last=False)

    def get(self, ids: Iterable[str]) -> dict[str, StoredItem]:
        """Give those of `ids` that are kept."""
        found: dict[str, StoredItem] = {}
        with self._lock:
            for item_id in ids:
                stored = self._items.get(item_id)
                if stored is not None:
                    self._items.move_to_end(item_id)
                    found[item_id] = stored
        return found

    def clear(self) -> None:
        with self._lock:
            self._items.clear()


class VectorTable:
    """Both vectors of every item of a small store, by catalog row: float32[N, d] each.

    A missing vector is a row of zeros that `present` marks.
    """

    def __init__(self, dimension: int) -> None:
        self._lock = threading.Lock()
        self._used = 0
        self._data = [np.zeros((1024, dimension), dtype=np.float32) for _ in range(2)]
        self._present = [np.zeros(1024, dtype=np.bool_) for _ in range(2)]

    def append(self, pairs: Sequence[tuple[Vector | None, ...]]) -> None:
        """Add the (content, task) vectors of the next rows."""
        with self._lock:
            need = self._used + len(pairs)
            self._grow(need)
            for key in range(2):
                for offset, pair in enumerate(pairs):
                    vector = pair[key]
                    if vector is not None:
                        self._data[key][self._used + offset] = vector
                        self._present[key][self._used + offset] = True
            self._used = need

    def put(self, row: int, pair: tuple[Vector | None, ...]) -> None:
        """Set the vectors of a row that had none."""
        with self._lock:
            for key in range(2):
                vector = pair[key]
                if vector is not None:
                    self._data[key][row] = vector
                    self._present[key][row] = True

    def _grow(self, need: int) -> None:
        size = len(self._present[0])
        if need <= size:
            return
        size = max(need, 2 * size)
        for key in range(2):
            data = np.zeros((size, self._data[key].shape[1]), dtype=np.float32)
            data[: self._used] = self._data[key][: self._used]
            present = np.zeros(size, dtype=np.bool_)
            present[: self._used] = self._present[key][: self._used]
            self._data[key], self._present[key] = data, present

    def view(self, key: int, rows: int) -> tuple[Matrix, NDArray[np.bool_]]:
        """Give (float32[n, d], bool[n] present) of the first n = at most `rows` rows."""
        with self._lock:
            end = min(rows, self._used)
            return self._data[key][:end], self._present[key][:end]
