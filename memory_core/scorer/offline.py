"""Off-policy estimates: what another order would have led to, from a log with propensities.

The doubly robust estimate (Dudik, Langford and Li 2011) of a policy that would
have served the list b where a was served:

    V = mean( q(b) + [a = b] / p(a) (r - q(a)) ),

q being a prediction that never saw the recall's own outcome and p the logged
probability of the served list. It is right on average when p is, whatever q;
a good q makes it tight. Only recalls count where b could have been drawn at
all, which is decided by what was logged of the recall, never by what was drawn.

The full stack is compared with rivals, scorers of one feature that are fitted as it is:

    p = sigmoid(b + w x),
    loss = sum_i u_i BCE(p_i, r_i) + (w - 1)^2 / 2 + (b - b0)^2 / 8

with the stack's rows (one a labelled item, else one a report), half-life and
schedule of refits. So a rival differs from the stack in what it looks at, not in
how well it is calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from memory_core.model import RecallRecord
from memory_core.scorer.episode import Episode
from memory_core.scorer.facts import experts_of
from memory_core.scorer.intervals import Interval, mean_interval
from memory_core.scorer.logistic import fitted, prior_logit
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.stack import HALF_LIFE, MOST_ROWS, RIDGE_INTERCEPT

# -- rivals of one feature

REFIT_EVERY = 25
REFIT_ALWAYS_UNTIL = 100
"""Refitted after every 5th report until this many, then every 25th, as the stack is."""


@dataclass(frozen=True, slots=True)
class _Row:
    value: float
    reward: float
    weight: float
    owner: str
    at: int


class Rival:
    """One feature's logistic fit, prequential: predict first, then learn."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._reports = 0
        self.slope, self.intercept = 1.0, 0.0

    def predict(self, episode: Episode, values: Floats) -> float:
        """P(success) of a report; `values` float64[S] has the feature of each served item."""
        return float(expit(self.intercept + self.slope * float(episode.attention @ values)))

    def learn(self, episode: Episode, values: Floats) -> None:
        """Learn one report, in place of its owner's earlier one, and refit when it is due."""
        self._reports += 1
        self._rows = [row for row in self._rows if row.owner != episode.owner]
        if episode.scored and not episode.held_out and episode.trust > 0:
            self._rows = [*self._rows, *self._rows_of(episode, values)][-MOST_ROWS:]
        if self._reports % (5 if self._reports <= REFIT_ALWAYS_UNTIL else REFIT_EVERY) == 0:
            self._refit()

    def _rows_of(self, episode: Episode, values: Floats) -> list[_Row]:
        labelled = np.flatnonzero(~np.isnan(episode.labels))
        if labelled.size:
            return [
                _Row(
                    float(values[place]),
                    (float(episode.labels[place]) + 1) / 2,
                    episode.trust,
                    episode.owner,
                    self._reports,
                )
                for place in labelled
            ]
        weight = episode.strength * episode.trust
        if weight <= 0 or not episode.attention.any():
            return []
        seen = float(episode.attention @ values)
        return [_Row(seen, episode.reward, weight, episode.owner, self._reports)]

    def _refit(self) -> None:
        if not self._rows:
            return
        values = np.array([row.value for row in self._rows])
        rewards = np.array([row.reward for row in self._rows])
        age = self._reports - np.array([row.at for row in self._rows], dtype=np.float64)
        weights = np.array([row.weight for row in self._rows]) * 0.5 ** (age / HALF_LIFE)
        table = np.column_stack([values, np.ones(len(values))])  # [n, 2]
        found = fitted(
            table,
            rewards,
            weights,
            center=np.array([1.0, prior_logit(rewards, weights)]),
            ridge=np.array([1.0, RIDGE_INTERCEPT]),
            begin=np.array([self.slope, self.intercept]),
        )
        self.slope, self.intercept = float(found[0]), float(found[1])


# -- estimates

