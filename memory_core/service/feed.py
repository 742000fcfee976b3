"""Feeds a memory its log: at opening, once the model is there, and as others write it.

What happens here goes straight to `Core.take`; all else that is folded comes this way. A writer
is given what another machine could not upload in time, a follower what the writer wrote.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from memory_core.background import axes, unrelated
from memory_core.errors import StoreUnavailable
from memory_core.model import STATES, Event
from memory_core.port import Change
from memory_core.ports import Embedder, Record, Scope, StoredItem, StoredOutcome, StoredRecall
from memory_core.scorer.relevance import Scale
from memory_core.service.core import Core
from memory_core.service.fold import (
    NOWHERE,
    LogPlace,
    item_changes,
    outcome_changes,
    read_log,
    recall_changes,
)
from memory_core.service.notebook import Notebook

if TYPE_CHECKING:  # torch comes with it, later
    from memory_core.service.trainer import Trainer

log = logging.getLogger(__name__)


class Feed:
    """Brings what is known to the end of the log, and keeps it there."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._log: list[tuple[StoredOutcome, StoredRecall | None]] = []

    def open(self) -> None:
        """Read the whole log; without a model, so the learner waits for `attach`."""
        core = self._core
        projects = tuple(sorted({project for project, _, _ in core.store.count_items()}))
        for item in core.store.scan_items(Scope(projects, states=STATES)):
            core.take(item)
        self.read(core.take)
        core.names.join({*projects, *core.tally.projects()})

    def read(self, take: Callable[[Record, LogPlace], None] = lambda *_: None) -> None:
        """Read the outcomes for the next `attach`; `take` gets all but the items."""
        self._log = []
        for record, recall in read_log(self._core.store):
            place = NOWHERE
            if isinstance(record, StoredOutcome):
                self._log.append((record, recall))
                place = self._place(record, recall)
            take(record, place)

    def _place(self, stored: StoredOutcome, recall: StoredRecall | None = None) -> LogPlace:
        """Where a stored outcome stands; `recall`: the one that it is of, where it is at hand."""
        core, recall_id = self._core, stored.record.recall_id
        if recall is None and recall_id:
            recall = core.store.get_recall(recall_id)
        return core.reports.place(stored.record, recall, core.embedder)

    def attach(self, embedder: Embedder) -> None:
        """Take the model in: bind the store to it, bring the learner to the end of the log.

        Calls go on meanwhile: they are served by similarity until the learner is there.

        Raises:
            StoreMismatch: The store was written by another model.
        """
        core = self._core
        core.store.bind_embedder(embedder.name, embedder.dimension)
        scale = Scale(unrelated(embedder), axes(embedder))
        with core.lock:
            core.embedder, core.scale = embedder, scale
        self._embed_waiting()
        learns = core.settings.scorer_mode != "similarity"
        notebook = Notebook(embedder if learns else None, scale, core.catalogue.said)
        placed = [(stored, self._place(stored, recall)) for stored, recall in self._log]
        for stored, place in placed:
            notebook.take(place, stored)
        trainer = self._trained(embedder, placed) if learns else None
        with core.lock:
            known = {stored.record.id for stored, _ in self._log}
            grown = core.tally.reports() > len(known)
            late = [s for s in core.store.outcomes() if s.record.id not in known] if grown else []
            learners = (notebook,) if trainer is None else (notebook, trainer)
            for stored in late:
                place = self._place(stored)
                for learner in learners:
                    learner.take(place, stored)
            for old in (core.notebook, core.trainer):
                if old is not None:
                    old.close()
            core.notebook, core.trainer = notebook, trainer
            for learner in learners:
                learner.start()
            self._embed_waiting()
        self._log = []
        core.read_long_items(embedder)

    def _trained(
        self, embedder: Embedder, placed: Sequence[tuple[StoredOutcome, LogPlace]]
    ) -> Trainer:
        """A trainer at the end of the log as it was read."""
        from memory_core.service.trainer import Trainer

        core = self._core
        trainer = Trainer(
            core.settings.store / "learner",
            embedder.name,
            embedder.dimension,
            lambda: core.notify(Change("scorer")),
            core.episode_of,
        )
        trainer.rebuild(placed)
        return trainer

    def _embed_waiting(self) -> None:
        """Give vectors to items that were remembered without the model."""
        core = self._core
        waiting = core.store.count_waiting()
        if core.embedder is None or not waiting:
            return
        log.info("embedding %d items that waited for the model", waiting)
        try:
            core.store.embed_waiting(core.embedder)
        except StoreUnavailable as error:
            log.warning("%d items stay without vectors: %s", waiting, error)

    # -- what others wrote ---------------------------------------------------------

    def follow(self, records: Sequence[Record], adopt: Callable[[Record], bool]) -> None:
        """Add records that another process acknowledged, in the order of the log, and fold them.

        Args:
            records: Some may be known here.
            adopt: Adds one to the store and tells whether it is new to this process.

        Raises:
            StoreUnavailable: The first that could not be added, and those after it, are not.
        """
        core, changes = self._core, dict[Change, None]()
        try:
            with core.lock:
                for record in records:
                    if adopt(record):
                        changes.update(dict.fromkeys(self._followed(record)))
        finally:
            core.announce(changes)
        self._embed_waiting()

    def _followed(self, record: Record) -> tuple[Change, ...]:
        """Fold one record and give what it changed, as the process that made it told it."""
        core = self._core
        before = core.catalogue.get(record.item_id) if isinstance(record, Event) else None
        core.take(record, self._place(record) if isinstance(record, StoredOutcome) else NOWHERE)
        if isinstance(record, StoredItem):
            return item_changes(record.item.id, record.item.project)
        if isinstance(record, StoredRecall):
            return recall_changes(record.record.project)
        if isinstance(record, StoredOutcome):
            return outcome_changes(record.record)
        after = core.catalogue.get(record.item_id)
        if before is None or after is None or before.state == after.state:
            return ()
        return item_changes(record.item_id, before.project)
