"""The served order against similarity's own, report by report.

A report cannot say what the other order would have led to. So three things are
kept apart: how often what learning moved up or down went well; how the outcome
compares with what similarity's own list was predicted to reach; and the pairs
of a helpful and a harmful item of one report, where the two orders disagree and
only one can be right. The last needs labels and is the only one that no base
rate can tilt.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from memory_core.proof_answers import ExpertPush, MovedGroup, OrderProof
from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EXPERTS, FUSED, START
from memory_core.scorer.facts import by_expert
from memory_core.scorer.intervals import exact_interval, sum_interval
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.shares import REACH, place_to_drop, shared_errors
from memory_core.scorer.stack import Fit, position_weights

WINDOW = 200
MOVES_KEPT = 20
MOST_ERRORS = 3.5
"""Standard errors of pairs beyond which a source among several counts no more."""
DIRECTIONS = ("up", "kept", "down")


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What one report tells of the two orders. S served items, E experts.

    `places` are similarity's ranks, empty where not known; `verdicts` float64[S]
    say how each item did (+1, -1, 0 open, NaN not judged); `expected` is the
    predicted success of similarity's own list; `push` float64[E] and `decided`
    bool[E] see `ExpertPush`.
    """

    owner: str
    outcome_id: str
    ids: tuple[str, ...]
    places: tuple[int, ...]
    verdicts: Floats
    labelled: bool
    reward: float
    expected: float
    push: Floats
    decided: tuple[bool, ...]
    source: str = ""

    @property
    def changed(self) -> bool:
        """Whether what was served differs from similarity's own list."""
        return self.places != tuple(range(len(self.places)))


def order_of(episode: Episode, learned: Fit, similarity: Fit) -> OrderReport | None:
    """Read one episode, with the fits of the moment before it is learned; None without items."""
    if not episode.ids:
        return None
    expected, push, decided = 0.0, np.zeros(len(EXPERTS)), (False,) * len(EXPERTS)
    if episode.places:
        own = np.zeros(len(EXPERTS))
        own[FUSED] = position_weights(len(episode.places)) @ episode.rival[:, FUSED]
        expected = similarity.predict(own)
        push, decided = _pushes(np.concatenate([episode.experts, episode.rival]), learned)
    return OrderReport(
        owner=episode.owner,
        outcome_id=episode.outcome_id,
        ids=episode.ids,
        places=episode.places,
        verdicts=_verdicts(episode),
        labelled=bool((~np.isnan(episode.labels)).any()),
        reward=episode.reward,
        expected=expected,
        push=push,
        decided=decided,
        source=episode.source,
    )


def _verdicts(episode: Episode) -> Floats:
    """How each served item did: its label; without any, the outcome for what was followed."""
    if (~np.isnan(episode.labels)).any():
        return episode.labels
    top = float(episode.attention.max())
    followed = (episode.attention >= top - 1e-12) & (top > 0)
    return np.where(followed, np.sign(episode.reward - 0.5), np.nan)


def _pushes(rows: Values, learned: Fit) -> tuple[Floats, tuple[bool, ...]]:
    """Each expert's spread over these items, and whether the first would differ without it."""
    base = np.zeros(len(EXPERTS))
    base[FUSED] = START[FUSED]
    shares = rows * (learned.weights - base)
    push = shares.max(axis=0) - shares.min(axis=0)
    score = rows @ learned.weights
    first = int(np.argmax(score))
    without = score[:, None] - shares
    return push, tuple(bool(place != first) for place in np.argmax(without, axis=0))


@dataclass(frozen=True, slots=True)
class Move:
    """An item that was moved and judged; ranks are 0-based."""

    owner: str
    outcome_id: str
    item_id: str
    place: int
    position: int
    verdict: int


