"""The mistakes notebook: failures clustered by their signature.

A signature is the compressed conditions of a failure: the embedding of its
normalised error joined with that of its conditions. A new failure joins the
nearest cluster of its project whose error class is the same and whose centre is
close enough, else it opens one; the cluster's id is logged with the outcome, so
that a rebuild gives the same clusters.

Centres stand in one matrix a project, so that a match is one product. Written
under the service's lock; read without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np

from memory_core.port import FailureWarning
from memory_core.ports import Matrix, Vector

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
    moment = datetime.fromtimestamp(at, timezone.utc)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure to place: its vectors and its error's class and fingerprint."""

    project: str
    error_class: str
    fingerprint: str
    signature: Vector | None
    conditions: Vector | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One counted failure: when, by whose report, with which items, told how."""

    owner: str
    signature_id: str
    at: float
    items: tuple[str, ...]
    summary: str


@dataclass(slots=True)
class Cluster:
    """Like failures of one project; `row` is its place in the project's matrices."""

    id: str
    error_class: str
    summary: str
    row: int
    seen: int = 0
    last_seen: float = 0.0
    items: dict[str, int] = field(default_factory=dict)
    fingerprints: dict[str, int] = field(default_factory=dict)

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

    def count(self, seen: Seen, failure: Failure, change: int) -> None:
        """Count one failure in (+1) or out (-1)."""
        self.seen += change
        self.last_seen = max(self.last_seen, seen.at)
        items, prints = dict(self.items), dict(self.fingerprints)
        for item_id in seen.items:
            items[item_id] = items.get(item_id, 0) + change
        if failure.fingerprint:
            prints[failure.fingerprint] = prints.get(failure.fingerprint, 0) + change
        self.items = {item_id: count for item_id, count in items.items() if count > 0}
        self.fingerprints = {name: count for name, count in prints.items() if count > 0}


class _Sums:
    """Sums of unit vectors, one row a cluster; rows of nothing are zero."""

    def __init__(self) -> None:
        self._rows: Matrix | None = None

    def add(self, row: int, vector: Vector | None, change: int) -> None:
        if vector is None:
            return
        rows = self._rows
        if rows is None or row >= len(rows):
            grown = np.zeros((max(64, 2 * (row + 1)), vector.size), np.float32)
            if rows is not None:
                grown[: len(rows)] = rows
            self._rows = rows = grown
        rows[row] += change * vector

    def cosines(self, vector: Vector | None, count: int) -> Matrix:
        """Cosine with every row's direction, float32[count]; -1 for rows of nothing."""
        rows = self._rows
        if vector is None or rows is None:
            return np.full(count, -1.0, np.float32)
        held = rows[:count]
        norms = np.linalg.norm(held, axis=1)
        cosines = np.full(count, -1.0, np.float32)
        known = np.flatnonzero(norms > 1e-6)
        cosines[known] = (held[known] @ vector) / norms[known]
        return cosines


@dataclass(slots=True)
class _Project:
    """One project's clusters, in the order of their rows."""

    clusters: list[Cluster] = field(default_factory=list)
    by_id: dict[str, Cluster] = field(default_factory=dict)
    centres: _Sums = field(default_factory=_Sums)
    conditions: _Sums = field(default_factory=_Sums)


class Notebook:
    """All clusters; a fold over the failures in log order."""

    def __init__(self) -> None:
        self._projects: dict[str, _Project] = {}
        self._counted: dict[str, tuple[Seen, Failure]] = {}

    def place(self, failure: Failure) -> str | None:
        """The id of the cluster that this failure belongs to, None when it opens one."""
        project = self._projects.get(failure.project)
        if project is None:
            return None
        near = self._near(project, failure, JOIN)
        return near[0][1].id if near else None

    def observe(self, seen: Seen, failure: Failure) -> None:
        """Count one failure in its cluster, in place of its owner's earlier one."""
        self.withdraw(seen.owner)
        project = self._projects.setdefault(failure.project, _Project())
        cluster = project.by_id.get(seen.signature_id)
        if cluster is None:
            row = len(project.clusters)
            cluster = Cluster(seen.signature_id, failure.error_class, seen.summary, row)
            project.by_id[cluster.id] = cluster
            project.clusters.append(cluster)
        self._count(project, cluster, seen, failure, 1)
        self._counted[seen.owner] = (seen, failure)

    def withdraw(self, owner: str) -> None:
        """Take an owner's failure out (it was corrected); an empty cluster is not told."""
        counted = self._counted.pop(owner, None)
        if counted is not None:
            seen, failure = counted
            project = self._projects[failure.project]
            self._count(project, project.by_id[seen.signature_id], seen, failure, -1)

    @staticmethod
    def _count(
        project: _Project, cluster: Cluster, seen: Seen, failure: Failure, change: int
    ) -> None:
        cluster.count(seen, failure, change)
        project.centres.add(cluster.row, failure.signature, change)
        project.conditions.add(cluster.row, failure.conditions, change)

    @staticmethod
    def _near(project: _Project, failure: Failure, least: float) -> list[tuple[float, Cluster]]:
        """Clusters of the same error class that are close enough, nearest first."""
        clusters = list(project.clusters)
        cosines = project.centres.cosines(failure.signature, len(clusters))
        found = []
        for cluster, cosine in zip(clusters, cosines.tolist(), strict=True):
            if cluster.seen <= 0:
                continue
            exact = bool(failure.fingerprint) and failure.fingerprint in cluster.fingerprints
            if exact or (cosine >= least and cluster.error_class == failure.error_class):
                found.append((1.0 if exact else cosine, cluster))
        return sorted(found, key=lambda pair: (-pair[0], pair[1].id))

    def match(self, failure: Failure, *, by_error: bool) -> tuple[FailureWarning, ...]:
        """Failures seen before in like conditions, nearest first, at most three.

        Args:
            failure: What is at hand: an error's signature, or conditions alone.
            by_error: Whether there is an error to match by.
        """
        project = self._projects.get(failure.project)
        if project is None:
            return ()
        if by_error:
            found = self._near(project, failure, MATCH_ERROR)
        else:
            clusters = list(project.clusters)
            cosines = project.conditions.cosines(failure.conditions, len(clusters))
            close = np.flatnonzero(cosines >= MATCH_CONDITIONS)
            found = [(float(cosines[i]), clusters[i]) for i in close if clusters[i].seen > 0]
            found.sort(key=lambda pair: (-pair[0], pair[1].id))
        return tuple(cluster.warning() for _, cluster in found[:MOST_WARNINGS])

    def clusters(self, project: str) -> tuple[FailureWarning, ...]:
        """All clusters of a project, most seen first."""
        held = self._projects.get(project)
        told = [cluster for cluster in (held.clusters if held else ()) if cluster.seen > 0]
        told.sort(key=lambda c: (-c.seen, -c.last_seen, c.id))
        return tuple(cluster.warning() for cluster in told)
