"""How much words and names weigh beside the cosine, found from the store's own items.

Neither leg is the better one everywhere, so the mix is chosen by what the store knows before
any outcome: items that advise the same are free labels. Each item's task is searched for among
the others, and the mix is the best that brings what advises the same to the front (leave one
out), held near a start that does well on its own. A function of the items' texts and vectors:
two stores with the same log have the same mix.

References:
    Bruch et al. 2023, An Analysis of Fusion Functions for Hybrid Retrieval (convex combination).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from memory_core.names import marks
from memory_core.ports import StoredItem
from memory_core.sketch import content_sketch
from memory_core.store.catalog import Catalog, Rows
from memory_core.store.postings import TermTable
from memory_core.store.vectors import VectorTable
from memory_core.words import terms

FEWEST = 16
"""Items from which a mix is looked for."""
SAMPLE, ASKED = 384, 96
"""At most so many items are searched among, and for so many it is tried."""
SAME = 0.95
"""Cosine of content sketches from which two items advise the same."""
HOLDERS = 3
"""A name that no more items than these hold decides."""
_WORDS = (0.05, 0.1, 0.2, 0.35, 0.55, 0.8, 1.2, 1.8)
_NAMES = (0.4, 0.0)
_PRIOR = 2.0
"""Hits that a weight e times as large or as small as the start's must gain, squared in between."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights beside the cosine's, which is 1.

    - words: of the share, by rarity, of the query's words that an item holds.
    - names: of holding a name that hardly any other item holds.
    """

    words: float = 0.55
    names: float = 0.4


START = Mix()


def named_rows(table: TermTable, text: str, mask: NDArray[np.bool_]) -> Rows:
    """Give the rows of `mask` that hold a name of a text which at most three of them hold."""
    found = [rows for _, rows, _ in table.found(sorted(marks(text)), mask) if len(rows) <= HOLDERS]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


class Mixing:
    """Keeps the mix of a store's present size: it is looked for again when that doubles.

    Args:
        catalog: The items' rows and ids.
        fetch: Gives stored items by id.
    """

    def __init__(
        self, catalog: Catalog, fetch: Callable[[Sequence[str]], Mapping[str, StoredItem]]
    ) -> None:
        self._catalog = catalog
        self._fetch = fetch
        self._known: tuple[tuple[int, int], Mix] = ((0, 0), START)

    def of(self, table: TermTable | None, vectors: VectorTable | None) -> Mix:
        """Give the mix; the start's for a store that is not held in memory."""
        size = len(self._catalog)
        if table is None or vectors is None or size < FEWEST:
            return START
        first = 1 << (size.bit_length() - 1)
        present = vectors.view(0, first)[1]
        key = first, int(np.count_nonzero(present))
        known, mix = self._known
        if known != key:
            mix = self._found(first, table, vectors)
            self._known = key, mix
        return mix

    def _found(self, first: int, table: TermTable, vectors: VectorTable) -> Mix:
        """Look for the mix in a sample of the first items."""
        rows = _spread(np.arange(first), SAMPLE)
        ids = [self._catalog.id(row) for row in rows.tolist()]
        stored = self._fetch(ids)
        items = [stored[item_id].item for item_id in ids if item_id in stored]
        if len(items) < len(ids):
            return START
        sketches = np.stack([content_sketch(item.content) for item in items])
        same = sketches @ sketches.T >= SAME
        np.fill_diagonal(same, val=False)
        asked = _spread(np.flatnonzero(same.any(axis=1)), ASKED)
        (content, held), (tasks, had) = (vectors.view(key, first) for key in range(2))
        trial = _Trial(table, rows, first)
        for place in asked.tolist():
            row = int(rows[place])
            near: Values | None = None
            if had[row] and held[rows].all():
                near = np.maximum(
                    content[rows] @ tasks[row], np.where(had[rows], tasks[rows] @ tasks[row], -1.0)
                ).astype(np.float64)
            text = items[place].task or items[place].title
            trial.ask(place, text, near, same[place])
        return trial.best()


class _Trial:
    """Counts, for each mix, how often what advises the same came first."""

    def __init__(self, table: TermTable, rows: Rows, first: int) -> None:
        self._table, self._rows = table, rows
        self._mask = np.zeros(first, dtype=np.bool_)
        self._mask[rows] = True
        self._hits: dict[Mix, float] = {
            Mix(share, weight): 0.0 for share, weight in product(_WORDS, _NAMES)
        }

    def ask(self, place: int, text: str, near: Values | None, same: NDArray[np.bool_]) -> None:
        """Search for one item's task among the others; without vectors by words and names alone."""
        mask = self._mask.copy()
        mask[self._rows[place]] = False
        scores, total = self._table.scores(terms(text), mask)
        shares = scores[self._rows] / total
        named = np.isin(self._rows, named_rows(self._table, text, mask)).astype(np.float64)
        for mix in self._hits:
            words = START.words if near is None else mix.words
            values = words * shares + mix.names * named
            values = values if near is None else values + near
            values[place] = -math.inf
            self._hits[mix] += float(same[int(values.argmax())])

    def best(self) -> Mix:
        """The mix with the most hits, where it gains more than it is away from the start."""
        return max(self._hits, key=lambda mix: self._hits[mix] - _away(mix))


def _away(mix: Mix) -> float:
    return _PRIOR * math.log(mix.words / START.words) ** 2 + float(mix.names != START.names)


def _spread(rows: Iterable[int] | Rows, most: int) -> Rows:
    """At most so many of the rows, evenly."""
    taken = np.asarray(rows, dtype=np.int64)
    if len(taken) <= most:
        return taken
    return taken[np.unique(np.linspace(0, len(taken) - 1, most).astype(np.int64))]
