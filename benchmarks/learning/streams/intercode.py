"""intercode: recovery from failures. Real failing SQL, real errors, fixes that are executed.

A memory is one lesson that was distilled from a trajectory that recovered: "use Z
in place of X", with the question it came from as its task and the database as
its project. A task is a question and the real error of an agent's first query.
The agent tries the fixes it is shown, in their order, each distinct fix once, at
most five: it replaces X by Z in its query and executes that on SQLite. A fix
after which the error is gone and another follows is kept, and the next one is
applied on top of it; one after which the database complains of the same, or of
the new name, or gives the wrong rows, is taken back. The attempt succeeds when
one of these queries gives the gold query's rows: the final result is the label.
That an error is gone earns nothing.

One recall a task: a chain of fixes has to be in the one list that is shown. The
error of the second query is not asked about, so that a task has one outcome and
every ranker's list is judged by itself. Duplicates of a fix (the same X and Z from
another question) count once, so a ranking is best passed whole or with its texts
told apart, as recall does.

Which tasks: only events that SQLite complains of as MySQL did, whose gold query
gives at least one row (a wrong query would give "no rows" too easily). Held-out
ones are `answerable`: some stored lesson of their database makes the error go
away. Where none does, every order is the same. What a ranker gets on all
held-out events is `recovered` times the answerable share in `Facts`.

Questions with the same gold SQL never cross the split, and the test part is the
same for every seed, so that what was tuned with one seed never saw another's
test questions. Without memory nothing is recovered, by construction: the
failing query fails again.

Data: InterCode (MIT), with questions and databases of Spider.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.learning.stream import Attempt, Memory, Stream, Task
from benchmarks.learning.streams.sqlite_room import Databases, Result, databases

MOST_FIXES = 5
TEST_SHARE, DEV_SHARE = 0.25, 0.2
Split = Literal["test", "dev"]


@dataclass(frozen=True, slots=True)
class Fix:
    """Use `right` in place of `wrong`, both in lower case."""

    wrong: str
    right: str

    def applied(self, sql: str) -> str:
        """The query with every whole `wrong` replaced; the same query when there is none.

        Example:
            >>> Fix("id", "dog_id").applied("SELECT d.id FROM dogs d WHERE paid")
            'SELECT d.dog_id FROM dogs d WHERE paid'
        """
        whole = re.compile(rf"(?<!\w){re.escape(self.wrong)}(?!\w)", re.IGNORECASE)
        return whole.sub(lambda _: self.right, sql)


@dataclass(frozen=True, slots=True)
class Event:
    """One failed query: `about` is what SQLite complains of, `answer` the gold rows."""

    database: str
    question: str
    sql: str
    error: str
    gold: str
    run: str
    about: Result
    answer: Result


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts of a split: held-out events in all, answerable ones, and distinct stored fixes."""

    held_out: int
    answerable: int
    fixes: int


@dataclass(frozen=True, slots=True)
class _State:
    """A query and how it ended."""

    sql: str
    result: Result


@dataclass(frozen=True, slots=True)
class _Step:
    """One fix tried: whether it changed the query, the complaint, and gave the gold rows."""

    state: _State
    applied: bool
    moved: bool
    right: bool


def _gone(before: Result, after: Result, fix: Fix) -> bool:
    """Whether a complaint is gone: not the same again, and none of the new name."""
    if after.rows is not None:
        return True
    missing = after.missing
    return missing is not None and missing != before.missing and missing[1] != fix.right


