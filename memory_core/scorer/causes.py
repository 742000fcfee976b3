"""Whether two failures have the same cause, learned from what became of them.

What makes two errors the same is the user's own: where a driver complains of an
unknown name, the name is the cause; where a program stumbles over a file, its
path is noise. So the similarity of two failures is learned from outcomes alone:

- the same: one item resolved both, they were no two steps of one attempt, and not
  clearly different things had been done;
- different: what resolved one failed on the other; different things had been done;
  or different items resolved them (the last two at half weight, they are hints).

The metric is contrastive: a logistic regression on pairs, same and different with
equal weight in sum, over five views of a pair (task, normalised error, literals,
words, error class) and five of their products. A ridge pulls it toward the plain
similarity it starts from, and less so the more pairs there are. Newton's method
solves it, so that the same outcomes give the same bits.

It is used only once it has proven itself: every failure is judged by a metric
that was fitted without it (four folds), and the share of failures whose pairs the
learned metric orders better than the plain rule must exceed one half with the
exact interval. Knows no texts, no embedder and no storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from memory_core.scorer.failure_pairs import (
    NEUTRAL,
    Floats,
    Occurrence,
    Pairs,
    Rarity,
    Table,
    Truth,
    Views,
    features_between,
    features_of_pairs,
    plain_of_pairs,
    rarity_of,
    related,
)
from memory_core.scorer.intervals import exact_interval
from memory_core.scorer.logistic import fitted

PRIOR = np.array([3.0, 6.0, *[0.0] * 8, -1.8])
"""Weights of the features, then the bias: about the plain similarity and its threshold."""
RIDGE = 1.0
MOST_WEIGHT = 2_000.0
LEAST_PAIRS = 8
"""Pairs of each kind without which nothing is learned."""
FOLDS, BLOCK = 4, 8
"""Folds of the proof; runs of this many failures in log order share one."""
TIE = 0.01
LARGEST = 50.0


@dataclass(frozen=True, slots=True)
class Metric:
    """A fitted similarity: `weights` float64[11], the last one the bias.

    `rarity` weighs the hashed views of what it compares; None weighs all alike.
    """

    weights: Floats
    rarity: Rarity | None = None

    def logits(self, features: Floats) -> Floats:
        """float64[N, 10] -> float64[N]; above 0 means the same cause. Always finite."""
        said: Floats = (features - NEUTRAL) @ self.weights[:-1] + self.weights[-1]
        return np.nan_to_num(said, nan=-LARGEST, posinf=LARGEST, neginf=-LARGEST)

    def table(self, views: Sequence[Views]) -> Table:
        """Failures side by side, as this metric compares them."""
        return Table(views, self.rarity)

    def between(self, one: Table, other: Table) -> Floats:
        """Logits of every failure of one table with every one of another, float64[M, N]."""
        return self.logits(features_between(one, other))


PLAIN = Metric(PRIOR)


def fit(features: Floats, pairs: Pairs) -> Metric:
    """The metric of these pairs; the plain one where there are too few or it is not finite."""
    of_same = int(pairs.same.sum())
    if min(of_same, len(pairs.same) - of_same) < LEAST_PAIRS:
        return PLAIN
    x = np.column_stack([features - NEUTRAL, np.ones(len(features))])
    sums = pairs.weights[pairs.same].sum(), pairs.weights[~pairs.same].sum()
    total = min(2.0 * min(sums), MOST_WEIGHT)
    scales = np.where(pairs.same, total / (2 * sums[0]), total / (2 * sums[1]))
    found = fitted(
        x,
        pairs.same.astype(np.float64),
        pairs.weights * scales,
        center=PRIOR,
        ridge=np.full(len(PRIOR), RIDGE),
        bounds=[(-LARGEST, LARGEST)] * len(PRIOR),
    )
    return Metric(found) if np.isfinite(found).all() else PLAIN


# -- the proof -------------------------------------------------------------------------


class Standing(NamedTuple):
    """How the learned order did against the plain rule on failures that it was fitted without."""

    wins: int = 0
    losses: int = 0
    ties: int = 0

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share of wins, 95 %, exact."""
        return exact_interval(self.wins, self.losses)

    @property
    def proven(self) -> bool:
        return self.interval[0] > 0.5


