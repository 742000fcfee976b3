"""Counters: wins, losses and recalls of every item, as a fold over the log.

An outcome counts for the items that its report names (used, helpful, harmful);
where it names none, for the first item served. A corrected outcome is taken out
before the new one counts. A report that teaches less than a fifth counts by what it
teaches, so that a flood of one source does not fill the counts; they are shown rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.ports import Record, StoredOutcome, StoredRecall
from memory_core.scorer.shares import counted
from memory_core.service.fold import LogPlace
from memory_core.service.lineage import Lineage

WIN = 0.5
"""A reward above this is a win of the items that count, below it a loss."""
HALF = 0.5 + 1e-9
"""What rounds a sum of weights to whole reports, a half and its rounding error up."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One outcome of one item: +1 win, -1 loss, 0 neither; `weight` says how much it counts."""

    outcome_id: str
    item_id: str
    verdict: int
    credit: float
    project: str
    weight: float = 1.0


@dataclass(slots=True)
class ItemTally:
    """One item's counters. `home` is the first project that touched it; a global item has more.

    `won` and `lost` are sums of weights.
    """

    won: float = 0.0
    lost: float = 0.0
    recalls: int = 0
    outcomes: list[Touch] = field(default_factory=list)
    home: str = ""
    away: Counter[str] | None = None
    """Recalls by further projects; None while there is no further one."""

    @property
    def wins(self) -> int:
        """Whole reports of success."""
        return int(self.won + HALF)

    @property
    def losses(self) -> int:
        """Whole reports of failure."""
        return int(self.lost + HALF)

    def count(self, touch: Touch, change: int) -> None:
        """Count one outcome in (+1) or out (-1)."""
        weight = change * touch.weight
        self.won += weight if touch.verdict > 0 else 0.0
        self.lost += weight if touch.verdict < 0 else 0.0

    def touch(self, project: str) -> None:
        """Note that a project recalls the item or reports on it."""
        self.home = self.home or project
        if project != self.home and self.away is None:
            self.away = Counter()

    def count_recall(self, project: str) -> None:
        """Count one served answer."""
        self.touch(project)
        self.recalls += 1
        if self.away is not None and project != self.home:
            self.away[project] += 1

    def within(self, projects: Container[str]) -> ItemTally:
        """What these projects alone did with the item."""
        if self.away is None:
            return self if self.home in projects else _NONE
        touches = [touch for touch in self.outcomes if touch.project in projects]
        away = dict(self.away)
        recalls = sum(count for project, count in away.items() if project in projects)
        if self.home in projects:
            recalls += self.recalls - sum(away.values())
        found = ItemTally(recalls=recalls, outcomes=touches)
        for touch in touches:
            found.count(touch, 1)
        return found


_NONE = ItemTally()


def _joined(parts: Sequence[ItemTally]) -> ItemTally:
    return ItemTally(
        won=sum(part.won for part in parts),
        lost=sum(part.lost for part in parts),
        recalls=sum(part.recalls for part in parts),
        outcomes=[touch for part in parts for touch in part.outcomes],
    )


def touched(outcome: OutcomeRecord, first_served: str) -> list[Touch]:
    """Which items an outcome counts for, and how."""
    verdict = (
        0 if outcome.strength <= 0 or outcome.reward == WIN else 1 if outcome.reward > WIN else -1
    )
    named = outcome.used if outcome.used is not None else ()
    if not named and not outcome.helpful and not outcome.harmful and outcome.used is None:
        named = (first_served,) if first_served else ()
    verdicts = dict.fromkeys(named, verdict)
    verdicts.update(dict.fromkeys(outcome.helpful, 1))
    verdicts.update(dict.fromkeys(outcome.harmful, -1))
    credits = {credit.item_id: credit.earned for credit in outcome.credits}
    return [
        Touch(
            outcome.id,
            item_id,
            verdict,
            credits.get(item_id, 0.0),
            outcome.project,
            counted(outcome.trust),
        )
        for item_id, verdict in verdicts.items()
    ]


def _within(project: str, projects: Container[str] | None) -> bool:
    return projects is None or project in projects


class Tally:
    """All items' counters and the outcomes by owner. Used under the service's lock."""

    def __init__(self, lineage: Lineage | None = None) -> None:
        self._lineage = lineage or Lineage()
        self._items: dict[str, ItemTally] = {}
        self._by_owner: dict[str, list[Touch]] = {}
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._recalls: Counter[str] = Counter()
        self._reports: Counter[str] = Counter()

    def of(self, item_id: str, projects: Container[str] | None = None) -> ItemTally:
        """An item's counters with its earlier wordings', in these projects or in all.

        Zeros for an item nobody recalled.
        """
        earlier = self._lineage.earlier(item_id)
        if not earlier:
            return self._own(item_id, projects)
        return _joined([self._own(one, projects) for one in (*reversed(earlier), item_id)])

    def _own(self, item_id: str, projects: Container[str] | None) -> ItemTally:
        found = self._items.get(item_id, _NONE)
        return found if projects is None else found.within(projects)

    def take(self, place: LogPlace, record: Record) -> None:
        """Count one served answer, or one outcome in place of its owner's earlier one."""
        if isinstance(record, StoredRecall):
            self._count_recall(record.record)
        elif isinstance(record, StoredOutcome):
            self._count_outcome(place, record.record)

    def _count_recall(self, recall: RecallRecord) -> None:
        self._recalls[recall.project] += 1
        for served in recall.candidates:
            if served.position >= 0:
                self._items.setdefault(served.item_id, ItemTally()).count_recall(recall.project)

    def _count_outcome(self, place: LogPlace, outcome: OutcomeRecord) -> None:
        if place.earlier is not None:
            self._outcomes[place.earlier.project, place.earlier.outcome] -= 1
        self._take_back(self._by_owner.pop(place.owner, ()))
        touches = touched(outcome, place.served[0] if place.served else "")
        self._by_owner[place.owner] = touches
        self._outcomes[outcome.project, outcome.outcome] += 1
        self._reports[outcome.project] += 1
        for touch in touches:
            tally = self._items.setdefault(touch.item_id, ItemTally())
            tally.touch(touch.project)
            tally.count(touch, 1)
            tally.outcomes.append(touch)

    def projects(self) -> set[str]:
        """Under which names something was recalled or reported."""
        return {*self._recalls, *self._reports}

    def recalls(self, projects: Container[str] | None = None) -> int:
        """How many answers were served, in these projects or in all."""
        return sum(n for project, n in list(self._recalls.items()) if _within(project, projects))

    def reports(self, projects: Container[str] | None = None) -> int:
        """How many reports were taken, corrections included."""
        return sum(n for project, n in list(self._reports.items()) if _within(project, projects))

    def standing(self, projects: Container[str] | None = None) -> int:
        """How many recalls and tasks have an outcome, however often it was corrected."""
        return sum(self.outcomes(projects).values())

    def outcomes(self, projects: Container[str] | None = None) -> dict[str, int]:
        """How many recalls and tasks ended in which way, as it is believed now."""
        found: Counter[str] = Counter()
        for (project, outcome), count in list(self._outcomes.items()):
            if _within(project, projects):
                found[outcome] += count
        return {name: count for name, count in found.items() if count}

    def _take_back(self, touches: Iterable[Touch]) -> None:
        for touch in touches:
            tally = self._items[touch.item_id]
            tally.count(touch, -1)
            tally.outcomes = [
                held for held in tally.outcomes if held.outcome_id != touch.outcome_id
            ]
