"""The search terms of every item of a small store, in memory, and how well they match a query.

Scores are Okapi BM25 (Robertson and Zaragoza 2009) with the statistics of the rows that are
searched: what other projects hold changes neither a score nor how rare a word is. Thread-safe.
Knows no texts and no files.
"""

from __future__ import annotations

import threading
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from memory_core.store.catalog import Column

K1 = 1.2
B = 0.75
MOST_TERMS = 256
"""So many distinct terms of a query are searched for, the rarest."""
_COUNT_BITS = 16
_MOST = (1 << _COUNT_BITS) - 1

Scores = NDArray[np.float64]
"""float64[N], one for each row; 0 where no term is shared."""


class TermTable:
    """The postings, by catalog row."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._postings: dict[str, array[int]] = {}
        self._lengths = Column(np.int32)

    def append(self, rows: Iterable[Sequence[str]]) -> None:
        """Add the terms of the next rows."""
        with self._lock:
            place = len(self._lengths.values())
            lengths = []
            for terms in rows:
                lengths.append(len(terms))
                for term, count in Counter(terms).items():
                    packed = place << _COUNT_BITS | min(count, _MOST)
                    held = self._postings.get(term)
                    if held is None:
                        self._postings[term] = array("Q", (packed,))
                    else:
                        held.append(packed)
                place += 1
            self._lengths.append(lengths)

    def frequencies(self, terms: Iterable[str], mask: NDArray[np.bool_]) -> dict[str, int]:
        """Give in how many of the rows of `mask` (bool[N]) each of these terms stands."""
        return {term: len(rows) for term, rows, _ in self.found(terms, mask)}

    def scores(self, terms: Iterable[str], mask: NDArray[np.bool_]) -> tuple[Scores, float]:
        """Give BM25 of each row of `mask` (bool[N]) for these terms, each counted once.

        Returns:
            The scores, and > 0 how much the terms say that any row has: the score of a row of
            common length that holds each once.
        """
        scores = np.zeros(len(mask))
        found = sorted(self.found(terms, mask), key=lambda each: (len(each[1]), each[0]))
        if not found:
            return scores, 1.0
        size = int(np.count_nonzero(mask))
        lengths = self._lengths.values()[: len(mask)].astype(np.float64)
        lengths /= max(float(lengths[mask[: len(lengths)]].mean()), 1.0)
        total = 0.0
        for _, rows, counts in found[:MOST_TERMS]:
            rarity = rarity_of(len(rows), size)
            total += rarity
            damped = counts + K1 * (1.0 - B + B * lengths[rows])
            scores[rows] += rarity * (K1 + 1.0) * counts / damped
        return scores, total

    def most_held(
        self, asked: Sequence[Mapping[str, float]], mask: NDArray[np.bool_]
    ) -> list[float]:
        """Give for each of several sets of weighted terms the most weight that one row holds.

        Args:
            asked: Terms with their weights, each at least 0.
            mask: bool[N], the rows that are searched.
        """
        known = {term: rows for term, rows, _ in self.found(chain.from_iterable(asked), mask)}
        held = np.zeros(len(mask))
        most = []
        for weights in asked:
            shared = [(known[term], weight) for term, weight in weights.items() if term in known]
            for rows, weight in shared:
                held[rows] += weight
            most.append(float(held.max()) if shared else 0.0)
            for rows, _ in shared:
                held[rows] = 0.0
        return most

    def found(
        self, terms: Iterable[str], mask: NDArray[np.bool_]
    ) -> list[tuple[str, NDArray[np.int64], NDArray[np.float64]]]:
        """Give (term, rows, how often it stands in each) of the terms that a row of `mask` has."""
        found = []
        with self._lock:
            held = {
                term: postings.tobytes()
                for term in dict.fromkeys(terms)
                if (postings := self._postings.get(term)) is not None
            }
        for term, taken in held.items():
            packed = np.frombuffer(taken, dtype=np.uint64)
            rows = (packed >> np.uint64(_COUNT_BITS)).astype(np.int64)
            kept = rows < len(mask)
            kept[kept] = mask[rows[kept]]
            if kept.any():
                counts = (packed[kept] & np.uint64(_MOST)).astype(np.float64)
                found.append((term, rows[kept], counts))
        return found


def rarity_of(frequency: int, size: int) -> float:
    """Give how much a term says that stands in so many of `size` rows, > 0."""
    return float(np.log1p((size - frequency + 0.5) / (frequency + 0.5)))
