"""The proof: does the learned order predict the user's outcomes better than similarity does?

Each report is predicted before it is learned, by the full stack and by its
rival that knows the plain hybrid similarity only (both fitted on the same
earlier reports). A report is a win when the learned prediction is the better
one (lower log loss), a loss when it is the worse one, and a tie when the two
differ by less than 0.01. Held-out reports, every tenth, never train the
networks or the stack; their wins and losses, with the exact interval of
Clopper and Pearson (1934), are what is shown. The weight of the learned part
follows the mean gain over the last reports, held out or not: where it does not
win, it shrinks to zero.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import beta

from memory_core.port import Proof

HOLD_OUT_EVERY = 10
TIE = 0.01
WINDOW = 200
CALIBRATION_BINS = 10


def held_out(position: int) -> bool:
    """Whether the report at this position of the log (from 0) is held out of training."""
    return position % HOLD_OUT_EVERY == HOLD_OUT_EVERY - 1


def log_loss(predicted: float, reward: float) -> float:
    """Binary cross-entropy in nats; predictions are kept within [0.01, 0.99]."""
    p = min(max(predicted, 0.01), 0.99)
    return float(-(reward * np.log(p) + (1 - reward) * np.log(1 - p)))


def exact_interval(wins: int, losses: int, level: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of the win share; (0, 1) when nothing was decided."""
    decided = wins + losses
    if decided == 0:
        return (0.0, 1.0)
    tail = (1 - level) / 2
    low = 0.0 if wins == 0 else float(beta.ppf(tail, wins, losses + 1))
    high = 1.0 if losses == 0 else float(beta.ppf(1 - tail, wins + 1, losses))
    return (low, high)


@dataclass(slots=True)
class Record:
    """The record so far; a fold over the reports in log order."""

    held_out: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    held_out_gain: float = 0.0
    gains: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    predictions: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=WINDOW * 5)
    )

    def observe(self, learned: float, similarity: float, reward: float, held_out: bool) -> None:
        """Take in one report predicted as `learned` and `similarity`, both P(success)."""
        gain = log_loss(similarity, reward) - log_loss(learned, reward)
        self.gains.append(gain)
        self.predictions.append((learned, reward))
        if not held_out:
            return
        self.held_out += 1
        self.held_out_gain += gain
        if abs(gain) < TIE:
            self.ties += 1
        elif gain > 0:
            self.wins += 1
        else:
            self.losses += 1

    @property
    def strength(self) -> float:
        """Standard errors between the mean gain over the window and zero; 0 with < 8 reports."""
        if len(self.gains) < 8:
            return 0.0
        gains = np.array(self.gains)
        spread = float(gains.std()) + 0.05
        return float(gains.mean() / (spread / np.sqrt(len(gains))))

    @property
    def weight(self) -> float:
        """The learned part's weight in [0, 1]: 1 unless it loses, 0 at a loss of 2.5 errors."""
        return float(np.clip(1.0 + self.strength / 2.5, 0.0, 1.0))

    @property
    def opening(self) -> float:
        """How far a proven gain opens the clip for items without evidence, in [0, 1]."""
        return float(np.clip(self.strength / 4.0, 0.0, 1.0))

    @property
    def calibration_error(self) -> float | None:
        """Expected calibration error of the predictions in [0, 1]; None under 50 reports."""
        if len(self.predictions) < 50:
            return None
        pairs = np.array(self.predictions)
        bins = np.minimum((pairs[:, 0] * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
        parts = [pairs[bins == b] for b in range(CALIBRATION_BINS)]
        return float(
            sum(len(p) * abs(p[:, 0].mean() - p[:, 1].mean()) for p in parts if len(p)) / len(pairs)
        )

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
