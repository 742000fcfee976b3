"""Replays a store's own log offline and compares scorers on it.

Prequential: each report is predicted by what was learned before it, from the
experts' values as they were logged when it was served, so nothing is embedded
or searched again and no network is trained. The learned scorer and similarity
are the proof's own two, bit for bit. Reads the store only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from memory_core.model import RecallRecord
from memory_core.ports import Record, Store, StoredOutcome, StoredRecall
from memory_core.proof_answers import Evaluation, PolicyRow, ScorerRow
from memory_core.scorer.episode import Episode, Traits, build_episode
from memory_core.scorer.experts import DENSE, EVIDENCE, FUSED
from memory_core.scorer.facts import experts_of
from memory_core.scorer.intervals import exact_interval, mean_interval
from memory_core.scorer.learner import Learner
from memory_core.scorer.offline import (
    FEWEST_MATCHES,
    FEWEST_RECALLS,
    Estimate,
    Logged,
    Rival,
    Trial,
    auc,
    doubly_robust,
    logged_of,
)
from memory_core.scorer.panel import Floats
from memory_core.scorer.proof import TIE, calibration_error, log_loss
from memory_core.scorer.stack import Fit, position_weights
from memory_core.service.fold import NOWHERE, LogPlace, Reports, read_log
from memory_core.service.holdout import Holdout
from memory_core.service.lineage import Lineage
from memory_core.service.tally import Tally

SCORERS = ("similarity", "cosine", "counters", "evidence", "learned")
_RIVALS = ("cosine", "counters", "evidence")


@dataclass(slots=True)
class _Seen:
    """What the replay has collected, one entry a predicted report (trials: an explored one)."""

    rewards: list[float] = field(default_factory=list)
    predictions: dict[str, list[float]] = field(default_factory=lambda: {n: [] for n in SCORERS})
    agreed: dict[str, list[float]] = field(default_factory=lambda: {n: [] for n in SCORERS})
    compared: int = 0
    explored: int = 0
    trials: dict[str, list[Trial]] = field(default_factory=lambda: {n: [] for n in SCORERS})


class _Replay:
    """Walks the outcomes in log order."""

    def __init__(self, dimension: int) -> None:
        self._learner = Learner(max(dimension, 1), training=False)
        self._rivals = {name: Rival() for name in _RIVALS}
        self._lineage, self._reports = Lineage(), Reports()
        self._tally = Tally(self._lineage)
        self.holdout = Holdout()
        self.seen = _Seen()
        self.outcomes = 0

    def take(self, record: Record, place: LogPlace = NOWHERE) -> None:
        """Let the folds that are compared by take one record in."""
        for fold in (self._lineage, self._tally, self.holdout, self._reports):
            fold.take(place, record)

    def predict(self, stored: StoredOutcome, of: StoredRecall | None) -> None:
        """Predict one outcome, then let every scorer learn it."""
        self.outcomes += 1
        outcome = stored.record
        place = self._reports.place(outcome, of)
        recall = place.record
        episode = build_episode(
            outcome,
            recall,
            None,
            owner=place.owner,
            traits=Traits(),
            dimension=self._learner.dimension,
        )
        features = self._features(episode)
        before = self._learner.stack.learned, self._learner.stack.similarity
        proved = self._learner.record.reports
        guesses = {name: self._rivals[name].predict(episode, features[name]) for name in _RIVALS}
        self._learner.learn_one(self._learner.counted(episode))
        if recall is not None and self._learner.record.reports > proved:
            plain = np.zeros_like(episode.row)
            plain[FUSED] = episode.row[FUSED]
            guesses["learned"] = self._learner.record.predictions[-1][0]
            guesses["similarity"] = before[1].predict(plain)
            self._note(episode, recall, guesses, before[0])
        for name, rival in self._rivals.items():
            rival.learn(episode, features[name])
        self.take(stored, place)

    def _features(self, episode: Episode) -> dict[str, Floats]:
        return {
            "cosine": episode.experts[:, DENSE],
            "evidence": episode.experts[:, EVIDENCE],
            "counters": np.array([self._rate(item_id) for item_id in episode.ids]),
        }

    def _rate(self, item_id: str) -> float:
        """The log odds of an item's counters, shrunk to even (Laplace)."""
        tally = self._tally.of(item_id)
        return float(np.log((tally.wins + 1) / (tally.losses + 1)))

    # -- what one report tells -----------------------------------------------------

    def _note(
        self, episode: Episode, recall: RecallRecord, guesses: Mapping[str, float], fit: Fit
    ) -> None:
        seen = self.seen
        seen.rewards.append(episode.reward)
        for name, guess in guesses.items():
            seen.predictions[name].append(guess)
        if not episode.places:
            return
        seen.compared += 1
        for name, first in self._firsts(recall, fit).items():
            if first == episode.ids[0]:
                seen.agreed[name].append(episode.reward)
        logged = logged_of(recall)
        if logged is not None:
            seen.explored += 1
            self._try_policies(logged, episode.reward, fit)

    def _firsts(self, recall: RecallRecord, fit: Fit) -> dict[str, str]:
        """The item that each scorer would have served first."""
        candidates = sorted(recall.candidates, key=lambda c: c.place)
        experts = [experts_of(recall, c) for c in candidates]
        values: dict[str, list[float]] = {
            "similarity": [-c.place for c in candidates],
            "cosine": [c.similarity for c in candidates],
            "counters": [self._rate(c.item_id) for c in candidates],
            "evidence": [values[EVIDENCE] for values in experts],
            "learned": [
                c.score if recall.mode == "learned" else float(np.dot(values, fit.weights))
                for c, values in zip(candidates, experts, strict=True)
            ],
        }
        return {name: candidates[int(np.argmax(v))].item_id for name, v in values.items()}

    def _try_policies(self, logged: Logged, reward: float, fit: Fit) -> None:
        rates = np.array([self._rate(item_id) for item_id in logged.ids])
        lists = {
            "similarity": logged.best(-logged.places),
            "cosine": logged.best(logged.similarity),
            "counters": logged.best(rates),
            "evidence": logged.best(logged.experts[:, EVIDENCE]),
            "learned": logged.unexplored(),
        }
        attention = position_weights(logged.size)
        served = fit.predict(attention @ logged.experts[: logged.size])
        for name, chosen in lists.items():
            if logged.could_show(chosen):
                trial = Trial(
                    policy=fit.predict(attention @ logged.experts[list(chosen)]),
                    served=served,
                    matched=chosen == logged.served,
                    propensity=logged.propensity,
                    reward=reward,
                )
                self.seen.trials[name].append(trial)


