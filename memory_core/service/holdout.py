"""Does memory help at all? A few recalls are answered without it, at random.

With the chance `LESSONBANK_HOLDOUT` (off by default) a recall that had
something to serve is withheld: no items, no warnings, a note that says so. Who
is withheld depends on the recall's id alone, so the two groups differ in nothing
else, and the difference of their successes is what memory did. Withheld recalls
teach the learner nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.ports import Record, StoredOutcome, StoredRecall
from memory_core.proof_answers import MemoryGain
from memory_core.scorer.exploring import seeded
from memory_core.scorer.intervals import difference_interval
from memory_core.service.fold import LogPlace

NOTE = (
    "Memory was withheld from this recall on purpose (holdout): go on without, and report the "
    "outcome as always. It measures whether memory helps; LESSONBANK_HOLDOUT=0 switches it off."
)
SUCCESS = 0.5
"""A reward above this is a success."""


def withholds(recall_id: str, share: float) -> bool:
    """Whether this recall is withheld when a share in [0, 0.5] of all is; decided by its id."""
    return share > 0 and bool(seeded(recall_id, "holdout").random() < share)


@dataclass(slots=True)
class Group:
    """Recalls of one group: how many there were, were reported, and went well.

    `told` and `well` are sums of the reports' trust, so that no flood fills them.
    """

    recalls: int = 0
    told: float = 0.0
    well: float = 0.0

    @property
    def reported(self) -> int:
        """Whole reports."""
        return round(self.told)

    @property
    def success(self) -> int:
        """Whole reports of success."""
        return min(round(self.well), self.reported)


@dataclass(slots=True)
class Holdout:
    """Successes with and without memory; a fold over the recalls and the outcomes.

    Recalls with different shares are not comparable: when the setting changes, the
    count begins anew with the newest share. `before` and `newest` are the times of
    the last recall of an earlier share and of this one.
    """

    share: float = 0.0
    before: float = float("-inf")
    newest: float = float("-inf")
    served: Group = field(default_factory=Group)
    withheld: Group = field(default_factory=Group)

    def take(self, place: LogPlace, record: Record) -> None:
        """Count one recall, or one outcome in place of the one that it corrects."""
        if isinstance(record, StoredRecall):
            self._count_recall(record.record)
        elif isinstance(record, StoredOutcome) and place.record is not None:
            if place.earlier is not None:
                self._count(place.earlier, place.record, -1)
            self._count(record.record, place.record, 1)

    def _count_recall(self, recall: RecallRecord) -> None:
        if recall.holdout <= 0:
            return
        if recall.holdout != self.share:
            self.share, self.before = recall.holdout, self.newest
            self.served, self.withheld = Group(), Group()
        self.newest = max(self.newest, recall.at)
        self._group(recall).recalls += 1

    def _count(self, outcome: OutcomeRecord, recall: RecallRecord, times: int) -> None:
        if recall.holdout <= 0 or outcome.strength <= 0 or outcome.trust <= 0:
            return  # not compared, or it does not say how it ended, or nobody believes it
        if recall.holdout == self.share and recall.at > self.before:
            group = self._group(recall)
            group.told += times * outcome.trust
            group.well += times * outcome.trust * int(outcome.reward > SUCCESS)

    def _group(self, recall: RecallRecord) -> Group:
        return self.withheld if recall.withheld else self.served

    def gain(self) -> MemoryGain | None:
        """What memory did; None while no recall might have been withheld."""
        one, other = self.served, self.withheld
        if not one.recalls and not other.recalls:
            return None
        low, high = difference_interval(
            (one.success, one.reported), (other.success, other.reported)
        )
        difference = None
        if one.reported and other.reported:
            difference = one.success / one.reported - other.success / other.reported
        return MemoryGain(
            share=self.share,
            with_memory=one.reported,
            with_success=one.success,
            with_recalls=one.recalls,
            without_memory=other.reported,
            without_success=other.success,
            without_recalls=other.recalls,
            difference=None if difference is None else round(difference, 4),
            interval=(round(low, 4), round(high, 4)),
            sentence=self._sentence(difference, low, high),
        )

    def _sentence(self, difference: float | None, low: float, high: float) -> str:
        one, other = self.served, self.withheld
        counts = (
            f"{one.success} of {one.reported} reported recalls with memory went well, "
            f"{other.success} of {other.reported} without"
        )
        if difference is None:
            return f"{counts}: no comparison yet.{self._unequal()}"
        verdict = "not decided yet"
        if low > 0:
            verdict = "memory helps"
        elif high < 0:
            verdict = "memory harms"
        return (
            f"{counts}: {100 * difference:+.0f} points "
            f"(95 % interval {100 * low:+.0f} to {100 * high:+.0f}): {verdict}.{self._unequal()}"
        )

    def _unequal(self) -> str:
        """A warning where one group is reported more often than the other, beyond chance."""
        one, other = self.served, self.withheld
        low, high = difference_interval(
            (one.reported, one.recalls), (other.reported, other.recalls)
        )
        if low <= 0 <= high:
            return ""
        return (
            f" With care: {one.reported} of {one.recalls} recalls with memory were reported, "
            f"{other.reported} of {other.recalls} without, which may tilt the comparison."
        )
