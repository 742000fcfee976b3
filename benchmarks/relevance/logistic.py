"""The fit that relevance and warnings share: ridge-logistic, bounded, by L-BFGS-B."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from memory_core.scorer.panel import Floats, Values

Bound = tuple[float | None, float | None]


def logistic(
    values: Values,
    labels: Floats,
    weights: Floats,
    bounds: Sequence[Bound],
    ridge: float,
    **options: float,
) -> Floats:
    """Fit base and weights, float64[1 + S], to two digits; the base is free.

    Args:
        values: The signs, float64[N, S].
        labels: What each row should be, float64[N] in [0, 1].
        weights: What each row counts, float64[N].
        bounds: The least and the most of each sign's weight.
        ridge: What the square of a sign's weight costs.
        options: Of L-BFGS-B where its own are too coarse.
    """
    table = np.column_stack([np.ones(len(values)), values])

    def loss(fit: Floats) -> tuple[float, Floats]:
        logits = np.clip(table @ fit, -30.0, 30.0)
        errors = weights * (1.0 / (1.0 + np.exp(-logits)) - labels)
        away = np.concatenate([[0.0], fit[1:]])
        total = weights @ (np.logaddexp(0.0, logits) - labels * logits)
        return float(total + ridge * away @ away), table.T @ errors + 2.0 * ridge * away

    found = minimize(
        loss,
        np.zeros(table.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), *bounds],
        options=options,
    )
    fit: Floats = np.round(found.x, 2)
    return fit
