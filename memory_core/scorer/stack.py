"""The stack: how much each expert counts, learned on the user's own outcomes.

A logistic regression with ridge and bounds over the experts' values as they
were logged before each outcome was learned (prequential stacking; Wolpert 1992,
with bounded weights after Breiman 1996):

    p = sigmoid(b + sum_j a_j (w . x_j)),
    loss = sum_i u_i BCE(p_i, r_i) + ridge sum_e ((w_e - w0_e) / s_e)^2 / 2 + ridge_b (b - b0)^2 / 2

where a_j is the weight of position j, or one-hot for a labelled item. An item that
was used although others stood above it is a comparison, too:
sigmoid(w . (x_used - x_skipped)) toward 1 (skip above; Joachims 2002). w0 is the
plain hybrid: with no outcomes the learned experts say zero and the order is the
hybrid's. The same fit with only the fused similarity free is the rival of the proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from memory_core.scorer.experts import FUSED, HIGHEST, LOWEST, SPREAD, START
from memory_core.scorer.logistic import fitted, prior_logit
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.shares import place_to_drop

POSITION_WEIGHTS = (0.7, 0.2, 0.1)
"""How much each served position is assumed to matter when the report does not say."""

RIDGE = 1.5
RIDGE_INTERCEPT = 0.25
_RIDGES = np.append(RIDGE / SPREAD**2, RIDGE_INTERCEPT)
"""float64[E + 1]."""
MOST_INTERCEPT = 8.0
MOST_MOVED = 4.0
"""How far all sources together may move the weights, in spreads; one of several by its share."""
BY_CHANCE = 1.0
"""How far one with few reports may: by chance an honest one does, with the root of its share."""
BOUNDINGS = 4
HALF_LIFE = 1_000.0
"""Reports after which an outcome counts half in the fit; one of a quota ages others by less."""
MOST_ROWS = 2_000


def position_weights(count: int) -> Floats:
    """Assumed attention to each of `count` served positions; sums to at most 1, float64[count]."""
    tail = POSITION_WEIGHTS[-1]
    return np.array(
        [
            POSITION_WEIGHTS[i] if i < len(POSITION_WEIGHTS) else tail * 0.5 ** (i - 2)
            for i in range(count)
        ]
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted stack: expert weights float64[E] and the intercept."""

    weights: Floats
    intercept: float

    def predict(self, row: Floats) -> float:
        """P(success) of one row of position-weighted expert values, float64[E]."""
        return float(expit(self.intercept + row @ self.weights))


