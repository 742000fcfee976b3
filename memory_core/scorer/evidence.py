"""Fast evidence: what became of items, weighted by how close the conditions were.

For a query q and an item m, over all outcomes i of the items served (value y_i in
[-1, 1], weight w_i):

    evidence(q, m) = sum_i w_i [m_i = m] K_15(q, q_i) y_i / (0.5 + sum_i w_i [m_i = m] K_15(q, q_i))
    advice(q, m)   = the same with A(m, m_i) K_08(q, q_i) in place of [m_i = m] K_15
    K_h(q, q_i)    = exp((cos(q, q_i) - 1) / h)

kernel regressions shrunk to zero (Nadaraya 1964; Watson 1964; the per-case
kernel of Memento, arXiv 2508.16153, equation 9). A in (0, 1] is how alike two
items advise, so that an outcome also counts for items which say the same in other
words. The standing of an item is its evidence with K = 1: its outcomes in all
conditions, with prior mass 4.

One writer adds; any number of readers score without a lock: they read one
published table, whose rows and entries are only ever appended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Matrix, Vector
from memory_core.scorer.panel import Floats, advice_kernel

BANDWIDTH = 0.15
ADVICE_NEARNESS = 0.08
PRIOR_MASS = 0.5
STANDING_PRIOR = 4.0
NEIGHBOURS = 192
"""Whole reports, the nearest ones, that the advice evidence reads, and others as near."""
MOST_ROWS = 8_192
"""Reports kept at the most (12 MiB of conditions at 384 dimensions); the oldest go first."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Record:
    """What the outcomes say of N items in some conditions; all zero for an item with none.

    `evidence`, `standing` and `advice` float64[N] in [-1, 1]; `mass` and
    `advice_mass` float64[N] >= 0, the kernel weights behind evidence and advice.
    """

    evidence: Floats
    mass: Floats
    standing: Floats
    advice: Floats
    advice_mass: Floats


@dataclass(frozen=True, slots=True)
class _Table:
    """The first `rows` rows and `entries` entries of growing arrays.

    An entry is one item of one report: its row, its item's number, value and weight.
    """

    conditions: Matrix
    rows: int
    row: Numbers
    item: Numbers
    value: Floats
    weight: Floats
    entries: int
    whole: NDArray[np.bool_]
    sketches: Matrix
    numbers: dict[str, int] = field(default_factory=dict)


def _empty(dimension: int, size: int) -> _Table:
    return _Table(
        np.zeros((256, dimension), np.float32),
        0,
        np.zeros(512, np.int64),
        np.zeros(512, np.int64),
        np.zeros(512),
        np.zeros(512),
        0,
        np.zeros(256, bool),
        np.zeros((256, size), np.float32),
    )


def _grown(array: NDArray[np.generic], need: int) -> NDArray[np.generic]:
    """The array itself, or a copy at least twice as long when `need` does not fit."""
    if need <= len(array):
        return array
    fresh = np.zeros((max(need, 2 * len(array)), *array.shape[1:]), array.dtype)
    fresh[: len(array)] = array
    return fresh


