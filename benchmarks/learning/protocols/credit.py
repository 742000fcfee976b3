"""Credit truth: sets with one planted cause; does an item's record tell the cause from bystanders?

Every set has three memories of one problem. One of them, the right or the worst,
decides alone how the attempt ends (nine times in ten); the others do nothing. It
stands first, second or third as often as the places are looked at (.6, .25, .15).
Only the bare outcome is reported, so an item's record is what credit made of it.
Measured by the area under the ROC curve, on held-out tasks: the right one above
its bystanders, and the bystanders above the wrong one. 0.5 is chance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.baselines.base import Baseline
from benchmarks.learning.learner_rival import LearnerRival
from benchmarks.learning.protocols.ground import Figures, Ground, Maker, Sizes, ground, makers
from benchmarks.learning.stream import Feedback, Rival, Slate, Task
from benchmarks.learning.streams.simulator.truth import EXAMINED, IRRELEVANT
from memory_core.model import Credit
from memory_core.ports import Embedder
from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EVIDENCE, STANDING

SURE = 0.9
WHOLE = "lessonbank, whole-episode credit"
Floats = NDArray[np.float64]


class WholeEpisode(LearnerRival):
    """The same learner, but every served item is credited with the outcome itself."""

    name = WHOLE

    def credit(self, episode: Episode) -> tuple[Credit, ...]:
        value = 2.0 * episode.reward - 1.0
        scale = float(episode.attention.max()) or 1.0
        return tuple(
            Credit(item_id, value, episode.trust * episode.strength * float(share) / scale)
            for item_id, share in zip(episode.ids, episode.attention, strict=True)
        )


def who() -> dict[str, Maker]:
    """Whom this protocol measures."""
    return {**makers(), WHOLE: WholeEpisode}


def measure(seed: int, embedder: Embedder, sizes: Sizes) -> dict[str, Figures]:
    """Measure every ranker on one seed; all are told the same sets and outcomes."""
    here = ground(seed, embedder, tasks=sizes.reports, held_out=sizes.held_out)
    found = {}
    for name, maker in who().items():
        rival = maker(here.dimension, seed)
        for number, task in enumerate(here.tasks):
            _tell(here, rival, task, number)
        found[name] = _areas(here, partial(_record, rival))
        if isinstance(rival, LearnerRival):
            found[f"{name} (standing)"] = _areas(here, partial(_standing, rival))
    return found


def planted(here: Ground, slate: Slate, task: Task) -> tuple[int, int, list[int]]:
    """(row of the right memory, row of the worst, rows of the problem's others)."""
    values = here.truth.utilities(task, slate.keys)
    rows = [int(row) for row in np.flatnonzero(values != IRRELEVANT)]
    columns = np.array([here.truth.columns[slate.keys[row]] for row in rows])
    always = _always(here, task)[columns]
    right, wrong = rows[int(np.argmax(always))], rows[int(np.argmin(always))]
    return right, wrong, [row for row in rows if row not in (right, wrong)]


def _always(here: Ground, task: Task) -> Floats:
    """The least that each memory is worth for the task's problem, float64[memories]."""
    problem = here.truth.problem(task)
    rows = [row for row, one in enumerate(here.truth.problems) if one == problem]
    least: Floats = here.truth.table[rows].min(axis=0)
    return least


def _tell(here: Ground, rival: Rival, task: Task, number: int) -> None:
    """Report one planted set."""
    rng = np.random.default_rng((here.seed, 401, number))
    slate = here.slates.of(task)
    right, wrong, others = planted(here, slate, task)
    if len(others) < 2:
        return
    good = bool(rng.random() < 0.5)
    rows = [int(row) for row in rng.permutation(others)[:2]]
    rows.insert(int(rng.choice(3, p=EXAMINED)), right if good else wrong)
    shown = tuple(rows)
    success = (rng.random() < SURE) == good
    rival.order(slate)
    nothing = np.full(3, np.nan)
    rival.learn(slate, Feedback(shown, float(success), np.ones(3, dtype=np.bool_), nothing))


def _areas(here: Ground, read: Callable[[Slate], Floats]) -> Figures:
    """Mean areas over held-out tasks of what is held of each item in itself."""
    right_over, over_wrong = [], []
    for task in here.held_out:
        slate = here.slates.of(task)
        right, wrong, others = planted(here, slate, task)
        if not others:
            continue
        said = read(slate)
        right_over.append(_above(said[right], said[others]))
        over_wrong.append(1.0 - _above(said[wrong], said[others]))
    both = (float(np.mean(right_over)), float(np.mean(over_wrong)))
    return {"area": sum(both) / 2, "right over others": both[0], "others over wrong": both[1]}


def _above(one: float, others: Floats) -> float:
    """The share of the others below one, ties half: the area under the curve for one positive."""
    return float(np.mean((others < one) + 0.5 * (others == one)))


def _record(rival: Rival, slate: Slate) -> Floats:
    """What a ranker holds of each candidate: the kernel evidence, its record, or its score."""
    if isinstance(rival, LearnerRival):
        evidence: Floats = rival.ranking(slate).experts[:, EVIDENCE]
        return evidence
    return cast(Baseline, rival).record(slate.panel)


def _standing(rival: LearnerRival, slate: Slate) -> Floats:
    """The learner's other record: an item's outcomes in all conditions."""
    standing: Floats = rival.ranking(slate).experts[:, STANDING]
    return standing
