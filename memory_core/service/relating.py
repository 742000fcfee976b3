"""What outcomes tell of failures: which item resolved one, and which did not.

A telling is one report. It tells of the failure that it reports (its error) and
of the failure that its recall asked about (the recall's error). Reports of one
attempt group, or of one task in one session, are attempts at the same thing:
what resolved it in the end resolved every failure on the way. Items count by
what they say, so that the same advice stored twice is the same. Only what a
report names counts: labels, else what was used; a bare flag about several items
tells nothing of any. A fold over the log; knows no numbers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.scorer.shares import Wholes, holder_of, newest, place_to_drop
from memory_core.service.clusters import text_of
from memory_core.service.conditions import ERROR_KEPT, FailureText
from memory_core.service.fold import LogPlace
from memory_core.service.tally import WIN

TELLINGS = 1_024
"""Newest reports that are kept to learn from."""
FAILURES = 512
"""Newest failures that outcomes say something of."""
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Telling:
    """One report. `good`, `bad` and `done` are what items say; `weight` in (0, 1].

    `trust` in (0, 1] says how seldom its source's reports count as whole ones.
    """

    owner: str
    project: str
    group: str
    failed: FailureText | None
    asked: FailureText | None
    good: frozenset[str]
    bad: frozenset[str]
    done: frozenset[str]
    weight: float
    held_out: bool
    source: str = ""
    trust: float = 1.0


@dataclass(frozen=True, slots=True)
class Related:
    """One failure and what was told of it; see `memory_core.scorer.failure_pairs.Occurrence`."""

    project: str
    group: str
    text: FailureText
    resolved: frozenset[str]
    failed: frozenset[str]
    culprits: frozenset[str]
    weight: float
    held_out: bool
    source: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """The items of one report: what resolved the failure at hand, what did not, what was done."""

    good: tuple[str, ...]
    bad: tuple[str, ...]
    done: tuple[str, ...]


def named(outcome: OutcomeRecord, served: tuple[str, ...]) -> Named:
    """Which items a report names, and as what.

    An item that was merely used in an attempt that failed is not said to have
    failed: agents use what fits the failure, and the attempt may fail of another.

    Args:
        outcome: The report.
        served: What its recall served, in order.
    """
    used = outcome.used
    if used is None:
        used = served if len(served) == 1 else ()
    if outcome.reward > WIN:
        labelled = outcome.helpful or outcome.harmful
        return Named(outcome.helpful if labelled else used, outcome.harmful, ())
    done = (*outcome.harmful, *(i for i in used if i not in outcome.helpful))
    return Named((), outcome.harmful, done if outcome.reward < WIN else ())


def group_of(outcome: OutcomeRecord) -> str:
    """Which attempts a report belongs to, "" for none but its own."""
    if outcome.attempt_group:
        return f"group\x1f{outcome.attempt_group}"
    if outcome.session and outcome.task:
        return f"session\x1f{outcome.session}\x1f{outcome.task}"
    return ""


class Tellings:
    """The newest tellings, each owner's last one, in the order in which they were first told.

    Whole reports only: pairs of failures are counted, and a flood makes many.
    """

    def __init__(self) -> None:
        self._wholes = Wholes()
        self._held: OrderedDict[str, Telling] = OrderedDict()
        self.told = 0

    def observe(self, owner: str, telling: Telling | None) -> None:
        """Take one report in, in place of its owner's earlier one."""
        if telling is None or not self._wholes.observe(telling.source, telling.trust):
            if self._held.pop(owner, None) is None:
                return
        else:
            self._held[owner] = telling
        self.told += 1
        if len(self._held) > TELLINGS:
            place = place_to_drop([telling.source for telling in self._held.values()])
            del self._held[list(self._held)[place]]

    def all(self) -> tuple[Telling, ...]:
        return tuple(self._held.values())


def related(tellings: Iterable[Telling]) -> tuple[Related, ...]:
    """The newest failures that are told of, in log order, at most `FAILURES`."""
    told = tuple(tellings)
    groups: dict[tuple[str, str], list[Telling]] = {}
    for telling in told:
        if telling.group:
            groups.setdefault((telling.project, telling.group), []).append(telling)
    found = [
        failure
        for telling in told
        for failure in _failures(telling, groups.get((telling.project, telling.group), [telling]))
        if failure.resolved or failure.failed or failure.culprits
    ]
    return tuple(found[place] for place in newest([one.source for one in found], FAILURES))


def _failures(telling: Telling, group: list[Telling]) -> Iterable[Related]:
    """The failures that one telling is about, with what its group says of them."""
    good = _NONE.union(*(each.good for each in group))
    base = Related(
        project=telling.project,
        group=telling.group,
        text=FailureText("", "", None),
        resolved=good,
        failed=_NONE,
        culprits=_NONE,
        weight=telling.weight,
        held_out=telling.held_out,
        source=telling.source,
    )
    reported = {each.failed.error for each in group if each.failed is not None}
    if telling.asked is not None and telling.asked.error not in reported:
        yield replace(base, text=telling.asked, failed=telling.bad - good)
    if telling.failed is not None:
        others = _NONE.union(*(each.bad for each in group if each is not telling))
        yield replace(base, text=telling.failed, failed=others - good, culprits=telling.done - good)


def telling_of(
    outcome: OutcomeRecord, place: LogPlace, said: Callable[[Iterable[str]], frozenset[str]]
) -> Telling | None:
    """What a report tells of failures; None when it tells of none and names no item.

    `said` gives what items say.
    """
    weight, trust = (min(max(one, 0.0), 1.0) for one in (outcome.strength, outcome.trust))
    if weight * trust <= 0:
        return None
    items = named(outcome, place.served)
    telling = Telling(
        owner=place.owner,
        project=outcome.project,
        group=group_of(outcome),
        failed=text_of(outcome) if outcome.signature_id else None,
        asked=_asked_of(outcome, place.record),
        good=said(items.good),
        bad=said(items.bad),
        done=said(items.done),
        weight=weight,
        held_out=outcome.held_out,
        source=holder_of(outcome.source),
        trust=trust,
    )
    told = telling.failed or telling.asked or (telling.group and (items.good or items.bad))
    return telling if told else None


def _asked_of(outcome: OutcomeRecord, recall: RecallRecord | None) -> FailureText | None:
    """The failure at hand: the recall's, else the one that a report of success says it solved."""
    if recall is not None and recall.error.strip():
        return FailureText(recall.task, recall.error[-ERROR_KEPT:], None)
    return None if outcome.signature_id else text_of(outcome)
