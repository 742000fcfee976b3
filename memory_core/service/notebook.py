"""The mistakes notebook: failures clustered by their signature.

A signature is the compressed conditions of a failure: the embedding of its
normalised error joined with that of its conditions. A new failure joins the
nearest cluster of its project whose error class is the same and whose centre is
close enough, else it opens one; the cluster's id is logged with the outcome, so
that a rebuild gives the same clusters.

Centres stand in one matrix a project, so that a match is one product. Once the
learned similarity has proven itself on the user's outcomes (see
`memory_core.service.likeness`), failures are placed and matched by it instead,
one by one, and clusters are told by causes. Written under the service's lock;
read without it.

The chance that a failure at hand is one that was seen before is a logistic over three signs,
none of which can speak against it:

    near   cosine of both signatures, on the model's own scale
    words  the telling words that both errors have, ln(1 + sum of rarity^2): words of the
           errors that any program prints tell nothing
    task   cosine of the task at hand and the conditions that failed, on the same scale

The weights were fitted on errors of many programs (`python -m benchmarks.relevance.fit`).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memory_core.answers import FailureWarning
from memory_core.background import error_rarity, rarity
from memory_core.ports import Embedder, Record, StoredOutcome, Vector
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.relevance import BY_FAILURE, Scale
from memory_core.scorer.shares import counted, holder_of
from memory_core.service.clusters import (
    Cluster,
    Failure,
    Seen,
    Sums,
    blamed,
    failure_of,
    iso,
    summary_of,
)
from memory_core.service.conditions import Conditions, FailureText, views_of
from memory_core.service.fold import LogPlace
from memory_core.service.likeness import CauseTrainer, Likeness, Member
from memory_core.service.relating import telling_of
from memory_core.words import terms

# -- seen before?

NO_TASK, SAME_TEXT = 0.15, 0.3
"""What task says where an error is all that is at hand, and where its text is the same but for
literals: what the same failure has as a rule."""
LAST_LINE = 160
"""Characters of an error's last line whose words count beside its class and message."""
_PLACEHOLDER = re.compile(r"<\w{1,8}>")


def telling_words(text: FailureText | None) -> dict[str, float]:
    """The words of an error that not every error has, with their rarity in (0, 1]."""
    if text is None or text.shape is None:
        return {}
    last = next((line for line in reversed(text.error.splitlines()) if line.strip()), "")
    said = f"{_PLACEHOLDER.sub(' ', text.shape.normalised)} {last.strip()[:LAST_LINE]}"
    weights = {word: rarity().of(word) * error_rarity().of(word) for word in terms(said)}
    return {word: weight for word, weight in weights.items() if weight > 0}


@dataclass(slots=True)
class Traces:
    """What one project's clusters left: directions and words, one row a cluster."""

    centres: Sums = field(default_factory=Sums)
    conditions: Sums = field(default_factory=Sums)
    _words: dict[str, list[int]] = field(default_factory=dict)
    _texts: dict[str, list[int]] = field(default_factory=dict)

    def open(self, row: int, failure: Failure) -> None:
        """Keep the words and the text of a cluster's first failure."""
        for word in telling_words(failure.text):
            self._words.setdefault(word, []).append(row)
        self._texts.setdefault(failure.fingerprint, []).append(row)

    def count(self, row: int, failure: Failure, change: float) -> None:
        """Count the vectors of one failure in (change > 0) or out."""
        self.centres.add(row, failure.signature, change)
        self.conditions.add(row, failure.conditions, change)

    def like_conditions(self, vector: Vector | None, scale: Scale, count: int) -> Floats:
        """How near each cluster's conditions are to these, float64[count], 1 for the same."""
        cosines = self.conditions.cosines(vector, count).astype(np.float64)
        return scale.beside(vector).of(cosines)

    def chances(self, failure: Failure, scale: Scale, count: int) -> Floats:
        """The chance in [0, 1] that the failure at hand is each cluster's, float64[count]."""
        return BY_FAILURE.relevance(self.signs(failure, scale, count))

    def signs(self, failure: Failure, scale: Scale, count: int) -> Values:
        """The three signs of each cluster, float64[count, 3] >= 0."""
        cosines = self.centres.cosines(failure.signature, count).astype(np.float64)
        near = scale.beside(failure.signature).of(cosines)
        mass = np.zeros(count)
        for word, weight in telling_words(failure.text).items():
            rows = [row for row in self._words.get(word, ()) if row < count]
            mass[rows] += weight**2
        task = np.full(count, NO_TASK)
        task[[row for row in self._texts.get(failure.fingerprint, ()) if row < count]] = SAME_TEXT
        if failure.task is not None:
            task = self.like_conditions(failure.task, scale, count)
        return np.column_stack([np.maximum(near, 0.0), np.log1p(mass), np.maximum(task, 0.0)])


