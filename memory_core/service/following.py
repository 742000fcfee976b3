"""Takes in records that another process acknowledged: the folds go on where they were.

Two ways lead here: a writer is given what another machine could not upload in
time, and a follower is given what the writer wrote. Each record is folded as a
rebuild from the log would fold it, in the order of the log, so that scores end
up the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from memory_core.errors import StoreUnavailable
from memory_core.model import Event
from memory_core.port import Change
from memory_core.ports import Record, StoredItem, StoredOutcome, StoredRecall
from memory_core.service.announcing import item_changes, outcome_changes, recall_changes
from memory_core.service.folding import fold_event, fold_mistake, fold_outcome
from memory_core.service.joining import episode_of, failure_of, query_of, viewed
from memory_core.service.service import MemoryService

log = logging.getLogger(__name__)


class Following:
    """Brings one service's folds along.

    Args:
        service: Whose folds.
        adopt: Adds one record to the store and tells whether it is new to this process;
            raises StoreUnavailable when it cannot.
    """

    def __init__(self, service: MemoryService, adopt: Callable[[Record], bool]) -> None:
        self._core = service.core
        self._adopt = adopt

    def take(self, records: Sequence[Record]) -> None:
        """Add these records, new ones in the order of the log, and fold them.

        Raises:
            StoreUnavailable: The first that could not be added, and those after it, are not.
        """
        core, changes = self._core, dict[Change, None]()
        try:
            with core.lock:
                for record in records:
                    if self._adopt(record):
                        changes.update(dict.fromkeys(self._fold(record)))
        finally:
            core.announce(changes)
        self._embed_waiting()

    def _fold(self, record: Record) -> tuple[Change, ...]:
        """Fold one record and give what it changed, as the process that made it told it."""
        if isinstance(record, StoredItem):
            self._core.take_item(record.item, record.state)
            return item_changes(record.item.id, record.item.project)
        if isinstance(record, StoredRecall):
            self._core.count_recall(record.record)
            return recall_changes(record.record.project)
        if isinstance(record, StoredOutcome):
            self._outcome(record)
            return outcome_changes(record.record)
        return self._event(record)

    def _event(self, event: Event) -> tuple[Change, ...]:
        core = self._core
        fold_event(core, event)
        line = core.catalogue.get(event.item_id)
        found = core.items((event.item_id,)).get(event.item_id)
        if line is None or found is None or line.state == found.state:
            return ()
        core.catalogue.flip(event.item_id, found.state)
        return item_changes(event.item_id, line.project)

    def _outcome(self, stored: StoredOutcome) -> None:
        core, outcome = self._core, stored.record
        recall = core.store.get_recall(outcome.recall_id) if outcome.recall_id else None
        query = query_of(core.embedder, outcome, recall)
        episode = episode_of(core, outcome, recall, query)
        failure = viewed(core, failure_of(outcome, stored.signature, query))
        told = recall.record if recall is not None else None
        fold_outcome(core, outcome, told)
        fold_mistake(core, core.notebook, outcome, told, failure)
        if core.trainer is not None:
            core.trainer.observe(episode)

    def _embed_waiting(self) -> None:
        """Give vectors to items that came with another model's."""
        core = self._core
        if core.embedder is None or not core.store.count_waiting():
            return
        try:
            core.store.embed_waiting(core.embedder)
        except StoreUnavailable as error:
            log.warning("items stay without vectors: %s", error)