FEWEST_RECALLS = 30
FEWEST_MATCHES = 10
"""Below so many recalls, or lists that were really shown, no estimate is given."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One explored recall. Candidates are numbered as logged, the served ones first.

    `size` is the number of served items; `fixed` has the candidate of each fixed
    position; `pool` are candidates that could be drawn; `propensity` is the
    probability of the served list; `experts` float64[N, E].
    """

    ids: tuple[str, ...]
    size: int
    fixed: dict[int, int]
    pool: frozenset[int]
    propensity: float
    experts: Values
    scores: Floats
    similarity: Floats
    places: Floats

    @property
    def served(self) -> tuple[int, ...]:
        """The served list."""
        return tuple(range(self.size))

    def unexplored(self) -> tuple[int, ...]:
        """What would have been served without exploration."""
        waiting = sorted(self.pool, key=lambda number: (-self.scores[number], self.places[number]))
        free = iter(waiting)
        return tuple(
            self.fixed[position] if position in self.fixed else next(free)
            for position in range(self.size)
        )

    def best(self, values: Floats) -> tuple[int, ...]:
        """The list of the highest values, float64[N]; similarity's order decides ties."""
        order = np.lexsort((self.places, -values))
        return tuple(int(number) for number in order[: self.size])

    def could_show(self, chosen: Sequence[int]) -> bool:
        """Whether exploration could have served this list."""
        return len(chosen) == self.size and all(
            number == self.fixed[position] if position in self.fixed else number in self.pool
            for position, number in enumerate(chosen)
        )


def logged_of(recall: RecallRecord) -> Logged | None:
    """Read an explored recall; None where no position was drawn or the log does not say enough."""
    served = recall.served
    others = tuple(c for c in recall.candidates if c.position < 0)
    if not any(c.propensity < 1.0 for c in served):
        return None
    candidates = (*served, *others)
    experts = [experts_of(recall, c) for c in candidates]
    if not all(experts) or any(c.place < 0 for c in candidates):
        return None
    return Logged(
        ids=tuple(c.item_id for c in candidates),
        size=len(served),
        fixed={place: place for place, c in enumerate(served) if c.propensity >= 1.0},
        pool=frozenset(n for n, c in enumerate(candidates) if 0 < c.propensity < 1.0),
        propensity=float(np.prod([c.propensity for c in served])),
        experts=np.array(experts, dtype=np.float64),
        scores=np.array([c.score for c in candidates], dtype=np.float64),
        similarity=np.array([c.similarity for c in candidates], dtype=np.float64),
        places=np.array([c.place for c in candidates], dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """One recall under one policy: predictions of both lists, whether they are one, and r."""

    policy: float
    served: float
    matched: bool
    propensity: float
    reward: float

    @property
    def value(self) -> float:
        """This recall's doubly robust value."""
        if not self.matched:
            return self.policy
        return self.policy + (self.reward - self.served) / self.propensity


@dataclass(frozen=True, slots=True)
class Estimate:
    """A policy's mean reward, its difference from what was served on the same recalls, 95 %."""

    recalls: int
    matched: int
    value: float
    interval: Interval
    served: float
    difference: float
    difference_interval: Interval


def doubly_robust(trials: Sequence[Trial]) -> Estimate | None:
    """The estimate over these recalls; None under 30 recalls or 10 that match."""
    matched = sum(trial.matched for trial in trials)
    if len(trials) < FEWEST_RECALLS or matched < FEWEST_MATCHES:
        return None
    values = [trial.value for trial in trials]
    differences = [trial.value - trial.reward for trial in trials]
    interval, apart = mean_interval(values), mean_interval(differences)
    assert interval is not None
    assert apart is not None
    return Estimate(
        recalls=len(trials),
        matched=matched,
        value=float(np.mean(values)),
        interval=interval,
        served=float(np.mean([trial.reward for trial in trials])),
        difference=float(np.mean(differences)),
        difference_interval=apart,
    )


def auc(predictions: Sequence[float], rewards: Sequence[float]) -> float | None:
    """The chance that a success was predicted above a failure, ties half; None without both.

    Rewards of exactly 0.5 are left out.
    """
    told = [(p, r) for p, r in zip(predictions, rewards, strict=True) if r != 0.5]
    success = np.array([r > 0.5 for _, r in told], dtype=bool)
    wins, losses = int(success.sum()), int((~success).sum())
    if not wins or not losses:
        return None
    ranks = rankdata([p for p, _ in told])
    return float((ranks[success].sum() - wins * (wins + 1) / 2) / (wins * losses))
