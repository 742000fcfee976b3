"""The workshop: names and paths are noise, and one exception has many causes.

Tasks are attempted for real, each in four variants of its setup (other file
names, values and wording). Same cause: the same task failed with the same
strategy in the same way (`benchmarks.workshop.model.cause`), in another variant.
Near-identical text: the same exception in the same family. Half of the families
is lived through, the other half is held out for the pairs. The agent tries
strategies in a random order until one works and reports each, in one attempt group.

What the programs print is kept on disk, so that only the first run executes them.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.learning.causes.cases import Attempt, Case, Subject, paired
from benchmarks.learning.embeddings import DEFAULT_CACHE
from benchmarks.learning.stream import Memory
from benchmarks.workshop.model import Strategy, Task, cause
from benchmarks.workshop.runner import run, script
from benchmarks.workshop.tasks import FAMILIES, STRATEGIES
from memory_core.signature import sign

PROJECT = "workshop"
VARIANTS = 4
MOST_TRIES = 4
MOST_PAIRS = 3_000


@dataclass(frozen=True, slots=True)
class Ran:
    """One strategy tried on one variant of one task: its error, "" when it worked."""

    task: Task
    strategy: Strategy
    variant: int
    error: str
    exception: str

    @property
    def wording(self) -> str:
        return self.task.wordings[self.variant % len(self.task.wordings)]

    @property
    def case(self) -> Case:
        kind = sign(self.error).error_class if self.error else ""
        return Case(
            project=PROJECT,
            task=self.wording,
            error=self.error,
            causes=frozenset({cause(self.task, self.strategy, self.exception)}),
            group=self.task.id,
            shape=f"{self.task.family} {kind}",
        )


def subject(seed: int, ran: list[Ran], questions: int) -> Subject:
    """Draw one seed: which families are lived through, and in which order."""
    chance = random.Random(f"causes {seed}")
    names = chance.sample([family.id for family in FAMILIES], len(FAMILIES))
    lived = set(names[: len(names) // 2])
    held = [r for r in ran if r.error and r.task.family not in lived and r.variant < 2]
    variants = {r.case: r.variant for r in held}
    pairs = paired(
        list(variants),
        lambda one, other: variants[one] != variants[other] and _family(one) == _family(other),
        MOST_PAIRS,
        np.random.default_rng([seed, 5]),
    )
    asked = [r.case for r in ran if r.error and r.variant == VARIANTS - 1]
    return Subject(
        name="workshop",
        seed=seed,
        memories=tuple(
            Memory(s.id, s.title, s.content, s.description, project=PROJECT) for s in STRATEGIES
        ),
        life=tuple(_life(ran, lived, chance)),
        pairs=pairs,
        questions=tuple(chance.sample(asked, min(questions, len(asked)))),
    )


def _family(case: Case) -> str:
    return case.shape.split(" ", 1)[0]


def _life(ran: list[Ran], lived: set[str], chance: random.Random) -> list[Attempt]:
    """Every task of the families in all variants but the last, one round a variant."""
    life = []
    for variant in range(VARIANTS - 1):
        by_task: dict[str, list[Ran]] = {}
        for r in ran:
            if r.variant == variant and r.task.family in lived:
                by_task.setdefault(r.task.id, []).append(r)
        for name in chance.sample(sorted(by_task), len(by_task)):
            tried = chance.sample(by_task[name], len(by_task[name]))
            works = next((i for i, r in enumerate(tried) if not r.error), len(tried))
            if works >= MOST_TRIES:  # it asks somebody who knows
                tried = [*tried[:MOST_TRIES], *tried[works : works + 1]]
            else:
                tried = tried[: works + 1]
            life.append(
                Attempt(
                    f"{name} {variant}",
                    PROJECT,
                    tried[0].wording,
                    tried=tuple((r.strategy.id, r.case if r.error else None) for r in tried),
                )
            )
    return life


def executed(say: Callable[[str], None], folder: Path = DEFAULT_CACHE) -> list[Ran]:
    """Attempt every task with every strategy of its family, in all variants; kept on disk."""
    jobs = [
        (task, strategy, variant)
        for family in FAMILIES
        for task in family.tasks
        for strategy in family.strategies
        for variant in range(VARIANTS)
    ]
    digest = hashlib.blake2b(sys.version.encode(), digest_size=12)
    for job in jobs:
        digest.update(script(*job).encode())
    file = folder.expanduser() / f"workshop-{digest.hexdigest()}.json"
    if not file.exists():
        say(f"running {len(jobs)} small programs (kept for later runs)")
        with ThreadPoolExecutor(2) as pool:
            runs = list(pool.map(lambda job: run(*job), jobs))
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = [(r.error or "failed" if r.exit_code else "", r.exception) for r in runs]
        file.write_text(json.dumps(kept), encoding="utf-8")
    told = json.loads(file.read_text(encoding="utf-8"))
    return [Ran(*job, error, name) for job, (error, name) in zip(jobs, told, strict=True)]