FIRST = Fit(START.copy(), 0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One lesson for the stack: values float64[E], reward in [0, 1], weight > 0, and its owner.

    `at` is what had been taught before it, in reports, `source` who reported, and
    `share` the row's part of its report's trust.
    `compared` marks the difference of two items, of which the first was preferred:
    such a row has reward 1 and no intercept.
    """

    values: Floats
    reward: float
    weight: float
    owner: str
    at: float
    source: str = ""
    share: float = 1.0
    compared: bool = False


@dataclass(frozen=True, slots=True)
class _Lessons:
    """All rows as arrays; `ones` float64[n] is 0 where a row has no intercept.

    `ages` float64[n] is what of a row its age has left.
    """

    values: Values
    rewards: Floats
    weights: Floats
    ones: Floats
    ages: Floats


def _solve(rows: _Lessons, values: Values, begin: Fit) -> Fit:
    """Fit weights and intercept to `values` float64[n, E] in place of the rows' own."""
    table = np.column_stack([values, rows.ones])  # [n, E + 1]
    base = prior_logit(rows.rewards, rows.weights * rows.ones)
    found = fitted(
        table,
        rows.rewards,
        rows.weights,
        center=np.append(START, base),
        ridge=_RIDGES,
        bounds=[*zip(LOWEST, HIGHEST, strict=True), (-MOST_INTERCEPT, MOST_INTERCEPT)],
        begin=np.append(begin.weights, begin.intercept),
    )
    return Fit(found[:-1], float(found[-1]))


class Stack:
    """Keeps the rows and refits; `learned` and `similarity` are the two rivals' present fits."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.learned = FIRST
        self.similarity = FIRST
        self.taught = 0.0

    def learn_many(self, rows: list[Row], trust: float = 1.0) -> None:
        """Add one report's rows (replacing its owner's earlier ones).

        Args:
            rows: None where the report teaches nothing here.
            trust: By how much of a report the earlier ones age.
        """
        owners = {row.owner for row in rows}
        kept = [row for row in self.rows if row.owner not in owners]
        self.rows = [*self._room(kept, len(rows)), *rows]
        self.taught += trust

    @staticmethod
    def _room(rows: list[Row], more: int) -> list[Row]:
        """The rows without those that make room for `more`."""
        over = len(rows) + more - MOST_ROWS
        if over <= 0:
            return rows
        if len({row.source for row in rows}) < 2:
            return rows[over:]
        sources = [row.source for row in rows]
        for _ in range(over):
            place = place_to_drop(sources)
            del sources[place], rows[place]
        return rows

    def withdraw(self, owner: str) -> None:
        """Take an owner's rows out (its outcome was taken back)."""
        self.rows = [row for row in self.rows if row.owner != owner]

    def refit(self) -> None:
        """Fit both rivals to the rows; with no rows both stay at the start."""
        if not self.rows:
            return
        values = np.stack([row.values for row in self.rows])
        age = self.taught - np.array([row.at for row in self.rows], dtype=np.float64)
        rows = _Lessons(
            values,
            np.array([row.reward for row in self.rows]),
            np.array([row.weight for row in self.rows]) * 0.5 ** (age / HALF_LIFE),
            np.array([0.0 if row.compared else 1.0 for row in self.rows]),
            0.5 ** (age / HALF_LIFE),
        )
        rows = self._bounded(rows)
        self.learned = _solve(rows, values, self.learned)
        # what is zero in every row leaves its weight where it starts: similarity fits one alone
        plain = np.zeros_like(values)
        plain[:, FUSED] = values[:, FUSED]
        self.similarity = _solve(rows, plain, self.similarity)

    def _bounded(self, rows: _Lessons) -> _Lessons:
        """The rows with weights under which no source moves the fit by more than its share.

        Most reports agree with the fit and hardly pull at it, so a few that do not would
        outweigh them. How far a source moves the fit is told by one Newton step without
        its rows; the weights of one that moves it too far are lowered, some times over.
        """
        names = sorted({row.source for row in self.rows})
        if len(names) < 2:
            return rows
        whose = np.array([names.index(row.source) for row in self.rows])
        aged = np.array([row.share for row in self.rows]) * rows.ages
        shares = np.bincount(whose, aged, len(names)) / max(float(aged.sum()), 1e-9)
        most = np.maximum(MOST_MOVED * shares, BY_CHANCE * np.sqrt(shares))
        factors = np.ones(len(names))
        bounded = rows
        fit = self.learned
        for _ in range(BOUNDINGS):
            fit = _solve(bounded, rows.values, fit)
            moved = _moved(bounded, fit, whose, len(names))
            over = moved > most
            if not over.any():
                break
            factors[over] *= most[over] / moved[over]
            bounded = replace(rows, weights=rows.weights * factors[whose])
        return bounded


def _moved(rows: _Lessons, fit: Fit, whose: NDArray[np.int64], count: int) -> Floats:
    """How far the expert weights would move without each source, in spreads, float64[count]."""
    values = np.column_stack([rows.values, rows.ones])  # [n, E + 1]
    p = expit(values @ np.append(fit.weights, fit.intercept))  # [n]
    # the loss's Hessian at the fit, [E + 1, E + 1], and each row's part of its gradient
    curvature = (values * (rows.weights * p * (1.0 - p))[:, None]).T @ values + np.diag(_RIDGES)
    pulls = values * (rows.weights * (p - rows.rewards))[:, None]
    each = np.stack([pulls[whose == place].sum(axis=0) for place in range(count)])
    steps = np.linalg.solve(curvature, each.T).T[:, :-1] / SPREAD
    return np.asarray(np.sqrt((steps**2).sum(axis=1)))
