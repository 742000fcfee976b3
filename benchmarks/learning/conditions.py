"""What stands between an outcome and the memory: noise, loss, delay, repetition, few words.

Every draw belongs to the task's place in the stream, so that all rankers of a
seed meet the same luck, and a higher noise level flips what a lower one flipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.stream import Attempt, Feedback, Richness

LONGEST_DELAY = 50
"""Tasks that a delayed report comes later, at the most; 1 at the least."""
REPEATED = 0.2
"""Share of reports that are sent twice."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How outcomes are reported.

    `noise` is the probability that a report says the opposite, its labels
    included; `missing` that it never comes. `delayed` reports come 1 to 50 tasks
    later, out of order. Of `duplicated` ones a fifth is sent again 1 to 50 tasks
    after, half of them under the same report_id, half by recall_id alone.
    """

    noise: float = 0.0
    missing: float = 0.0
    delayed: bool = False
    duplicated: bool = False
    richness: Richness = "flag"

    @property
    def label(self) -> str:
        parts = [self.richness, f"noise {self.noise:g}"]
        parts += [f"missing {self.missing:g}"] if self.missing else []
        parts += ["delayed"] if self.delayed else []
        parts += ["duplicated"] if self.duplicated else []
        return ", ".join(parts)


def grid(
    noise: Sequence[float],
    missing: Sequence[float],
    richness: Sequence[Richness],
    *,
    delayed: bool = False,
    duplicated: bool = False,
) -> tuple[Condition, ...]:
    """Every combination, richness outermost and noise innermost."""
    return tuple(
        Condition(flips, lost, delayed, duplicated, rich)
        for rich, lost, flips in product(richness, missing, noise)
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of one task, after noise.

    `used`, `helpful` and `harmful` are keys of memories; `used` is None where the
    report does not say. `repeats` marks the second sending of a report: rankers
    that cannot tell a repetition do not get it.
    """

    number: int
    success: bool
    used: tuple[str, ...] | None = None
    helpful: tuple[str, ...] = ()
    harmful: tuple[str, ...] = ()
    report_id: str = ""
    repeats: bool = False

    def request(self, recall_id: str, ids: Mapping[str, str]) -> dict[str, Any]:
        """The arguments of report_outcome; `ids` gives item ids by key."""
        asked: dict[str, Any] = {
            "recall_id": recall_id,
            "outcome": "success" if self.success else "failure",
            "report_id": self.report_id,
            "helpful_ids": [ids[key] for key in self.helpful],
            "harmful_ids": [ids[key] for key in self.harmful],
        }
        if self.used is not None:
            asked["used_ids"] = [ids[key] for key in self.used]
        return {name: value for name, value in asked.items() if value or name == "used_ids"}

    def feedback(self, rows: Sequence[int], keys: Sequence[str]) -> Feedback:
        """What a rival is told; `rows` and `keys` are the shown items, in order."""
        labels = np.array(
            [
                1.0 if key in self.helpful else -1.0 if key in self.harmful else np.nan
                for key in keys
            ],
            dtype=np.float64,
        )
        used = np.array([self.used is None or key in self.used for key in keys], dtype=np.bool_)
        return Feedback(tuple(rows), float(self.success), used, labels)


@dataclass(frozen=True, slots=True)
class Fates:
    """What chance has in store for each task of a stream; all arrays have one entry a task."""

    luck: NDArray[np.float64]
    flip: NDArray[np.float64]
    lost: NDArray[np.float64]
    delay: NDArray[np.int64]
    turn: NDArray[np.float64]
    twice: NDArray[np.float64]
    again: NDArray[np.int64]
    named: NDArray[np.bool_]

    @classmethod
    def draw(cls, seed: int, count: int) -> Fates:
        """Draw for `count` tasks."""
        chance = np.random.default_rng([seed, 1])
        return cls(
            luck=chance.random(count),
            flip=chance.random(count),
            lost=chance.random(count),
            delay=chance.integers(1, LONGEST_DELAY + 1, count),
            turn=chance.random(count),
            twice=chance.random(count),
            again=chance.integers(1, LONGEST_DELAY + 1, count),
            named=chance.random(count) < 0.5,
        )

    def report(self, number: int, attempt: Attempt, condition: Condition) -> Report | None:
        """What is told of an attempt; None where nothing is."""
        if self.lost[number] < condition.missing:
            return None
        success = bool(self.luck[number] < attempt.chance)
        flipped = bool(self.flip[number] < condition.noise)
        helpful, harmful = attempt.helpful, attempt.harmful
        if flipped:
            success, helpful, harmful = not success, harmful, helpful
        twice = condition.duplicated and self.twice[number] < REPEATED
        says = condition.richness
        return Report(
            number,
            success,
            used=None if says == "flag" else attempt.used,
            helpful=helpful if says == "labels" else (),
            harmful=harmful if says == "labels" else (),
            report_id=f"report {number}" if twice and self.named[number] else "",
        )


class Mailbox:
    """Holds one ranker's reports until they are due.

    Args:
        fates: Of the stream's tasks.
        condition: How outcomes are reported.
    """

    def __init__(self, fates: Fates, condition: Condition) -> None:
        self._fates, self._condition = fates, condition
        self._due: defaultdict[int, list[tuple[float, Report]]] = defaultdict(list)

    def post(self, number: int, attempt: Attempt) -> None:
        """Take what became of a task."""
        report = self._fates.report(number, attempt, self._condition)
        if report is None:
            return
        fates, condition = self._fates, self._condition
        due = number + (int(fates.delay[number]) if condition.delayed else 0)
        self._due[due].append((float(fates.turn[number]), report))
        if condition.duplicated and fates.twice[number] < REPEATED:
            later = due + int(fates.again[number])
            self._due[later].append((float(fates.turn[number]), replace(report, repeats=True)))

    def due(self, number: int) -> list[Report]:
        """Give the reports that arrive right after task `number`."""
        return [report for _, report in sorted(self._due.pop(number, []), key=lambda one: one[0])]

    def rest(self) -> list[Report]:
        """Give the reports that come after the last task."""
        return [report for number in sorted(self._due) for report in self.due(number)]
