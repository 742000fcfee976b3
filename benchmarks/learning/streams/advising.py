"""advising: reuse. Past questions with their SQL templates; a template fits several wordings.

An attempt follows the first item shown: it fills the template's slots from the
new question's mentions, by type and order, and succeeds iff the SQL is one of
the question's own, its variables filled.

Data: the advising part of text2sql-data (CC BY 4.0), 4,387 questions over 205
templates.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.learning.measures import first_hit
from benchmarks.learning.stream import Attempt, Memory, Stream, Task

Layout = Literal["task", "title"]
Split = Literal["test", "dev"]
TITLE = "Query that answered a past question"
GROUPS = (
    ("records", ("STUDENT_RECORD", "STUDENT")),
    ("prerequisites", ("COURSE_PREREQUISITE",)),
    ("instructors", ("INSTRUCTOR", "OFFERING_INSTRUCTOR")),
    ("programs", ("PROGRAM_COURSE", "PROGRAM")),
    ("offerings", ("COURSE_OFFERING", "SEMESTER")),
    ("courses", ("COURSE", "AREA")),
)
"""What a question is about: the first group of whose tables its query reads one."""
_TABLE = re.compile(r"\b([A-Z_]+) AS \1alias\d")
_WORD = re.compile(r"[A-Za-z]+\d+")


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a template: its name, what may fill it, and what stands for an unsaid one."""

    name: str
    type: str
    default: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was asked.

    `mentions` are its variables' (type, value) in the order of the text; `slots`
    its template's, the mentioned ones first, in the order of the text.
    """

    text: str
    template: int
    sql: tuple[str, ...]
    slots: tuple[Slot, ...]
    mentioned: int
    mentions: tuple[tuple[str, str], ...]
    answers: frozenset[str]
    split: str

    @property
    def plan(self) -> str:
        """The template that is remembered: the first of its equal ways to say it."""
        return self.sql[0]

    @property
    def group(self) -> str:
        """What it is about, by the tables that its query reads."""
        tables = set(_TABLE.findall(self.plan))
        return next((name for name, ones in GROUPS if tables.intersection(ones)), "courses")


def filled(sql: str, values: Mapping[str, str]) -> str:
    """Put values in the place of slots, whole words at a time.

    Example:
        >>> filled('SELECT name WHERE number = number0 ;', {'number0': '280'})
        'SELECT name WHERE number = 280 ;'
    """
    return _WORD.sub(lambda found: values.get(found[0], found[0]), sql)


def applied(memory: Question, question: Question) -> str | None:
    """The SQL of a remembered template for a new question; None where a mention is missing.

    The n-th slot of a type takes the question's n-th mention of that type. A slot
    that the remembered question did not mention either keeps its default where
    there is nothing to fill it.
    """
    waiting: defaultdict[str, list[str]] = defaultdict(list)
    for kind, value in question.mentions:
        waiting[kind].append(value)
    values = {}
    for place, slot in enumerate(memory.slots):
        if waiting[slot.type]:
            values[slot.name] = waiting[slot.type].pop(0)
        elif place < memory.mentioned:
            return None
        else:
            values[slot.name] = slot.default
    return filled(memory.plan, values)


def solves(memory: Question, question: Question) -> bool:
    """Whether applying a remembered template gives an SQL of the question."""
    return applied(memory, question) in question.answers


@dataclass(frozen=True, slots=True)
class _World:
    """Right iff the followed template, filled, is the question's SQL."""

    memories: Mapping[str, Question]
    questions: Mapping[str, Question]

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        if not shown:
            return Attempt(0.0)
        question, first = self.questions[task.key], shown[0]
        hits = [solves(self.memories[key], question) for key in shown]
        detail = first_hit(hits)
        if hits[0]:
            return Attempt(1.0, (first,), helpful=(first,), detail=detail)
        return Attempt(0.0, (first,), harmful=(first,), detail=detail)


