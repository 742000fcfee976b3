"""Teams: many who report honestly, and one or five of them who do not.

Ten topics, of each three memories; what is nearest to the task is wrong. Each report
says how the first item served did, one in ten of them wrongly. The honest side: the
same reports by one owner and by 1 to 50 tokens, evenly, or one with 90 % of them, or a
newcomer after the others. The other side: after honest reports 20, 200 and 2,000 false
ones a minute apart, on one topic or on all, by one token or by five: failures of what
was served first, or successes of what is wrong; in a young store, too. Everything runs
through the product's service, over a store in memory: its folds are what is measured.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.learning.product import FIRST_TIME, HOUR, LEARNED_WITHIN, _scratch
from benchmarks.learning.protocols.ground import Figures, Sizes
from memory_core.caller import OWNER, Caller
from memory_core.ports import Candidate, Embedder, Probe, Scope
from memory_core.requests import OutcomeRequest, RecallRequest, RememberRequest, parse
from memory_core.service.service import MemoryService
from memory_core.settings import Settings
from tests.memory_core.store.fake_store import FakeStore

TOPICS = (
    *("date parsing", "csv import", "request retries", "cache expiry", "login sessions"),
    *("container builds", "search index", "job queue", "file locking", "number rounding"),
)
NOISE = 0.1
MINUTE = 60.0
LOOKS = 3
FOES = "foe"
Picker = Callable[[int], Caller]


class _Shelf(FakeStore):
    """A store in memory that searches once for each task: its items stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[tuple[object, ...], list[Candidate]] = {}

    def search(self, probes: Sequence[Probe], scope: Scope, limit: int) -> list[Candidate]:
        key = (*(probe.text for probe in probes), scope, limit, len(self._items))
        if key not in self._found:
            self._found[key] = super().search(probes, scope, limit)
        return list(self._found[key])


class Team:
    """A store that several report to. Use `opened`."""

    def __init__(self, service: MemoryService, clock: list[float], seed: int) -> None:
        self._service, self._clock = service, clock
        self._draw = random.Random(seed)
        self._asked = 0
        self._right: dict[str, str] = {}

    def fill(self) -> None:
        """Remember three memories of each topic."""
        for topic in TOPICS:
            self._remember(f"Solve the {topic} problem in the service", f"Guess, for {topic}.")
            self._remember(f"A {topic} problem in a service: solved", f"Leave {topic} alone.")
            right = f"Handle {topic} with its own tool", f"Use the tool, check {topic}."
            self._right[topic] = self._remember(*right)

    def _remember(self, title: str, content: str) -> str:
        request = parse(RememberRequest, {"title": title, "content": content})
        return self._service.lessons.remember(request).id

    def served(self, topic: str, caller: Caller = OWNER) -> tuple[str, list[str]]:
        """Recall for a task of a topic: the recall's id, and what was served."""
        self._asked += 1
        task = f"solve the {topic} problem in the service, case {self._asked % 7}"
        asked = {"task": task, "session": f"s{self._asked}", "k": 3}
        answer = self._service.recall(parse(RecallRequest, asked), caller)
        return answer.recall_id, [item.id for item in answer.items]

    def honest(self, caller: Caller, topic: str = "") -> None:
        """Recall, and report how the first item did."""
        self._clock[0] += HOUR
        topic = topic or self._draw.choice(TOPICS)
        recall, ids = self.served(topic, caller)
        well = (ids[0] == self._right[topic]) != (self._draw.random() < NOISE)
        self._report(caller, recall, ids[0], "success" if well else "failure")

    def fake(self, caller: Caller, topic: str, outcome: str) -> None:
        """Report a failure of what came first, or a success of what is wrong."""
        self._clock[0] += MINUTE
        recall, ids = self.served(topic, caller)
        wrong = [item_id for item_id in ids if item_id != self._right[topic]]
        self._report(caller, recall, wrong[0] if outcome == "success" else ids[0], outcome)

    def _report(self, caller: Caller, recall: str, used: str, outcome: str) -> None:
        given = {"recall_id": recall, "outcome": outcome, "used_ids": [used]}
        self._service.report_outcome(parse(OutcomeRequest, given), caller)
        trainer = self._service.core.trainer
        if trainer is None or not trainer.settle(LEARNED_WITHIN):
            raise TimeoutError(f"reports are not learned after {LEARNED_WITHIN:.0f} seconds")

    def right(self) -> dict[str, float]:
        """How often the right item comes first, in [0, 1], by topic."""
        self._clock[0] += HOUR
        return {
            topic: sum(self.served(topic)[1][0] == self._right[topic] for _ in range(LOOKS)) / LOOKS
            for topic in TOPICS
        }

    @property
    def weight(self) -> float:
        """The learned part's weight in [0, 1]."""
        trainer = self._service.core.trainer
        return trainer.learner.snapshot.weight if trainer is not None else 0.0

    @property
    def share(self) -> float:
        """Of all that was taught, what false reports taught, in [0, 1]."""
        taught = [
            (outcome.source.startswith(FOES), outcome.trust)
            for outcome in self._service.core.reports.by_id.values()
        ]
        return sum(trust for false, trust in taught if false) / sum(trust for _, trust in taught)


