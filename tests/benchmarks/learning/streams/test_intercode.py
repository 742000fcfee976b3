"""intercode built from a few made-up questions over two tiny databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.learning.stream import Stream, Task
from benchmarks.learning.streams import intercode
from benchmarks.learning.streams.intercode import Fix, Repairs, Split
from benchmarks.learning.streams.sqlite_room import databases

DUMP = """-- database: kennel
BEGIN TRANSACTION;
CREATE TABLE "dog" ("dog_id" INTEGER, "name" TEXT, "breed" TEXT);
INSERT INTO "dog" VALUES(1,'Rex','Husky');
INSERT INTO "dog" VALUES(2,'Lassie','Collie');
COMMIT;
-- database: shop
BEGIN TRANSACTION;
CREATE TABLE "item" ("item_id" INTEGER, "price" REAL);
INSERT INTO "item" VALUES(7,1.5);
COMMIT;
"""
COUNT = 40


def gold(number: int) -> str:
    return f"SELECT name FROM dog WHERE dog_id < {number + 2}"


def missing(kind: str, name: str) -> str:
    told = f"Table 'kennel.{name}' doesn't exist" if kind == "table" else f"Unknown column '{name}'"
    return f"Error executing query: {told}"


def event(number: int, sql: str, kind: str, name: str) -> dict[str, Any]:
    return {
        "run": "some",
        "task": number,
        "db": "kennel",
        "question": f"Which dogs are among the first {number}?",
        "failing_sql": sql,
        "error": missing(kind, name),
        "kind": kind,
        "ident": name,
        "gold": gold(number),
    }


def lesson(number: int, kind: str, wrong: str, right: str) -> dict[str, Any]:
    question = f"Which dogs are among the first {number}?"
    return {"db": "kennel", "q": question, "task": number, "kind": kind, "X": wrong, "Z": right}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "intercode"
    folder.mkdir()
    (folder / "databases.sql").write_text(DUMP, encoding="utf-8")
    questions = [{"task": n, "gold": gold(n)} for n in range(COUNT)]
    (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    lessons, events = [], []
    for n in range(COUNT):
        lessons += [
            lesson(n, "table", "dogs", "dog"),
            lesson(n, "column", "id", "dog_id"),
            lesson(n, "column", "id", "chip_id"),
            lesson(n, "column", "name", "breed"),
        ]
        events += [
            event(n, f"SELECT name FROM dogs WHERE dog_id < {n + 2}", "table", "dogs"),
            event(n, f"SELECT `name` FROM DOGS WHERE id < {n + 2}", "table", "dogs"),
            event(n, f"SELECT d.name FROM dog d WHERE d.id < {n + 2}", "column", "d.id"),
            event(n, "SELECT owner FROM dog", "column", "owner"),
            event(n, "DESCRIBE dogs", "table", "dogs"),
        ]
    for name, rows in (("lessons", lessons), ("events", events)):
        text = "\n".join(json.dumps(row) for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def small(data: Path, seed: int = 0, split: Split = "test") -> Stream:
    return intercode.build(seed, data, split=split, tasks=50, held_out=50)


def world(stream: Stream) -> Repairs:
    assert isinstance(stream.world, Repairs)
    return stream.world


def held(stream: Stream, sql: str) -> Task:
    """The first held-out task whose failing query begins so."""
    of = world(stream).event_of
    return next(task for task in stream.held_out if of(task.key).sql.startswith(sql))


def keys(stream: Stream, *fixes: tuple[str, str]) -> list[str]:
    """A memory for each fix."""
    of = world(stream).fix_of
    return [
        next(m.key for m in stream.memories if of(m.key) == Fix(wrong, right))
        for wrong, right in fixes
    ]


DOG, ID, CHIP, BREED = ("dogs", "dog"), ("id", "dog_id"), ("id", "chip_id"), ("name", "breed")


def test_a_fix_that_gives_the_gold_rows_recovers(data: Path) -> None:
    stream = small(data)
    shown = keys(stream, DOG)
    done = stream.world.attempt(held(stream, "SELECT name FROM dogs"), shown)
    assert (done.chance, done.used, done.helpful, done.harmful) == (1.0, (*shown,), (*shown,), ())
    assert done.detail == {"first": 1.0, "recovered": 1.0, "tried": 1.0}


def test_a_chain_is_applied_one_fix_on_top_of_another(data: Path) -> None:
    """The first fix moves the error on, the second ends it; quotes and case are MySQL's."""
    stream = small(data)
    task = held(stream, "SELECT `name`")
    both = keys(stream, DOG, ID)
    assert stream.world.attempt(task, both).helpful == (*both,)
    assert stream.world.attempt(task, both[:1]).chance == 0.0
    assert stream.world.attempt(task, both[:1]).detail["first"] == 1.0


