"""From probes to hybrid candidates: legs, exact cosines, reciprocal-rank fusion.

Each leg only proposes items; what they are worth is computed here, for all
proposed items alike, so a value never depends on which leg found the item.
A store below the size of a vector index is searched exactly, in memory;
above it LanceDB's index proposes. The keyword leg is always LanceDB's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Candidate, Matrix, Probe, Scope, StoredItem, Vector
from memory_core.store.catalog import Catalog, Rows
from memory_core.store.tables import Tables, one_of
from memory_core.store.vectors import VectorTable

RRF = 60
"""k of reciprocal-rank fusion (Cormack et al. 2009)."""
COLUMNS = ("vector", "task_vector")
_MARGIN = 16
_ROUNDING = 1e-5
"""More than the single-precision product may be off: what is this near the cut is measured."""
_NAN = math.nan


@dataclass(slots=True)
class Found:
    """One proposed item on its way to a candidate. `cosines` per probe: (content, task)."""

    id: str
    keyword: float = 0.0
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
    told = matrix @ probe.vector if probe.vector is not None else np.zeros(len(matrix), np.float32)
    for vector, weight in probe.further:
        np.maximum(told, (matrix @ vector) * np.float32(weight), out=told)
    return told


def similarities(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give, for float64[P, 2, N] cosines (NaN: none), the mean of each probe's better key.

    Returns:
        float64[N]; NaN for an item that no probe could be compared with.
    """
    best = np.fmax(values[:, 0], values[:, 1])
    known = np.count_nonzero(~np.isnan(best), axis=0)
    total = np.nansum(best, axis=0)
    return np.where(known > 0, total / np.maximum(known, 1), _NAN)


def fuse(found: Sequence[Found], limit: int) -> list[Found]:
    """Give the best `limit` by reciprocal-rank fusion of the dense and the keyword order.

    Ranks count from 1; an item without a vector has no dense rank, one without
    a match no keyword rank. Ties go to similarity, then to the id.
    """
    dense = sorted((f for f in found if f.dense), key=lambda f: (-f.similarity, f.id))
    keyword = sorted(
        (f for f in found if f.keyword > 0), key=lambda f: (-f.keyword, -f.similarity, f.id)
    )
    for order in (dense, keyword):
        for rank, each in enumerate(order, start=1):
            each.fused += 1.0 / (RRF + rank)
    return sorted(found, key=lambda f: (-f.fused, -f.similarity, f.id))[:limit]


class Searcher:
    """Searches one store. Thread-safe.

    Args:
        fetch: Gives stored items by id.
        vectors: Gives the vectors in memory, None for a store with an index.
        late: Gives the ids of items that LanceDB has not got yet.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        tables: Tables,
        fetch: Callable[[Sequence[str]], Mapping[str, StoredItem]],
        vectors: Callable[[], VectorTable | None],
        late: Callable[[], Sequence[str]],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._catalog = catalog
        self._tables = tables
        self._fetch = fetch
        self._vectors = vectors
        self._late = late
        self._pool = pool

    def search(self, probes: Sequence[Probe], scope: Scope, limit: int) -> list[Candidate]:
        """See `memory_core.ports.Store.search`."""
        mask = self._catalog.mask(scope)
        total = int(mask.sum())
        if not total or limit < 1:
            return []
        where = "" if total == len(mask) else scope_filter(scope)
        whole = total <= limit
        vectors = self._vectors()
        words = [
            self._pool.submit(self._matching, probe, where, total if whole else limit)
            for probe in probes
        ]
        near: list[list[str]] = []
        if not whole:
            near = self._near(probes, mask, where, limit, vectors)
        scores = [future.result() for future in words]
        ids = self._union(mask, near, scores, whole)
        found = [Found(i, keyword=sum(score.get(i, 0.0) for score in scores)) for i in ids]
        self._measure(found, probes, vectors)
        best = fuse(found, limit)
        stored = self._fetch([each.id for each in best])
        return [
            Candidate(stored[f.id], f.similarity, f.keyword, f.fused, f.cosines)
            for f in best
            if f.id in stored
        ]

    def _union(
        self,
        mask: NDArray[np.bool_],
        near: Sequence[Sequence[str]],
        scores: Sequence[Mapping[str, float]],
        whole: bool,
    ) -> list[str]:
        """Give the ids that any leg proposed and that are in scope now."""
        if whole:
            return [self._catalog.id(row) for row in np.flatnonzero(mask).tolist()]
        proposed = dict.fromkeys(i for leg in (*near, *scores) for i in leg)
        return [
            self._catalog.id(row)
            for row in self._catalog.rows(proposed).tolist()
            if row < len(mask) and mask[row]
        ]

    # -- legs

    def _matching(self, probe: Probe, where: str, limit: int) -> dict[str, float]:
        """Give the best `limit` matches; more are asked for, so that ties at the cut go by id."""
        asked = limit + _MARGIN
        hits = self._tables.matching(probe.text, asked, where)
        while len(hits) == asked and hits[-1][1] == hits[limit - 1][1]:
            asked *= 4
            hits = self._tables.matching(probe.text, asked, where)
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
        if vectors is not None:
            return [
                self._exact(vectors, key, probe, mask, limit)
                for probe in wanted
                for key in range(2)
            ]
        if not self._tables.dimension:
            return []
        legs = [
            self._pool.submit(self._tables.nearest, column, vector, limit, where)
            for probe in wanted
            for vector, _ in probe.vectors
            for column in COLUMNS
        ]
        return [*(leg.result() for leg in legs), list(self._late())]

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
        pairs = values.transpose(2, 0, 1).tolist()
        for each, pair, similarity in zip(found, pairs, similarities(values).tolist(), strict=True):
            each.cosines = tuple((content, task) for content, task in pair)
            each.dense = not math.isnan(similarity)
            each.similarity = similarity if each.dense else 0.0

    def _matrices(
        self, found: Sequence[Found], vectors: VectorTable | None
    ) -> list[tuple[Matrix, NDArray[np.bool_]]]:
        """Give, for both keys, (float32[N, d], bool[N] present) of the found items."""
        if vectors is not None:
            rows = self._catalog.rows(each.id for each in found)
            views = [vectors.view(key, len(self._catalog)) for key in range(2)]
            return [(matrix[rows], present[rows]) for matrix, present in views]
        stored = self._fetch([each.id for each in found])
        dimension = self._tables.dimension
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


def scope_filter(scope: Scope) -> str:
    """Give the scope as a filter of LanceDB's.

    Example:
        >>> scope_filter(Scope(("a", "global")))
        "project IN ('a', 'global') AND state IN ('active')"
    """
    parts = [one_of("project", scope.projects), one_of("state", scope.states)]
    if scope.kinds:
        parts.append(one_of("kind", scope.kinds))
    return " AND ".join(parts)
