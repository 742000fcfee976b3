"""Lists, objects, ids and words in text are read as what they plainly say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from memory_core.errors import InvalidInput
from memory_core.judging import judge
from memory_core.requests import (
    CheckRequest,
    EditRequest,
    ForgetRequest,
    ListRequest,
    OutcomeRequest,
    RecallRequest,
    RememberRequest,
    Request,
    parse,
)
from memory_core.written import ids_in, parts, structure

LESSON = {"title": "a", "content": "b"}
ITEM = "item_0199aabbccdd00112233445566ff"
OTHER = "item_0199aabbccdd00112233445566fe"
RECALL = "rec_0199aabbccdd00112233445566ff"


def report(**more: Any) -> OutcomeRequest:
    return parse(OutcomeRequest, {"task": "t", "outcome": "success", **more})


# -- objects and lists as text ---------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"exit_code": 1, "tests_passed": null, "log": "it\\nbroke"}',
        "{'exit_code': 1, 'tests_passed': None, 'log': 'it\\nbroke'}",
        '{exit_code: 1, tests_passed: undefined, log: "it\\nbroke"}',
        '{"exit_code": 1, "log": "it\\nbroke",}',
        '```json\n{"exit_code": 1, "log": "it\\nbroke"}\n```',
        json.dumps('{"exit_code": 1, "log": "it\\nbroke"}'),
        '[{"exit_code": 1, "log": "it\\nbroke"}]',
    ],
)
def test_evidence_as_text_keeps_its_exit_code(text: str) -> None:
    evidence = report(evidence=text).evidence
    assert evidence is not None
    assert (evidence.exit_code, evidence.tests_passed, evidence.log) == (1, None, "it\nbroke")


@pytest.mark.parametrize("log", ['{"status": "ok"}', "{'a': 1}", "[1, 2]", "{not closed", '"said"'])
def test_text_that_is_no_evidence_of_ours_is_the_log(log: str) -> None:
    evidence = report(evidence=log).evidence
    assert evidence is not None
    assert evidence.log.replace(" ", "") in (log.replace(" ", ""), "1\n2")
    assert evidence.exit_code is None


def test_evidence_of_several_runs_is_that_of_all() -> None:
    runs = [
        {"exit_code": 0, "tests_passed": 3, "log": "first"},
        {"exit_code": "2", "tests_passed": 1, "tests_failed": 1, "log": "second"},
        {"exit_code": 0},
    ]
    evidence = report(evidence=runs).evidence
    assert evidence is not None
    assert (evidence.exit_code, evidence.tests_passed, evidence.tests_failed) == (2, 4, 1)
    assert evidence.log == "first\nsecond"
    with pytest.raises(InvalidInput, match=r"evidence.stdout = 'x' is no argument of evidence"):
        report(evidence=[{"exit_code": 0}, {"stdout": "x"}])


@pytest.mark.parametrize(
    "tags",
    [
        "['x', 'y']",
        "[x, y]",
        "x; y",
        "- x\n- y",
        "1. x\n2) y\n",
        ["x, y"],
        [["x", "y"]],
        [["x"], [None, "y"]],
        {"0": "x", "1": "y"},
        {"items": ["x", "y"]},
        {"x": True, "y": True, "z": False},
        [{"name": "x"}, {"name": "y", "color": "red"}],
        ["x", "", " ", None, "y", "x"],
        [" x ", '"y"', "`y`"],
        '```\n["x", "y"]\n```',
    ],
    ids=repr,
)
def test_a_list_of_labels_is_read_however_it_is_written(tags: Any) -> None:
    assert parse(RememberRequest, {**LESSON, "tags": tags}).tags == ("x", "y")
    assert report(lessons=[{**LESSON, "tags": tags}]).lessons[0].tags == ("x", "y")
    assert report(used_ids=tags).used_ids == ("x", "y")


@pytest.mark.parametrize(
    "kinds",
    [
        "['strategy', 'pitfall']",
        "Strategy and Pitfall",
        "strategies|pitfalls",
        "strategy/pitfall",
        [["strategy", "pitfall"]],
        ["strategy,pitfall"],
        {"strategy": True, "pitfall": True, "fact": False},
        ["strategy", "Strategy", "best practice", "pitfall"],
    ],
    ids=repr,
)
def test_kinds_are_read_however_they_are_written(kinds: Any) -> None:
    assert parse(RecallRequest, {"task": "t", "kinds": kinds}).kinds == ("strategy", "pitfall")


@pytest.mark.parametrize(
    "lessons",
    [
        str([LESSON, {"title": "c", "content": "it's d", "tags": None}]),
        [[LESSON, {"title": "c", "content": "it's d"}]],
        {"items": [LESSON, {"title": "c", "content": "it's d"}]},
        {"0": LESSON, "1": {"title": "c", "content": "it's d"}},
        json.dumps(json.dumps([LESSON, {"title": "c", "content": "it's d"}])),
    ],
    ids=["python", "nested", "wrapped", "numbered", "twice"],
)
def test_lessons_are_read_however_they_are_written(lessons: Any) -> None:
    read = report(lessons=lessons).lessons
    assert [(one.title, one.content) for one in read] == [("a", "b"), ("c", "it's d")]


def test_blank_entries_are_none_and_steps_stay_as_they_are() -> None:
    read = report(steps=["a, b", "", " ", "c; d", "c; d"])
    assert read.steps == ("a, b", "c; d", "c; d")


@pytest.mark.parametrize(
    "text", ["[" * 5_000, "{'a': " * 5_000, "[" + "-" * 60_000 + "1]", "[1 +", "['\\d']", "[f(x)]"]
)
def test_text_that_is_no_literal_is_left(text: str) -> None:
    assert structure(text) in (None, ["\\d"])


def test_one_text_lists_no_more_than_fits() -> None:
    assert parts(",".join("abc"), 2, words=False) is None
    many = ", ".join(f"item_{n:028x}" for n in range(80))
    with pytest.raises(InvalidInput, match="at most 50 fit"):
        report(used_ids=many)


# -- ids -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}.",
        "`{}`",
        '"{}"',
        "[{}]",
        "<{}>",
        " {}\n",
        "id: {}",
        "item_id={}",
        "memory://lessons/{}",
        "memory://lessons/{}/",
        "lesson {} (won 3)",
        '{{"id": "{}"}}',
    ],
)
def test_an_id_is_found_in_what_refers_to_it(wrapped: str) -> None:
    text = wrapped.format(ITEM)
    assert parse(ForgetRequest, {"item_id": text, "reason": "r"}).item_id == ITEM
    assert parse(RememberRequest, {**LESSON, "supersedes": text.upper()}).supersedes == ITEM
    assert report(used_ids=[text]).used_ids == (ITEM,)
    assert report(recall_id=wrapped.format(RECALL)).recall_id == RECALL


def test_ids_in_one_text_are_several_and_one_of_two_is_not_guessed() -> None:
    both = f"I used {ITEM} and {OTHER}, then {ITEM} again."
    assert report(used_ids=both).used_ids == report(used_ids=[both]).used_ids == (ITEM, OTHER)
    with pytest.raises(InvalidInput, match="item_id"):
        parse(ForgetRequest, {"item_id": f"{ITEM} {OTHER}", "reason": "r"})
    assert ids_in(f"{ITEM}0 items_{ITEM[5:]}", 9) == []


def test_an_item_named_twice_is_labelled_once() -> None:
    read = report(helpful_ids=[ITEM, ITEM], used_ids=[ITEM, f"`{ITEM}`"])
    assert read.helpful_ids == read.used_ids == (ITEM,)


# -- words, numbers and terminals --------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ('"success"', "success"),
        ("success.", "success"),
        ("`PASSED`", "success"),
        ("Outcome.FAILURE", "failure"),
        ("timedOut", "failure"),
        ("PartialSuccess", "partial"),
        ("\uff33\uff35\uff23\uff23\uff25\uff33\uff33", "success"),
        ("suc\u200bcess", "success"),
        ("not_applicable", "unknown"),
        ("y", "success"),
    ],
)
def test_a_word_is_the_same_in_quotes_in_another_case_and_width(word: str, outcome: str) -> None:
    assert report(outcome=word).outcome == outcome


@pytest.mark.parametrize("nothing", ["'null'", "(none)", "<None>", "Not provided", "NaN", "NULL."])
def test_nothing_is_said_in_many_words(nothing: str) -> None:
    read = report(recall_id=nothing, project=nothing, error=nothing, evidence=nothing)
    assert (read.recall_id, read.project, read.error, read.evidence) == ("", "", "", None)
    listing = parse(ListRequest, {"kind": nothing, "limit": nothing, "tag": nothing})
    assert listing.model_dump() == ListRequest().model_dump()


@pytest.mark.parametrize(
    "said", ["No error", "no errors.", "No errors occurred", "Without any errors", "no output"]
)
def test_an_error_that_a_strict_schema_made_a_model_write_is_none(said: str) -> None:
    assert report(error=said, evidence={"log": said}).error == ""
    judged = judge("unknown", None, error=report(outcome="unknown", error=said).error)
    assert judged.outcome == "unknown"
    for kept in ("no error handler was found", "errors occurred", "Without errors it hung"):
        assert report(error=kept).error == kept


def test_a_number_that_is_none_is_absent_and_one_without_end_is_the_most() -> None:
    nan, endless = float("nan"), float("inf")
    assert parse(RecallRequest, {"task": "t", "k": nan, "project": nan, "context": nan}).k == 3
    assert parse(RecallRequest, {"task": "t", "k": endless}).k == 20
    evidence = report(evidence={"exit_code": nan, "tests_passed": "1,234", "log": nan}).evidence
    assert evidence is not None
    assert (evidence.exit_code, evidence.tests_passed, evidence.log) == (None, 1234, "")


@pytest.mark.parametrize("k", ['"5"', "\uff15", "\u0665"])
def test_a_number_is_read_in_quotes_and_in_other_digits(k: str) -> None:
    assert parse(RecallRequest, {"task": "t", "k": k}).k == 5


TERMINAL = (
    "\x1b]0;title\x07\x1b[31mred\x1b(B\x1b[m\x08\x07 \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\"
)


@pytest.mark.parametrize(
    ("request_", "given"),
    [
        (RecallRequest, {"task": "t", "error": TERMINAL}),
        (CheckRequest, {"error": TERMINAL}),
        (OutcomeRequest, {"task": "t", "outcome": "failure", "error": TERMINAL}),
    ],
)
def test_a_log_loses_what_only_a_terminal_reads(
    request_: type[Request], given: dict[str, Any]
) -> None:
    assert parse(request_, given).error == "red link"  # type: ignore[attr-defined]
    evidence = report(evidence={"log": TERMINAL}, steps=[TERMINAL]).evidence
    assert evidence is not None
    assert evidence.log == "red link"


def test_colours_are_taken_out_of_every_text() -> None:
    coloured = "\x1b[1;31mbold\x1b[0m"
    assert parse(RecallRequest, {"task": coloured, "context": coloured}).context == "bold"
    assert parse(RememberRequest, {"title": coloured, "content": coloured}).title == "bold"


@pytest.mark.parametrize("odd", ["\x00", "\x07", "\x08", "\x1b", "\x1f", "\x7f", "\x80", "\x9f"])
def test_a_control_character_is_taken_out_of_every_text(odd: str) -> None:
    text = f"{odd}red{odd} {odd}link{odd}" if odd != "\x1b" else "\x1b[0mred link\x1b"
    lesson = {"title": text, "content": text, "description": text}
    told: list[Any] = [
        parse(RecallRequest, {"task": text, "context": text, "error": text}),
        parse(CheckRequest, {"action": text, "error": text}),
        parse(RememberRequest, {**lesson, "task": text, "evidence": text}),
        parse(EditRequest, {"item_id": "item_1", **lesson, "task": text}),
        report(task=text, error=text, steps=[text], lessons=[lesson], evidence={"log": text}),
        parse(ListRequest, {"query": text}),
        parse(ForgetRequest, {"item_id": "item_1", "reason": text}),
    ]
    for one in told:
        said = one.model_dump_json(exclude_defaults=True)
        assert "red link" in said
        assert one.note == ""
        assert json.dumps(odd)[1:-1] not in said
        assert odd not in said


def test_the_end_of_a_page_parts_words() -> None:
    assert parse(RecallRequest, {"task": "one\x0ctwo\x0bthree\x85four"}).task.split() == [
        *("one", "two", "three", "four")
    ]


def test_a_block_of_content_is_its_text() -> None:
    block = {"type": "text", "text": "step"}
    assert parse(RecallRequest, {"task": "t", "context": [block, block]}).context == "step\nstep"
    assert parse(CheckRequest, {"action": block}).action == "step"
