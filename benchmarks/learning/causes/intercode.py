"""intercode: the unknown name is the cause, and all errors read alike.

Same cause: some lesson of the database (of all parts, for the truth only) makes
both errors go away. Near-identical text: the same message around another name.
The agent reports its failure, recalls with the error, applies the fixes and
reports how it ended, all in one attempt group.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.learning.causes.cases import Attempt, Case, Subject, paired
from benchmarks.learning.streams import intercode
from benchmarks.learning.streams.intercode import Event, Repairs, Split
from memory_core.signature import sign

MOST_PAIRS = 3_000


def subject(seed: int, data: Path, split: Split, tasks: int, questions: int) -> Subject:
    """Draw one seed; see `benchmarks.learning.streams.intercode` for the split."""
    stream, _ = intercode.laid_out(seed, data, split=split, tasks=tasks, held_out=1)
    part = intercode.part_of(seed, split)
    truth = intercode.truth(data)
    held = [event for event in truth.events if part(event.gold) == "held"]
    cases = list(dict.fromkeys(_case(truth.world, truth.fixes, event) for event in held))
    cases = [case for case in cases if case.causes]
    chance = np.random.default_rng([seed, 3])
    asked = [cases[place] for place in chance.permutation(len(cases))[:questions]]
    return Subject(
        name="intercode",
        seed=seed,
        memories=stream.memories,
        life=tuple(
            Attempt(
                task.key,
                task.project,
                task.text,
                _case(truth.world, truth.fixes, stream.world.event_of(task.key)),
                asked=True,
            )
            for task in stream.tasks
            if isinstance(stream.world, Repairs)
        ),
        pairs=paired(cases, lambda one, other: one.project == other.project, MOST_PAIRS, chance),
        questions=tuple(asked),
        world=stream.world,
    )


def _case(world: Repairs, fixes: dict[str, tuple[intercode.Fix, ...]], event: Event) -> Case:
    causes = {fix for fix in fixes.get(event.database, ()) if world.resolves(event, fix)}
    return Case(
        project=event.database,
        task=event.question,
        error=event.error,
        causes=frozenset({(event.database, fix) for fix in causes}),
        group=event.gold,
        shape=sign(event.error).id,
    )
