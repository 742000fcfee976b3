"""The memory service: opens a store, folds its log, and answers every call of the port.

Synchronous and thread-safe; `memory_core.in_process` gives it the port's async
face. The model comes late: until `attach` the service answers by keyword.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from memory_core.answers import Compacted, Reembedded, Shared, Stats
from memory_core.background import axes, unrelated
from memory_core.caller import OWNER, Caller
from memory_core.errors import LessonbankError, StoreUnavailable
from memory_core.model import STATES, OutcomeRecord, RecallRecord
from memory_core.port import Change, Method
from memory_core.ports import (
    Embedder,
    Scope,
    SharedState,
    Store,
    StoredOutcome,
    StoredRecall,
    StoreSizes,
)
from memory_core.proven import ProvenNames
from memory_core.requests import AnswerT, Empty, RequestT
from memory_core.scorer.episode import Episode
from memory_core.scorer.relevance import Scale
from memory_core.service.core import Core
from memory_core.service.folding import fold_event, fold_mistake, fold_outcome
from memory_core.service.identifying import Identifying
from memory_core.service.joining import episode_of, failure_of, query_of
from memory_core.service.lessons import Lessons
from memory_core.service.notebook import Notebook
from memory_core.service.projects import Projects
from memory_core.service.proving import Proving
from memory_core.service.reading import Reading
from memory_core.service.recalling import Recaller
from memory_core.service.reporting import Reporter
from memory_core.settings import Settings

if TYPE_CHECKING:  # torch comes with it, later
    from memory_core.service.trainer import Trainer

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
        self._log: list[StoredOutcome] = []
        self._recalls: dict[str, StoredRecall] = {}
        self._fold()

    def answer(
        self, method: Method[RequestT, AnswerT], request: RequestT, caller: Caller
    ) -> AnswerT:
        """Carry out a call of the port: by the function of its name, whichever part has it."""
        part = next(one for one in self._parts if hasattr(type(one), method.name))
        function = getattr(part, method.name)
        answer: AnswerT = function(caller) if method.request is Empty else function(request, caller)
        return answer

    # -- opening -------------------------------------------------------------------

    def _fold(self) -> None:
        """Bring the catalogue, counters and notebook to the end of the log."""
        core = self.core
        projects = tuple(sorted({project for project, _, _ in core.store.count_items()}))
        for held in core.store.scan_items(Scope(projects, states=STATES)):
            core.take_item(held.item, held.state)
        for event in core.store.events():
            fold_event(core, event)
        self._read_log(core.count_recall)
        core.names.join({*projects, *core.tally.projects()})
        for stored in self._log:
            found = self._recalls.get(stored.record.recall_id)
            fold_outcome(core, stored.record, found.record if found else None)
        core.notebook = self._notebook(None, self._log)

    def _read_log(self, each: Callable[[RecallRecord], None] = lambda _: None) -> None:
        """Read the outcomes and the recalls that they belong to; `each` sees every recall."""
        self._log = list(self.core.store.outcomes())
        reported = {stored.record.recall_id for stored in self._log}
        self._recalls = {}
        for recall in self.core.store.recalls():
            each(recall.record)
            if recall.record.id in reported:
                self._recalls[recall.record.id] = recall

    def _notebook(self, embedder: Embedder | None, outcomes: list[StoredOutcome]) -> Notebook:
        """The mistakes of these outcomes; without a model by what was stored of their vectors."""
        learns = self.core.settings.scorer_mode != "similarity"
        notebook = Notebook(embedder if learns else None, self.core.scale)
        for stored in outcomes:
            self._note(notebook, embedder, stored)
        return notebook

    def _note(self, notebook: Notebook, embedder: Embedder | None, stored: StoredOutcome) -> None:
        found = self._recall_of(stored.record)
        query = query_of(embedder, stored.record, found)
        failure = failure_of(stored.record, stored.signature, query)
        fold_mistake(self.core, notebook, stored.record, found.record if found else None, failure)

    def _recall_of(self, outcome: OutcomeRecord) -> StoredRecall | None:
        if not outcome.recall_id:
            return None
        return self._recalls.get(outcome.recall_id) or self.core.store.get_recall(outcome.recall_id)

    def attach(self, embedder: Embedder) -> None:
        """Take the model in: bind the store to it, bring the learner to the end of the log.

        Calls go on meanwhile: they are served by similarity until the learner is there.

        Raises:
            StoreMismatch: The store was written by another model.
        """
        core = self.core
        core.store.bind_embedder(embedder.name, embedder.dimension)
        scale = Scale(unrelated(embedder), axes(embedder))
        with core.lock:
            core.embedder, core.scale = embedder, scale
        self._embed_waiting(embedder)
        notebook = self._notebook(embedder, self._log)
        trainer = self._trained(embedder)
        with core.lock:
            known = {stored.record.id for stored in self._log}
            grown = core.tally.reports() > len(known)
            late = [s for s in core.store.outcomes() if s.record.id not in known] if grown else []
            for stored in late:
                self._note(notebook, embedder, stored)
            core.notebook.close()
            core.notebook = notebook
            notebook.start()
            if trainer is not None:
                trainer.catch_up(self._episodes(embedder, late))
                trainer.start()
            if core.trainer is not None:
                core.trainer.close()
            core.trainer = trainer
            self._embed_waiting(embedder)
        self._log, self._recalls = [], {}
        core.read_long_items(embedder)

    def _trained(self, embedder: Embedder) -> Trainer | None:
        """A trainer at the end of the log as it was read; None where learning is off."""
        settings = self.core.settings
        if settings.scorer_mode == "similarity":
            return None
        from memory_core.service.trainer import Trainer

        trainer = Trainer(
            settings.store / "learner", embedder.name, embedder.dimension, self._learned
        )
        trainer.rebuild(self._episodes(embedder, self._log))
        return trainer

    def _embed_waiting(self, embedder: Embedder) -> None:
        """Give vectors to the items that were remembered without a model."""
        core = self.core
        waiting = core.store.count_waiting()
        if not waiting:
            return
        log.info("embedding %d items that waited for the model", waiting)
        try:
            core.store.embed_waiting(embedder)
        except StoreUnavailable as error:
            log.warning("%d items stay without vectors: %s", waiting, error)

    def _episodes(self, embedder: Embedder, outcomes: list[StoredOutcome]) -> Iterator[Episode]:
        for stored in outcomes:
            recall = self._recall_of(stored.record)
            query = query_of(embedder, stored.record, recall)
            yield episode_of(self.core, stored.record, recall, query)

    def _learned(self) -> None:
        self.core.notify(Change("scorer"))

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
            self._read_log()
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
