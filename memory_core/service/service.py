"""The memory service: opens a store, folds its log, and answers every call of the port.

Synchronous and thread-safe; `memory_core.in_process` gives it the port's async
face. The model comes late: until `attach` the service answers by keyword.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from memory_core.errors import LessonbankError, StoreUnavailable
from memory_core.model import STATES, OutcomeRecord
from memory_core.port import Change, Compacted, Reembedded, ScorerReport, Stats
from memory_core.ports import Embedder, Scope, Store, StoredOutcome, StoredRecall, Vector
from memory_core.scorer.episode import Episode, build_episode
from memory_core.scorer.panel import EXPERTS
from memory_core.scorer.proof import Record
from memory_core.service.conditions import conditions_of
from memory_core.service.core import Core
from memory_core.service.lessons import Lessons
from memory_core.service.notebook import Failure
from memory_core.service.reading import Reading
from memory_core.service.recalling import Recaller
from memory_core.service.reporting import Reporter, fold_outcome
from memory_core.settings import Settings

log = logging.getLogger(__name__)


class MemoryService:
    """One store's memory.

    Args:
        settings: Read once at start.
        store: Open, not yet bound to a model.
        project: Of calls that name none.
        notify: Called with every change, from any thread; must not block.
        clock: Seconds since the epoch.
        version: Of the product, for `stats`.
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
    ) -> None:
        self.core = Core(
            settings=settings, store=store, project=project, notify=notify, clock=clock
        )
        self.lessons = Lessons(self.core)
        self.reading = Reading(self.core)
        self._recaller = Recaller(self.core)
        self._reporter = Reporter(self.core, self.lessons)
        self.recall = self._recaller.recall
        self.check = self._recaller.check
        self.report_outcome = self._reporter.report
        self._version = version
        self._closed = False
        self._log: list[StoredOutcome] = []
        self._fold()

    # -- opening -------------------------------------------------------------------

    def _fold(self) -> None:
        """Bring the catalogue, counters and notebook to the end of the log."""
        core = self.core
        projects = tuple(sorted({project for project, _, _ in core.store.count_items()}))
        for held in core.store.scan_items(Scope(projects, states=STATES)):
            core.catalogue.add(held.item, held.state)
        self._recalls: dict[str, StoredRecall] = {}
        self._log = list(core.store.outcomes())
        reported = {stored.record.recall_id for stored in self._log}
        for recall in core.store.recalls():
            core.tally.count_recall(recall.record)
            if recall.record.id in reported:
                self._recalls[recall.record.id] = recall
        for stored in self._log:
            found = self._recalls.get(stored.record.recall_id)
            fold_outcome(
                core, stored.record, found.record if found else None, self._failure(stored, found)
            )

    @staticmethod
    def _failure(stored: StoredOutcome, recall: StoredRecall | None) -> Failure:
        record = stored.record
        conditions = (
            recall.vector if recall is not None and recall.vector is not None else stored.signature
        )
        return Failure(
            record.project, record.error_class, record.fingerprint, stored.signature, conditions
        )

    def attach(self, embedder: Embedder) -> None:
        """Take the model in: bind the store to it, bring the learner to the end of the log.

        Calls go on meanwhile: they are served by similarity until the learner is there.

        Raises:
            StoreMismatch: The store was written by another model.
        """
        core = self.core
        core.store.bind_embedder(embedder.name, embedder.dimension)
        with core.lock:
            core.embedder = embedder
        self._embed_waiting(embedder)
        if core.settings.scorer_mode == "similarity":
            return
        from memory_core.service.trainer import Trainer

        trainer = Trainer(
            core.settings.store / "learner", embedder.name, embedder.dimension, self._learned
        )
        trainer.rebuild(self._episodes(embedder, self._log))
        with core.lock:
            known = {stored.record.id for stored in self._log}
            late = [s for s in core.store.outcomes() if s.record.id not in known]
            trainer.catch_up(self._episodes(embedder, late))
            core.trainer = trainer
            trainer.start()
        self._log, self._recalls = [], {}

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
        core = self.core
        for stored in outcomes:
            record = stored.record
            recall = self._recalls.get(record.recall_id) or (
                core.store.get_recall(record.recall_id) if record.recall_id else None
            )
            served = (
                ()
                if recall is None
                else tuple(c.item_id for c in recall.record.candidates if c.position >= 0)
            )
            named = (*served, *(record.used or ()), *record.helpful, *record.harmful)
            keys, pitfalls = core.keys_and_pitfalls(tuple(dict.fromkeys(named)))
            yield build_episode(
                record,
                recall.record if recall else None,
                self._query(embedder, record, recall),
                keys=keys,
                pitfalls=pitfalls,
                dimension=embedder.dimension,
            )

    @staticmethod
    def _query(
        embedder: Embedder, record: OutcomeRecord, recall: StoredRecall | None
    ) -> Vector | None:
        if recall is not None:
            if recall.vector is not None:
                return recall.vector
            asked = recall.record
            return conditions_of(embedder, asked.task, asked.context, asked.error).vector
        return conditions_of(embedder, record.task, "", record.error).vector

    def _learned(self) -> None:
        self.core.notify(Change("scorer"))

    # -- reading -------------------------------------------------------------------

    def scorer(self) -> ScorerReport:
        """What the learner knows of itself."""
        core = self.core
        trainer = core.trainer
        if trainer is None:
            off = core.settings.scorer_mode == "similarity"
            return ScorerReport(
                mode=core.settings.scorer_mode,
                version="v0",
                reports=core.outcome_count,
                trained=0,
                pending=0 if off else core.outcome_count,
                weight=0.0,
                weights={},
                proof=Record().proof(),
                calibration_error=None,
                rollbacks=0,
                state="off" if off else "loading: similarity order until the log is learned",
                parameters=0,
            )
        learner = trainer.learner
        snapshot = learner.snapshot
        return ScorerReport(
            mode=core.settings.scorer_mode,
            version=snapshot.version,
            reports=core.outcome_count,
            trained=snapshot.reports,
            pending=trainer.pending,
            weight=round(snapshot.weight, 4),
            weights={
                name: round(float(value), 4)
                for name, value in zip(EXPERTS, snapshot.fit.weights, strict=True)
            },
            proof=learner.record.proof(),
            calibration_error=learner.record.calibration_error,
            rollbacks=learner.rollbacks,
            state=trainer.state,
            parameters=learner.networks.parameters,
        )

    def stats(self, readiness: str) -> Stats:
        """Counts, sizes and readiness."""
        core = self.core
        projects: dict[str, int] = {}
        items: dict[str, int] = {}
        for line in core.catalogue.lines(""):
            items[line.state] = items.get(line.state, 0) + 1
            if line.state == "active":
                items[line.kind] = items.get(line.kind, 0) + 1
                projects[line.project] = projects.get(line.project, 0) + 1
        sizes = core.store.sizes()
        return Stats(
            version=self._version,
            store=str(core.settings.store),
            projects=projects,
            items=items,
            recalls=core.tally.recalls,
            outcomes={name: count for name, count in core.tally.outcomes.items() if count},
            bytes=sizes.bytes,
            fragments=sizes.fragments,
            journal=sizes.journal,
            embedder=core.store.embedder_name,
            dimension=core.store.dimension,
            readiness=readiness,
            learner=self.scorer(),
        )

    # -- keeping -------------------------------------------------------------------

    def compact(self) -> Compacted:
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
        with core.lock:
            if core.trainer is not None:
                core.trainer.close()
                core.trainer = None
            core.embedder = None
            done, skipped = core.store.reembed(embedder, progress)
            self._log = list(core.store.outcomes())
            reported = {stored.record.recall_id for stored in self._log}
            self._recalls = {
                r.record.id: r for r in core.store.recalls() if r.record.id in reported
            }
        self.attach(embedder)
        return Reembedded(
            embedder=embedder.name,
            dimension=embedder.dimension,
            items=done,
            recalls=core.tally.recalls,
            skipped=skipped,
        )

    def close(self) -> None:
        """Store everything and let go; safe to call again."""
        if self._closed:
            return
        self._closed = True
        if self.core.trainer is not None:
            self.core.trainer.close()
        try:
            self.core.store.close()
        except LessonbankError as error:
            log.warning("closing the store: %s", error)