def evaluate(store: Store, name: str) -> Evaluation:
    """Replay the store's outcomes and compare the scorers; the store is only read.

    Args:
        store: Open, for reading at the least.
        name: How the answer calls it.
    """
    return replayed(read_log(store), store.dimension, name)


def replayed(
    log: Iterable[tuple[Record, StoredRecall | None]], dimension: int, name: str = ""
) -> Evaluation:
    """Compare the scorers on the outcomes of a log, each with its recall; see `evaluate`."""
    replay = _Replay(dimension)
    for record, recall in log:
        if isinstance(record, StoredOutcome):
            replay.predict(record, recall)
        else:
            replay.take(record)
    seen = replay.seen
    scorers = tuple(_scorer(seen, one) for one in SCORERS) if seen.rewards else ()
    policies = tuple(_policy(seen, one) for one in SCORERS) if seen.explored else ()
    memory = replay.holdout.gain()
    sentences = [_summary(scorers, len(seen.rewards)), _exploration(seen)]
    return Evaluation(
        store=name,
        outcomes=replay.outcomes,
        scored=len(seen.rewards),
        explored=seen.explored,
        scorers=scorers,
        policies=policies,
        memory=memory,
        sentences=tuple(sentences + ([memory.sentence] if memory else [])),
    )


def _scorer(seen: _Seen, name: str) -> ScorerRow:
    predictions, rewards = seen.predictions[name], seen.rewards
    losses = [log_loss(p, r) for p, r in zip(predictions, rewards, strict=True)]
    base = [log_loss(p, r) for p, r in zip(seen.predictions["similarity"], rewards, strict=True)]
    gains = [theirs - own for theirs, own in zip(base, losses, strict=True)]
    wins, worse = sum(g >= TIE for g in gains), sum(g <= -TIE for g in gains)
    low, high = exact_interval(wins, worse)
    interval = mean_interval(gains)
    error = calibration_error(list(zip(predictions, rewards, strict=True)))
    agreed = seen.agreed[name]
    return ScorerRow.model_validate(
        {
            "name": name,
            "log_loss": round(float(np.mean(losses)), 4),
            "auc": _rounded(auc(predictions, rewards)),
            "calibration_error": _rounded(error),
            "wins": wins,
            "losses": worse,
            "ties": len(gains) - wins - worse,
            "interval": (round(low, 3), round(high, 3)),
            "gain": round(float(np.mean(gains)), 4),
            "gain_interval": _both(interval),
            "agrees": _rounded(len(agreed) / seen.compared) if seen.compared else None,
            "agreed_success": _rounded(float(np.mean(agreed))) if agreed else None,
            "verdict": "base" if name == "similarity" else _verdict(interval),
        }
    )