# -- the stream ------------------------------------------------------------------


def build(
    seed: int,
    data: Path,
    *,
    memories: int = 400,
    tasks: int = 1200,
    held_out: int = 500,
    layout: Layout = "task",
    split: Split = "test",
    k: int = 3,
) -> Stream:
    """Draw one seed's stream; its groups come one after another.

    Args:
        seed: Decides which questions go where and the order of the groups.
        data: The folder that holds `text2sql/`.
        memories: How many past questions are remembered.
        tasks: How many questions are reported on.
        held_out: The most that are not: questions that some memory answers.
        layout: Where a memory's question stands: in its task, or in its title.
        split: "test" holds out the data set's test questions; "dev" its development
            questions and training questions that nothing else uses, for tuning.
        k: Items shown.
    """
    chance = np.random.default_rng([seed, 205])
    asked = read(data / "text2sql" / "advising.json")
    mixed = [asked[place] for place in chance.permutation(len(asked))]
    pool = [question for question in mixed if question.split in ("train", "exclude")]
    remembered, pool = pool[:memories], pool[memories:]
    stream, pool = pool[:tasks], pool[tasks:]
    kept = [question for question in mixed if question.split == split]
    kept += pool if split == "dev" else []
    held = [question for question in kept if _answerable(question, remembered)][:held_out]
    groups = [GROUPS[place][0] for place in chance.permutation(len(GROUPS))]
    stream.sort(key=lambda question: groups.index(question.group))
    known = {f"task {number}": question for number, question in enumerate(stream)}
    apart = {f"held {number}": question for number, question in enumerate(held)}
    by_key = {f"memory {number}": question for number, question in enumerate(remembered)}
    return Stream(
        name="advising",
        seed=seed,
        memories=tuple(_memory(key, question, layout) for key, question in by_key.items()),
        tasks=tuple(Task(key, one.text, group=one.group) for key, one in known.items()),
        held_out=tuple(Task(key, one.text, group=one.group) for key, one in apart.items()),
        world=_World(by_key, {**known, **apart}),
        k=k,
    )


def _answerable(question: Question, memories: Sequence[Question]) -> bool:
    return any(solves(memory, question) for memory in memories)


def _memory(key: str, question: Question, layout: Layout) -> Memory:
    if layout == "title":
        return Memory(key, question.text[:200], question.plan)
    return Memory(key, TITLE, question.plan, task=question.text)


# -- reading ---------------------------------------------------------------------


def read(path: Path) -> list[Question]:
    """All questions, each wording with its values once."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    questions: dict[tuple[str, int], Question] = {}
    for template, entry in enumerate(entries):
        for sentence in entry["sentences"]:
            question = _question(template, entry, sentence)
            questions.setdefault((question.text, template), question)
    return list(questions.values())


def _question(template: int, entry: Mapping[str, Any], sentence: Mapping[str, Any]) -> Question:
    declared = {variable["name"]: variable for variable in entry["variables"]}
    values = {name: value for name, value in sentence["variables"].items() if value}
    text = str(sentence["text"])
    names = [found for found in dict.fromkeys(_WORD.findall(text)) if found in values]
    slots = [name for name in names if name in declared]
    slots += [name for name in declared if name not in names]
    given = {name: values.get(name) or str(declared[name]["example"]) for name in declared}
    return Question(
        text=filled(text, values),
        template=template,
        sql=tuple(entry["sql"]),
        slots=tuple(
            Slot(name, declared[name]["type"], str(declared[name]["example"])) for name in slots
        ),
        mentioned=sum(name in names for name in slots),
        mentions=tuple((_type(name, declared), values[name]) for name in names),
        answers=frozenset(filled(sql, given) for sql in entry["sql"]),
        split=sentence["question-split"],
    )


def _type(name: str, declared: Mapping[str, Any]) -> str:
    return str(declared[name]["type"]) if name in declared else name.rstrip("0123456789")
