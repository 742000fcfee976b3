"""banking77: bad lessons. Past customer questions with the procedure that was followed.

A share of the memories has another category's procedure. An attempt follows the
first item shown and succeeds iff its procedure is the question's own.

Data: PolyAI's banking77 (CC BY 4.0), 77 categories; the corruption is ours.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.learning.measures import first_hit
from benchmarks.learning.stream import Attempt, Memory, Stream, Task

Layout = Literal["task", "title", "content"]
LAYOUTS: tuple[Layout, ...] = ("task", "title", "content")
Split = Literal["test", "dev"]


@dataclass(frozen=True, slots=True)
class _World:
    """Right iff the followed procedure is the question's."""

    procedure: Mapping[str, str]
    category: Mapping[str, str]

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        if not shown:
            return Attempt(0.0)
        hits = [self.procedure[key] == self.category[task.key] for key in shown]
        first, detail = (shown[0],), first_hit(hits)
        if hits[0]:
            return Attempt(1.0, first, helpful=first, detail=detail)
        return Attempt(0.0, first, harmful=first, detail=detail)


def build(
    seed: int,
    data: Path,
    *,
    bad: float = 0.2,
    memories: int = 1500,
    tasks: int = 2500,
    held_out: int = 1000,
    layout: Layout = "task",
    split: Split = "test",
    k: int = 3,
) -> Stream:
    """Draw one seed's stream.

    Args:
        seed: Decides which questions go where, which lessons are bad and how.
        data: The folder that holds `banking77/`.
        bad: Share of memories with another category's procedure, in [0, 1].
        memories: How many memories.
        tasks: How many tasks are reported on.
        held_out: How many are not.
        layout: Where a memory's question stands: in its task, in its title, or
            with everything else in its content.
        split: "test" holds out questions of the test file; "dev" questions of
            the training file, for development.
        k: Items shown.
    """
    chance = np.random.default_rng([seed, 77])
    train, test = _read(data / "banking77" / "train.csv"), _read(data / "banking77" / "test.csv")
    mixed = [train[i] for i in chance.permutation(len(train))]
    remembered, mixed = mixed[:memories], mixed[memories:]
    stream, rest = mixed[:tasks], mixed[tasks:]
    held = rest if split == "dev" else [test[i] for i in chance.permutation(len(test))]
    held = held[:held_out]
    made, procedure = _memories(remembered, bad, layout, chance)
    category: dict[str, str] = {}
    return Stream(
        name="banking77",
        seed=seed,
        memories=made,
        tasks=_tasks("task", stream, category),
        held_out=_tasks("held", held, category),
        world=_World(procedure, category),
        k=k,
    )


def _read(path: Path) -> list[tuple[str, str]]:
    """(question, category), each question once."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"].strip(), row["category"]) for row in csv.DictReader(file)]
    return list(dict(rows).items())


def _memories(
    questions: Sequence[tuple[str, str]], bad: float, layout: Layout, chance: np.random.Generator
) -> tuple[tuple[Memory, ...], dict[str, str]]:
    """The memories and the procedure of each."""
    categories = sorted({category for _, category in questions})
    wrong = set(chance.permutation(len(questions))[: round(bad * len(questions))].tolist())
    made, procedure = [], {}
    for number, (question, category) in enumerate(questions):
        others = [one for one in categories if one != category]
        other = others[int(chance.integers(len(others)))]
        key = f"memory {number}"
        procedure[key] = other if number in wrong else category
        made.append(_memory(key, question, procedure[key], layout))
    return tuple(made), procedure


def _memory(key: str, question: str, category: str, layout: Layout) -> Memory:
    name = category.replace("_", " ")
    title, content = f"Procedure: {name}", f"Follow the procedure for {name}."
    if layout == "task":
        return Memory(key, title, content, task=question)
    if layout == "title":
        return Memory(key, question[:200], content)
    return Memory(key, "Past question", f"Question: {question}\n{content}")


def _tasks(
    kind: str, questions: Sequence[tuple[str, str]], category: dict[str, str]
) -> tuple[Task, ...]:
    made = []
    for number, (question, right) in enumerate(questions):
        key = f"{kind} {number}"
        category[key] = right
        made.append(Task(key, question, group=right))
    return tuple(made)
