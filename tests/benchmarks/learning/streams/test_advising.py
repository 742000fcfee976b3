"""advising built from a few made-up templates: slots are filled by type and order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.learning.streams import advising
from benchmarks.learning.streams.advising import Question, Slot, applied, filled, solves

COURSE = "SELECT COURSEalias0.NAME FROM COURSE AS COURSEalias0 WHERE "
BY_NUMBER = COURSE + 'COURSEalias0.DEPARTMENT = "department0" AND COURSEalias0.NUMBER = number0 ;'
BETWEEN = COURSE + "COURSEalias0.NUMBER > number0 AND COURSEalias0.NUMBER < number1 ;"
TAUGHT = (
    "SELECT INSTRUCTORalias0.NAME FROM INSTRUCTOR AS INSTRUCTORalias0 "
    'WHERE INSTRUCTORalias0.COURSE = number0 AND INSTRUCTORalias0.TERM = "semester0" ;'
)


def variable(name: str, example: str = "", location: str = "both") -> dict[str, str]:
    return {
        "name": name,
        "type": name.rstrip("0123456789"),
        "example": example,
        "location": location,
    }


def sentence(text: str, split: str = "train", **values: str) -> dict[str, Any]:
    return {"text": text, "question-split": split, "variables": values}


ENTRIES = [
    {
        "sql": [BY_NUMBER],
        "variables": [variable("department0", "EECS", "sql-only"), variable("number0", "595")],
        "sentences": [
            sentence("What is number0 ?", number0="281", department0=""),
            sentence("Which course is department0 number0 ?", department0="MATH", number0="115"),
            sentence("Name number0 .", "test", number0="370", department0=""),
            sentence("Tell me the name of number0 .", "dev", number0="482", department0=""),
        ],
    },
    {
        "sql": [BETWEEN, BETWEEN.replace("> number0 AND", ">= number0 AND")],
        "variables": [variable("number0", "100"), variable("number1", "200")],
        "sentences": [
            sentence("What lies between number0 and number1 ?", number0="100", number1="400"),
            sentence("Below number1 and above number0 ?", "test", number0="200", number1="300"),
        ],
    },
    {
        "sql": [TAUGHT],
        "variables": [variable("number0", "280"), variable("semester0", "WN", "sql-only")],
        "sentences": [
            sentence("Who teaches number0 ?", number0="484", semester0=""),
            sentence("Who gives number0 ?", "test", number0="545", semester0=""),
        ],
    },
]


@pytest.fixture
def advice(tmp_path: Path) -> Path:
    folder = tmp_path / "text2sql"
    folder.mkdir()
    (folder / "advising.json").write_text(json.dumps(ENTRIES), encoding="utf-8")
    return tmp_path


@pytest.fixture
def asked(advice: Path) -> dict[str, Question]:
    return {one.text: one for one in advising.read(advice / "text2sql" / "advising.json")}


def test_only_whole_words_are_slots() -> None:
    assert (
        filled("number0 number01 COURSEalias0 ;", {"number0": "5"}) == "5 number01 COURSEalias0 ;"
    )


def test_a_question_is_read_with_its_values_filled_in(asked: dict[str, Question]) -> None:
    question = asked["What is 281 ?"]
    assert question.mentions == (("number", "281"),)
    assert question.slots == (
        Slot("number0", "number", "595"),
        Slot("department0", "department", "EECS"),
    )
    assert question.mentioned == 1
    assert question.answers == {
        COURSE + 'COURSEalias0.DEPARTMENT = "EECS" AND COURSEalias0.NUMBER = 281 ;'
    }
    assert question.group == "courses"
    assert asked["Who teaches 484 ?"].group == "instructors"


def test_every_question_solves_itself(asked: dict[str, Question]) -> None:
    assert all(solves(one, one) for one in asked.values() if one.text[0] != "B")


def test_a_template_takes_the_new_questions_mention(asked: dict[str, Question]) -> None:
    assert applied(asked["What is 281 ?"], asked["Name 370 ."]) == filled(
        BY_NUMBER, {"department0": "EECS", "number0": "370"}
    )
    assert solves(asked["What is 281 ?"], asked["Name 370 ."])


def test_an_unsaid_slot_is_filled_where_the_question_says_it(asked: dict[str, Question]) -> None:
    assert solves(asked["What is 281 ?"], asked["Which course is MATH 115 ?"])


def test_a_mention_that_is_missing_fails(asked: dict[str, Question]) -> None:
    assert applied(asked["Which course is MATH 115 ?"], asked["Name 370 ."]) is None
    assert applied(asked["What lies between 100 and 400 ?"], asked["Name 370 ."]) is None


def test_mentions_of_a_type_fill_slots_in_their_order(asked: dict[str, Question]) -> None:
    memory, turned = asked["What lies between 100 and 400 ?"], asked["Below 300 and above 200 ?"]
    assert applied(memory, turned) == filled(BETWEEN, {"number0": "300", "number1": "200"})
    assert not solves(memory, turned)
    assert solves(memory, memory)


def test_another_template_gives_another_query(asked: dict[str, Question]) -> None:
    assert not solves(asked["Who teaches 484 ?"], asked["Name 370 ."])


def test_any_of_a_questions_queries_is_right(asked: dict[str, Question]) -> None:
    assert len(asked["What lies between 100 and 400 ?"].answers) == 2


def test_held_out_questions_are_of_their_split_and_answerable(advice: Path) -> None:
    stream = advising.build(0, advice, memories=4, tasks=5)
    assert len(stream.memories) == 4
    assert {task.text for task in stream.held_out} == {"Name 370 .", "Who gives 545 ?"}
    assert stream.tasks == ()
    dev = advising.build(0, advice, memories=4, tasks=5, split="dev")
    assert {task.text for task in dev.held_out} == {"Tell me the name of 482 ."}


def test_development_holds_out_no_test_question(advice: Path) -> None:
    stream = advising.build(0, advice, memories=1, tasks=1, split="dev")
    texts = {task.text for task in (*stream.tasks, *stream.held_out)}
    assert not texts & {"Name 370 .", "Who gives 545 ?", "Below 300 and above 200 ?"}


def test_the_first_template_shown_is_followed(advice: Path) -> None:
    stream = advising.build(0, advice, memories=4, tasks=0)
    task = next(task for task in stream.held_out if task.text == "Name 370 .")
    keys = {memory.task: memory.key for memory in stream.memories}
    right, wrong = keys["What is 281 ?"], keys["Who teaches 484 ?"]
    assert stream.world.attempt(task, (right, wrong)).helpful == (right,)
    failed = stream.world.attempt(task, (wrong, right))
    assert (failed.chance, failed.used, failed.harmful) == (0.0, (wrong,), (wrong,))
    assert failed.detail["shown"] == 1.0


def test_groups_come_one_after_another_in_a_seeded_order(advice: Path) -> None:
    stream = advising.build(0, advice, memories=1, tasks=3)
    groups = [task.group for task in stream.tasks]
    assert groups == sorted(groups, key=groups.index)
    assert advising.build(0, advice, memories=1, tasks=3).tasks == stream.tasks