class Repairs:
    """The world: which fix a memory stands for, and what became of a query with it."""

    def __init__(
        self, room: Databases, fixes: Mapping[str, Fix], events: Mapping[str, Event]
    ) -> None:
        self._room, self._fixes, self._events = room, fixes, events

    def fix_of(self, key: str) -> Fix:
        """What a memory says."""
        return self._fixes[key]

    def event_of(self, key: str) -> Event:
        """The event behind a task."""
        return self._events[key]

    def resolves(self, event: Event, fix: Fix) -> bool:
        """Whether this fix alone makes the error go away (another may follow)."""
        return self._try(event, _State(event.sql, event.about), fix).moved

    def _try(self, event: Event, state: _State, fix: Fix) -> _Step:
        changed = fix.applied(state.sql)
        if changed == state.sql:
            return _Step(state, applied=False, moved=False, right=False)
        after = self._room.run(event.database, changed)
        return _Step(
            _State(changed, after), True, _gone(state.result, after, fix), after == event.answer
        )

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        """Try the first five distinct fixes; see the module.

        `used` are the memories whose fix could be applied, `helpful` those that
        made the right query, `harmful` those after which the error was still there.
        `detail`: `first` (1 when the first fix shown makes the error go away),
        `recovered`, `tried` (distinct fixes).
        """
        event = self._events[task.key]
        state, kept, used, harmful = _State(event.sql, event.about), [], [], []
        distinct = self._distinct(shown)
        recovered = False
        for key, fix in distinct:
            step = self._try(event, state, fix)
            recovered = step.right
            used += [key] if step.applied else []
            if recovered or (step.moved and step.state.result.rows is None):
                state = step.state
                kept.append(key)
            elif step.applied and not step.moved:
                harmful.append(key)
            if recovered:
                break
        first = bool(distinct) and self.resolves(event, distinct[0][1])
        detail = {
            "first": float(first),
            "recovered": float(recovered),
            "tried": float(len(distinct)),
        }
        helpful = tuple(kept) if recovered else ()
        return Attempt(float(recovered), tuple(used), helpful, tuple(harmful), detail)

    def _distinct(self, shown: Sequence[str]) -> list[tuple[str, Fix]]:
        """The first five distinct fixes with the first memory that says each."""
        found: dict[Fix, str] = {}
        for key in shown:
            found.setdefault(self._fixes[key], key)
        return [(key, fix) for fix, key in found.items()][:MOST_FIXES]


def build(
    seed: int,
    data: Path,
    *,
    split: Split = "test",
    tasks: int = 1500,
    held_out: int = 800,
    k: int = MOST_FIXES,
) -> Stream:
    """Draw one seed's stream.

    Args:
        seed: Decides the order of the tasks, which are drawn, and the development part.
        data: The folder that holds `intercode/`.
        split: "test" holds out the test questions and learns from all others; "dev"
            leaves the test questions out and holds out others, for tuning.
        tasks: The most tasks that are reported on.
        held_out: The most that are not. The test part's draw is the same for all seeds.
        k: Items shown; the agent tries five distinct fixes.
    """
    return laid_out(seed, data, split=split, tasks=tasks, held_out=held_out, k=k)[0]


def laid_out(
    seed: int, data: Path, *, split: Split, tasks: int, held_out: int, k: int = MOST_FIXES
) -> tuple[Stream, Facts]:
    """Give the stream of `build` and what there is in its split."""
    folder = data / "intercode"
    room = databases(folder / "databases.sql")
    part = part_of(seed, split)
    lessons = [
        row for row in _lines(folder / "lessons.jsonl") if part(_gold(folder, row)) == "train"
    ]
    memories, fixes = _memories(lessons)
    events = _events(folder, room)
    train = [event for event in events if part(event.gold) == "train"]
    held = [event for event in events if part(event.gold) == "held"]
    known: dict[str, Event] = {}
    world = Repairs(room, fixes, known)
    by_database = _by_database(memories, fixes)
    answerable = [
        event
        for event in held
        if any(world.resolves(event, fix) for fix in by_database.get(event.database, ()))
    ]
    order = np.random.default_rng([seed, 4355])
    fixed = np.random.default_rng(4355) if split == "test" else order
    stream = Stream(
        name="intercode",
        seed=seed,
        memories=memories,
        tasks=_tasks("task", [train[i] for i in order.permutation(len(train))[:tasks]], known),
        held_out=_tasks(
            "held", [answerable[i] for i in fixed.permutation(len(answerable))[:held_out]], known
        ),
        world=world,
        k=k,
    )
    return stream, Facts(len(held), len(answerable), sum(map(len, by_database.values())))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


