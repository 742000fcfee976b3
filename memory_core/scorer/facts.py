"""What was seen of a candidate when it was served, as a recall logs it: by name.

A recall names its values once (`RecallRecord.facts`), each candidate holds them in that
order (`Served.experts`). Read by name, a log outlives its experts: what it never held is 0,
what nobody asks for any more is left out. A value that gets another meaning gets another name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from memory_core.model import RecallRecord, Served
from memory_core.scorer.experts import EXPERTS
from memory_core.scorer.panel import Floats
from memory_core.scorer.relevance import SIGNS

RELEVANCE = "relevance"
FACTS = " ".join((*EXPERTS, RELEVANCE, *SIGNS))
"""What is logged of each candidate today, in this order; see `RecallRecord.facts`."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where a recall's values stand: a column each, -1 where the recall has no such value."""

    count: int
    experts: tuple[int, ...]
    relevance: int
    signs: tuple[int, ...]


@lru_cache(maxsize=64)
def _columns(facts: str) -> _Columns:
    at = {name: column for column, name in enumerate(facts.split())}
    return _Columns(
        len(facts.split()),
        tuple(at.get(name, -1) for name in EXPERTS),
        at.get(RELEVANCE, -1),
        tuple(at.get(name, -1) for name in SIGNS),
    )


def _taken(logged: Sequence[float], columns: Sequence[int]) -> tuple[float, ...]:
    return tuple(logged[column] if column >= 0 else 0.0 for column in columns)


def experts_of(recall: RecallRecord, served: Served) -> tuple[float, ...]:
    """The value of each expert for a candidate, in the order of `EXPERTS`; () where none is logged.

    A candidate with more or fewer values than its recall names has none that can be told apart.
    """
    columns = _columns(recall.facts)
    if len(served.experts) != columns.count or max(columns.experts) < 0:
        return ()
    return _taken(served.experts, columns.experts)


def about_of(recall: RecallRecord, served: Served) -> tuple[float, ...]:
    """The relevance of a candidate, then each of its `SIGNS`; () where no relevance is logged."""
    columns = _columns(recall.facts)
    if len(served.experts) != columns.count or columns.relevance < 0:
        return ()
    return _taken(served.experts, (columns.relevance, *columns.signs))


def by_expert(values: Mapping[str, float], absent: Floats) -> Floats:
    """Values that were kept by an expert's name, float64[E]; `absent` float64[E] for the others."""
    return np.array(
        [values.get(name, other) for name, other in zip(EXPERTS, absent.tolist(), strict=True)]
    )
