"""How well a similarity tells same causes from different ones, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.causes.cases import Case, Pairs
from memory_core.ports import Embedder
from memory_core.scorer.causes import Metric
from memory_core.scorer.failure_pairs import Pairs as Rows
from memory_core.scorer.failure_pairs import features_of_pairs
from memory_core.service.conditions import conditions_of, views_of

RESAMPLES = 1_000
LEVEL = 0.95
RAW, NORMALISED, TODAY, LEARNED = "raw error", "normalised error", "plain rule", "learned"
SIMILARITIES = (RAW, NORMALISED, TODAY, LEARNED)
Floats = NDArray[np.float64]


ERROR_TAIL = 800
"""Characters of an error's end that plain similarity compares."""


def scored(pairs: Pairs, embedder: Embedder, metric: Metric | None) -> dict[str, Floats]:
    """Every similarity of every pair, float64[P]; without a proven metric learned is plain."""
    conditions = [conditions_of(embedder, case.task, "", case.error) for case in pairs.cases]
    raw = np.stack([embedder.embed_query(case.error.strip()[-ERROR_TAIL:]) for case in pairs.cases])
    said = np.stack([embedder.embed_query(c.shape.normalised) for c in conditions if c.shape])
    signatures = np.stack([c.signature for c in conditions if c.signature is not None])
    one, other = pairs.ends[:, 0], pairs.ends[:, 1]
    classes = np.array([c.shape.error_class for c in conditions if c.shape], dtype=object)
    prints = np.array([c.shape.id for c in conditions if c.shape], dtype=object)
    cosine = _cosines(signatures, one, other)
    plain = np.where(classes[one] == classes[other], cosine, -1.0)
    plain = np.where(prints[one] == prints[other], 1.0, plain)
    learned = plain
    if metric is not None:
        table = metric.table([views_of(embedder, c.failure) for c in conditions if c.failure])
        rows = Rows(one, other, pairs.same, np.ones(len(one)))
        learned = metric.logits(features_of_pairs(table, rows))
    return {
        RAW: _cosines(raw, one, other),
        NORMALISED: _cosines(said, one, other),
        TODAY: plain,
        LEARNED: learned,
    }


def _cosines(rows: NDArray[np.float32], one: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    found: Floats = np.einsum("pd,pd->p", rows[one], rows[other]).astype(np.float64)
    return found


def resampled(cases: Sequence[Case]) -> Floats:
    """How often each case is drawn when its groups are drawn with replacement.

    Returns:
        float64[RESAMPLES + 1, cases]; the first line is one for each.
    """
    groups, places = np.unique([case.group for case in cases], return_inverse=True)
    chance = np.random.default_rng(0)
    drawn = chance.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), RESAMPLES)
    times = drawn[:, places].astype(np.float64)
    return np.concatenate([np.ones((1, len(cases))), times])


def area(scores: Floats, same: NDArray[np.bool_], weights: Floats) -> float:
    """The area under the ROC curve of weighted pairs; NaN where one kind is missing."""
    values, places = np.unique(scores, return_inverse=True)
    right = np.bincount(places, weights * same, len(values))
    wrong = np.bincount(places, weights * ~same, len(values))
    if right.sum() <= 0 or wrong.sum() <= 0:
        return float("nan")
    below = np.cumsum(wrong) - wrong / 2.0
    return float((right * below).sum() / (right.sum() * wrong.sum()))


def areas(pairs: Pairs, scores: Mapping[str, Floats], chosen: NDArray[np.bool_]) -> Floats:
    """float64[RESAMPLES + 1, similarities]: of all pairs, then of every resample."""
    times = resampled(pairs.cases)
    one, other = pairs.ends[chosen, 0], pairs.ends[chosen, 1]
    same = pairs.same[chosen]
    columns = [scores[name][chosen] for name in SIMILARITIES]
    return np.array(
        [[area(column, same, line[one] * line[other]) for column in columns] for line in times]
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` said of every question, float64[Q] each.

    `known`: the cause was reported before; `answered`: there was a warning;
    `right`: the share of its failures with the same cause, 0 without one.
    """

    known: Floats
    answered: Floats
    right: Floats

    def rates(self, times: Floats) -> Floats:
        """float64[lines, 2] of (precision, recall) of the first warning."""
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = times @ self.right / (times @ self.answered)
            recall = times @ (self.right * self.known) / (times @ self.known)
        return np.stack([np.nan_to_num(precision), np.nan_to_num(recall)], axis=-1)


def checked(
    questions: Sequence[Case],
    knows: Callable[[Case], bool],
    first: Callable[[Case], float | None],
) -> Checked:
    """Ask every question; `first` gives how right the first warning is, None without one."""
    answers = [first(case) for case in questions]
    return Checked(
        np.array([float(knows(case)) for case in questions]),
        np.array([float(answer is not None) for answer in answers]),
        np.array([answer or 0.0 for answer in answers]),
    )


def bounds(draws: Floats) -> tuple[float, float]:
    """The ends of the 95 % interval of resampled values, NaN left out."""
    low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