@cache
def _golds(folder: Path) -> Mapping[int, str]:
    """The gold query of every question, by its number."""
    rows = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    return {int(row["task"]): str(row["gold"]) for row in rows}


def _gold(folder: Path, lesson: Mapping[str, Any]) -> str:
    return _golds(folder)[int(lesson["task"])]


def _share(*parts: object) -> float:
    """A number in [0, 1) that only depends on the text of `parts`."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def part_of(seed: int, split: Split) -> Callable[[str], Literal["train", "held", "out"]]:
    """Which part a gold query's questions are in."""

    def part(gold: str) -> Literal["train", "held", "out"]:
        if _share("test", gold) < TEST_SHARE:
            return "held" if split == "test" else "out"
        held = split == "dev" and _share("dev", seed, gold) < DEV_SHARE
        return "held" if held else "train"

    return part


def _memories(lessons: Iterable[Mapping[str, Any]]) -> tuple[tuple[Memory, ...], dict[str, Fix]]:
    """The memories, one for each question and fix, and what each says."""
    made: dict[str, Memory] = {}
    fixes: dict[str, Fix] = {}
    for row in lessons:
        wrong, right, database = str(row["X"]), str(row["Z"]), str(row["db"])
        fix = Fix(wrong.lower(), right.lower())
        key = f"{database} {row['task']}: {fix.wrong} -> {fix.right}"
        title = f"Unknown {row['kind']} {wrong}"
        content = f"Use {right} in place of {wrong}."
        made.setdefault(key, Memory(key, title, content, task=str(row["q"]), project=database))
        fixes[key] = fix
    return tuple(made.values()), fixes


def _by_database(
    memories: Iterable[Memory], fixes: Mapping[str, Fix]
) -> dict[str, tuple[Fix, ...]]:
    """The distinct fixes of every database."""
    found: dict[str, dict[Fix, None]] = {}
    for memory in memories:
        found.setdefault(memory.project, {})[fixes[memory.key]] = None
    return {database: tuple(held) for database, held in found.items()}


@cache
def _events(folder: Path, room: Databases) -> tuple[Event, ...]:
    """The events that count; see the module."""
    made = []
    for row in _lines(folder / "events.jsonl"):
        about, answer = room.run(row["db"], row["failing_sql"]), room.run(row["db"], row["gold"])
        name = str(row["ident"]).lower().rpartition(".")[2]
        if answer.rows and about.missing is not None and about.missing[1] == name:
            made.append(
                Event(
                    database=row["db"],
                    question=row["question"],
                    sql=row["failing_sql"],
                    error=row["error"],
                    gold=row["gold"],
                    run=row["run"],
                    about=about,
                    answer=answer,
                )
            )
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Truth:
    """All events, and the fixes of all lessons by database: for judging, never for a memory."""

    events: tuple[Event, ...]
    fixes: dict[str, tuple[Fix, ...]]
    world: Repairs


def truth(data: Path) -> Truth:
    """Give what is known of all parts."""
    folder = data / "intercode"
    room = databases(folder / "databases.sql")
    memories, fixes = _memories(_lines(folder / "lessons.jsonl"))
    return Truth(_events(folder, room), _by_database(memories, fixes), Repairs(room, fixes, {}))


def _tasks(kind: str, events: Sequence[Event], known: dict[str, Event]) -> tuple[Task, ...]:
    made = []
    for number, event in enumerate(events):
        key = f"{kind} {number}"
        known[key] = event
        made.append(
            Task(
                key,
                event.question,
                error=event.error,
                group=event.database,
                project=event.database,
            )
        )
    return tuple(made)
