"""Replaying a stream on any ranker in plain arrays: outcomes, noise, evaluation.

For quick work, tuning and the protocols; `python -m benchmarks.learning` replays
the whole product path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.learning.stream import (
    Attempt,
    Feedback,
    Richness,
    Rival,
    Slate,
    Stream,
    Task,
    World,
)

SlateOf = Callable[[Task], Slate]


def held_out_order(rival: Rival, slate: Slate) -> tuple[int, ...]:
    """The rows as the rival holds them for best: without exploration where it explores."""
    best = getattr(rival, "best", rival.order)
    return tuple(int(row) for row in best(slate))


def feedback_of(
    attempt: Attempt,
    slate: Slate,
    shown: Sequence[int],
    *,
    success: bool,
    flipped: bool,
    say: Richness,
) -> Feedback:
    """What is reported of an attempt; a flipped report is wrong in outcome and labels."""
    keys = [slate.keys[row] for row in shown]
    used = np.ones(len(shown), dtype=np.bool_)
    labels = np.full(len(shown), np.nan)
    if say != "flag":
        used = np.array([key in attempt.used for key in keys], dtype=np.bool_)
    if say == "labels":
        good, bad = attempt.helpful, attempt.harmful
        if flipped:
            good, bad = bad, good
        for place, key in enumerate(keys):
            labels[place] = 1.0 if key in good else -1.0 if key in bad else np.nan
    return Feedback(tuple(shown), float(success != flipped), used, labels)


@dataclass(slots=True)
class Loop:
    """One ranker on one stream: shows, attempts, reports. Draws are the same for every ranker.

    `online` are the chances of success of what was shown, in order.
    """

    rival: Rival
    slate_of: SlateOf
    world: World
    k: int = 3
    noise: float = 0.0
    say: Richness = "flag"
    seed: int = 0
    online: list[float] = field(default_factory=list)

    def run(self, tasks: Sequence[Task], after: Callable[[int], None] = lambda _: None) -> None:
        """Attempt and report each task; `after` is called with the number of reports so far."""
        for task in tasks:
            self.step(task)
            after(len(self.online))

    def step(self, task: Task) -> bool:
        """Attempt and report one task; gives whether it truly succeeded."""
        slate = self.slate_of(task)
        shown = [int(row) for row in self.rival.order(slate)[: self.k]]
        attempt = self.world.attempt(task, [slate.keys[row] for row in shown])
        draws = np.random.default_rng((self.seed, len(self.online))).random(2)
        success, flipped = bool(draws[0] < attempt.chance), bool(draws[1] < self.noise)
        self.online.append(attempt.chance)
        told = feedback_of(attempt, slate, shown, success=success, flipped=flipped, say=self.say)
        self.rival.learn(slate, told)
        return success


def expected_success(
    rival: Rival, tasks: Sequence[Task], slate_of: SlateOf, world: World, k: int = 3
) -> float:
    """The mean chance of success of what the rival holds for best, in [0, 1]."""
    chances = []
    for task in tasks:
        slate = slate_of(task)
        rows = held_out_order(rival, slate)[:k]
        chances.append(world.attempt(task, [slate.keys[row] for row in rows]).chance)
    return float(np.mean(chances))


def replayed(
    rival: Rival, stream: Stream, slate_of: SlateOf, *, noise: float = 0.0, say: Richness = "flag"
) -> tuple[float, float]:
    """(held-out success after the whole stream, mean success along it)."""
    loop = Loop(rival, slate_of, stream.world, stream.k, noise, say, stream.seed)
    loop.run(stream.tasks)
    held = expected_success(rival, stream.held_out, slate_of, stream.world, stream.k)
    return held, float(np.mean(loop.online))
