"""The one fit of all that is learned here: ridge-logistic regression toward a prior, in bounds.

    argmin_w  sum_i u_i BCE(sigmoid(x_i . w), y_i) + sum_e r_e (w_e - c_e)^2 / 2,
    lowest_e <= w_e <= highest_e

the mode of w under a normal prior of mean c_e and variance 1 / r_e (Hoerl and Kennard 1970
for the ridge; L-BFGS-B, Byrd et al. 1995, for the bounds). Convex, so that where it begins
changes how long it takes and, within the tolerance, not where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from memory_core.scorer.panel import Floats, Values

Bound = tuple[float | None, float | None]
LARGEST_LOGIT = 30.0
MOST_STEPS = 60
TOLERANCE = 2e-9


def fitted(
    values: Values,
    labels: Floats,
    weights: Floats,
    *,
    center: Floats,
    ridge: Floats,
    bounds: Sequence[Bound] | None = None,
    begin: Floats | None = None,
    steps: int = MOST_STEPS,
    tolerance: float = TOLERANCE,
) -> Floats:
    """Fit the weights, float64[E]; where they would not be finite, those that it begins with.

    Args:
        values: A row x an observation, float64[n, E]; an intercept is a column of ones.
        labels: y, what each row should be, float64[n] in [0, 1].
        weights: u, what each row counts, float64[n] >= 0.
        center: c, what the weights are without a row, float64[E].
        ridge: r, how firmly each is held there, float64[E] >= 0.
        bounds: The least and the most of each weight, None for none.
        begin: Where the search begins, float64[E]; `center` by default.
        steps: The most of the search.
        tolerance: Part of the loss below which a step's gain ends the search.
    """
    first = center if begin is None else begin

    def loss(w: Floats) -> tuple[float, Floats]:
        logits = np.clip(values @ w, -LARGEST_LOGIT, LARGEST_LOGIT)  # [n]
        away = w - center  # [E]
        # BCE of logits: log(1 + e^z) - y z, whose slope in z is sigmoid(z) - y
        total = weights @ (np.logaddexp(0.0, logits) - labels * logits)
        slope = values.T @ (weights * (expit(logits) - labels))
        return float(total + 0.5 * (ridge * away) @ away), slope + ridge * away

    found = minimize(
        loss,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": steps, "ftol": tolerance},
    )
    solution: Floats = np.asarray(found.x, dtype=np.float64)
    return solution if np.all(np.isfinite(solution)) else first


def prior_logit(labels: Floats, weights: Floats) -> float:
    """The logit of the weighted mean of labels float64[n], smoothed by one of each (Laplace)."""
    mean = float(np.clip((weights @ labels + 1.0) / (weights.sum() + 2.0), 0.02, 0.98))
    return float(np.log(mean / (1.0 - mean)))
