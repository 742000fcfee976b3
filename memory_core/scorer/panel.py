"""What the scorer sees of one recall: the query and its candidates as arrays.

Knows nothing of the store or of text; everything here is numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Candidate, Matrix, StoredItem, Vector

Floats = NDArray[np.float64]
"""float64[N]."""
Values = NDArray[np.float64]
"""float64[N, E]: one row a candidate, one column an expert."""

ADVICE_BANDWIDTH = 0.1
FITTING = 0.14
"""Relevance from which an item is about a task; the bar of who asked, where none is set."""
LEAST_RELEVANCE = 0.005
"""Below it one candidate is as far from the task as another."""
_Z_LIMIT = 4.0


def zscore(values: Floats) -> Floats:
    """Standardise within one candidate set; constant input gives zeros; clipped to [-4, 4]."""
    spread = float(values.std()) if values.size else 0.0
    if spread < 1e-9:
        return np.zeros_like(values)
    z: Floats = np.clip((values - values.mean()) / spread, -_Z_LIMIT, _Z_LIMIT)
    return z


def item_key(stored: StoredItem) -> Vector | None:
    """The one vector that stands for an item in the networks.

    The normalised sum of its text's and its task's vectors: what it says and
    where it came from. None while the item waits for a model.
    """
    if stored.vector is None:
        return None
    if stored.task_vector is None:
        return stored.vector
    both = stored.vector + stored.task_vector
    norm = float(np.linalg.norm(both))
    return stored.vector if norm < 1e-6 else (both / norm).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Texts:
    """What is read of the candidates' texts; see `Panel`."""

    contents: Matrix
    structure: Floats
    names: Floats


@dataclass(frozen=True, slots=True)
class Panel:
    """The candidates of one recall, in the order of plain hybrid similarity.

    `query` is float32[d], the conditions (task, context, error); `keys`
    float32[N, d]; `pitfall` is 1.0 where the item warns. `contents` float32[N, SIZE]
    are the sketches of what the items advise and `structure` how alike the tasks
    are asked, in [-1, 1]; `names` float64[N] in [0, 1] is the share of the query's names
    that the item holds. All None where there is no text to read. `earlier` gives the place
    of whose record an earlier wording's is, by the earlier wording's id. `relevance` float64[N]
    in [0, 1] is the chance that each is about the task, None where it is not known.
    """

    ids: tuple[str, ...]
    query: Vector
    keys: Matrix
    fused: Floats
    dense: Floats
    keyword: Floats
    pitfall: Floats
    contents: Matrix | None = None
    structure: Floats | None = None
    names: Floats | None = None
    earlier: Mapping[str, int] = field(default_factory=dict)
    relevance: Floats | None = None

    @property
    def size(self) -> int:
        return len(self.ids)


def advice_kernel(first: Matrix, second: Matrix) -> Values:
    """How alike items advise, float64[N, M] in (0, 1]: exp((cosine of sketches - 1) / 0.1)."""
    likeness = np.minimum(first @ second.T, np.float32(1.0))
    kernel: Values = np.exp((likeness - np.float32(1.0)) / np.float32(ADVICE_BANDWIDTH))
    return kernel


def panel_of(
    query: Vector,
    candidates: Sequence[Candidate],
    texts: Texts | None = None,
    earlier: Mapping[str, int] | None = None,
) -> Panel:
    """Build the panel; an item without a vector gets a zero key (its networks say zero)."""
    zero = np.zeros_like(query)
    keys = [item_key(candidate.stored) for candidate in candidates]
    return Panel(
        ids=tuple(candidate.stored.item.id for candidate in candidates),
        query=query,
        keys=np.stack([zero if key is None else key for key in keys])
        if keys
        else np.zeros((0, query.size), np.float32),
        fused=np.array([candidate.fused for candidate in candidates], dtype=np.float64),
        dense=np.array([candidate.similarity for candidate in candidates], dtype=np.float64),
        keyword=np.array([candidate.keyword for candidate in candidates], dtype=np.float64),
        pitfall=np.array(
            [float(candidate.stored.item.kind == "pitfall") for candidate in candidates],
            dtype=np.float64,
        ),
        contents=texts.contents if texts is not None else None,
        structure=texts.structure if texts is not None else None,
        names=texts.names if texts is not None else None,
        earlier=earlier or {},
    )


def log_prior(relevance: Floats) -> Floats:
    """How much less a stranger to the task promises than what fits it, float64[N] <= 0.

    2 ln(r / FITTING), r being the least relevance so far: 0 for all that fit, and half as
    relevant needs four times the odds of helping. It never rises: alone it changes no order.

    Args:
        relevance: float64[N] in [0, 1], in the order of plain hybrid similarity.
    """
    least = np.minimum.accumulate(np.clip(relevance, LEAST_RELEVANCE, FITTING))
    prior: Floats = 2.0 * np.log(least / FITTING)
    return prior
