"""Like failures: what one is, who saw it, and the cluster that counts them.

This module knows no matching; see `memory_core.service.notebook`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

import numpy as np

from memory_core.answers import FailureWarning
from memory_core.model import OutcomeRecord
from memory_core.ports import Matrix, Vector
from memory_core.scorer.failure_pairs import Views
from memory_core.service.conditions import ERROR_KEPT, FailureText
from memory_core.signature import Signature

SUMMARY = 160
"""Characters of a failure's line."""


def iso(at: float) -> str:
    """Seconds since the epoch as ISO 8601 UTC, to the second."""
    moment = datetime.fromtimestamp(at, timezone.utc)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure to place: its vectors and its error's class and fingerprint.

    `text` is None where there is no error; `views` where nothing compares them; `task`
    has the vector of the task at hand alone, None where there is none.
    """

    project: str
    error_class: str
    fingerprint: str
    signature: Vector | None
    conditions: Vector | None
    text: FailureText | None = None
    views: Views | None = None
    task: Vector | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One counted failure: when, by whose report, with which items, told how.

    `source` is who reported it, `weight` in [0, 1] how much it counts.
    """

    owner: str
    signature_id: str
    at: float
    items: tuple[str, ...]
    summary: str
    source: str = ""
    weight: float = 1.0


@dataclass(slots=True)
class Cluster:
    """Like failures of one project; `row` is its place in the project's matrices.

    `weight` is the sum of the failures' own, `members` how many there are.
    """

    id: str
    error_class: str
    summary: str
    row: int
    members: int = 0
    weight: float = 0.0
    last_seen: float = 0.0
    items: dict[str, float] = field(default_factory=dict)
    fingerprints: dict[str, int] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """How many whole failures there are: at least one while there is any."""
        return max(round(self.weight), 1) if self.members > 0 else 0

    def warning(self) -> FailureWarning:
        """The cluster as clients read it; items that failed most often first."""
        items = self.items
        ordered = sorted(items, key=lambda item_id: (-items[item_id], item_id))
        return FailureWarning(
            signature_id=self.id,
            seen=self.seen,
            last_seen=iso(self.last_seen),
            summary=self.summary,
            item_ids=tuple(ordered[:10]),
        )

    def copy(self, **changed: Any) -> Cluster:
        """The same cluster, counted on its own."""
        return replace(
            self, **{"items": dict(self.items), "fingerprints": dict(self.fingerprints), **changed}
        )

    def count(self, seen: Seen, failure: Failure, change: int) -> None:
        """Count one failure in (+1) or out (-1)."""
        self.members += change
        self.weight += change * seen.weight
        self.last_seen = max(self.last_seen, seen.at)
        items, prints = dict(self.items), dict(self.fingerprints)
        for item_id in seen.items:
            items[item_id] = items.get(item_id, 0.0) + change * seen.weight
        if failure.fingerprint:
            prints[failure.fingerprint] = prints.get(failure.fingerprint, 0) + change
        self.items = {item_id: weight for item_id, weight in items.items() if weight > 1e-9}
        self.fingerprints = {name: count for name, count in prints.items() if count > 0}


class Sums:
    """Sums of unit vectors, one row a cluster, and their lengths; rows of nothing are zero."""

    def __init__(self) -> None:
        self._held: tuple[Matrix, Vector] | None = None

    def add(self, row: int, vector: Vector | None, change: float) -> None:
        if vector is None:
            return
        held = self._held
        if held is None or row >= len(held[0]):
            most = max(64, 2 * (row + 1))
            grown = (np.zeros((most, vector.size), np.float32), np.zeros(most, np.float32))
            for larger, present in zip(grown, held or (), strict=False):
                larger[: len(present)] = present
            self._held = held = grown
        rows, lengths = held
        rows[row] += change * vector
        lengths[row] = np.linalg.norm(rows[row])

    def cosines(self, vector: Vector | None, count: int) -> Vector:
        """Cosine with every row's direction, float32[count]; -1 for rows of nothing."""
        cosines = np.full(count, -1.0, np.float32)
        if vector is None or self._held is None:
            return cosines
        rows, lengths = (part[:count] for part in self._held)
        known = lengths > 1e-6
        np.divide(rows @ vector, lengths, out=cosines[: len(rows)], where=known)
        return cosines


def failure_of(outcome: OutcomeRecord, signature: Vector | None, query: Vector | None) -> Failure:
    """What the notebook needs of a failed outcome."""
    return Failure(
        outcome.project,
        outcome.error_class,
        outcome.fingerprint,
        signature if signature is not None else query,
        query,
        text_of(outcome),
    )


def text_of(outcome: OutcomeRecord) -> FailureText | None:
    """The failure of an outcome in words, None where no error was reported."""
    if not outcome.error_class:
        return None
    shape = Signature(outcome.error_class, outcome.error_normalised, outcome.fingerprint)
    return FailureText(outcome.task, outcome.error[-ERROR_KEPT:], shape)


def blamed(outcome: OutcomeRecord, served: tuple[str, ...]) -> tuple[str, ...]:
    """The items that a failure is told with: harmful and used ones, else the first served."""
    named = tuple(dict.fromkeys((*outcome.harmful, *(outcome.used or ()))))
    named = tuple(item_id for item_id in named if item_id not in outcome.helpful)
    if named or outcome.used is not None:
        return named
    return served[:1]


def summary_of(outcome: OutcomeRecord) -> str:
    """One line on a failure: its error, else its task."""
    last = next((line.strip() for line in reversed(outcome.error.splitlines()) if line.strip()), "")
    text = last or f"failed: {' '.join(outcome.task.split())}"
    return text if len(text) <= SUMMARY else text[: SUMMARY - 3] + "..."
