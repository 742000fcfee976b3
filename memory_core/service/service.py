"""The memory service: opens a store, folds its log, and answers every call of the port.

Synchronous and thread-safe; `memory_core.in_process` gives it the port's async
face. The model comes late: until `attach` the service answers by keyword.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from memory_core.answers import Compacted, Reembedded, Shared, Stats
from memory_core.caller import OWNER, Caller
from memory_core.errors import LessonbankError
from memory_core.port import Change, Method
from memory_core.ports import Embedder, SharedState, Store, StoreSizes
from memory_core.proven import ProvenNames
from memory_core.requests import AnswerT, Empty, RequestT
from memory_core.service.core import Core
from memory_core.service.feed import Feed
from memory_core.service.identifying import Identifying
from memory_core.service.lessons import Lessons
from memory_core.service.projects import Projects
from memory_core.service.proving import Proving
from memory_core.service.reading import Reading
from memory_core.service.recalling import Recaller
from memory_core.service.reporting import Reporter
from memory_core.settings import Settings

log = logging.getLogger(__name__)


def _shared(state: SharedState | None) -> Shared | None:
    if state is None:
        return None
    behind = round(state.behind, 1)
    return Shared(role=state.role, waiting=state.waiting, behind_seconds=behind)


class MemoryService:
    """One store's memory.

    Args:
        settings: Read once at start.
        store: Open, not yet bound to a model.
        project: Of calls that name none.
        notify: Called with every change, from any thread; must not block.
        clock: Seconds since the epoch.
        version: Of the product, for `stats`.
        names: Which names credentials prove; without it every name is its own.
        readiness: How far the memory has loaded, for `stats`; see `Readiness.stage`.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        project: str,
        notify: Callable[[Change], None],
        clock: Callable[[], float] = time.time,
        version: str = "",
        names: ProvenNames | None = None,
        readiness: Callable[[], str] = lambda: "ready",
    ) -> None:
        self.core = Core(
            settings=settings,
            store=store,
            project=project,
            notify=notify,
            clock=clock,
            proven=names or ProvenNames(),
        )
        self.lessons = Lessons(self.core)
        self.reading = Reading(self.core)
        self.projects = Projects(self.core, self.lessons)
        recaller, reporter = Recaller(self.core), Reporter(self.core, self.lessons)
        identifying, proving = Identifying(self.core), Proving(self.core)
        self.identify = identifying.identify
        self.recall = recaller.recall
        self.check = recaller.check
        self.report_outcome = reporter.report_outcome
        self.scorer = proving.scorer
        self._parts = (
            self,
            self.lessons,
            self.reading,
            self.projects,
            recaller,
            reporter,
            identifying,
            proving,
        )
        self._readiness = readiness
        self._version = version
        self._closed = False
        self._feed = Feed(self.core)
        self.attach, self.follow = self._feed.attach, self._feed.follow
        self._feed.open()

    def answer(
        self, method: Method[RequestT, AnswerT], request: RequestT, caller: Caller
    ) -> AnswerT:
        """Carry out a call of the port: by the function of its name, whichever part has it."""
        part = next(one for one in self._parts if hasattr(type(one), method.name))
        function = getattr(part, method.name)
        answer: AnswerT = function(caller) if method.request is Empty else function(request, caller)
        return answer

    # -- reading -------------------------------------------------------------------

    def stats(self, caller: Caller = OWNER) -> Stats:
        """Counts, sizes and readiness, as far as the caller sees them."""
        core, whole = self.core, caller.projects is None
        projects: dict[str, int] = {}
        items: dict[str, int] = {}
        kinds: dict[str, int] = {}
        for line in core.catalogue.lines(""):
            if not caller.sees(line.project):
                continue
            items[line.state] = items.get(line.state, 0) + 1
            if line.state == "active":
                kinds[line.kind] = kinds.get(line.kind, 0) + 1
                name = core.shown(line.project, caller)
                projects[name] = projects.get(name, 0) + 1
        sizes = core.store.sizes() if whole else StoreSizes(0, 0, 0)
        learner = self.scorer(caller)
        return Stats(
            version=self._version,
            store=(core.settings.remote or str(core.settings.store)) if caller == OWNER else "",
            projects=projects,
            items=items,
            kinds=kinds,
            recalls=core.tally.recalls(caller.projects),
            outcomes=core.tally.outcomes(caller.projects),
            bytes=sizes.bytes,
            fragments=sizes.fragments,
            unindexed=sizes.unindexed,
            embedder=core.store.embedder_name,
            dimension=core.store.dimension,
            readiness=self._readiness(),
            learner=learner,
            shared=_shared(sizes.shared),
            speaking=learner.details.speaking,
        )

    # -- keeping -------------------------------------------------------------------

    def compact(self, _caller: Caller = OWNER) -> Compacted:
        """Merge fragments and drop old versions now."""
        before = self.core.store.sizes()
        self.core.store.compact()
        after = self.core.store.sizes()
        return Compacted(
            fragments_before=before.fragments,
            fragments_after=after.fragments,
            bytes_before=before.bytes,
            bytes_after=after.bytes,
        )

    def reembed(
        self, embedder: Embedder, progress: Callable[[int, int], None] | None = None
    ) -> Reembedded:
        """Rewrite every vector with `embedder`; the learner is learned again from the log."""
        core = self.core
        core.read_long_items(None)
        with core.lock:
            before, core.embedder = core.embedder, None
            try:
                done, skipped = core.store.reembed(embedder, progress)
            except LessonbankError:
                core.embedder = before
                core.read_long_items(before)
                raise
            if core.trainer is not None:
                core.trainer.close()
                core.trainer = None
            self._feed.read()
        self.attach(embedder)
        return Reembedded(
            embedder=embedder.name,
            dimension=embedder.dimension,
            items=done,
            recalls=core.tally.recalls(),
            skipped=skipped,
        )

    def close(self) -> None:
        """Store everything and let go; safe to call again."""
        if self._closed:
            return
        self._closed = True
        try:
            self.core.read_long_items(None)
            self.core.notebook.close()
            if self.core.trainer is not None:
                self.core.trainer.close()
        finally:
            try:
                self.core.store.close()
            except LessonbankError as error:
                log.warning("closing the store: %s", error)