def _policy(seen: _Seen, name: str) -> PolicyRow:
    trials = seen.trials[name]
    found = doubly_robust(trials)
    return PolicyRow.model_validate(
        {
            "name": name,
            "covered": len(trials),
            "matched": sum(trial.matched for trial in trials),
            **_estimated(found),
            "verdict": "too few" if found is None else _verdict(found.difference_interval),
        }
    )


def _estimated(found: Estimate | None) -> dict[str, object]:
    return {
        "success": found and round(found.value, 4),
        "interval": found and _both(found.interval),
        "served_success": found and round(found.served, 4),
        "difference": found and round(found.difference, 4),
        "difference_interval": found and _both(found.difference_interval),
    }


def _verdict(interval: tuple[float, float] | None) -> str:
    if interval is None or interval[0] <= 0 <= interval[1]:
        return "not decided"
    return "better" if interval[0] > 0 else "worse"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _both(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (round(interval[0], 4), round(interval[1], 4))


def _summary(scorers: tuple[ScorerRow, ...], reports: int) -> str:
    if not scorers:
        return (
            "Nothing to compare yet: no outcome belongs to a recall that the model had ranked. "
            "Recall, report how it went, and run this again."
        )
    by_name = {row.name: row for row in scorers}
    learned, similarity = by_name["learned"], by_name["similarity"]
    said = {
        "better": "better than similarity",
        "worse": "worse than similarity",
        "not decided": "about as well as similarity, as far as can be told",
    }
    counted = "1 report" if reports == 1 else f"{reports} reports"
    return (
        f"On {counted} the learned scorer predicted {said[learned.verdict]} "
        f"(log loss {learned.log_loss:.3f} against {similarity.log_loss:.3f}, lower is better)."
    )


def _exploration(seen: _Seen) -> str:
    if not seen.explored:
        return (
            "No report is of an explored recall (LESSONBANK_EXPLORE is 0 by default), so only what "
            "was served can be replayed: what another order would have led to cannot be estimated."
        )
    return (
        f"{seen.explored} reports are of explored recalls. Where exploration could have shown a "
        "scorer's own set, its success is estimated (doubly robust); position one is never "
        "explored, so sets with another first item do not count. An estimate needs "
        f"{FEWEST_RECALLS} such recalls, {FEWEST_MATCHES} of them with that very set."
    )