# -- clusters

__all__ = ["Failure", "Notebook", "PATTERN", "Seen", "iso"]

JOIN = 0.80
"""Cosine from which a failure with the same error class joins a cluster."""
WARNED = 0.4
"""Chance from which an error at hand is told as seen before (see `recurrence`)."""
LIKE_CONDITIONS = 0.58
"""Cosine, on the model's own scale, from which a task at hand is told as failed before."""
PATTERN = 3
"""Like failures that make a pattern."""
MOST_WARNINGS = 3
VECTORS_KEPT = 4_096
"""Newest failures whose vectors leave the centre when they are corrected; of older ones only the
count does. Two vectors of each failure ever reported would outgrow everything else in memory."""


@dataclass(slots=True)
class _Project:
    """One project's clusters, in the order of their rows."""

    clusters: list[Cluster] = field(default_factory=list)
    by_id: dict[str, Cluster] = field(default_factory=dict)
    traces: Traces = field(default_factory=Traces)


class Notebook:
    """All clusters; a fold over the failures in log order.

    Args:
        embedder: Lets it learn which failures have the same cause, once `start` is
            called; None keeps the plain rule.
        scale: Of the model whose vectors its failures have.
        said: Gives what items say.
    """

    def __init__(
        self,
        embedder: Embedder | None = None,
        scale: Scale | None = None,
        said: Callable[[Iterable[str]], frozenset[str]] = frozenset,
    ) -> None:
        self._embedder, self._scale, self._said = embedder, scale or Scale(), said
        self.likeness = Likeness()
        self.causes = (
            CauseTrainer(embedder, self.likeness.publish) if embedder is not None else None
        )
        self._projects: dict[str, _Project] = {}
        self._counted: dict[str, tuple[Seen, Failure]] = {}
        self._newest: deque[Seen] = deque()

    def start(self) -> None:
        """Begin to learn: the log is folded."""
        if self.causes is not None:
            self.causes.start()

    def close(self) -> None:
        """Stop learning."""
        if self.causes is not None:
            self.causes.close()

    def at_hand(self, project: str, conditions: Conditions) -> Failure:
        """What a query asks about: its error, else its conditions alone."""
        shape = conditions.shape
        failure = Failure(
            project,
            shape.error_class if shape else "",
            shape.id if shape else "",
            conditions.signature,
            conditions.vector,
            conditions.failure,
            task=conditions.asked,
        )
        return self.viewed(failure)

    def viewed(self, failure: Failure) -> Failure:
        """The failure with its views, where the learned similarity is in use."""
        if self._embedder is None or failure.text is None or self.likeness.metric is None:
            return failure
        return replace(failure, views=views_of(self._embedder, failure.text))

    def take(self, place: LogPlace, record: Record) -> None:
        """Count one outcome: a failure joins its cluster, a correction leaves it."""
        if not isinstance(record, StoredOutcome):
            return
        outcome, recall = record.record, place.record
        if self.causes is not None and not (recall is not None and recall.withheld):
            self.causes.observe(place.owner, telling_of(outcome, place, self._said))
        if not outcome.signature_id or outcome.trust <= 0:
            self.withdraw(place.owner)
            return
        seen = Seen(
            place.owner,
            outcome.signature_id,
            outcome.at,
            blamed(outcome, place.served),
            summary_of(outcome),
            holder_of(outcome.source),
            counted(outcome.trust),
        )
        failure = failure_of(outcome, record.signature, place.query)
        self.observe(seen, place.failure or self.viewed(failure))

    def place(self, failure: Failure) -> str | None:
        """The id of the cluster that this failure belongs to, None when it opens one."""
        project = self._projects.get(failure.project)
        if project is None:
            return None
        if failure.views is not None and self.likeness.metric is not None:
            likest = self.likeness.nearest(failure.project, failure.views)
            return likest[0][0].seen.signature_id if likest else None
        near = self._near(project, failure)
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
            project.traces.open(row, failure)
        self._count(project, cluster, seen, failure, 1)
        self._counted[seen.owner] = (seen, replace(failure, text=None, views=None))
        self._newest.append(seen)
        if len(self._newest) > VECTORS_KEPT:
            self._lighten(self._newest.popleft())
        self.likeness.add(seen, failure)

    def _lighten(self, seen: Seen) -> None:
        """Forget the vectors of a failure, unless it has been corrected already."""
        counted = self._counted.get(seen.owner)
        if counted is not None and counted[0] is seen:
            bare = replace(counted[1], signature=None, conditions=None)
            self._counted[seen.owner] = (seen, bare)

    def withdraw(self, owner: str) -> None:
        """Take an owner's failure out (it was corrected); an empty cluster is not told."""
        counted = self._counted.pop(owner, None)
        self.likeness.remove(owner)
        if counted is not None:
            seen, failure = counted
            project = self._projects[failure.project]
            self._count(project, project.by_id[seen.signature_id], seen, failure, -1)

    @staticmethod
    def _count(
        project: _Project, cluster: Cluster, seen: Seen, failure: Failure, change: int
    ) -> None:
        cluster.count(seen, failure, change)
        project.traces.count(cluster.row, failure, change * seen.weight)

    @staticmethod
    def _near(project: _Project, failure: Failure) -> list[tuple[float, Cluster]]:
        """Clusters that a failure may join: of its error class and close enough, nearest first."""
        clusters = list(project.clusters)
        cosines = project.traces.centres.cosines(failure.signature, len(clusters))
        found = []
        for cluster, cosine in zip(clusters, cosines.tolist(), strict=True):
            if cluster.seen <= 0:
                continue
            exact = bool(failure.fingerprint) and failure.fingerprint in cluster.fingerprints
            if exact or (cosine >= JOIN and cluster.error_class == failure.error_class):
                found.append((1.0 if exact else cosine, cluster))
        return sorted(found, key=lambda pair: (-pair[0], pair[1].id))

    def match(self, failure: Failure, *, by_error: bool) -> tuple[FailureWarning, ...]:
        """Failures seen before in like conditions, the likeliest first, at most three.

        Without a model, errors of the same text but for literals.

        Args:
            failure: What is at hand: an error's signature, or conditions alone.
            by_error: Whether there is an error to match by.
        """
        project = self._projects.get(failure.project)
        if project is None:
            return ()
        if by_error and failure.views is not None and self.likeness.metric is not None:
            likest = self.likeness.nearest(failure.project, failure.views)
            return tuple(self._told(project, members) for members in likest[:MOST_WARNINGS])
        if by_error and failure.signature is None:
            found = self._near(project, failure)
            return tuple(cluster.warning() for _, cluster in found[:MOST_WARNINGS])
        clusters = list(project.clusters)
        if by_error:
            chances, bar = project.traces.chances(failure, self._scale, len(clusters)), WARNED
        else:
            chances = project.traces.like_conditions(failure.conditions, self._scale, len(clusters))
            bar = LIKE_CONDITIONS
        close = [place for place in np.flatnonzero(chances >= bar) if clusters[place].seen > 0]
        close.sort(key=lambda place: (-chances[place], clusters[place].id))
        return tuple(clusters[place].warning() for place in close[:MOST_WARNINGS])

    @staticmethod
    def _told(project: _Project, members: Sequence[Member]) -> FailureWarning:
        """Some failures of one cluster as clients read them, in the words of the first."""
        cluster = project.by_id[members[0].seen.signature_id]
        counted = Cluster(cluster.id, cluster.error_class, members[0].seen.summary, cluster.row)
        for member in members:
            counted.count(member.seen, member.failure, 1)
        return counted.warning()

    def clusters(self, *projects: str) -> tuple[FailureWarning, ...]:
        """All clusters of a project under these names, most seen first."""
        told = [
            part
            for project in projects
            for cluster in list(
                self._projects[project].clusters if project in self._projects else ()
            )
            if cluster.seen > 0
            for part in self.likeness.split(project, cluster)
        ]
        told.sort(key=lambda c: (-c.seen, -c.last_seen, c.id))
        return tuple(cluster.warning() for cluster in told)
