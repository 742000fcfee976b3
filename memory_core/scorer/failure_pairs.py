"""Pairs of failures in numbers: what each view says of a pair, and what outcomes say of it.

A failure is seen by its task, its normalised error, the literals of its message,
all its words and its error class; a pair by the agreement of each and by five of
their products. Outcomes say of a pair that it is the same, that it differs, or
nothing; see `memory_core.scorer.causes`. Knows no texts, no learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Matrix, Vector

FEATURES = (
    *("task", "said", "literals", "words", "class"),
    *("literals x said", "words x said", "literals x words", "task x words", "task x said"),
)
NEUTRAL = 0.5
"""What a view says that one of the two failures does not have, and where features are centred."""
HINT = 0.5
"""Weight of a pair that outcomes only hint at."""
MOST_PAIRS = 4_000
"""Pairs of a kind (same, different) that are looked at, evenly drawn from all."""
TASK_SHARE = 0.5
"""Of the plain similarity: the normalised error counts 1, the task this much."""
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Views:
    """One failure in numbers; a vector of zeros stands for what is not known.

    `said` float32[d] (normalised error) · `task` float32[d] · `literals`
    float32[h] (names and values in its message) · `words` float32[h] (all its
    words) · `error_class` · `fingerprint`. Vectors are of unit length.
    """

    said: Vector
    task: Vector
    literals: Vector
    words: Vector
    error_class: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One failure and what its outcomes told, for learning.

    `group`: the attempts that it was one of, "" for none. `resolved`: items that
    made it go away; `failed`: items that did not; `culprits`: items that were
    followed when it happened. `weight` in [0, 1]; `held_out` failures are judged
    and never trained on.
    """

    project: str
    group: str
    views: Views
    resolved: frozenset[str]
    failed: frozenset[str]
    culprits: frozenset[str]
    weight: float = 1.0
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much each place of the hashed views says, float32[h] >= 0: rare words say more.

    `literals` and `words`: the inverse document frequency of BM25 (Robertson and
    Zaragoza 2009) over a window of failures; most for what it has not seen.
    """

    literals: Vector
    words: Vector


def rarity_of(views: Sequence[Views]) -> Rarity:
    """The rarity of every place in these failures (at least one)."""
    return Rarity(_rare([v.literals for v in views]), _rare([v.words for v in views]))


def _rare(rows: list[Vector]) -> Vector:
    found = np.count_nonzero(np.stack(rows), axis=0)
    said: Vector = np.log1p((len(rows) - found + 0.5) / (found + 0.5)).astype(np.float32)
    return said


class Table:
    """Failures side by side: one matrix a view, rows in the order given.

    Args:
        views: The failures.
        rarity: Weighs the places of the hashed views, None for all alike.
    """

    def __init__(self, views: Sequence[Views], rarity: Rarity | None = None) -> None:
        self.count = len(views)
        self.said, self.task = _stacked([v.said for v in views]), _stacked([v.task for v in views])
        self.literals = _stacked([v.literals for v in views])
        self.words = _stacked([v.words for v in views])
        if rarity is not None and views:
            self.literals = _weighed(self.literals, rarity.literals)
            self.words = _weighed(self.words, rarity.words)
        self.classes = np.array([v.error_class for v in views], dtype=object)
        self.prints = np.array([v.fingerprint for v in views], dtype=object)


def _weighed(rows: Matrix, by: Vector) -> Matrix:
    """Rows of unit length again, zeros where nothing is left."""
    weighed = rows * by
    norms = np.linalg.norm(weighed, axis=1, keepdims=True)
    found: Matrix = (weighed / np.where(norms > 0, norms, 1.0)).astype(np.float32)
    return found


def _stacked(rows: list[Vector]) -> Matrix:
    """Rows one below the other; what is not finite says nothing."""
    if not rows:
        return np.zeros((0, 0), np.float32)
    return np.nan_to_num(np.stack(rows), nan=0.0, posinf=0.0, neginf=0.0)


def _features(
    cosines: Sequence[NDArray[np.floating]], known: Sequence[Truth], same: Truth
) -> Floats:
    """Features float64[..., 10], from the cosines of the four views and the classes."""
    four = [
        np.where(there, np.clip(cosine, -1.0, 1.0), NEUTRAL)
        for cosine, there in zip(cosines, known, strict=True)
    ]
    task, said, literals, words = four
    columns = (
        *(task, said, literals, words, same.astype(np.float64)),
        *(literals * said, words * said, literals * words, task * words, task * said),
    )
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=-1)


def _there(rows: Matrix) -> Truth:
    there: Truth = np.abs(rows).max(axis=-1, initial=0.0) > 0
    return there


def features_between(one: Table, other: Table) -> Floats:
    """Features of every row of one table with every row of another, float64[M, N, 10]."""
    views = (
        *((one.task, other.task), (one.said, other.said)),
        *((one.literals, other.literals), (one.words, other.words)),
    )
    cosines = [rows @ columns.T for rows, columns in views]
    known = [np.logical_and.outer(_there(rows), _there(columns)) for rows, columns in views]
    return _features(cosines, known, one.classes[:, None] == other.classes[None, :])


def features_of_pairs(table: Table, pairs: Pairs) -> Floats:
    """Features of pairs of a table's rows, float64[P, 10] in [-1, 1]."""
    rows, columns = pairs.rows, pairs.columns
    views = (table.task, table.said, table.literals, table.words)
    cosines = [np.einsum("pd,pd->p", held[rows], held[columns]) for held in views]
    known = [(there := _there(held))[rows] & there[columns] for held in views]
    return _features(cosines, known, table.classes[rows] == table.classes[columns])


