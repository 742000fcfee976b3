"""Small slates to test rankers with."""

from __future__ import annotations

import numpy as np

from benchmarks.learning.stream import Feedback, Slate
from memory_core.scorer.panel import Panel
from memory_core.sketch import SIZE

DIMENSION = 16


def slate(size: int = 6, seed: int = 0) -> Slate:
    """Random candidates in the order of plain similarity."""
    rng = np.random.default_rng(seed)
    keys = rng.normal(size=(size, DIMENSION))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    query = rng.normal(size=DIMENSION)
    query /= np.linalg.norm(query)
    dense = np.sort(keys @ query)[::-1]
    keys = keys[np.argsort(-(keys @ query))]
    sketches = rng.normal(size=(size, SIZE))
    sketches /= np.linalg.norm(sketches, axis=1, keepdims=True)
    ids = tuple(f"m{place}" for place in range(size))
    panel = Panel(
        ids=ids,
        query=query.astype(np.float32),
        keys=keys.astype(np.float32),
        fused=np.array([1.0 / (60 + rank) for rank in range(1, size + 1)]),
        dense=dense,
        keyword=np.linspace(3.0, 0.5, size),
        pitfall=np.zeros(size),
        contents=sketches.astype(np.float32),
        structure=np.zeros(size),
    )
    return Slate(panel, ids)


def flag(shown: tuple[int, ...], *, success: bool) -> Feedback:
    """A bare report."""
    count = len(shown)
    return Feedback(shown, float(success), np.ones(count, np.bool_), np.full(count, np.nan))


def labelled(shown: tuple[int, ...], labels: list[float], *, success: bool) -> Feedback:
    """A report with labels; NaN says nothing."""
    return Feedback(shown, float(success), np.ones(len(shown), np.bool_), np.array(labels))
