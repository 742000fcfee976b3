"""From probes to hybrid candidates: legs, exact cosines, and the mix of both.

Each leg only proposes items; what they are worth is computed here, for all
proposed items alike, so a value never depends on which leg found the item.
A store below the size of a vector index is searched exactly, in memory;
above it LanceDB's indexes propose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from memory_core.names import marks
from memory_core.ports import Candidate, Matrix, Probe, Scope, StoredItem, Vector
from memory_core.store.catalog import Catalog, Rows, scope_filter
from memory_core.store.item_table import ItemTable
from memory_core.store.mixing import HOLDERS, START, Mix, Mixing, named_rows
from memory_core.store.parts import WEIGHT, PartTable
from memory_core.store.postings import TermTable
from memory_core.store.queries import query_part, query_words
from memory_core.store.schema import search_terms, search_text
from memory_core.store.vectors import VectorTable
from memory_core.words import terms

_LEAST_SHARE = 0.4
"""The least share that the best match of a large store is taken to have."""
_MOST_NAMES = 4
"""Names of a query that are searched for one by one in a large store."""
COLUMNS = ("vector", "task_vector")
_MARGIN = 16
_ROUNDING = 1e-5
"""More than the single-precision product may be off: what is this near the cut is measured."""
_NAN = math.nan


@dataclass(slots=True)
class Found:
    """One proposed item on its way to a candidate.

    `keyword` is BM25; `share` the same over what the query's known words say, in [0, 2.2];
    `named`: it holds a name of the query that hardly any other item holds; `cosines` per
    probe: (content, task).
    """

    id: str
    keyword: float = 0.0
    share: float = 0.0
    named: bool = False
    cosines: tuple[tuple[float, float], ...] = ()
    similarity: float = 0.0
    dense: bool = field(default=False)
    fused: float = 0.0


def cosines(matrix: Matrix, vector: Vector) -> NDArray[np.float64]:
    """Give float64[N], the cosines of unit rows with a unit vector.

    Row by row in double precision and then rounded to single: the same item
    gives the same bits whatever it is compared beside.
    """
    exact = np.einsum("nd,d->n", matrix, vector, dtype=np.float64, casting="same_kind")
    rounded = exact.astype(np.float32).astype(np.float64)
    return np.asarray(np.clip(rounded, -1.0, 1.0), dtype=np.float64)


def best_cosines(matrix: Matrix, probe: Probe) -> NDArray[np.float64]:
    """Give float64[N]: for each row the best of the probe's windows, cosine times weight."""
    told = [cosines(matrix, vector) * weight for vector, weight in probe.vectors]
    return np.asarray(np.max(told, axis=0), dtype=np.float64)


def roughly(matrix: Matrix, probe: Probe) -> NDArray[np.float32]:
    """Give float32[N], what `best_cosines` gives but for rounding, faster."""
    if len(probe.vectors) == 1:
        return np.asarray(matrix @ probe.vectors[0][0], dtype=np.float32)
    windows = np.stack([vector * np.float32(weight) for vector, weight in probe.vectors], axis=1)
    return np.asarray((matrix @ windows).max(axis=1), dtype=np.float32)