@dataclass(frozen=True, slots=True)
class Learned:
    """What a window of failures teaches: the metric, its threshold at 0, and its standing."""

    metric: Metric
    standing: Standing
    failures: int
    pairs: int

    @property
    def proven(self) -> bool:
        return self.standing.proven


def learn(occurrences: Sequence[Occurrence]) -> Learned:
    """Fit the metric to all failures that may be trained on, and judge it by folds.

    Args:
        occurrences: In log order; the caller bounds their number.
    """
    if len(occurrences) < 2:
        return Learned(PLAIN, Standing(), len(occurrences), 0)
    views = [o.views for o in occurrences]
    rarity = rarity_of(views)
    table = Table(views, rarity)
    pairs = related(occurrences)
    features = features_of_pairs(table, pairs)
    held = np.array([o.held_out for o in occurrences])
    free = ~(held[pairs.rows] | held[pairs.columns])
    metric = fit(features[free], pairs.take(free))
    judged = _judged(features, pairs, held)
    standing = _standing(judged, plain_of_pairs(table, pairs), pairs, len(occurrences))
    weights = metric.weights.copy()
    weights[-1] -= _threshold(judged.mean(axis=0)[free], pairs.take(free))
    return Learned(Metric(weights, rarity), standing, len(occurrences), len(pairs.rows))


def _judged(features: Floats, pairs: Pairs, held: Truth) -> Floats:
    """Logits by metrics fitted without the row (first line) and the column, float64[2, P]."""
    fold = np.arange(len(held)) // BLOCK % FOLDS
    found = np.zeros((2, len(pairs.rows)))
    ends = fold[pairs.rows], fold[pairs.columns]
    barred = held[pairs.rows] | held[pairs.columns]
    for number in range(FOLDS):
        without = (ends[0] != number) & (ends[1] != number) & ~barred
        metric = fit(features[without], pairs.take(without))
        for line, end in zip(found, ends, strict=True):
            line[end == number] = metric.logits(features[end == number])
    return found


def _standing(judged: Floats, plain: Floats, pairs: Pairs, count: int) -> Standing:
    """Wins, losses and ties over failures that have pairs of both kinds."""
    ends = np.concatenate([pairs.rows, pairs.columns])
    learned, rule = np.concatenate([judged[0], judged[1]]), np.concatenate([plain, plain])
    same = np.concatenate([pairs.same, pairs.same])
    order = np.argsort(ends, kind="stable")
    bounds = np.searchsorted(ends[order], np.arange(count + 1))
    wins = losses = ties = 0
    for start, end in pairwise(bounds.tolist()):
        mine = order[start:end]
        if not 0 < int(same[mine].sum()) < len(mine):
            continue
        gain = separation(learned[mine], same[mine]) - separation(rule[mine], same[mine])
        wins, losses = wins + (gain > TIE), losses + (gain < -TIE)
        ties += abs(gain) <= TIE
    return Standing(int(wins), int(losses), int(ties))


def separation(scores: Floats, same: Truth) -> float:
    """The area under the ROC curve in [0, 1]: how often a same one scores above a different one.

    Ties count half. Both kinds must be there.
    """
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    of_same = int(same.sum())
    least = of_same * (of_same + 1) / 2.0
    return float((ranks[same].sum() - least) / (of_same * (len(same) - of_same)))


def _threshold(logits: Floats, pairs: Pairs) -> float:
    """The logit that best tells same from different, by F1; 0 where there is nothing."""
    if not 0 < int(pairs.same.sum()) < len(pairs.same):
        return 0.0
    order = np.argsort(-logits, kind="stable")
    right = np.cumsum((pairs.weights * pairs.same)[order])
    wrong = np.cumsum((pairs.weights * ~pairs.same)[order])
    best = int(np.argmax(2.0 * right / (right + wrong + right[-1])))
    ahead = logits[order[min(best + 1, len(order) - 1)]]
    return float((logits[order[best]] + ahead) / 2.0)
