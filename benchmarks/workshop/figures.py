"""Figures of the comparison: success, repeated failures, and how sure we are.

Pure functions over diaries; nothing here prints or talks to a server.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.workshop.agent import Diary

RESAMPLES = 4_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares in [0, 1] of one arm in one round.

    Attributes:
        success: Tasks solved, by the first try or a retry.
        first: Tasks solved by the first try.
        repeated: Attempts that failed as in an earlier round.
        again: Failures that had happened in an earlier round, of all failures.
    """

    success: float
    first: float
    repeated: float
    again: float


def rates(diary: Diary, number: int) -> Rates:
    """Give the rates of one round; zeros when nothing was tried.

    Args:
        diary: Of one arm.
        number: The round, from 0.
    """
    tried = [attempt for attempt in diary.attempts if attempt.assignment.round == number]
    tasks = {attempt.assignment.task.id for attempt in tried}
    if not tasks:
        return Rates(0.0, 0.0, 0.0, 0.0)
    solved = [attempt for attempt in tried if attempt.run.succeeded]
    repeated = sum(attempt.repeated for attempt in tried)
    return Rates(
        success=len({attempt.assignment.task.id for attempt in solved}) / len(tasks),
        first=sum(attempt.number == 0 for attempt in solved) / len(tasks),
        repeated=repeated / len(tried),
        again=repeated / max(1, len(tried) - len(solved)),
    )


def mean(of: Sequence[Rates]) -> Rates:
    """Average the same round over several seeds."""
    count = len(of)
    return Rates(
        success=sum(one.success for one in of) / count,
        first=sum(one.first for one in of) / count,
        repeated=sum(one.repeated for one in of) / count,
        again=sum(one.again for one in of) / count,
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of success shares with its 95 % interval."""

    value: float
    low: float
    high: float


def difference(pairs: Sequence[tuple[Diary, Diary]], number: int) -> Difference:
    """Compare two arms in one round, task by task.

    Each pair holds the two arms of one seed, which did the same tasks in the same
    words. The interval is a paired bootstrap over tasks: a task's difference, mean
    over the seeds, is resampled as a whole.

    Args:
        pairs: (arm, rival) per seed.
        number: The round, from 0.

    Returns:
        Success of the arms minus success of the rivals.
    """
    per_task: dict[str, list[int]] = defaultdict(list)
    for arm, rival in pairs:
        ours, theirs = _solved(arm, number), _solved(rival, number)
        for task_id, solved in ours.items():
            per_task[task_id].append(solved - theirs[task_id])
    values = [sum(one) / len(one) for one in per_task.values()]
    chance = random.Random(0)
    means = sorted(
        sum(chance.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES)
    )
    return Difference(
        value=sum(values) / len(values),
        low=means[int(0.025 * RESAMPLES)],
        high=means[int(0.975 * RESAMPLES) - 1],
    )


def _solved(diary: Diary, number: int) -> dict[str, int]:
    """Whether each task of a round was solved, 0 or 1, by task id."""
    solved: dict[str, int] = {}
    for attempt in diary.attempts:
        if attempt.assignment.round == number:
            task_id = attempt.assignment.task.id
            solved[task_id] = max(solved.get(task_id, 0), int(attempt.run.succeeded))
    return solved
