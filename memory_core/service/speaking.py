"""How often the memory spoke, what of it was followed, and what it cost: a fold over the log."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.ports import Record, StoredOutcome, StoredRecall
from memory_core.proof_answers import Speaking
from memory_core.service.fold import LogPlace

FRAME = 260
"""Characters of a hook's text around its items, and of each item's own lines beside its text."""
MOST_INJECTED = 600
"""Tokens of a hook's text at the most, as the hooks come."""


@dataclass(slots=True)
class _Counts:
    """One project's numbers."""

    recalls: int = 0
    silent: int = 0
    served: int = 0
    judged: int = 0
    used: int = 0
    prompts: int = 0
    tokens: float = 0.0


@dataclass(slots=True)
class Speech:
    """The counts of every project. Used under the service's lock; checks do not count.

    `size` gives the characters of an item's text.
    """

    size: Callable[[str], int]
    _projects: dict[str, _Counts] = field(default_factory=dict)
    _told: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def take(self, place: LogPlace, record: Record) -> None:
        """Count one answer, or what a report says of its served items."""
        if isinstance(record, StoredRecall):
            self._count_recall(record.record)
        elif isinstance(record, StoredOutcome):
            self._count_outcome(record.record, place.owner, place.served)

    def _count_recall(self, recall: RecallRecord) -> None:
        if recall.door == "check" or recall.withheld:
            return
        counts = self._projects.setdefault(recall.project, _Counts())
        served = recall.served_ids
        counts.recalls += 1
        counts.silent += not served
        counts.served += len(served)
        if recall.door == "prompt":
            counts.prompts += 1
            characters = sum(self.size(item_id) + FRAME for item_id in served) + FRAME * bool(
                served
            )
            counts.tokens += min(characters / 4, MOST_INJECTED)

    def _count_outcome(self, outcome: OutcomeRecord, owner: str, served: tuple[str, ...]) -> None:
        project, judged, used = self._told.pop(owner, ("", 0, 0))
        if judged:
            counts = self._projects[project]
            counts.judged, counts.used = counts.judged - judged, counts.used - used
        if outcome.used is None or not served:
            return
        followed = sum(item_id in outcome.used for item_id in served)
        self._told[owner] = outcome.project, len(served), followed
        counts = self._projects.setdefault(outcome.project, _Counts())
        counts.judged, counts.used = counts.judged + len(served), counts.used + followed

    def told(self, projects: Container[str] | None) -> Speaking:
        """The sums over these projects, or over all."""
        found = [
            counts
            for project, counts in list(self._projects.items())
            if projects is None or project in projects
        ]
        sums = {
            name: sum(getattr(counts, name) for counts in found) for name in Speaking.model_fields
        }
        sums["tokens"] = round(sums["tokens"] / sums["prompts"], 1) if sums["prompts"] else 0.0
        return Speaking.model_validate(sums)
