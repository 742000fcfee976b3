"""The failures that one at hand is compared with, by the learned similarity, and who learns it.

`Likeness` holds the newest failures of every project, one by one: clusters that were
formed before anything was learned may hold several causes, single failures do
not. Without a proven metric it says so and the plain rule of the notebook is
used. Written under the service's lock and by the thread that learns; read
without a lock.

`CauseTrainer` learns which failures have the same cause, on its own thread, from the newest
tellings. Every sixteenth telling the newest ones are learned anew from the beginning, so
what is known is a function of the log alone, however it came in: live or read
again at start. Embeddings are asked for on this thread and kept while their
failure is in the window. Recall and reports never wait here.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from memory_core.ports import Embedder
from memory_core.scorer.causes import Learned, Metric, learn
from memory_core.scorer.failure_pairs import Occurrence, Table, Views
from memory_core.scorer.shares import place_to_drop
from memory_core.service.clusters import Cluster, Failure, Seen
from memory_core.service.conditions import FailureText, views_of
from memory_core.service.relating import Related, Telling, Tellings, related

# -- learning

log = logging.getLogger(__name__)

EVERY = 16
"""Tellings from one learning to the next."""
Viewer = Callable[[FailureText], Views]


class _Closed(Exception):
    """Learning is given up; it is no error."""


class CauseTrainer:
    """Owns the tellings and the thread that learns from them.

    `observe` is called under the service's lock. Before `start` it only folds;
    `start` lets the thread learn the state of the last multiple of `EVERY`.

    Args:
        embedder: Gives the vectors of errors and tasks.
        publish: Called on the thread with what was learned, and with a function
            that gives the views of a failure.
    """

    def __init__(self, embedder: Embedder, publish: Callable[[Learned, Viewer], None]) -> None:
        self._embedder, self._publish = embedder, publish
        self._tellings = Tellings()
        self._due: tuple[Telling, ...] | None = None
        self._queue: queue.SimpleQueue[tuple[Telling, ...] | None] = queue.SimpleQueue()
        self._views: dict[FailureText, Views] = {}
        self._pending = 0
        self._count = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def observe(self, owner: str, telling: Telling | None) -> None:
        """Fold one report in (None: it tells of no failure)."""
        before = self._tellings.told
        self._tellings.observe(owner, telling)
        if self._tellings.told == before or self._tellings.told % EVERY:
            return
        self._due = self._tellings.all()
        if self._thread is not None:
            self._hand_over()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="lessonbank-causes", daemon=True)
        self._thread.start()
        self._hand_over()

    def _hand_over(self) -> None:
        if self._due is not None:
            with self._count:
                self._pending += 1
            self._queue.put(self._due)
            self._due = None

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until everything handed over is learned; False on timeout (seconds)."""
        with self._count:
            return self._count.wait_for(lambda: self._pending == 0, timeout)

    def close(self, timeout: float = 1.0) -> None:
        """Stop; what is not learned yet, the log brings back."""
        self._stopping = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout)
            self._thread = None

    def _run(self) -> None:
        while True:
            tellings = self._queue.get()
            if tellings is None or self._stopping:
                return
            if self._pending == 1:  # else a newer state waits, and nobody needs this one
                self._learn(tellings)
            with self._count:
                self._pending -= 1
                self._count.notify_all()

    def _learn(self, tellings: tuple[Telling, ...]) -> None:
        """Learn one state; one that cannot be learned is logged, and the last one stays."""
        try:
            failures = related(tellings)
            views: dict[FailureText, Views] = {}
            for failure in failures:
                views[failure.text] = self.view(failure.text)
            self._views = views
            learned = learn([_occurrence(failure, views[failure.text]) for failure in failures])
            self._publish(learned, self.view)
        except _Closed:
            return
        except Exception:
            log.exception("learning the causes of failures failed; matching goes on as before")

    def view(self, text: FailureText) -> Views:
        """The views of a failure, kept where it is in the window.

        Raises:
            _Closed: The trainer is closed: there is nothing to go on for.
        """
        if self._stopping:
            raise _Closed
        return self._views.get(text) or views_of(self._embedder, text)


def _occurrence(failure: Related, views: Views) -> Occurrence:
    return Occurrence(
        project=failure.project,
        group=failure.group,
        views=views,
        resolved=failure.resolved,
        failed=failure.failed,
        culprits=failure.culprits,
        weight=failure.weight,
        held_out=failure.held_out,
    )


# -- comparing

COMPARED = 512
"""Newest failures of a project that are compared with."""
HELD = 1_024
"""Newest failures of all projects."""


@dataclass(slots=True)
class Member:
    """One failure of a cluster; `views` come when there is a metric to compare them."""

    seen: Seen
    failure: Failure
    views: Views | None = None


@dataclass(slots=True)
class _Held:
    """One project's members, oldest first, and the table of those with views."""

    members: OrderedDict[str, Member] = field(default_factory=OrderedDict)
    table: tuple[Metric, int, tuple[Member, ...], Table] | None = None
    parts: dict[str, tuple[Cluster, ...]] = field(default_factory=dict)
    changes: int = 0

    def changed(self) -> None:
        self.changes += 1
        self.parts = {}


