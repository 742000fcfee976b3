"""Recovery in a session: the first attempt failed, the same task is asked again at once.

Every retry is a recall in the same session, and every failure is reported before
the next. What counts is the chance of success within one, two and three retries,
weighted by how probable the first failure was; no draws are needed.
"""

from __future__ import annotations

from benchmarks.learning.offline import feedback_of
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
from benchmarks.learning.stream import Rival, Task
from memory_core.ports import Embedder

RETRIES = 3
RIVALS = ("hybrid", "cosine", "MemRL", "ACE counters", "Laplace", "Thompson", "LinUCB")
GENERATORS = ("advice", "conditions", "decoys")


def who() -> dict[str, Maker]:
    """Whom this protocol measures."""
    return makers(RIVALS)


def measure(seed: int, embedder: Embedder, sizes: Sizes) -> dict[str, Figures]:
    """Measure every ranker on one seed, cold and after reports, by generator."""
    found: dict[str, Figures] = {}
    for generator in GENERATORS:
        here = ground(
            seed, embedder, generator=generator, tasks=sizes.warm, held_out=sizes.held_out
        )
        trained = {name: maker(here.dimension, seed) for name, maker in who().items()}
        for state in ("cold", "warm"):
            for name, rival in trained.items():
                if state == "warm":
                    here.loop(rival).run(here.tasks)
                found[f"{generator}, {state}: {name}"] = _within(here, rival)
    return found


def _within(here: Ground, rival: Rival) -> Figures:
    """Success of the first attempt and within 1 to 3 retries."""
    weights, firsts = 0.0, 0.0
    solved = [0.0] * RETRIES
    for task in here.held_out:
        first, *chances = _chances(here, copied(rival), task)
        firsts += first
        weights += 1.0 - first
        failed = 1.0
        for place, chance in enumerate(chances):
            failed *= 1.0 - chance
            solved[place] += (1.0 - first) * (1.0 - failed)
    within = {f"within {place + 1}": solved[place] / weights for place in range(RETRIES)}
    return {"first attempt": firsts / len(here.held_out), **within}


def _chances(here: Ground, rival: Rival, task: Task) -> list[float]:
    """The chance of the first attempt and of each retry, given that all before failed."""
    if isinstance(rival, Sessions):
        rival.begin(f"session of {task.key}")
    chances = []
    for _ in range(1 + RETRIES):
        slate = here.slates.of(task)
        shown = [int(row) for row in rival.order(slate)[: here.k]]
        attempt = here.truth.attempt(task, [slate.keys[row] for row in shown])
        chances.append(attempt.chance)
        told = feedback_of(attempt, slate, shown, success=False, flipped=False, say="flag")
        rival.learn(slate, told)
    return chances
