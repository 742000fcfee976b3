"""Poisoning: one foreign source reports successes that never were, after honest reports.

Global: 100 reports over all problems. Targeted: 30 on one problem. The source may
only report on recalls that were served to it, a minute apart; it says that the
worst of the served memories was used, and that it worked. As a bare flag, it only
says that it worked.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

import numpy as np

from benchmarks.learning.learner_rival import OWN, LearnerRival
from benchmarks.learning.protocols.ground import (
    Figures,
    Ground,
    Maker,
    Sessions,
    Sizes,
    copied,
    ground,
    makers,
)
from benchmarks.learning.stream import Feedback, Rival, Task
from memory_core.ports import Embedder

STRANGER = "a stranger"
GLOBAL, TARGETED = 100, 30
VICTIMS = 4
UNPROTECTED = "lessonbank without quota"


def who() -> dict[str, Maker]:
    """Whom this protocol measures."""
    return {**makers(), UNPROTECTED: LearnerRival}


def measure(seed: int, embedder: Embedder, sizes: Sizes) -> dict[str, Figures]:
    """Measure every ranker on one seed."""
    here = ground(seed, embedder, tasks=sizes.warm + 600, held_out=2 * sizes.held_out)
    found = {}
    for name, maker in who().items():
        rival = maker(here.dimension, seed)
        here.loop(rival).run(here.tasks[: sizes.warm])
        source = OWN if name == UNPROTECTED else STRANGER
        found[name] = _attacked(here, rival, here.tasks[sizes.warm :], source)
    return found


def _attacked(here: Ground, rival: Rival, later: Sequence[Task], source: str) -> Figures:
    """What both attacks cost; the ranker itself stays as it is."""
    before = here.success(rival, here.held_out)
    figures = {"before": before}
    for name, bare in (("global loss, bare flag", True), ("global loss", False)):
        flooded = copied(rival)
        _fake(here, flooded, later[:GLOBAL], source, bare=bare)
        figures[name] = before - here.success(flooded, here.held_out)
    lost, others = [], []
    for victim in _victims(here):
        hit = copied(rival)
        own = [task for task in later if here.truth.problem(task) == victim]
        _fake(here, hit, list(islice(cycle(own), TARGETED)), source)
        theirs = [task for task in here.held_out if here.truth.problem(task) == victim]
        rest = [task for task in here.held_out if here.truth.problem(task) != victim]
        lost.append(here.success(rival, theirs) - here.success(hit, theirs))
        others.append(here.success(rival, rest) - here.success(hit, rest))
    figures["victim loss"] = float(np.mean(lost))
    figures["others' loss"] = float(np.mean(others))
    return figures


def _victims(here: Ground) -> list[int]:
    """Some problems, spread over the domains."""
    problems = sorted({here.truth.problem(task) for task in here.held_out})
    return problems[:: max(len(problems) // VICTIMS, 1)][:VICTIMS]


def _fake(
    here: Ground, rival: Rival, tasks: Sequence[Task], source: str, *, bare: bool = False
) -> None:
    """Report success of what was worst among what was served, or just success."""
    if isinstance(rival, Sessions):
        rival.begin("attack")
    for task in tasks:
        slate = here.slates.of(task)
        shown = tuple(int(row) for row in rival.order(slate)[: here.k])
        values = here.truth.utilities(task, [slate.keys[row] for row in shown])
        used = (np.arange(len(shown)) == int(np.argmin(values))) | bare
        told = Feedback(shown, 1.0, used, np.full(len(shown), np.nan))
        if isinstance(rival, LearnerRival):
            rival.learn_from(slate, told, source)
        else:
            rival.learn(slate, told)
