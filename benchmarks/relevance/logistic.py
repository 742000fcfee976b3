"""The fit that relevance and warnings share: ridge-logistic, bounded, by L-BFGS-B."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memory_core.scorer.logistic import Bound, fitted
from memory_core.scorer.panel import Floats, Values


def logistic(
    values: Values,
    labels: Floats,
    weights: Floats,
    bounds: Sequence[Bound],
    ridge: float,
) -> Floats:
    """Fit base and weights, float64[1 + S], to two digits; the base is free.

    Args:
        values: The signs, float64[N, S].
        labels: What each row should be, float64[N] in [0, 1].
        weights: What each row counts, float64[N].
        bounds: The least and the most of each sign's weight.
        ridge: What the square of a sign's weight costs.
    """
    count = values.shape[1]
    found = fitted(
        np.column_stack([np.ones(len(values)), values]),
        labels,
        weights,
        center=np.zeros(1 + count),
        ridge=np.append(0.0, np.full(count, 2.0 * ridge)),
        bounds=[(None, None), *bounds],
        steps=5_000,
        tolerance=1e-12,
    )
    fit: Floats = np.round(found, 2)
    return fit
