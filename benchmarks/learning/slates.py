"""A stream's candidates in plain arrays, without a store: for quick work and for the protocols.

The same two legs and the same plain order as the product's search (dense: the better
of an item's two cosines; keyword: BM25 on terms), mixed as a store begins: without what
its own items say of the mix, and without names. Figures for the README come from the
product replay, not from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.learning.stream import Memory, Slate, Stream, Task
from memory_core.ports import Embedder, Matrix, Vector
from memory_core.scorer.panel import Panel
from memory_core.service.conditions import conditions_of
from memory_core.sketch import content_sketch, named_share, names_of, structure_sketch
from memory_core.store.mixing import START
from memory_core.words import terms

CANDIDATES = 50
RRF = 60
SATURATION, LENGTH_SHARE = 1.2, 0.75
Floats = NDArray[np.float64]


class Bm25:
    """BM25 over fixed texts (Robertson and Zaragoza 2009), the scores of all at once."""

    def __init__(self, texts: Sequence[str]) -> None:
        bags = [Counter(terms(text)) for text in texts]
        self._terms = {term: i for i, term in enumerate(sorted(set().union(*bags)))}
        lengths = np.array([sum(bag.values()) for bag in bags], dtype=np.float64)
        mean = max(float(lengths.mean()), 1.0) if bags else 1.0
        found = Counter(term for bag in bags for term in bag)
        rows, columns, values = [], [], []
        for row, bag in enumerate(bags):
            damped = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths[row] / mean)
            for term, count in bag.items():
                seen = found[term]
                rarity = np.log(1 + (len(bags) - seen + 0.5) / (seen + 0.5))
                rows.append(row)
                columns.append(self._terms[term])
                values.append(rarity * count * (SATURATION + 1) / (count + damped))
        counts = np.array([found[term] for term in self._terms], dtype=np.float64)
        self._rarities = np.log(1 + (len(bags) - counts + 0.5) / (counts + 0.5))
        shape = (len(bags), len(self._terms))
        self._matrix = sparse.csc_matrix((values, (rows, columns)), shape=shape)

    def scores(self, text: str) -> Floats:
        """float64[N] >= 0 of one query."""
        columns = self._columns(text)
        if not columns:
            return np.zeros(self._matrix.shape[0])
        return np.asarray(self._matrix[:, columns].sum(axis=1), dtype=np.float64).ravel()

    def total(self, text: str) -> float:
        """How much all words of one query say that any text has, > 0."""
        return float(self._rarities[self._columns(text)].sum()) or 1.0

    def _columns(self, text: str) -> list[int]:
        return sorted({self._terms[term] for term in terms(text) if term in self._terms})


def reciprocal_ranks(similarity: Floats, keyword: Floats) -> Floats:
    """Reciprocal-rank fusion of two scores, float64[N]; no keyword score, no keyword rank."""
    dense = np.empty(similarity.size)
    dense[np.argsort(-similarity, kind="stable")] = np.arange(1, similarity.size + 1)
    matched = np.empty(similarity.size)
    matched[np.lexsort((-similarity, -keyword))] = np.arange(1, similarity.size + 1)
    fused: Floats = 1.0 / (RRF + dense) + np.where(keyword > 0, 1.0 / (RRF + matched), 0.0)
    return fused


class Slates:
    """The candidates of any task over fixed memories. Slates are kept, as every ranker asks.

    Args:
        memories: What is remembered.
        embedder: Turns texts into unit vectors.
        limit: Candidates a task.
    """

    def __init__(
        self, memories: Sequence[Memory], embedder: Embedder, limit: int = CANDIDATES
    ) -> None:
        self._embedder, self._limit = embedder, limit
        self._memories = tuple(memories)
        self._names = np.array([memory.key for memory in memories])
        self._projects = np.array([memory.project for memory in memories])
        said = [_said(memory) for memory in memories]
        self._said = said
        self._content = embedder.embed_documents(said)
        self._tasks = self._vectors_of_tasks()
        self._keys = _unit(self._content + self._tasks)
        self._contents = np.stack([content_sketch(memory.content) for memory in memories])
        self._structures = np.stack([structure_sketch(m.task or m.title) for m in memories])
        self._pitfall = np.array([float(memory.kind == "pitfall") for memory in memories])
        both = [f"{text}\n{one.task}" for text, one in zip(said, memories, strict=True)]
        self._keyword = Bm25(both)
        self._kept: dict[tuple[str, str, str, str], Slate] = {}

    def _vectors_of_tasks(self) -> Matrix:
        """float32[N, d]; where a memory has no task its content's vector stands in."""
        tasks: Matrix = self._content.copy()
        rows = [i for i, memory in enumerate(self._memories) if memory.task.strip()]
        if rows:
            tasks[rows] = self._embedder.embed_documents([self._memories[i].task for i in rows])
        return tasks

    def of(self, task: Task) -> Slate:
        """The candidates of one task, in the order of plain hybrid similarity."""
        key = (task.text, task.context, task.error, task.project)
        if key not in self._kept:
            self._kept[key] = self._made(task)
        return self._kept[key]

    def _made(self, task: Task) -> Slate:
        found = conditions_of(self._embedder, task.text, task.context, task.error)
        assert found.vector is not None
        vectors = [probe.vector for probe in found.probes if probe.vector is not None]
        similarity = np.mean([self._similarity(vector) for vector in vectors], axis=0)
        keyword = np.sum([self._keyword.scores(probe.text) for probe in found.probes], axis=0)
        inside = np.flatnonzero(self._projects == task.project)
        rows = inside[_proposed(similarity[inside], keyword[inside], self._limit)]
        total = sum(self._keyword.total(probe.text) for probe in found.probes)
        fused = similarity[rows] + START.words * keyword[rows] / total
        order = np.lexsort((self._names[rows], -similarity[rows], -fused))[: self._limit]
        rows = rows[order]
        names = tuple(str(name) for name in self._names[rows])
        told = names_of(task.error) or names_of(task.text)
        panel = Panel(
            ids=names,
            query=found.vector,
            keys=self._keys[rows],
            fused=fused[order],
            dense=similarity[rows],
            keyword=keyword[rows],
            pitfall=self._pitfall[rows],
            contents=self._contents[rows],
            structure=(self._structures[rows] @ structure_sketch(task.text)).astype(np.float64),
            names=np.array([named_share(told, self._said[row]) for row in rows]),
        )
        return Slate(panel, names)

    def _similarity(self, vector: Vector) -> Floats:
        best = np.maximum(self._content @ vector, self._tasks @ vector)
        return np.asarray(best, dtype=np.float64)


def slates_of(stream: Stream, embedder: Embedder, limit: int = CANDIDATES) -> Slates:
    """Give the slates of a stream's memories; the texts of its tasks are embedded in one go."""
    tasks = (*stream.tasks, *stream.held_out)
    parts = [part for task in tasks for part in (task.text, task.context, task.error)]
    embedder.embed_documents(sorted({part for part in parts if part.strip()}))
    return Slates(stream.memories, embedder, limit)


def _proposed(similarity: Floats, keyword: Floats, limit: int) -> NDArray[np.int64]:
    """Rows that a leg proposes: the nearest, and the best matches."""
    near = np.argsort(-similarity, kind="stable")[:limit]
    matching = np.argsort(-keyword, kind="stable")[:limit]
    return np.union1d(near, matching[keyword[matching] > 0]).astype(np.int64)


def _said(memory: Memory) -> str:
    return "\n".join(p for p in (memory.title, memory.description, memory.content) if p)


def _unit(rows: Matrix) -> Matrix:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Matrix = (rows / np.maximum(norms, 1e-6)).astype(np.float32)
    return unit
