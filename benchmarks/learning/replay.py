"""One stream under one condition: all rankers side by side, each acting on its own order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.baselines.fixed import Hybrid
from benchmarks.learning.conditions import Condition, Fates, Mailbox, Report
from benchmarks.learning.stream import Attempt, Rival, Slate, Stream, Task

Floats = NDArray[np.float64]
SIMILARITY = Hybrid.name
CURVE_POINTS = 10
CURVE_TASKS = 100
"""Held-out tasks that a point of the learning curve is measured on."""


class Ranker(Protocol):
    """Who shows memories for tasks and hears reports; keys are the stream's."""

    name: str

    def show(self, number: int, task: Task) -> tuple[str, ...]:
        """The keys of what is shown for a task of the stream, in order."""

    def look(self, task: Task) -> tuple[str, ...]:
        """The same for a held-out task, which nothing is ever reported of."""

    def hear(self, report: Report) -> None:
        """Learn one report of a task that was shown before."""

    def calibration(self) -> float | None:
        """The expected calibration error of its own predictions, None where it makes none."""


@dataclass(slots=True)
class RivalRanker:
    """A rival that ranks the product's own candidates.

    It serves by the product's rule: the best k of its order, the same text once.
    A rival that explores does so on the stream only; held-out tasks see the order
    that it holds for best.

    Attributes:
        rival: What ranks.
        slate: Gives a task's candidates.
        said: Gives the text of a memory's item by its key; equal texts are shown once.
        k: Items shown.
    """

    rival: Rival
    slate: Callable[[Task], Slate]
    said: Callable[[str], str]
    k: int
    name: str = field(init=False)
    _shown: dict[int, tuple[Task, tuple[int, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = self.rival.name

    def show(self, number: int, task: Task) -> tuple[str, ...]:
        slate = self.slate(task)
        rows = self._served(slate, self.rival.order(slate))
        self._shown[number] = (task, rows)
        return tuple(slate.keys[row] for row in rows)

    def look(self, task: Task) -> tuple[str, ...]:
        slate = self.slate(task)
        best = getattr(self.rival, "best", self.rival.order)
        return tuple(slate.keys[row] for row in self._served(slate, best(slate)))

    def hear(self, report: Report) -> None:
        if report.repeats:
            return
        task, rows = self._shown.pop(report.number)
        slate = self.slate(task)
        keys = [slate.keys[row] for row in rows]
        self.rival.learn(slate, report.feedback(rows, keys))

    def calibration(self) -> float | None:
        """None: rivals predict no probabilities."""
        return None

    def _served(self, slate: Slate, order: NDArray[np.int64]) -> tuple[int, ...]:
        rows: list[int] = []
        seen: set[str] = set()
        for row in order.tolist():
            text = self.said(slate.keys[row])
            if text not in seen:
                seen.add(text)
                rows.append(row)
            if len(rows) == self.k:
                break
        return tuple(rows)


@dataclass(slots=True)
class Trace:
    """What one ranker did under one condition.

    Attributes:
        online: float64[T], the chance of success of each attempt of the stream.
        held_out: float64[H], the same for the held-out tasks, after the stream.
        details: Means of what else the world measured on the held-out tasks.
        curve: (tasks done, mean success on a sample of the held-out tasks).
        backward: Mean change of each earlier group's held-out success from the
            end of its own tasks to the end of the stream (backward transfer,
            Lopez-Paz and Ranzato 2017); None where groups are mixed or only one.
        calibration: Expected calibration error of its own predictions.
        show_ms: Mean milliseconds of one answer.
        hear_ms: Mean milliseconds of one report, learning included.
        as_similarity: Whether it showed exactly what similarity shows before the
            first report, on the sample of the curve.
    """

    name: str
    online: Floats
    held_out: Floats = field(default_factory=lambda: np.zeros(0))
    details: Mapping[str, float] = field(default_factory=dict)
    curve: list[tuple[int, float]] = field(default_factory=list)
    backward: float | None = None
    calibration: float | None = None
    show_ms: float = 0.0
    hear_ms: float = 0.0
    as_similarity: bool | None = None


@dataclass(slots=True)
class _Run:
    """One ranker's run in progress."""

    ranker: Ranker
    mailbox: Mailbox
    trace: Trace
    after_group: dict[str, float] = field(default_factory=dict)
    showing: float = 0.0
    hearing: float = 0.0
    heard: int = 0

    def step(self, number: int, task: Task, stream: Stream) -> None:
        began = time.perf_counter()
        shown = self.ranker.show(number, task)
        self.showing += time.perf_counter() - began
        attempt = stream.world.attempt(task, shown)
        self.trace.online[number] = attempt.chance
        self.mailbox.post(number, attempt)
        self.take(self.mailbox.due(number))

    def take(self, reports: Sequence[Report]) -> None:
        for report in reports:
            began = time.perf_counter()
            self.ranker.hear(report)
            self.hearing += time.perf_counter() - began
            self.heard += 1


def replay(stream: Stream, rankers: Sequence[Ranker], condition: Condition) -> dict[str, Trace]:
    """Let every ranker work through the stream, then through the held-out tasks.

    Args:
        stream: Tasks in the order in which they come.
        rankers: The first is compared with plain hybrid similarity, where that is
            one of them, before the first report. Names are unique.
        condition: How outcomes are reported.

    Returns:
        Traces by name, in the order of the rankers.
    """
    fates = Fates.draw(stream.seed, len(stream.tasks))
    runs = [
        _Run(one, Mailbox(fates, condition), Trace(one.name, np.zeros(len(stream.tasks))))
        for one in rankers
    ]
    sample = curve_sample(stream)
    ends = group_ends(stream.tasks)
    every = max(len(stream.tasks) // CURVE_POINTS, 1)
    _compare_at_start(runs, sample)
    _measure(runs, sample, stream, 0)
    for number, task in enumerate(stream.tasks):
        for run in runs:
            run.step(number, task, stream)
        if (number + 1) % every == 0 and number + 1 < len(stream.tasks):
            _measure(runs, sample, stream, number + 1)
        if number in ends:
            _close_group(runs, ends[number], stream)
    for run in runs:
        run.take(run.mailbox.rest())
    if stream.tasks:
        _measure(runs, sample, stream, len(stream.tasks))
    for run, attempts in zip(runs, _looked(runs, stream.held_out, stream), strict=True):
        _finish(run, attempts, stream)
    return {run.trace.name: run.trace for run in runs}


def curve_sample(stream: Stream) -> list[Task]:
    """The held-out tasks that curves are measured on, the same at every point."""
    count = min(CURVE_TASKS, len(stream.held_out))
    chance = np.random.default_rng([stream.seed, 2])
    places = np.sort(chance.permutation(len(stream.held_out))[:count])
    return [stream.held_out[place] for place in places]


def group_ends(tasks: Sequence[Task]) -> dict[int, str]:
    """Where each group's last task stands; empty where groups are mixed or only one."""
    ends = {
        number: task.group
        for number, task in enumerate(tasks)
        if number + 1 == len(tasks) or tasks[number + 1].group != task.group
    }
    groups = {task.group for task in tasks}
    return ends if len(ends) == len(groups) > 1 else {}


def _compare_at_start(runs: Sequence[_Run], sample: Sequence[Task]) -> None:
    similarity = next((run.ranker for run in runs if run.trace.name == SIMILARITY), None)
    if similarity is None:
        return
    first = runs[0]
    first.trace.as_similarity = all(
        first.ranker.look(task) == similarity.look(task) for task in sample
    )


def _looked(runs: Sequence[_Run], tasks: Sequence[Task], stream: Stream) -> list[list[Attempt]]:
    """What each ranker would do now with held-out tasks, which stay unreported."""
    found: list[list[Attempt]] = [[] for _ in runs]
    for task in tasks:
        for run, attempts in zip(runs, found, strict=True):
            attempts.append(stream.world.attempt(task, run.ranker.look(task)))
    return found


def _success(attempts: Sequence[Attempt]) -> float:
    return float(np.mean([attempt.chance for attempt in attempts]))


def _measure(runs: Sequence[_Run], sample: Sequence[Task], stream: Stream, done: int) -> None:
    for run, attempts in zip(runs, _looked(runs, sample, stream), strict=True):
        if attempts:
            run.trace.curve.append((done, _success(attempts)))


def _close_group(runs: Sequence[_Run], group: str, stream: Stream) -> None:
    tasks = [task for task in stream.held_out if task.group == group]
    for run, attempts in zip(runs, _looked(runs, tasks, stream), strict=True):
        if attempts:
            run.after_group[group] = _success(attempts)


def _finish(run: _Run, attempts: Sequence[Attempt], stream: Stream) -> None:
    """Take the held-out attempts at the end, and what else is known then."""
    trace = run.trace
    trace.held_out = np.array([attempt.chance for attempt in attempts], dtype=np.float64)
    trace.details = _means([attempt.detail for attempt in attempts])
    trace.backward = _backward(run, stream.held_out)
    trace.calibration = run.ranker.calibration()
    trace.show_ms = 1000.0 * run.showing / max(len(stream.tasks), 1)
    trace.hear_ms = 1000.0 * run.hearing / max(run.heard, 1)


def _means(details: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of every measure over the tasks that have it."""
    names = dict.fromkeys(name for detail in details for name in detail)
    return {
        name: float(np.mean([detail[name] for detail in details if name in detail]))
        for name in names
    }


def _backward(run: _Run, tasks: Sequence[Task]) -> float | None:
    """Backward transfer over the groups but the last, whose end is the stream's."""
    groups = list(run.after_group)[:-1]
    if not groups:
        return None
    changes = []
    for group in groups:
        now = [
            value
            for value, task in zip(run.trace.held_out, tasks, strict=True)
            if task.group == group
        ]
        changes.append(float(np.mean(now)) - run.after_group[group])
    return float(np.mean(changes))