def test_a_fix_to_another_unknown_name_is_taken_back(data: Path) -> None:
    stream = small(data)
    task = held(stream, "SELECT d.name")
    chip, right = keys(stream, CHIP, ID)
    done = stream.world.attempt(task, [chip, right])
    assert (done.chance, done.harmful, done.helpful) == (1.0, (chip,), (right,))
    assert done.detail["first"] == 0.0


def test_a_fix_that_runs_and_gives_wrong_rows_earns_nothing_and_is_taken_back(data: Path) -> None:
    """The final result is the label; that the error is gone is not."""
    stream = small(data)
    task = held(stream, "SELECT name FROM dogs")
    breed, dog = keys(stream, BREED, DOG)
    done = stream.world.attempt(task, [breed, dog])
    assert (done.chance, done.used, done.harmful) == (1.0, (breed, dog), (breed,))
    ran = stream.world.attempt(held(stream, "SELECT d.name"), keys(stream, BREED))
    assert (ran.chance, ran.helpful) == (0.0, ())


def test_no_memory_recovers_nothing(data: Path) -> None:
    stream = small(data)
    for task in stream.held_out:
        done = stream.world.attempt(task, [])
        assert (done.chance, done.used, done.detail["first"]) == (0.0, (), 0.0)


def test_a_fix_counts_once_and_five_are_tried(data: Path) -> None:
    stream = small(data)
    of = world(stream).fix_of
    doubles = [m.key for m in stream.memories if of(m.key) == Fix(*CHIP)]
    assert len(doubles) > 5
    task = held(stream, "SELECT d.name")
    assert stream.world.attempt(task, [*doubles, *keys(stream, ID)]).chance == 1.0
    assert stream.world.attempt(task, doubles).detail["tried"] == 1.0


def test_held_out_tasks_can_be_resolved_and_sqlite_complains_of_them_as_mysql_did(
    data: Path,
) -> None:
    stream, facts = intercode.laid_out(0, data, split="test", tasks=50, held_out=99)
    sql = [world(stream).event_of(task.key).sql for task in stream.held_out]
    assert not any("owner" in one or "DESCRIBE" in one for one in sql)
    assert facts.answerable == len(sql)
    assert facts.held_out * 3 == facts.answerable * 4  # the owners are held out and not asked
    assert facts.fixes == 4


@pytest.mark.parametrize("split", ["test", "dev"])
def test_questions_with_one_gold_query_never_cross_the_split(data: Path, split: Split) -> None:
    """Nor do lessons of held-out questions get into the memory."""
    stream = small(data, split=split)
    asked = {task.text for task in stream.held_out}
    assert asked
    assert not asked & {task.text for task in stream.tasks}
    assert not asked & {memory.task for memory in stream.memories}


def test_the_test_part_is_the_same_for_all_seeds_and_no_dev_part_has_it(data: Path) -> None:
    tests = [{task.text for task in small(data, seed).held_out} for seed in range(3)]
    assert tests[0] == tests[1] == tests[2]
    for seed in range(3):
        dev = small(data, seed, "dev")
        seen = {task.text for task in (*dev.tasks, *dev.held_out)} | {m.task for m in dev.memories}
        assert not tests[0] & seen


def test_the_same_seed_gives_the_same_stream_and_another_another_order(data: Path) -> None:
    one, again, other = small(data, 1), small(data, 1), small(data, 2)
    assert (one.tasks, one.held_out, one.memories) == (again.tasks, again.held_out, again.memories)
    assert one.tasks != other.tasks


def test_a_query_without_end_is_stopped(data: Path) -> None:
    room = databases(data / "intercode" / "databases.sql")
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
    assert room.run("kennel", endless).error == "interrupted"
    assert room.run("kennel", "SELECT name FROM dog WHERE name = 'REX'").rows == (("Rex",),)
    assert "readonly" in room.run("kennel", "DELETE FROM dog").error
