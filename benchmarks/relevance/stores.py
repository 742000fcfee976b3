"""Stores to be silent and to speak in: memories, prompts that they answer, prompts they do not.

Every store knows half of its subject: the categories, templates, families or lessons that
are not remembered give prompts of the same domain that nothing stored answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.learning.stream import Memory
from benchmarks.learning.streams import advising, banking77, intercode, locomo

T = TypeVar("T")
HERE = Path(__file__).parent
NOTHING = "none"
"""The subject of a prompt that has nothing to do with the workshop."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt; `right` are the keys of the memories that are about it, none: nothing is."""

    text: str
    right: frozenset[str] = frozenset()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Stocked:
    """A store's memories, prompts that it answers, and prompts of its domain that it does not."""

    name: str
    memories: tuple[Memory, ...]
    answerable: tuple[Asked, ...]
    unanswerable: tuple[Asked, ...]


def build(name: str, data: Path, seed: int, most: int) -> Stocked:
    """Fill one store.

    Args:
        name: One of `NAMES`.
        data: The folder of the data sets.
        seed: Decides what is remembered and what is asked.
        most: The most prompts of each kind.
    """
    return _BUILDERS[name](data, seed, most)


def prompts(part: str) -> list[tuple[str, str]]:
    """(subject, prompt) of our own list, one half: "dev" or "test", split by a fixed hash."""
    kept = 0 if part == "dev" else 1
    pairs = [line.split(": ", 1) for line in _lines("prompts.txt")]
    return [(subject, text) for subject, text in pairs if _half(text) == kept]


@dataclass(frozen=True, slots=True)
class Failed:
    """What was tried and what was printed.

    `again` is the same failure met again, `alike` another one that only looks like it.
    """

    task: str
    error: str
    again: tuple[tuple[str, str], ...]
    alike: tuple[tuple[str, str], ...]


def errors(part: str) -> list[Failed]:
    """The errors of our own list, one half: "dev" or "test", or "all"."""
    blocks: list[tuple[str, str, list[str]]] = []
    for line in _lines("errors.txt"):
        if line.startswith("    "):
            blocks[-1][2].append(line[4:])
        else:
            mark = line[:2] if line[:2] in ("> ", "! ") else ""
            blocks.append((mark, line.removeprefix(mark), []))
    found: list[tuple[list[tuple[str, str]], ...]] = []
    for mark, task, printed in blocks:
        if not mark:
            found.append(([], [], []))
        found[-1][("", "> ", "! ").index(mark)].append((task, "\n".join(printed)))
    kept = {"dev": (0,), "test": (1,), "all": (0, 1)}[part]
    return [
        Failed(*first[0], tuple(again), tuple(alike))
        for first, again, alike in found
        if _half(first[0][0]) in kept
    ]