def similarities(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give, for float64[P, 2, N] cosines (NaN: none), the mean of each probe's better key.

    Returns:
        float64[N]; NaN for an item that no probe could be compared with.
    """
    best = np.fmax(values[:, 0], values[:, 1])
    known = np.count_nonzero(~np.isnan(best), axis=0)
    total = np.nansum(best, axis=0)
    return np.where(known > 0, total / np.maximum(known, 1), _NAN)


def fuse(found: Sequence[Found], limit: int, mix: Mix = START) -> list[Found]:
    """Give the best `limit` by the mix: cosine + words x share + names x named.

    An item without a vector counts as a middling one by cosine. Ties go to similarity, then
    to the id.
    """
    dense = sorted(each.similarity for each in found if each.dense)
    middling = dense[len(dense) // 2] if dense else 0.0
    for each in found:
        near = each.similarity if each.dense else middling
        each.fused = near + mix.words * each.share + mix.names * each.named
    return sorted(found, key=lambda f: (-f.fused, -f.similarity, f.id))[:limit]


@dataclass(frozen=True, slots=True)
class Matched:
    """What one probe's words find: BM25 by id, what all its known words say, who is named."""

    scores: Mapping[str, float]
    total: float
    named: frozenset[str]


class Searcher:
    """Searches one store. Thread-safe.

    Args:
        fetch: Gives stored items by id.
        vectors: Gives the vectors in memory, None for a store with an index.
        words: Gives the search terms in memory, None likewise.
        late: Gives the ids of items that LanceDB has not got yet.
        parts: The further vectors of long items.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        table: ItemTable,
        fetch: Callable[[Sequence[str]], Mapping[str, StoredItem]],
        vectors: Callable[[], VectorTable | None],
        words: Callable[[], TermTable | None],
        late: Callable[[], Sequence[str]],
        pool: ThreadPoolExecutor,
        parts: PartTable,
    ) -> None:
        self._catalog = catalog
        self._table = table
        self._fetch = fetch
        self._vectors = vectors
        self._words = words
        self._mixing = Mixing(catalog, fetch)
        self._late = late
        self._pool = pool
        self._parts = parts

    def search(self, probes: Sequence[Probe], scope: Scope, limit: int) -> list[Candidate]:
        """See `memory_core.ports.Store.search`."""
        mask = self._catalog.mask(scope)
        total = int(mask.sum())
        if not total or limit < 1:
            return []
        where = "" if total == len(mask) else scope_filter(scope)
        whole = total <= limit
        vectors, words = self._vectors(), self._words()
        most = total if whole else limit
        matches: list[Callable[[], Matched]]
        if words is not None:
            matches = [partial(self._sharing, words, probe, mask, most) for probe in probes]
        else:
            matches = [
                self._pool.submit(self._matching, probe, where, most).result for probe in probes
            ]
        near: list[list[str]] = []
        if not whole:
            near = self._near(probes, mask, where, limit, vectors)
        matched = [match() for match in matches]
        ids = self._union(mask, near, [(*one.scores, *one.named) for one in matched], whole)
        found = [_found(i, matched) for i in ids]
        self._measure(found, probes, vectors)
        mix = self._mixing.of(words, vectors)
        best = fuse(found, limit, mix)
        stored = self._fetch([each.id for each in best])
        return [
            Candidate(
                stored[f.id], f.similarity, f.keyword, f.fused, f.cosines, f.named and mix.names > 0
            )
            for f in best
            if f.id in stored
        ]

    def most_held(self, asked: Sequence[Mapping[str, float]], scope: Scope) -> list[float]:
        """See `memory_core.ports.Store.most_held`."""
        words = self._words()
        if words is None:
            return [0.0] * len(asked)
        return words.most_held(asked, self._catalog.mask(scope))

    def _union(
        self,
        mask: NDArray[np.bool_],
        near: Sequence[Sequence[str]],
        matched: Sequence[Sequence[str]],
        whole: bool,
    ) -> list[str]:
        """Give the ids that any leg proposed and that are in scope now."""
        if whole:
            return [self._catalog.id(row) for row in np.flatnonzero(mask).tolist()]
        proposed = dict.fromkeys(i for leg in (*near, *matched) for i in leg)
        return [
            self._catalog.id(row)
            for row in self._catalog.rows(proposed).tolist()
            if row < len(mask) and mask[row]
        ]

    # -- legs

    def _sharing(
        self, words: TermTable, probe: Probe, mask: NDArray[np.bool_], limit: int
    ) -> Matched:
        """Give the best `limit` of the rows that share a term; ties at the cut go by id.

        A row's score is that with the passage of which it holds most. What a passage says is
        taken for no less than what the weightiest ones say, or a passage of one known word would
        be held as a whole. Names count where they stand in one of these.
        """
        told = [(query_part(text), weight) for text, weight in probe.passages]
        found = [words.scores(terms(text), mask) for text, _ in told]
        whole = [own for (_, own), (_, weight) in zip(found, told, strict=True) if weight == 1.0]
        total = max(whole)
        scores = np.max(
            [
                one * (weight * total / max(own, total))
                for (one, own), (_, weight) in zip(found, told, strict=True)
            ],
            axis=0,
        )
        text = "\n".join(one for one, weight in told if weight == 1.0)
        rows = np.flatnonzero(scores > 0)
        if len(rows) > limit:
            cut = np.partition(scores[rows], len(rows) - limit)[len(rows) - limit]
            rows = rows[scores[rows] >= cut]
        pairs = zip(map(self._catalog.id, rows.tolist()), scores[rows].tolist(), strict=True)
        best = sorted(pairs, key=lambda hit: (-hit[1], hit[0]))[:limit]
        named = frozenset(map(self._catalog.id, named_rows(words, text, mask).tolist()))
        held = {item_id: float(scores[self._row(item_id)]) for item_id in named}
        return Matched(held | dict(best), total, named)

    def _row(self, item_id: str) -> int:
        row = self._catalog.row(item_id)
        assert row is not None
        return row

    def _matching(self, probe: Probe, where: str, limit: int) -> Matched:
        """Ask LanceDB for the best `limit` matches, and for who holds the query's names."""
        hits = self._best(query_words(probe.text), limit, where)
        named: set[str] = set()
        for name in sorted(marks(query_part(probe.text)), key=lambda one: (-len(one), one))[
            :_MOST_NAMES
        ]:
            holders = self._table.matching(name, HOLDERS + 1, where)
            named.update(i for i, _ in holders if len(holders) <= HOLDERS)
        return Matched(hits, self._total(hits, probe.text), frozenset(named))

    def _total(self, hits: Mapping[str, float], text: str) -> float:
        """Estimate what all words of a text say, from how many of them the best match holds.

        LanceDB tells neither how rare a word is nor what a match could have had at most.
        """
        if not hits:
            return 1.0
        best, score = next(iter(hits.items()))
        stored = self._fetch([best]).get(best)
        held = search_terms(search_text(stored.item)) if stored is not None else ()
        asked = set(terms(query_part(text)))
        return score / max(len(asked.intersection(held)) / max(len(asked), 1), _LEAST_SHARE)

    def _best(self, words: str, limit: int, where: str) -> dict[str, float]:
        """Give the best `limit` matches; more are asked for, so that ties at the cut go by id."""
        asked = limit + _MARGIN
        hits = self._table.matching(words, asked, where)
        while len(hits) == asked and hits[-1][1] == hits[limit - 1][1]:
            asked *= 4
            hits = self._table.matching(words, asked, where)
        return dict(sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:limit])

    def _near(
        self,
        probes: Sequence[Probe],
        mask: NDArray[np.bool_],
        where: str,
        limit: int,
        vectors: VectorTable | None,
    ) -> list[list[str]]:
        wanted = [probe for probe in probes if probe.vector is not None]
        by_part = [self._by_part(probe, mask, limit) for probe in wanted]
        if vectors is not None:
            return by_part + [
                self._exact(vectors, key, probe, mask, limit)
                for probe in wanted
                for key in range(2)
            ]
        if not self._table.dimension:
            return by_part
        legs = [
            self._pool.submit(self._table.nearest, column, vector, limit, where)
            for probe in wanted
            for vector, _ in probe.vectors
            for column in COLUMNS
        ]
        return [*by_part, *(leg.result() for leg in legs), list(self._late())]

    def _exact(
        self,
        vectors: VectorTable,
        key: int,
        probe: Probe,
        mask: NDArray[np.bool_],
        limit: int,
    ) -> list[str]:
        """Give the nearest `limit` in scope: a fast pass over all, an exact one over the best."""
        matrix, present = vectors.view(key, len(mask))
        rows: Rows = np.flatnonzero(mask[: len(present)] & present)
        rough = roughly(matrix, probe)[rows]
        if len(rows) > limit:
            cut = np.partition(rough, len(rows) - limit)[len(rows) - limit]
            rows = rows[rough >= cut - _ROUNDING]
        values = best_cosines(matrix[rows], probe)
        order = sorted(zip((-values).tolist(), map(self._catalog.id, rows.tolist()), strict=True))
        return [item_id for _, item_id in order[:limit]]

    def _by_part(self, probe: Probe, mask: NDArray[np.bool_], limit: int) -> list[str]:
        """Give the `limit` items in scope that have the nearest parts, and those about as near."""
        matrix, owners = self._parts.view()
        known = owners < len(mask)
        matrix, owners = matrix[known], owners[known]
        seen = mask[owners]
        if not seen.any():
            return []
        best = np.full(len(mask), -np.inf, dtype=np.float32)
        np.maximum.at(best, owners[seen], roughly(matrix, probe)[seen])
        rows: Rows = np.flatnonzero(best > -np.inf)
        if len(rows) > limit:
            cut = np.partition(best[rows], len(rows) - limit)[len(rows) - limit]
            rows = rows[best[rows] >= cut - _ROUNDING]
        return [self._catalog.id(row) for row in rows.tolist()]

    # -- values

    def _measure(
        self, found: Sequence[Found], probes: Sequence[Probe], vectors: VectorTable | None
    ) -> None:
        """Fill in every item's cosines and similarity."""
        values = np.full((len(probes), 2, len(found)), _NAN)
        keys = self._matrices(found, vectors) if any(p.vector is not None for p in probes) else []
        for row, probe in zip(values, probes, strict=True):
            if probe.vector is not None:
                for column, (matrix, present) in zip(row, keys, strict=True):
                    column[:] = np.where(present, best_cosines(matrix, probe), _NAN)
        self._measure_parts(found, probes, values)
        pairs = values.transpose(2, 0, 1).tolist()
        for each, pair, similarity in zip(found, pairs, similarities(values).tolist(), strict=True):
            each.cosines = tuple((content, task) for content, task in pair)
            each.dense = not math.isnan(similarity)
            each.similarity = similarity if each.dense else 0.0

    def _measure_parts(
        self, found: Sequence[Found], probes: Sequence[Probe], values: NDArray[np.float64]
    ) -> None:
        """Let a long item's content be as near as its nearest part."""
        if not len(self._parts):
            return
        for index, each in enumerate(found):
            row = self._catalog.row(each.id)
            parts = None if row is None else self._parts.of(row)
            if parts is None:
                continue
            for told, probe in zip(values, probes, strict=True):
                if probe.vector is not None:
                    best = WEIGHT * float(best_cosines(parts, probe).max())
                    told[0, index] = np.fmax(told[0, index], best)

    def _matrices(
        self, found: Sequence[Found], vectors: VectorTable | None
    ) -> list[tuple[Matrix, NDArray[np.bool_]]]:
        """Give, for both keys, (float32[N, d], bool[N] present) of the found items."""
        if vectors is not None:
            rows = self._catalog.rows(each.id for each in found)
            views = [vectors.view(key, len(self._catalog)) for key in range(2)]
            return [(matrix[rows], present[rows]) for matrix, present in views]
        stored = self._fetch([each.id for each in found])
        dimension = self._table.dimension
        result = []
        for key in range(2):
            matrix = np.zeros((len(found), dimension), dtype=np.float32)
            present = np.zeros(len(found), dtype=np.bool_)
            for index, each in enumerate(found):
                item = stored.get(each.id)
                vector = None if item is None else (item.vector, item.task_vector)[key]
                if vector is not None:
                    matrix[index], present[index] = vector, True
            result.append((matrix, present))
        return result


def _found(item_id: str, matched: Sequence[Matched]) -> Found:
    """What the probes' words say of one item."""
    keyword = sum(one.scores.get(item_id, 0.0) for one in matched)
    return Found(
        item_id,
        keyword=keyword,
        share=keyword / max(sum(one.total for one in matched), 1e-9),
        named=any(item_id in one.named for one in matched),
    )
