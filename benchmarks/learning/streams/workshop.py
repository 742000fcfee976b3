"""The workshop's executed tasks in the same table: `benchmarks.workshop`, arm by arm.

Each arm is a ranker. There are no tasks apart: "held out" is the last round,
whose tasks come in other words and with other inputs than before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from benchmarks.learning.conditions import Condition
from benchmarks.learning.replay import SIMILARITY, Trace
from benchmarks.learning.results import LEARNED, result
from benchmarks.learning.running import Played
from benchmarks.workshop import course
from benchmarks.workshop.agent import Diary
from benchmarks.workshop.tasks import FAMILIES, STRATEGIES, TASKS

NAMES = {course.LEARNED: LEARNED, course.SIMILARITY: SIMILARITY, course.NO_MEMORY: "no memory"}
"""The arms' names in the table, ours first."""
CONDITION = Condition(richness="used")
"""How the workshop's agent reports: outcome, exit code, error and what it followed."""


def run(seeds: Sequence[int], *, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Run the workshop and give its result in the shape of the other streams'."""
    played = []
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="lessonbank-learning-workshop-") as place:
            options = course.Options(rounds=rounds)
            done = anyio.run(course.run_course, FAMILIES, seed, Path(place), options, say)
        played.append(_played(done, rounds))
    return result("workshop", {"rounds": rounds}, (CONDITION,), played)


def _played(done: course.Course, rounds: int) -> Played:
    traces = {
        name: trace_of(name, done.diaries[arm], rounds, [task.id for task in TASKS])
        for arm, name in NAMES.items()
    }
    traces[LEARNED].calibration = done.known.scorer.get("calibration_error")
    sizes = {"memories": len(STRATEGIES), "tasks": rounds * len(TASKS), "held_out": len(TASKS)}
    return Played(done.seed, sizes, (traces,))


def trace_of(name: str, diary: Diary, rounds: int, tasks: Sequence[str]) -> Trace:
    """One arm's diary as a trace.

    Args:
        name: Of the ranker.
        diary: What the arm did.
        rounds: How many rounds it worked.
        tasks: Ids of the tasks of every round.
    """
    solved = np.zeros((rounds, len(tasks)))
    place = {task: column for column, task in enumerate(tasks)}
    for attempt in diary.attempts:
        if attempt.run.succeeded:
            solved[attempt.assignment.round, place[attempt.assignment.task.id]] = 1.0
    means = solved.mean(axis=1).tolist()
    return Trace(
        name,
        online=solved.reshape(-1),
        held_out=solved[-1],
        curve=[(number * len(tasks), value) for number, value in enumerate(means)],
    )
