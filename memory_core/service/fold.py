"""What a memory knows is a list of folds over its log.

Each takes every record, in the order of the log and under the service's lock. What is reported
here, read again at opening, followed from another process or evaluated goes the same way, so a
fold is the same function of the log wherever it came from. Subscribers are told the same of a
record, too: each change names the project that it happened in, and who does not see that project
hears nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import merge
from operator import itemgetter
from typing import Protocol

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.port import Change
from memory_core.ports import Embedder, Record, Store, StoredOutcome, StoredRecall, Vector
from memory_core.scorer.episode import Episode
from memory_core.service.clusters import Failure
from memory_core.service.conditions import conditions_of


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where an outcome stands in the log: what else of it says how the outcome counts.

    `recall` is the one that it is of, and `served` what that served, the first first; `owner`
    for whom it counts once, `earlier` the report of the same owner whose place it takes;
    `query` float32[d] the conditions that it is learned in. `failure` and `episode` are what
    the notebook and the learner take of it, where somebody has asked for them already.
    """

    recall: StoredRecall | None = None
    served: tuple[str, ...] = ()
    owner: str = ""
    earlier: OutcomeRecord | None = None
    query: Vector | None = None
    failure: Failure | None = None
    episode: Episode | None = None

    @property
    def record(self) -> RecallRecord | None:
        """The recall as it was logged."""
        return self.recall.record if self.recall is not None else None


NOWHERE = LogPlace()
"""Of records that count by themselves: all but outcomes."""


class Fold(Protocol):
    """A function of the log, kept up to date in memory."""

    def take(self, place: LogPlace, record: Record) -> None:
        """Take one record in; one that says nothing here changes nothing."""


class Reports:
    """The outcomes without their long texts: by id, by report id, and the one that counts."""

    def __init__(self) -> None:
        self.by_owner: dict[str, OutcomeRecord] = {}
        self.by_id: dict[str, OutcomeRecord] = {}
        self.by_report_id: dict[tuple[str, str], OutcomeRecord] = {}
        self._owners: dict[str, str] = {}

    def place(
        self, outcome: OutcomeRecord, recall: StoredRecall | None, embedder: Embedder | None = None
    ) -> LogPlace:
        """Where an outcome stands: it counts for its recall, else the first of its corrections.

        The conditions are the recall's own where it was logged with them, else those of what it
        asked or, without a recall, of what is reported; none without a model.
        """
        owner = outcome.recall_id or self._owners.get(outcome.supersedes, outcome.id)
        served = recall.record.served_ids if recall is not None else ()
        query = recall.vector if recall is not None else None
        if query is None and embedder is not None:
            asked = recall.record if recall is not None else outcome
            context = recall.record.context if recall is not None else ""
            query = conditions_of(embedder, asked.task, context, asked.error).vector
        return LogPlace(recall, served, owner, self.by_owner.get(owner), query)

    def take(self, place: LogPlace, record: Record) -> None:
        if not isinstance(record, StoredOutcome):
            return
        outcome = record.record
        slim = replace(outcome, error="", error_normalised="", evidence="", steps=())
        self.by_owner[place.owner] = self.by_id[outcome.id] = slim
        self._owners[outcome.id] = place.owner
        if outcome.report_id:
            self.by_report_id[outcome.project, outcome.report_id] = slim


def read_log(store: Store) -> Iterator[tuple[Record, StoredRecall | None]]:
    """The log in its order, items aside: each outcome with the recall that it is of."""
    outcomes = list(store.log("outcomes"))
    reported = {told.record.recall_id for _, told in outcomes if isinstance(told, StoredOutcome)}
    recalls: dict[str, StoredRecall] = {}
    logs = (store.log("events"), store.log("recalls"), outcomes)
    for _, record in merge(*logs, key=itemgetter(0)):
        recall = None
        if isinstance(record, StoredOutcome):
            recall = recalls.get(record.record.recall_id)
        elif isinstance(record, StoredRecall) and record.record.id in reported:
            recalls[record.record.id] = record
        yield record, recall


def recall_changes(project: str) -> tuple[Change, ...]:
    """An answer was served in a project."""
    return (Change("stats", project=project),)


def item_changes(item_id: str, project: str) -> tuple[Change, ...]:
    """An item of a project is new, or in another state."""
    return (
        Change("item", item_id, project),
        Change("project", project, project),
        Change("stats", project=project),
    )


def outcome_changes(outcome: OutcomeRecord) -> tuple[Change, ...]:
    """A report was taken: the items that it credits have other counters."""
    project = outcome.project
    credited = [Change("item", credit.item_id, project) for credit in outcome.credits]
    mistakes = [Change("mistakes", project=project)] if outcome.signature_id else []
    return (
        *credited,
        Change("project", project, project),
        *mistakes,
        Change("stats", project=project),
    )