@contextmanager
def opened(embedder: Embedder, seed: int) -> Iterator[Team]:
    """Open a team with its memories; its store is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lessonbank-teams-", dir=_scratch()))
    clock = [FIRST_TIME]
    service = MemoryService(
        Settings(store=folder),
        _Shelf(),
        project="bench",
        notify=lambda _change: None,
        clock=lambda: clock[0],
    )
    try:
        service.attach(embedder)
        team = Team(service, clock, seed)
        team.fill()
        yield team
    finally:
        service.close()
        shutil.rmtree(folder, ignore_errors=True)


def token(name: str) -> Caller:
    """Whoever holds a token of this name: write, with a quota."""
    return Caller(name, "write", None, trusted=False)


def even(count: int) -> Picker:
    """Tokens that report by turns."""
    tokens = [token(f"token {n}") for n in range(count)]
    return lambda number: tokens[number % count]


def heavy(count: int) -> Picker:
    """One token has nine of ten reports, the others share the tenth."""
    tokens = [token(f"token {n}") for n in range(count)]
    return lambda number: tokens[0 if number % 10 else 1 + number // 10 % (count - 1)]


def newcomer(known: int) -> Picker:
    """Two tokens, then a third that has every other report."""
    tokens = [token(f"token {n}") for n in range(3)]
    return lambda number: tokens[2 if number >= known and number % 2 else number // 2 % 2]


def measure(seed: int, embedder: Embedder, sizes: Sizes) -> dict[str, Figures]:
    """Measure both sides on one seed."""
    found = _honest(seed, embedder, (60,) if sizes.quick else (300, 3_000))
    floods = (20, 60) if sizes.quick else (20, 200, 2_000)
    before = 60 if sizes.quick else 300
    sides: dict[str, Picker] = {"the owner": _owner, "4 tokens": even(4)}
    for name, team in sides.items():
        found |= _attacked(embedder, seed, (f"{before} by {name}", team, before), floods)
    for name, team in sides.items():
        found |= _attacked(embedder, seed, (f"10 by {name}", team, 10), floods[:1])
    return found


def _owner(_: int) -> Caller:
    return OWNER


def _honest(seed: int, embedder: Embedder, sizes: Sequence[int]) -> dict[str, Figures]:
    teams: dict[str, Picker] = {"the owner": _owner}
    teams |= {f"{count} even": even(count) for count in (1, 2, 3, 4, 10, 50)}
    teams |= {f"{count}, one has 90 %": heavy(count) for count in (2, 10, 50)}
    teams["a newcomer to two"] = newcomer(sizes[-1] // 3)
    rows: dict[tuple[int, str], Figures] = {}
    for name, pick in teams.items():
        with opened(embedder, seed) as team:
            for number in range(sizes[-1]):
                team.honest(pick(number))
                if number + 1 in sizes:
                    reports = number + 1
                    alone = rows.get((reports, "the owner"))
                    right = _mean(team.right())
                    rows[reports, name] = {
                        "first right": right,
                        "loss": alone["first right"] - right if alone else 0.0,
                        "victim's loss": 0.0,
                        "weight": team.weight,
                        "weight's loss": alone["weight"] - team.weight if alone else 0.0,
                        "their share": 0.0,
                    }
                    _tell(seed, f"{reports:,} honest, {name}", rows[reports, name])
    return {
        f"{reports:,} honest, {name}": rows[reports, name] for reports in sizes for name in teams
    }


def _attacked(
    embedder: Embedder, seed: int, side: tuple[str, Picker, int], floods: Sequence[int]
) -> dict[str, Figures]:
    """What false reports cost after honest ones; the floods are the beginnings of one."""
    told, pick, reports = side
    found: dict[str, Figures] = {}
    for outcome in ("failure", "success"):
        for where, topics in (("one topic", TOPICS[:1]), ("all topics", TOPICS)):
            for by, foes in (("a token", 1), ("5 tokens", 5)):
                with opened(embedder, seed) as team:
                    for number in range(reports):
                        team.honest(pick(number))
                    before = team.right(), team.weight
                    for number in range(floods[-1]):
                        caller = token(f"{FOES} {number % foes}")
                        team.fake(caller, topics[number // foes % len(topics)], outcome)
                        if number + 1 in floods:
                            row = f"{told}, {number + 1:,} false {outcome}, {where}, {by}"
                            found[row] = _losses(before, team)
                            _tell(seed, row, found[row])
    return dict(sorted(found.items(), key=lambda row: _place(row[0], floods)))


def _tell(seed: int, row: str, figures: Figures) -> None:
    """Say a row as soon as it is known: all of them take hours on a busy machine."""
    said = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    print(f"  seed {seed}: {row}: {said}", file=sys.stderr, flush=True)


def _place(row: str, floods: Sequence[int]) -> int:
    """Where a row stands: by the size of its flood."""
    return next(place for place, count in enumerate(floods) if f", {count:,} false" in row)


def _losses(before: tuple[Mapping[str, float], float], team: Team) -> Figures:
    right, weight, share = team.right(), team.weight, team.share
    return {
        "first right": _mean(right),
        "loss": _mean(before[0]) - _mean(right),
        "victim's loss": before[0][TOPICS[0]] - right[TOPICS[0]],
        "weight": weight,
        "weight's loss": before[1] - weight,
        "their share": share,
    }


def _mean(right: Mapping[str, float]) -> float:
    return sum(right.values()) / len(right)
