"""What a memory knows is a list of folds over its log.

Each takes every record, in the order of the log and under the service's lock. What is reported
here, read again at opening, followed from another process or evaluated goes the same way, so a
fold is the same function of the log wherever it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.ports import Record, StoredOutcome, StoredRecall, Vector
from memory_core.scorer.episode import Episode
from memory_core.service.clusters import Failure


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

    def place(self, outcome: OutcomeRecord, recall: StoredRecall | None) -> LogPlace:
        """Where an outcome stands: it counts for its recall, else the first of its corrections."""
        owner = outcome.recall_id or self._owners.get(outcome.supersedes, outcome.id)
        served = recall.record.served_ids if recall is not None else ()
        return LogPlace(recall, served, owner, self.by_owner.get(owner))

    def take(self, place: LogPlace, record: Record) -> None:
        if not isinstance(record, StoredOutcome):
            return
        outcome = record.record
        slim = replace(outcome, error="", error_normalised="", evidence="", steps=())
        self.by_owner[place.owner] = self.by_id[outcome.id] = slim
        self._owners[outcome.id] = place.owner
        if outcome.report_id:
            self.by_report_id[outcome.project, outcome.report_id] = slim