class Evidence:
    """The outcomes of all items, the newest 8,192 reports.

    Args:
        dimension: Of the condition vectors.
        sketch: Of the sketches of what items advise.
    """

    def __init__(self, dimension: int, sketch: int) -> None:
        self._dimension, self._sketch = dimension, sketch
        self._table = _empty(dimension, sketch)
        self._owned: dict[str, tuple[int, int]] = {}

    @property
    def rows(self) -> int:
        """Reports held."""
        return self._table.rows

    def add(
        self,
        owner: str,
        query: Vector,
        credits: Sequence[tuple[str, float, float]],
        contents: Mapping[str, Vector] | None = None,
        *,
        whole: bool = True,
    ) -> None:
        """Add one outcome, in place of its owner's earlier one.

        Args:
            owner: The recall's id, or the first outcome's where there was no recall.
            query: float32[d], the conditions.
            credits: (item id, value in [-1, 1], weight >= 0) each.
            contents: Sketches of what the items advise, by id; zero where missing.
            whole: Whether it counts where reports are counted: among the nearest ones.
        """
        self.forget(owner)
        kept = [credit for credit in credits if credit[2] > 0]
        if not kept:
            return
        if self._table.rows == MOST_ROWS:
            self._drop_oldest(MOST_ROWS // 4)
        first = self._table.entries
        self._table = self._appended(query, kept, contents or {}, whole)
        self._owned[owner] = (first, self._table.entries)

    def forget(self, owner: str) -> None:
        """Take an owner's outcome out (it was corrected)."""
        first, last = self._owned.pop(owner, (0, 0))
        self._table.weight[first:last] = 0.0

    def _appended(
        self,
        query: Vector,
        kept: Sequence[tuple[str, float, float]],
        contents: Mapping[str, Vector],
        whole: bool,
    ) -> _Table:
        table, more = self._table, len(kept)
        numbers = dict(table.numbers) if any(i not in table.numbers for i, _, _ in kept) else None
        known = table.numbers if numbers is None else numbers
        sketches = table.sketches
        for item_id, _, _ in kept:
            if item_id not in known:
                known[item_id] = len(known)
                sketches = np.asarray(_grown(sketches, len(known)), np.float32)
                sketches[known[item_id]] = contents.get(item_id, 0.0)
        end = table.entries + more
        fresh = replace(
            table,
            conditions=np.asarray(_grown(table.conditions, table.rows + 1), np.float32),
            row=np.asarray(_grown(table.row, end), np.int64),
            item=np.asarray(_grown(table.item, end), np.int64),
            value=np.asarray(_grown(table.value, end), np.float64),
            weight=np.asarray(_grown(table.weight, end), np.float64),
            whole=np.asarray(_grown(table.whole, table.rows + 1), bool),
            sketches=sketches,
            numbers=known,
            rows=table.rows + 1,
            entries=end,
        )
        fresh.conditions[table.rows] = query
        fresh.whole[table.rows] = whole
        fresh.row[table.entries : end] = table.rows
        for place, (item_id, value, weight) in enumerate(kept, start=table.entries):
            fresh.item[place] = known[item_id]
            fresh.value[place], fresh.weight[place] = value, weight
        return fresh

    def _drop_oldest(self, many: int) -> None:
        """Make a fresh table without the first `many` rows, their entries and lone items."""
        old = self._table
        start = int(np.searchsorted(old.row[: old.entries], many))
        items = np.unique(old.item[start : old.entries])
        names = {number: name for name, number in old.numbers.items()}
        renumbered = np.zeros(len(old.numbers), np.int64)
        renumbered[items] = np.arange(len(items))
        kept = slice(start, old.entries)
        self._table = _Table(
            old.conditions[many : old.rows].copy(),
            old.rows - many,
            old.row[kept] - many,
            renumbered[old.item[kept]],
            old.value[kept].copy(),
            old.weight[kept].copy(),
            old.entries - start,
            old.whole[many : old.rows].copy(),
            old.sketches[items].copy(),
            {names[int(number)]: place for place, number in enumerate(items)},
        )
        self._owned = {
            owner: (first - start, last - start)
            for owner, (first, last) in self._owned.items()
            if first >= start
        }

    def score(
        self,
        query: Vector,
        ids: Sequence[str],
        contents: Matrix | None = None,
        earlier: Mapping[str, int] | None = None,
    ) -> Record:
        """Say what the outcomes tell of these items in these conditions.

        Args:
            query: float32[d].
            ids: N item ids.
            contents: float32[N, SIZE], sketches of what they advise; None gives no advice.
            earlier: Places of items whose record an earlier wording's is, by its id.
        """
        table, count = self._table, len(ids)
        nothing = np.zeros(count)
        if not table.entries or not count:
            return Record(nothing, nothing, nothing, nothing, nothing)
        # [reports] of their conditions with the query; vectors of length 1, so above 1 is rounding
        cosines = np.minimum(table.conditions[: table.rows] @ query, 1.0).astype(np.float64)
        places = np.full(len(table.numbers), -1, np.int64)
        for item_id, place in (*zip(ids, range(count), strict=True), *(earlier or {}).items()):
            number = table.numbers.get(item_id, -1)
            if 0 <= number < len(places):
                places[number] = place
        own = places[table.item[: table.entries]]  # [entries] whose place among the N, -1: nobody's
        held = np.flatnonzero(own >= 0)
        own, value, weight = own[held], table.value[held], table.weight[held]
        # [held] a report a bandwidth of cosine away counts 1/e of one in the same conditions
        kernel = weight * np.exp((cosines[table.row[held]] - 1.0) / BANDWIDTH)

        def total(parts: Floats) -> Floats:  # [held] -> [N], summed by item
            return np.bincount(own, parts, count).astype(np.float64)

        mass = total(kernel)
        advice, advice_mass = self._advice(table, cosines, contents, count)
        return Record(
            evidence=total(kernel * value) / (PRIOR_MASS + mass),  # shrunk to 0: little is known
            mass=mass,
            standing=total(weight * value) / (STANDING_PRIOR + total(weight)),
            advice=advice,
            advice_mass=advice_mass,
        )

    @staticmethod
    def _advice(
        table: _Table, cosines: Floats, contents: Matrix | None, count: int
    ) -> tuple[Floats, Floats]:
        if contents is None:
            return np.zeros(count), np.zeros(count)
        least = -1.0
        counted = cosines[table.whole[: table.rows]]
        if len(counted) > NEIGHBOURS:
            least = float(np.partition(counted, len(counted) - NEIGHBOURS)[-NEIGHBOURS])
        # what lies beyond the nearest whole reports says nothing: advice is local
        entries = np.flatnonzero((cosines >= least)[table.row[: table.entries]])
        kernel = table.weight[entries] * np.exp(
            (cosines[table.row[entries]] - 1.0) / ADVICE_NEARNESS
        )
        # first [items] by item, then [N] by advice: a product of [N, items], not of [N, entries]
        items, where = np.unique(table.item[entries], return_inverse=True)
        values = np.bincount(where, kernel * table.value[entries], len(items))
        masses = np.bincount(where, kernel, len(items))
        alike = advice_kernel(contents, table.sketches[items])
        mass: Floats = alike @ masses
        advice: Floats = (alike @ values) / (PRIOR_MASS + mass)
        return advice, mass
