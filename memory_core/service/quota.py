"""Quotas: how much one source may teach, so that no single writer can bend the order alone.

The store's own source (`LESSONBANK_SOURCE`) and trusted callers teach in full. A report
of any other source weighs

    min(1, room / 20) / (1 + n),   0 under .02,

n being its reports of the last 24 hours on the item, of those that the report names, on
which it has most; 0 while it has under 5 there, or all others have as many, and

    room = 20 + 2 alone + before / 3 + since - taught:

`taught` is what the source has taught so far, `alone` what of it while nobody else had
taught, `before` what all others had taught when it first came, and `since` what they
taught from then on, times 10 for who came before 50 reports had been taught. So even
sources never stop each other, however many and however fast, nor one of a team that has
nine tenths of its reports; who was first may teach as much again; and a later one begins
with a third of what it finds, and teaches no more than all others do beside it. Until it
has taught that third it is new: all new ones have one n, 0 only while all others have
thrice as many, and weigh 1 / (1 + n)^2. Names that nothing proves are one source. A fold
over the outcomes, in log order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from memory_core.model import OutcomeRecord
from memory_core.ports import Record, StoredOutcome
from memory_core.scorer.shares import holder_of
from memory_core.service.fold import LogPlace

WINDOW = 86_400.0
FREE = 20.0
"""What each source may teach in any case, and the room under which a report teaches less."""
SHARE = 1 / 3
"""Of what it finds: a newcomer's flood is at most a quarter of everything."""
LIKE = 5
"""Reports on one item that a source may make in a day in full."""
KNOWN = 50.0
"""Whole reports, of any strength, that a store has when who comes is new to it."""
FOUNDER = 10.0
"""How much more than all others together who came before that may teach."""
LEAST = 0.02
"""A weight under this is none: a flood leaves nothing behind."""
OWN = "\x1fown"
CLAIMED = "\x1fclaimed"
"""Who teaches under names that nothing proves."""


@dataclass(slots=True)
class _Taught:
    """What one source has taught, in whole reports; see the module."""

    before: float
    late: bool
    all: float = 0.0
    alone: float = 0.0


class Quotas:
    """What each source has taught. Used under the service's lock.

    Args:
        own: The names of the store's own source.
        proven: Whether a name is one that a credential proves.
    """

    def __init__(self, own: Container[str], proven: Callable[[str], bool]) -> None:
        self._own, self._proven = own, proven
        self._total = self._reports = 0.0
        self._taught: dict[str, _Taught] = {}
        self._recent: defaultdict[str, defaultdict[str, deque[float]]] = defaultdict(
            lambda: defaultdict(lambda: deque(maxlen=64))
        )

    def trust(
        self,
        source: str,
        items: Sequence[str],
        at: float,
        corrected: OutcomeRecord | None = None,
    ) -> float:
        """The weight in [0, 1] of a report of this source on these items ("" for none).

        Args:
            source: Who reports.
            items: All that the report is about.
            at: Seconds since the epoch.
            corrected: The report that it takes the place of.
        """
        if source in self._own:
            return 1.0
        holder = self._holder(source)
        new, room, again = self._is_new(holder), self._room(holder), 0
        if corrected is not None and self._holder(corrected.source) == holder:
            again, room = 1, room + corrected.trust * corrected.strength
        like = max((self._like(holder, item_id, at, again) for item_id in items), default=0)
        weight = min(1.0, room / FREE) / (1.0 + like) ** (2 if new else 1)
        return weight if weight >= LEAST else 0.0

    def _holder(self, source: str) -> str:
        """Whose quota it is."""
        if source in self._own:
            return OWN
        return holder_of(source) if self._proven(source) else CLAIMED

    def _like(self, holder: str, item_id: str, at: float, again: int) -> int:
        """The n of one item; `again` reports of them are the one that is corrected."""
        new, mine, others = self._is_new(holder), -again, 0
        for other, recent in self._recent.get(item_id, {}).items():
            count = sum(1 for then in recent if at - then < WINDOW)
            if other == holder or (new and self._is_new(other)):
                mine += count
            else:
                others += count
        if new:
            return mine if mine > SHARE * others else 0
        return mine if mine >= LIKE and mine > others else 0

    def _is_new(self, holder: str) -> bool:
        """Whether it came to where much was known, and has not taught a third as much yet."""
        mine = self._taught.get(holder) or self._come()
        return holder != OWN and mine.late and mine.all < SHARE * mine.before

    def _come(self) -> _Taught:
        """The account of one that comes now."""
        return _Taught(self._total, self._reports >= KNOWN)

    def _room(self, holder: str) -> float:
        mine = self._taught.get(holder) or self._come()
        since = self._total - mine.all - mine.before
        since *= 1.0 if mine.late else FOUNDER
        return FREE + 2 * mine.alone + SHARE * mine.before + since - mine.all

    def take(self, place: LogPlace, record: Record) -> None:
        """Count one outcome, in place of the one that it corrects."""
        if not isinstance(record, StoredOutcome):
            return
        outcome = record.record
        if place.earlier is not None:
            self._count(place.earlier, -1)
        self._count(outcome, 1)
        holder = self._holder(outcome.source)
        for item_id in quota_items(outcome, place.served):
            self._recent[item_id][holder].append(outcome.at)

    def _count(self, outcome: OutcomeRecord, change: int) -> None:
        taught = change * outcome.trust * outcome.strength
        if taught == 0:
            return
        mine = self._taught.setdefault(self._holder(outcome.source), self._come())
        mine.all += taught
        if len(self._taught) == 1:
            mine.alone += taught
        self._total += taught
        self._reports += change * outcome.trust


def quota_items(outcome: OutcomeRecord, served: tuple[str, ...]) -> tuple[str, ...]:
    """The items that a report counts for in its source's quota: all that it names.

    A report that names none is about the first item served, "" for none.
    """
    named = dict.fromkeys((*(outcome.used or ()), *outcome.helpful, *outcome.harmful))
    return tuple(named) or served[:1] or ("",)
