"""The mistakes notebook: failures clustered by their signature.

A signature is the compressed conditions of a failure: the embedding of its
normalised error joined with that of its conditions. A new failure joins the
nearest cluster of its project whose error class is the same and whose centre is
close enough, else it opens one; the cluster's id is logged with the outcome, so
that a rebuild gives the same clusters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np

from memory_core.model import OutcomeRecord
from memory_core.port import FailureWarning
from memory_core.ports import Vector

JOIN = 0.80
"""Cosine from which a failure with the same error class joins a cluster."""
MATCH_ERROR = 0.72
"""Cosine from which an error at hand is told as seen before."""
MATCH_CONDITIONS = 0.70
"""Cosine from which conditions at hand, with no error yet, are told as failed before."""
PATTERN = 3
"""Like failures that make a pattern."""
MOST_WARNINGS = 3


def iso(at: float) -> str:
    """Seconds since the epoch as ISO 8601 UTC, to the second."""
    return (
        datetime.fromtimestamp(at, timezone.utc)
        .isoformat(timespec="seconds")
        .replace("+00:00", "Z")
    )


@dataclass(slots=True)
class Cluster:
    """Like failures of one project. `centre` and `conditions` are sums of unit vectors."""

    id: str
    project: str
    error_class: str
    summary: str
    seen: int = 0
    last_seen: float = 0.0
    centre: Vector | None = None
    conditions: Vector | None = None
    items: dict[str, int] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    fingerprints: set[str] = field(default_factory=set)

    def warning(self) -> FailureWarning:
        """The cluster as clients read it; items that failed most often first."""
        ordered = sorted(self.items, key=lambda item_id: (-self.items[item_id], item_id))
        return FailureWarning(
            signature_id=self.id,
            seen=self.seen,
            last_seen=iso(self.last_seen),
            summary=self.summary,
            item_ids=tuple(ordered[:10]),
        )


def _joined(total: Vector | None, vector: Vector | None) -> Vector | None:
    if vector is None:
        return total
    return vector.copy() if total is None else total + vector


def _cosine(total: Vector | None, vector: Vector | None) -> float:
    if total is None or vector is None:
        return -1.0
    norm = float(np.linalg.norm(total))
    return float(total @ vector) / norm if norm > 1e-9 else -1.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure to place: its vectors and its error's class and fingerprint."""

    project: str
    error_class: str
    fingerprint: str
    signature: Vector | None
    conditions: Vector | None


class Notebook:
    """All clusters. Used under the service's lock; reads copy what they need."""

    def __init__(self) -> None:
        self._clusters: dict[tuple[str, str], Cluster] = {}

    def place(self, failure: Failure) -> str | None:
        """The id of the cluster that this failure belongs to, None when it opens one."""
        best, best_cosine = None, JOIN
        for cluster in self._clusters.values():
            if cluster.project != failure.project or cluster.error_class != failure.error_class:
                continue
            if failure.fingerprint and failure.fingerprint in cluster.fingerprints:
                return cluster.id
            cosine = _cosine(cluster.centre, failure.signature)
            if cosine >= best_cosine:
                best, best_cosine = cluster.id, cosine
        return best

    def observe(
        self,
        outcome: OutcomeRecord,
        failure: Failure,
        owner: str,
        items: tuple[str, ...],
        summary: str,
    ) -> None:
        """Count one failure in its cluster (its outcome's `signature_id`)."""
        key = (outcome.project, outcome.signature_id)
        cluster = self._clusters.get(key)
        if cluster is None:
            cluster = Cluster(outcome.signature_id, outcome.project, failure.error_class, summary)
            self._clusters[key] = cluster
        if owner in cluster.owners:
            return
        cluster.owners.add(owner)
        cluster.seen += 1
        cluster.last_seen = max(cluster.last_seen, outcome.at)
        cluster.centre = _joined(cluster.centre, failure.signature)
        cluster.conditions = _joined(cluster.conditions, failure.conditions)
        if failure.fingerprint:
            cluster.fingerprints.add(failure.fingerprint)
        for item_id in items:
            cluster.items[item_id] = cluster.items.get(item_id, 0) + 1

    def take_back(
        self, project: str, signature_id: str, owner: str, items: tuple[str, ...]
    ) -> None:
        """Take a corrected failure out of its cluster; an empty cluster goes."""
        cluster = self._clusters.get((project, signature_id))
        if cluster is None or owner not in cluster.owners:
            return
        cluster.owners.discard(owner)
        cluster.seen -= 1
        for item_id in items:
            cluster.items[item_id] = cluster.items.get(item_id, 1) - 1
        cluster.items = {item_id: count for item_id, count in cluster.items.items() if count > 0}
        if cluster.seen <= 0:
            del self._clusters[(project, signature_id)]

    def match(self, failure: Failure, *, by_error: bool) -> tuple[FailureWarning, ...]:
        """Failures seen before in like conditions, nearest first, at most three.

        Args:
            failure: What is at hand: an error's signature, or conditions alone.
            by_error: Whether there is an error to match by.
        """
        found = []
        for cluster in list(self._clusters.values()):
            if cluster.project != failure.project:
                continue
            if by_error:
                exact = bool(failure.fingerprint) and failure.fingerprint in cluster.fingerprints
                cosine = 1.0 if exact else _cosine(cluster.centre, failure.signature)
                near = exact or (
                    cosine >= MATCH_ERROR and cluster.error_class == failure.error_class
                )
            else:
                cosine = _cosine(cluster.conditions, failure.conditions)
                near = cosine >= MATCH_CONDITIONS
            if near:
                found.append((cosine, cluster))
        found.sort(key=lambda pair: (-pair[0], pair[1].id))
        return tuple(cluster.warning() for _, cluster in found[:MOST_WARNINGS])

    def clusters(self, project: str) -> tuple[FailureWarning, ...]:
        """All clusters of a project ("" for every project), most seen first."""
        chosen = [c for c in list(self._clusters.values()) if project in ("", c.project)]
        chosen.sort(key=lambda c: (-c.seen, -c.last_seen, c.id))
        return tuple(cluster.warning() for cluster in chosen)
