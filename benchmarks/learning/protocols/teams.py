"""Teams: many who report honestly, and one or five of them who do not.

Ten topics, of each three memories; what is nearest to the task is wrong. Each report
says how the first item served did, one in ten of them wrongly. The honest side: the
same reports by one owner and by 1 to 50 tokens, evenly, or one with 90 % of them, or a
newcomer after the others. The other side: after honest reports 20, 200 and 2,000 false
ones a minute apart, on one topic or on all, by one token or by five: failures of what
was served first, or successes of what is wrong. Everything runs through the product's
service over a store of its own.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.learning.product import FIRST_TIME, HOUR, LEARNED_WITHIN, _scratch
from benchmarks.learning.protocols.ground import Figures, Sizes
from memory_core.caller import OWNER, Caller
from memory_core.port import OutcomeRequest, RecallRequest, RememberRequest, parse
from memory_core.ports import Embedder
from memory_core.service.service import MemoryService
from memory_core.settings import Settings
from memory_core.store.lance_store import LanceStore

TOPICS = (
    *("date parsing", "csv import", "request retries", "cache expiry", "login sessions"),
    *("container builds", "search index", "job queue", "file locking", "number rounding"),
)
NOISE = 0.1
MINUTE = 60.0
LOOKS = 3
RECOVERED = 0.95
"""Of the weight before the attack."""
MOST_RECOVERY = 200
Picker = Callable[[int], Caller]


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


@contextmanager
def opened(embedder: Embedder, seed: int) -> Iterator[Team]:
    """Open a team with its memories; its store is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lessonbank-teams-", dir=_scratch()))
    clock = [FIRST_TIME]
    service = MemoryService(
        Settings(store=folder),
        LanceStore.open(folder, maintain=False),
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
    reports, floods = (60, (20,)) if sizes.quick else (300, (20, 200, 2_000))
    for name, team in (("the owner", lambda _: OWNER), ("4 tokens", even(4))):
        for outcome in ("failure", "success"):
            for count in floods:
                for topics in (TOPICS[:1], TOPICS):
                    for foes in (1, 5):
                        row = _attacked(
                            embedder, seed, team, reports, (outcome, count, topics, foes)
                        )
                        where = "one topic" if len(topics) == 1 else "all topics"
                        by = "a token" if foes == 1 else f"{foes} tokens"
                        label = f"{reports} by {name}, {count} false {outcome}, {where}, {by}"
                        found[label] = row
    return found


def _honest(seed: int, embedder: Embedder, sizes: Sequence[int]) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for reports in sizes:
        teams: dict[str, Picker] = {"the owner": lambda _: OWNER}
        teams |= {
            f"{n} even": even(n) for n in ((1, 2, 3, 4, 10, 50) if reports < 3_000 else (2, 4, 50))
        }
        teams |= {
            f"{n}, one has 90 %": heavy(n) for n in ((2, 10, 50) if reports < 3_000 else (10,))
        }
        teams["a newcomer to two"] = newcomer(reports // 3)
        alone = 0.0, 0.0
        for name, pick in teams.items():
            with opened(embedder, seed) as team:
                for number in range(reports):
                    team.honest(pick(number))
                right, weight = _mean(team.right()), team.weight
            alone = (right, weight) if name == "the owner" else alone
            found[f"{reports} honest, {name}"] = _row(alone, (right, weight), 0.0, 0)
    return found


def _attacked(
    embedder: Embedder,
    seed: int,
    pick: Picker,
    reports: int,
    attack: tuple[str, int, Sequence[str], int],
) -> Figures:
    """What false reports cost after honest ones, and how many honest ones bring the weight back."""
    outcome, count, topics, foes = attack
    with opened(embedder, seed) as team:
        for number in range(reports):
            team.honest(pick(number))
        before, weight = team.right(), team.weight
        for number in range(count):
            team.fake(token(f"foe {number % foes}"), topics[number % len(topics)], outcome)
        after, attacked = team.right(), team.weight
        again = 0
        while team.weight < RECOVERED * weight and again < MOST_RECOVERY:
            team.honest(pick(again))
            again += 1
    victim = before[TOPICS[0]] - after[TOPICS[0]]
    return _row((_mean(before), weight), (_mean(after), attacked), victim, again)


def _mean(right: dict[str, float]) -> float:
    return sum(right.values()) / len(right)


def _row(
    before: tuple[float, float], after: tuple[float, float], victim: float, again: int
) -> Figures:
    return {
        "first right": after[0],
        "loss": before[0] - after[0],
        "victim's loss": victim,
        "weight before": before[1],
        "weight": after[1],
        "reports to recover": float(again),
    }