def _half(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _mixed(values: Iterable[T], seed: int) -> list[T]:
    found = list(values)
    return [found[place] for place in np.random.default_rng([seed, 12]).permutation(len(found))]


def _halves(labels: Iterable[str], seed: int) -> frozenset[str]:
    """Half of the labels: the remembered ones."""
    mixed = _mixed(sorted(set(labels)), seed)
    return frozenset(mixed[: (len(mixed) + 1) // 2])


def _labelled(
    name: str,
    memories: Sequence[tuple[Memory, str]],
    asked: Sequence[tuple[str, str]],
    seed: int,
    most: int,
) -> Stocked:
    """A store of the memories of half of the labels; a prompt is answered by its own label's."""
    known = _halves((label for _, label in memories), seed)
    kept = [(memory, label) for memory, label in memories if label in known]
    right: dict[str, set[str]] = {}
    for memory, label in kept:
        right.setdefault(label, set()).add(memory.key)
    pairs = _mixed(asked, seed)
    answered = [Asked(text, frozenset(right[label])) for text, label in pairs if label in right]
    return Stocked(
        name,
        tuple(memory for memory, _ in kept),
        tuple(answered[:most]),
        tuple(Asked(text) for text, label in pairs if label not in right)[:most],
    )


def _banking77(data: Path, seed: int, most: int) -> Stocked:
    stream = banking77.build(
        seed, data, bad=0.0, memories=1500, tasks=10, held_out=1200, split="dev"
    )
    labels: Mapping[str, str] = stream.world.procedure  # type: ignore[attr-defined]
    memories = [(memory, labels[memory.key]) for memory in stream.memories]
    asked = [(task.text, task.group) for task in stream.held_out]
    return _labelled("banking77", memories, asked, seed, most)


def _advising(data: Path, seed: int, most: int) -> Stocked:
    stream = advising.build(seed, data, memories=600, tasks=10, held_out=1200, split="dev")
    world = stream.world
    known: Mapping[str, advising.Question] = world.memories  # type: ignore[attr-defined]
    held: Mapping[str, advising.Question] = world.questions  # type: ignore[attr-defined]
    memories = [(memory, str(known[memory.key].template)) for memory in stream.memories]
    asked = [(task.text, str(held[task.key].template)) for task in stream.held_out]
    return _labelled("advising", memories, asked, seed, most)


def _workshop(_data: Path, seed: int, most: int) -> Stocked:
    from benchmarks.workshop.tasks import FAMILIES

    memories = [
        (Memory(one.id, one.title, one.content, description=one.description), family.id)
        for family in FAMILIES
        for one in family.strategies
    ]
    asked = [
        (text, family.id) for family in FAMILIES for task in family.tasks for text in task.wordings
    ]
    return _labelled("workshop", memories, asked, seed, most)


def _handbook(_data: Path, seed: int, most: int) -> Stocked:
    rows = [re.split(r"\s*\|\s*", line) for line in _lines("handbook.txt")]
    memories = [(Memory(row[0], row[0], row[1], task=row[2]), row[0]) for row in rows]
    asked = [(text, row[0]) for row in rows for text in row[3:]]
    return _labelled("handbook", memories, asked, seed, most)


def _intercode(data: Path, seed: int, most: int) -> Stocked:
    stream = intercode.build(seed, data, split="dev")
    world = stream.world
    assert isinstance(world, intercode.Repairs)
    projects = _mixed(sorted({memory.project for memory in stream.memories}), seed)
    project = max(
        projects[: len(projects) // 2],
        key=lambda name: sum(task.project == name for task in stream.held_out),
    )
    memories = tuple(memory for memory in stream.memories if memory.project == project)
    answered, others = [], []
    for task in _mixed(stream.held_out, seed):
        if task.project != project:
            others.append(Asked(task.text, error=task.error))
            continue
        event = world.event_of(task.key)
        right = {one.key for one in memories if world.resolves(event, world.fix_of(one.key))}
        if right:
            answered.append(Asked(task.text, frozenset(right), task.error))
    return Stocked("intercode", memories, tuple(answered[:most]), tuple(others[:most]))


def _locomo(data: Path, seed: int, most: int) -> Stocked:
    stream = locomo.build(seed, data, floor=True)
    project = _mixed(sorted({memory.project for memory in stream.memories}), seed)[0]
    memories = tuple(memory for memory in stream.memories if memory.project == project)
    questions: Mapping[str, frozenset[str]] = {
        key: one.evidence
        for key, one in stream.world.questions.items()  # type: ignore[attr-defined]
    }
    mixed = _mixed(stream.held_out, seed)
    own = [Asked(task.text, questions[task.key]) for task in mixed if task.project == project]
    others = [Asked(task.text) for task in mixed if task.project != project]
    return Stocked("locomo", memories, tuple(own[:most]), tuple(others[:most]))


_BUILDERS = {
    "banking77": _banking77,
    "advising": _advising,
    "intercode": _intercode,
    "locomo": _locomo,
    "workshop": _workshop,
    "handbook": _handbook,
}
NAMES = tuple(_BUILDERS)
