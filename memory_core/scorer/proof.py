"""The proof: does the learned order do better on the user's outcomes than similarity does?

Each report is predicted before it is learned, by the full stack and by its
rival that knows the plain hybrid similarity only (both fitted on the same
earlier reports). A report is a win when the learned prediction is the better
one (lower log loss), a loss when it is the worse one, and a tie when the two
differ by less than 0.01. Held-out reports, every tenth, never train the
networks or the stack; their wins and losses, with the exact interval of
Clopper and Pearson (1934), are what is shown first. `memory_core.scorer.ordering`
compares the orders themselves.

The weight of the learned part follows the mean gain over the last 200 reports,
held out or not: where it does not win, it shrinks to zero. It also follows the
last 40, so that a world that turned is noticed before the old gains are
forgotten, and the last pairs of items that labels decide. Where several sources
report, none of them moves it by more than its share (`memory_core.scorer.shares`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from memory_core.proof_answers import Proof, ReliabilityRow
from memory_core.scorer.intervals import exact_interval
from memory_core.scorer.ordering import OrderRecord, OrderReport
from memory_core.scorer.shares import REACH, place_to_drop, shared_errors

HOLD_OUT_EVERY = 10
TIE = 0.01
WINDOW = 200
RECENT = 40
HELD_BACK_AT = 2.5
"""Standard errors of loss at which the weight is zero."""
SLACK = 1.0
"""Standard errors that the last 40 reports, or the pairs, may lie below zero by chance."""
OPEN_AT = 4.0
"""Standard errors of gain at which the clip is open."""
CALIBRATION_BINS = 10
CALIBRATION_FEWEST = 50
MOST_POINTS = 120
HARMS_KEPT = 10


def held_out(position: int) -> bool:
    """Whether the report at this position of the log (from 0) is held out of training."""
    return position % HOLD_OUT_EVERY == HOLD_OUT_EVERY - 1


def log_loss(predicted: float, reward: float) -> float:
    """Binary cross-entropy in nats; predictions are kept within [0.01, 0.99]."""
    p = min(max(predicted, 0.01), 0.99)
    return float(-(reward * np.log(p) + (1 - reward) * np.log(1 - p)))


def reliability(predictions: Sequence[tuple[float, float]]) -> tuple[ReliabilityRow, ...]:
    """Predicted against happened, in ten equal bins of the prediction; empty bins are left out.

    Args:
        predictions: (predicted success, reward) each, both in [0, 1].
    """
    if not predictions:
        return ()
    pairs = np.array(predictions)
    bins = np.minimum((pairs[:, 0] * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    rows = []
    for place in range(CALIBRATION_BINS):
        part = pairs[bins == place]
        if len(part):
            rows.append(
                ReliabilityRow(
                    low=place / CALIBRATION_BINS,
                    high=(place + 1) / CALIBRATION_BINS,
                    reports=len(part),
                    predicted=round(float(part[:, 0].mean()), 4),
                    happened=round(float(part[:, 1].mean()), 4),
                )
            )
    return tuple(rows)


def calibration_error(predictions: Sequence[tuple[float, float]]) -> float | None:
    """Expected calibration error in [0, 1] (Naeini et al. 2015); None under 50 predictions."""
    if len(predictions) < CALIBRATION_FEWEST:
        return None
    rows = reliability(predictions)
    return sum(r.reports * abs(r.predicted - r.happened) for r in rows) / len(predictions)


@dataclass(slots=True)
class History:
    """The weight over time, thinned to at most 120 points: (reports, weight)."""

    stride: int = 1
    points: list[tuple[int, float]] = field(default_factory=list)

    def add(self, reports: int, weight: float) -> None:
        """Take in the weight after so many reports."""
        if reports % self.stride:
            return
        self.points.append((reports, weight))
        if len(self.points) > MOST_POINTS:
            self.stride *= 2
            self.points = [point for point in self.points if point[0] % self.stride == 0]


@dataclass(frozen=True, slots=True)
class Harmed:
    """A failed report that similarity had predicted better."""

    owner: str
    outcome_id: str
    first_id: str
    learned: float
    similarity: float
    changed: bool
    held_out: bool


@dataclass(slots=True)
class Record:
    """The record so far; a bounded fold over the reports in log order."""

    reports: int = 0
    held_out: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    held_out_gain: float = 0.0
    harmed: int = 0
    gains: list[float] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    predictions: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=WINDOW * 5)
    )
    harms: deque[Harmed] = field(default_factory=lambda: deque(maxlen=HARMS_KEPT))
    history: History = field(default_factory=History)
    order: OrderRecord = field(default_factory=OrderRecord)

    def observe(
        self,
        learned: float,
        similarity: float,
        reward: float,
        held_out: bool,
        *,
        order: OrderReport | None = None,
        source: str = "",
    ) -> None:
        """Take in one report predicted as `learned` and `similarity`, both P(success)."""
        gain = log_loss(similarity, reward) - log_loss(learned, reward)
        self.reports += 1
        self._keep(gain, source)
        self.predictions.append((learned, reward))
        if held_out:
            self._count_held_out(gain)
        if order is not None:
            self.order.observe(order)
            changed = bool(order.places) and order.changed
            if reward < 0.5 and gain <= -TIE and (held_out or changed):
                self.harmed += 1
                self.harms.append(
                    Harmed(
                        order.owner,
                        order.outcome_id,
                        order.ids[0],
                        learned,
                        similarity,
                        changed,
                        held_out,
                    )
                )
        self.history.add(self.reports, self.weight)

    def _keep(self, gain: float, source: str) -> None:
        """Keep what the windows read: of one source the last 200, of several more of each."""
        if len(self.gains) >= WINDOW * (1 if {source} >= set(self.sources) else REACH):
            place = place_to_drop(self.sources)
            del self.gains[place], self.sources[place]
        self.gains.append(gain)
        self.sources.append(source)

    def _count_held_out(self, gain: float) -> None:
        self.held_out += 1
        self.held_out_gain += gain
        if abs(gain) < TIE:
            self.ties += 1
        elif gain > 0:
            self.wins += 1
        else:
            self.losses += 1

    # -- what follows from it ----------------------------------------------------------

    @property
    def strength(self) -> float:
        """Standard errors between the mean gain over the window and zero; 0 with < 8 reports."""
        return self._strength(WINDOW, HELD_BACK_AT)

    @property
    def weight(self) -> float:
        """The learned part's weight in [0, 1]: 1 unless it loses.

        The least of what three records allow: all 200 gains (0 at a loss of 2.5
        standard errors), the last 40 gains and the last 200 pairs (each one error
        later).
        """
        recent = 0.0  # under 40 reports the window of 200 says the same
        if len(self.gains) >= RECENT:
            recent = self._strength(RECENT, HELD_BACK_AT + SLACK)
        least = min(self.strength, recent + SLACK, self.order.strength + SLACK)
        return float(np.clip(1.0 + least / HELD_BACK_AT, 0.0, 1.0))

    @property
    def opening(self) -> float:
        """How far a proven gain opens the clip for items without evidence, in [0, 1]."""
        return float(np.clip(self._strength(WINDOW, OPEN_AT) / OPEN_AT, 0.0, 1.0))

    def _strength(self, size: int, limit: float) -> float:
        """Standard errors of a window's gains; a source among several counts within `limit`."""
        return shared_errors(self.gains, self.sources, size, limit)

    @property
    def calibration_error(self) -> float | None:
        """Expected calibration error of the predictions in [0, 1]; None under 50 reports."""
        return calibration_error(list(self.predictions))

    def proof(self) -> Proof:
        """The held-out record, in figures and one sentence."""
        low, high = exact_interval(self.wins, self.losses)
        gain = self.held_out_gain / self.held_out if self.held_out else 0.0
        return Proof(
            held_out=self.held_out,
            wins=self.wins,
            losses=self.losses,
            ties=self.ties,
            interval=(round(low, 3), round(high, 3)),
            gain=round(gain, 4),
            sentence=self._sentence(low, high),
        )

    def _sentence(self, low: float, high: float) -> str:
        if self.held_out == 0:
            return f"No proof yet: every {HOLD_OUT_EVERY}th report is held out to make one."
        verdict = "not decided yet"
        if low > 0.5:
            verdict = "learned order wins"
        elif high < 0.5:
            verdict = "similarity wins, the learned part is held back"
        return (
            f"On {self.held_out} held-out reports the learned order predicted "
            f"better {self.wins} times, worse {self.losses} times, the same {self.ties} times "
            f"(95 % interval of its share {low:.2f} to {high:.2f}): {verdict}."
        )

    # -- as plain values ---------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All of it as JSON holds it; floats come back bit for bit."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "gains": list(self.gains),
            "sources": list(self.sources),
            "predictions": [list(pair) for pair in self.predictions],
            "harms": [asdict(harm) for harm in self.harms],
            "stride": self.history.stride,
            "points": [list(point) for point in self.history.points],
            "order": self.order.state(),
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Record:
        """The record of a state.

        Raises:
            KeyError, TypeError, ValueError: It is no state of this version.
        """
        record = cls(**{name: state[name] for name in _PLAIN})
        record.gains, record.sources = list(state["gains"]), list(state["sources"])
        record.predictions.extend((float(p), float(r)) for p, r in state["predictions"])
        record.harms.extend(Harmed(**harm) for harm in state["harms"])
        points = [(int(reports), float(weight)) for reports, weight in state["points"]]
        record.history = History(int(state["stride"]), points)
        record.order = OrderRecord.restored(state["order"])
        return record


_PLAIN = ("reports", "held_out", "wins", "losses", "ties", "held_out_gain", "harmed")