def plain_of_pairs(table: Table, pairs: Pairs) -> Floats:
    """The plain rule, float64[P] in [-1, 1].

    1 for the same fingerprint, the cosine of error and task for the same class, else -1.
    """
    joined = table.said + TASK_SHARE * table.task
    joined = joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-6)
    rows, columns = pairs.rows, pairs.columns
    cosines = np.einsum("pd,pd->p", joined[rows], joined[columns]).astype(np.float64)
    same = table.classes[rows] == table.classes[columns]
    exact = (table.prints[rows] == table.prints[columns]) & (table.prints[rows] != "")
    return np.where(exact, 1.0, np.where(same, cosines, -1.0))


# -- what outcomes say of pairs --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows, int64[P] each; `same` bool[P]; `weights` float64[P] > 0."""

    rows: Whole
    columns: Whole
    same: Truth
    weights: Floats

    def take(self, chosen: Whole | Truth) -> Pairs:
        """Some of them."""
        return Pairs(
            self.rows[chosen], self.columns[chosen], self.same[chosen], self.weights[chosen]
        )


def related(occurrences: Sequence[Occurrence]) -> Pairs:
    """The pairs of failures of one project that outcomes say something of; see the module."""
    places = {
        item: place
        for place, item in enumerate(
            sorted(set().union(*(o.resolved | o.failed | o.culprits for o in occurrences)))
        )
    }
    resolved = _incidence([o.resolved for o in occurrences], places)
    culprits = _incidence([o.culprits for o in occurrences], places)
    failed = np.maximum(_incidence([o.failed for o in occurrences], places), culprits)
    shared = (resolved @ resolved.T) > 0
    against = (resolved @ failed.T) > 0
    against |= against.T
    has, did = resolved.any(axis=1), culprits.any(axis=1)
    apart = np.logical_and.outer(did, did) & ~((culprits @ culprits.T) > 0)
    both = np.logical_and.outer(has, has)
    one_project = _equal([o.project for o in occurrences])
    on_the_way = _equal([o.group or place for place, o in enumerate(occurrences)]) & one_project
    same = both & shared & ~against & ~apart & ~on_the_way
    hinted = (apart | (both & ~shared)) & ~against
    told = (same | against | hinted) & one_project
    rows, columns = np.nonzero(np.triu(told, 1))
    trust = np.array([o.weight for o in occurrences], dtype=np.float64)
    weights = np.minimum(trust[rows], trust[columns]) * np.where(hinted[rows, columns], HINT, 1.0)
    found = Pairs(rows, columns, same[rows, columns], weights)
    return _drawn(found.take(weights > 0))


def _equal(names: Sequence[object]) -> Truth:
    """bool[N, N], whether two of these are the same."""
    codes: dict[object, int] = {}
    found = np.array([codes.setdefault(name, len(codes)) for name in names])
    same: Truth = found[:, None] == found[None, :]
    return same


def _drawn(pairs: Pairs) -> Pairs:
    """At most `MOST_PAIRS` of each kind, evenly spread, their weights standing for all."""
    places, weights = [], []
    for kind in (np.flatnonzero(pairs.same), np.flatnonzero(~pairs.same)):
        kept = min(len(kind), MOST_PAIRS)
        chosen = kind[np.linspace(0, len(kind) - 1, kept).round().astype(np.int64)]
        places.append(chosen)
        weights.append(pairs.weights[chosen] * (len(kind) / max(kept, 1)))
    found = np.concatenate(places)
    return Pairs(
        pairs.rows[found], pairs.columns[found], pairs.same[found], np.concatenate(weights)
    )


def _incidence(sets: Sequence[frozenset[str]], places: dict[str, int]) -> NDArray[np.float32]:
    """float32[N, items], 1 where a set holds an item."""
    found = np.zeros((len(sets), max(len(places), 1)), np.float32)
    for row, held in enumerate(sets):
        found[row, [places[item] for item in held]] = 1.0
    return found