@dataclass(slots=True)
class OrderRecord:
    """A fold over the reports in log order; bounded."""

    same: int = 0
    same_success: float = 0.0
    changed: int = 0
    firsts: int = 0
    success: float = 0.0
    expected: float = 0.0
    squares: float = 0.0
    groups: dict[str, list[int]] = field(default_factory=lambda: {d: [0, 0] for d in DIRECTIONS})
    right: int = 0
    wrong: int = 0
    pairs: list[int] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    push: list[float] = field(default_factory=lambda: [0.0] * len(EXPERTS))
    decided: list[int] = field(default_factory=lambda: [0] * len(EXPERTS))
    moves: list[Move] = field(default_factory=list)

    def observe(self, report: OrderReport) -> None:
        """Take in one report whose two orders are known."""
        if not report.places:
            return
        if not report.changed:
            self.same += 1
            self.same_success += report.reward
            return
        above = report.reward - report.expected
        self.changed += 1
        self.firsts += int(report.places[0] != 0)
        self.success += report.reward
        self.expected += report.expected
        self.squares += above * above
        self.push = [held + float(new) for held, new in zip(self.push, report.push, strict=True)]
        self.decided = [held + new for held, new in zip(self.decided, report.decided, strict=True)]
        self._judge_moves(report)
        if report.labelled:
            self._judge_pairs(report)

    def _judge_moves(self, report: OrderReport) -> None:
        for position, (item_id, place) in enumerate(zip(report.ids, report.places, strict=True)):
            verdict = report.verdicts[position]
            if np.isnan(verdict):
                continue
            group = "up" if place > position else "down" if place < position else "kept"
            self.groups[group][0] += 1
            self.groups[group][1] += int(verdict > 0)
            if place != position:
                sign = int(np.sign(verdict))
                self.moves.append(
                    Move(report.owner, report.outcome_id, item_id, place, position, sign)
                )
        # the furthest, the newer first among equals
        self.moves = [
            move
            for _, move in sorted(
                enumerate(self.moves),
                key=lambda pair: (-abs(pair[1].place - pair[1].position), -pair[0]),
            )[:MOVES_KEPT]
        ][::-1]

    def _judge_pairs(self, report: OrderReport) -> None:
        """Pairs of a helpful and a harmful item whose order the two disagree on."""
        helpful = np.flatnonzero(report.verdicts > 0)
        harmful = np.flatnonzero(report.verdicts < 0)
        for good in helpful:
            for bad in harmful:
                learned = good < bad
                if learned == (report.places[good] < report.places[bad]):
                    continue
                self.right += int(learned)
                self.wrong += int(not learned)
                self._keep(1 if learned else -1, report.source)

    def _keep(self, pair: int, source: str) -> None:
        if len(self.pairs) >= WINDOW * (1 if {source} >= set(self.sources) else REACH):
            place = place_to_drop(self.sources)
            del self.pairs[place], self.sources[place]
        self.pairs.append(pair)
        self.sources.append(source)

    @property
    def strength(self) -> float:
        """Standard errors between the last pairs' balance and even; 0 with under 8 pairs."""
        return shared_errors(self.pairs, self.sources, WINDOW, MOST_ERRORS, 1.0)

    def proof(self) -> OrderProof:
        """The comparison, in figures and one sentence."""
        low, high = exact_interval(self.right, self.wrong)
        changed = self.changed
        above = (self.success - self.expected) / changed if changed else None
        interval = sum_interval(changed, self.success - self.expected, self.squares)
        return OrderProof(
            same=self.same,
            same_success=_share(self.same_success, self.same),
            changed=changed,
            first_changed=self.firsts,
            changed_success=_share(self.success, changed),
            expected=_share(self.expected, changed),
            difference=None if above is None else round(above, 4),
            difference_interval=interval and (round(interval[0], 4), round(interval[1], 4)),
            groups=tuple(_group(name, *self.groups[name]) for name in DIRECTIONS),
            right=self.right,
            wrong=self.wrong,
            pairs_interval=(round(low, 3), round(high, 3)),
            sentence=self._sentence(interval),
        )

    def _sentence(self, interval: tuple[float, float] | None) -> str:
        if not self.changed:
            return "No report yet on an order that learning had changed."
        success, expected = self.success / self.changed, self.expected / self.changed
        verdict = "too few reports to say more"
        if interval is not None:
            verdict = "no clear difference"
            if interval[0] > 0:
                verdict = "more than expected of similarity"
            elif interval[1] < 0:
                verdict = "less than expected of similarity"
        return (
            f"Learning changed the order in {self.changed} reports: {success:.0%} went well, "
            f"{expected:.0%} were predicted for similarity's own order: {verdict}."
        )

    def pushes(self) -> tuple[ExpertPush, ...]:
        """What moved orders most, the strongest first; empty before the first changed order."""
        if not self.changed:
            return ()
        rows = [
            ExpertPush(expert=name, push=round(push / self.changed, 4), decided=decided)
            for name, push, decided in zip(EXPERTS, self.push, self.decided, strict=True)
        ]
        return tuple(sorted(rows, key=lambda row: (-row.decided, -row.push, row.expert)))

    # -- as plain values ---------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All of it as JSON holds it; floats come back bit for bit."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "groups": {name: list(counts) for name, counts in self.groups.items()},
            "pairs": list(self.pairs),
            "sources": list(self.sources),
            "moves": [asdict(move) for move in self.moves],
            "push": dict(zip(EXPERTS, self.push, strict=True)),
            "decided": dict(zip(EXPERTS, self.decided, strict=True)),
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> OrderRecord:
        """The record of a state.

        Raises:
            KeyError, TypeError: It is no state of this version.
        """
        record = cls(**{name: state[name] for name in _PLAIN})
        record.groups = {name: list(state["groups"][name]) for name in DIRECTIONS}
        record.pairs, record.sources = list(state["pairs"]), list(state["sources"])
        record.moves = [Move(**move) for move in state["moves"]]
        none = np.zeros(len(EXPERTS))
        record.push = by_expert(state["push"], none).tolist()
        record.decided = [int(count) for count in by_expert(state["decided"], none)]
        return record


_PLAIN = (
    *("same", "same_success", "changed", "firsts", "success", "expected", "squares"),
    *("right", "wrong"),
)


def _share(total: float, count: int) -> float | None:
    return round(total / count, 4) if count else None


def _group(name: str, judged: int, well: int) -> MovedGroup:
    low, high = exact_interval(well, judged - well)
    return MovedGroup.model_validate(
        {
            "direction": name,
            "judged": judged,
            "well": well,
            "interval": (round(low, 3), round(high, 3)),
        }
    )
