"""The scripted agent: asks, follows the first answer, runs it, reports what happened.

It never looks at the matrix of right and wrong. With a memory it follows the
first recalled strategy that it can carry out; without one (and whenever the
memory has nothing to say) it picks a strategy of the task's family at random,
from a generator seeded with the run's seed. All arms get the same tasks, in the
same order, in the same words and with the same inputs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from benchmarks.workshop.memory import Item, Memory, Recall, Report
from benchmarks.workshop.model import Family, Strategy, Task
from benchmarks.workshop.runner import Run, run

RECALLED = 3


@dataclass(frozen=True, slots=True)
class Assignment:
    """One task of one round: its wording and the variant of its input."""

    round: int
    task: Task
    wording: str
    variant: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One strategy carried out on one task.

    Attributes:
        assignment: What was asked.
        strategy: What was followed.
        run: What happened, for real.
        recalled: What the memory offered, in its order; empty without one.
        mode: The mode of the recall, "" without one.
        repeated: It failed as it had failed in an earlier round.
        number: 0 for the first try, then 1, 2, ... for retries.
    """

    assignment: Assignment
    strategy: Strategy
    run: Run
    recalled: tuple[Item, ...]
    mode: str
    repeated: bool
    number: int = 0


@dataclass(slots=True)
class Diary:
    """Everything one arm did, and what it failed at."""

    name: str
    attempts: list[Attempt] = field(default_factory=list)
    failed: dict[tuple[str, str], int] = field(default_factory=dict)
    """The round in which a (task, strategy) pair first failed."""

    def repeats(self, number: int, task: Task, strategy: Strategy) -> bool:
        """Whether this pair failed before round ``number``."""
        return self.failed.get((task.id, strategy.id), number) < number

    def write(self, attempt: Attempt) -> None:
        """Take an attempt in."""
        self.attempts.append(attempt)
        if not attempt.run.succeeded:
            pair = (attempt.assignment.task.id, attempt.strategy.id)
            self.failed.setdefault(pair, attempt.assignment.round)


def plan(tasks: Sequence[Task], rounds: int, seed: int) -> list[list[Assignment]]:
    """Lay out the rounds: shuffled, reworded, with other inputs each time.

    Args:
        tasks: The tasks of every round.
        rounds: How many rounds.
        seed: Decides order, words and inputs.

    Returns:
        One list of assignments per round. A task meets each of its wordings once
        before any comes back.
    """
    chance = random.Random(f"plan {seed}")
    words = {task.id: chance.sample(task.wordings, len(task.wordings)) for task in tasks}
    laid: list[list[Assignment]] = []
    for number in range(rounds):
        order = chance.sample(tasks, len(tasks))
        laid.append(
            [
                Assignment(
                    round=number,
                    task=task,
                    wording=words[task.id][number % len(task.wordings)],
                    variant=seed + number,
                )
                for task in order
            ]
        )
    return laid


class Agent:
    """One arm of the comparison.

    Args:
        name: Of the arm.
        families: What there is to try.
        seed: Of the random choices.
        memory: The memory to ask; None works without.
        retries: Further tries after a failed one, in the same session.
        distil: Write a pitfall when a strategy fails with an exception for the
            first time.
        workers: Limits the attempts that run at a time over all arms.
    """

    def __init__(
        self,
        name: str,
        families: Sequence[Family],
        seed: int,
        memory: Memory | None = None,
        *,
        retries: int = 0,
        distil: bool = False,
        workers: anyio.CapacityLimiter | None = None,
    ) -> None:
        self.diary = Diary(name)
        self._memory = memory
        self._choices = {family.id: family.strategies for family in families}
        self._chance = random.Random(f"{name} {seed}")
        self._retries = retries
        self._distil = distil
        self._workers = workers
        self._by_item: dict[str, Strategy] = {}
        self._item_of: dict[str, str] = {}
        self._noted: set[tuple[str, str]] = set()

    @property
    def strategies(self) -> Mapping[str, Strategy]:
        """The strategies by the ids that the memory gave them."""
        return self._by_item

    async def learn_words(self) -> None:
        """Tell the memory every strategy there is; not which one is right."""
        if self._memory is None:
            return
        for strategies in self._choices.values():
            for strategy in strategies:
                item_id = await self._memory.remember(strategy)
                self._by_item[item_id] = strategy
                self._item_of[strategy.id] = item_id

    async def work(self, assignment: Assignment) -> None:
        """Do one task: at most one try and the retries.

        Args:
            assignment: The task, its words and its input.
        """
        session = f"round {assignment.round + 1}"
        tried: list[Attempt] = []
        for number in range(self._retries + 1):
            recall = await self._ask(assignment, session, tried)
            strategy, followed = self._choose(assignment, recall)
            done = await anyio.to_thread.run_sync(
                run, assignment.task, strategy, assignment.variant, limiter=self._workers
            )
            attempt = Attempt(
                assignment=assignment,
                strategy=strategy,
                run=done,
                recalled=recall.items if recall else (),
                mode=recall.mode if recall else "",
                repeated=not done.succeeded
                and self.diary.repeats(assignment.round, assignment.task, strategy),
                number=number,
            )
            await self._tell(attempt, recall if followed else None, session)
            self.diary.write(attempt)
            tried.append(attempt)
            if done.succeeded:
                return

    async def _ask(
        self, assignment: Assignment, session: str, tried: Sequence[Attempt]
    ) -> Recall | None:
        if self._memory is None:
            return None
        return await self._memory.recall(
            assignment.wording,
            session,
            k=RECALLED,
            context="\n".join(f"Tried: {attempt.strategy.title}" for attempt in tried),
            error=tried[-1].run.error if tried else "",
        )

    def _choose(self, assignment: Assignment, recall: Recall | None) -> tuple[Strategy, bool]:
        """Give the strategy to follow, and whether the memory named it."""
        for item in recall.items if recall else ():
            if item.kind == "strategy" and item.id in self._by_item:
                return self._by_item[item.id], True
        return self._chance.choice(self._choices[assignment.task.family]), False

    async def _tell(self, attempt: Attempt, recall: Recall | None, session: str) -> None:
        if self._memory is None:
            return
        await self._memory.report(
            Report(
                outcome="success" if attempt.run.succeeded else "failure",
                recall_id=recall.recall_id if recall else "",
                task=attempt.assignment.wording,
                used_id=self._item_of[attempt.strategy.id],
                error=attempt.run.error,
                exit_code=attempt.run.exit_code,
                session=session,
                lessons=self._lessons(attempt),
            )
        )

    def _lessons(self, attempt: Attempt) -> tuple[Mapping[str, str], ...]:
        """Distil a pitfall from what was seen, once per strategy and exception."""
        seen = (attempt.strategy.id, attempt.run.exception)
        if not self._distil or attempt.run.succeeded or seen in self._noted:
            return ()
        self._noted.add(seen)
        return (
            {
                "kind": "pitfall",
                "title": f"{attempt.run.exception} after: {attempt.strategy.title}"[:200],
                "description": attempt.assignment.wording,
                "content": f"{attempt.strategy.content} This ended with "
                f"{attempt.run.exception}: {attempt.run.message}"[:2000],
            },
        )