class Likeness:
    """The members and the metric; `metric` is None while none is proven."""

    def __init__(self) -> None:
        self.metric: Metric | None = None
        self.learned: Learned | None = None
        self._projects: dict[str, _Held] = {}
        self._order: OrderedDict[str, str] = OrderedDict()

    # -- members -------------------------------------------------------------------

    def add(self, seen: Seen, failure: Failure) -> None:
        """Take a failure in; the oldest make room."""
        if failure.text is None:
            return
        held = self._projects.setdefault(failure.project, _Held())
        held.members[seen.owner] = Member(seen, failure, failure.views)
        self._order[seen.owner] = failure.project
        held.changed()
        if len(held.members) > COMPARED:
            self._drop(list(held.members))
        if len(self._order) > HELD:
            self._drop(list(self._order))

    def _drop(self, owners: list[str]) -> None:
        """Take the oldest out, of a source that holds over half of them."""
        members = [self._projects[self._order[owner]].members[owner] for owner in owners]
        self.remove(owners[place_to_drop([member.seen.source for member in members])])

    def remove(self, owner: str) -> None:
        """Take a failure out (it was corrected, or is too old)."""
        project = self._order.pop(owner, None)
        if project is not None:
            held = self._projects[project]
            held.members.pop(owner, None)
            held.changed()

    def publish(self, learned: Learned, view: Callable[[FailureText], Views]) -> None:
        """Use what was learned from now on, where it is proven; else the plain rule."""
        self.learned = learned
        if not learned.proven:
            self.metric = None
            return
        self._fill(view)
        self.metric = learned.metric
        self._fill(view)  # what came in meanwhile

    def _fill(self, view: Callable[[FailureText], Views]) -> None:
        """Give views to the members that have none."""
        for held in list(self._projects.values()):
            for member in list(held.members.values()):
                if member.views is None and member.failure.text is not None:
                    member.views = view(member.failure.text)
            held.changed()

    # -- matching ------------------------------------------------------------------

    def nearest(self, project: str, views: Views) -> list[list[Member]]:
        """Failures with the same cause as one at hand, by cluster, the likest cluster first.

        Returns:
            A cluster's members each, the likest first.
        """
        metric, held = self.metric, self._projects.get(project)
        if metric is None or held is None:
            return []
        members, table = self._table(held, metric)
        if not members:
            return []
        logits = metric.between(metric.table([views]), table)[0].tolist()
        found: dict[str, list[tuple[float, int]]] = {}
        for place, logit in enumerate(logits):
            if logit > 0:
                found.setdefault(members[place].seen.signature_id, []).append((-logit, -place))
        ordered = sorted((sorted(places), name) for name, places in found.items())
        return [[members[-place] for _, place in places] for places, _ in ordered]

    @staticmethod
    def _table(held: _Held, metric: Metric) -> tuple[tuple[Member, ...], Table]:
        """The members with views, and their table for this metric."""
        kept, changes = held.table, held.changes
        if kept is None or kept[0] is not metric or kept[1] != changes:
            members = [m for m in list(held.members.values()) if m.views is not None]
            views = [m.views for m in members if m.views is not None]
            held.table = kept = metric, changes, tuple(members), metric.table(views)
        return kept[2], kept[3]

    # -- clusters ------------------------------------------------------------------

    def split(self, project: str, cluster: Cluster) -> tuple[Cluster, ...]:
        """A cluster by causes; the whole one while nothing is proven.

        The first cause keeps the cluster's id, and what is too old to be compared;
        every other one has it with a number.
        """
        metric, held = self.metric, self._projects.get(project)
        if metric is None or held is None:
            return (cluster,)
        parts = held.parts
        if cluster.id not in parts:
            mine = [m for m in self._table(held, metric)[0] if m.seen.signature_id == cluster.id]
            parts[cluster.id] = _parts(cluster, _by_cause(mine, metric))
        return parts[cluster.id]


def _by_cause(members: list[Member], metric: Metric) -> list[list[Member]]:
    """Members by causes, oldest first: each joins the likest first member, or is a first itself."""
    table = metric.table([member.views for member in members if member.views is not None])
    logits = metric.between(table, table) if members else np.zeros((0, 0))
    firsts: list[int] = []
    groups: list[list[Member]] = []
    for place, member in enumerate(members):
        to_firsts = logits[place, firsts]
        if firsts and float(to_firsts.max()) > 0:
            groups[int(to_firsts.argmax())].append(member)
        else:
            firsts.append(place)
            groups.append([member])
    return groups


def _parts(cluster: Cluster, groups: list[list[Member]]) -> tuple[Cluster, ...]:
    rest = cluster.copy()
    parts = []
    for number, members in enumerate(groups[1:], start=2):
        first = members[0]
        part = Cluster(
            f"{cluster.id}-{number}", first.failure.error_class, first.seen.summary, cluster.row
        )
        for member in members:
            rest.count(member.seen, member.failure, -1)
            part.count(member.seen, member.failure, 1)
        parts.append(part)
    return (rest, *parts)
