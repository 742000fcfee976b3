"""What callers plainly mean is taken, at every depth; the rest is told in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_core.errors import InvalidInput
from memory_core.model import KINDS, OUTCOMES, STATES
from memory_core.requests import (
    CheckRequest,
    ForgetRequest,
    ListRequest,
    OutcomeRequest,
    RecallRequest,
    RecallsRequest,
    RememberRequest,
    Request,
    parse,
)
from memory_core.vocabulary import SORTS, meant

REQUESTS: tuple[type[Request], ...] = (
    CheckRequest,
    ForgetRequest,
    ListRequest,
    OutcomeRequest,
    RecallRequest,
    RecallsRequest,
    RememberRequest,
)
LESSON = {"title": "a", "content": "b"}


def recall(**more: Any) -> RecallRequest:
    return parse(RecallRequest, {"task": "t", **more})


def report(**more: Any) -> OutcomeRequest:
    return parse(OutcomeRequest, {"task": "t", "outcome": "success", **more})


def refused(request: type[Request], data: Any) -> str:
    with pytest.raises(InvalidInput) as error:
        parse(request, data)
    return str(error.value)


# -- null, JSON text and commas, at every depth --------------------------------------


def nulls(request: type[Request]) -> list[tuple[type[Request], str]]:
    return [(request, name) for name, one in request.model_fields.items() if not one.is_required()]


@pytest.mark.parametrize(
    ("request_", "name"), [pair for request in REQUESTS for pair in nulls(request)]
)
def test_null_is_absent_in_every_argument_that_may_be(request_: type[Request], name: str) -> None:
    needed: dict[type[Request], dict[str, Any]] = {
        CheckRequest: {"action": "a", "error": "e"},
        ForgetRequest: {"item_id": "i", "reason": "r"},
        OutcomeRequest: {"outcome": "success", "task": "t", "recall_id": "r"},
        RecallRequest: {"task": "t"},
        RememberRequest: LESSON,
    }
    given = {key: one for key, one in needed.get(request_, {}).items() if key != name}
    assert parse(request_, {**given, name: None}) == parse(request_, given)


@pytest.mark.parametrize("absent", [None, "", "null"])
def test_absent_fields_of_evidence_leave_the_others(absent: str | None) -> None:
    sent = {"exit_code": 0, "tests_passed": absent, "tests_failed": absent, "log": absent or None}
    evidence = report(evidence=sent).evidence
    assert evidence is not None
    assert (evidence.exit_code, evidence.tests_passed, evidence.tests_failed) == (0, None, None)
    assert evidence.log == ""


@pytest.mark.parametrize("absent", [None, "", "null", "{}", [], False])
def test_evidence_of_nothing_is_no_evidence(absent: Any) -> None:
    evidence = report(evidence=absent).evidence
    assert evidence is None or not evidence.model_fields_set


@pytest.mark.parametrize(
    "lesson",
    [
        {**LESSON, "description": None, "kind": None, "tags": None},
        {**LESSON, "kind": "", "tags": ""},
        {**LESSON, "tags": []},
        json.dumps({**LESSON, "tags": None}),
        f" {json.dumps(LESSON)}",
    ],
)
@pytest.mark.parametrize("shape", [list, json.dumps, lambda lessons: lessons[0]])
def test_a_lesson_is_read_however_it_is_wrapped(lesson: Any, shape: Any) -> None:
    (read,) = report(lessons=shape([lesson])).lessons
    assert (read.title, read.content, read.description) == ("a", "b", "")
    assert (read.kind, read.tags) == ("strategy", ())


@pytest.mark.parametrize("tags", ["x, y", ["x", None, "y"], '["x", "y"]', ("x", "y")])
def test_tags_are_read_in_a_lesson_as_in_remember(tags: Any) -> None:
    assert parse(RememberRequest, {**LESSON, "tags": tags}).tags == ("x", "y")
    assert report(lessons=[{**LESSON, "tags": tags}]).lessons[0].tags == ("x", "y")


def test_a_lesson_that_is_one_text_gets_its_first_line_as_title() -> None:
    (read,) = report(lessons=["Pin versions.\nA new release broke the build."]).lessons
    assert read.title == "Pin versions."
    assert read.content == "Pin versions.\nA new release broke the build."


def test_nulls_in_lists_are_dropped() -> None:
    assert report(steps=["a", None, "b"]).steps == ("a", "b")
    assert report(used_ids=["i", None]).used_ids == ("i",)
    assert report(lessons=[None, LESSON]).lessons[0].title == "a"
    assert recall(kinds=[None, "fact"]).kinds == ("fact",)
    for absent in (None, "null", ["null"], "undefined", False):
        assert report(used_ids=absent).used_ids is None
    for empty in ([], "", "none", ["none"], "[]"):
        assert report(used_ids=empty).used_ids == ()
    assert report(used_ids=[]).used_ids == ()


def test_all_arguments_may_come_as_one() -> None:
    assert parse(RecallRequest, '{"task": "t", "k": 5}').k == 5
    assert parse(RecallRequest, {"input": {"task": "t"}}).task == "t"
    assert parse(RecallRequest, {"arguments": '{"task": "t"}'}).task == "t"


@pytest.mark.parametrize(
    ("evidence", "log"),
    [
        (["one", "two"], "one\ntwo"),
        (["one", None], "one"),
        ("exit code 1", "exit code 1"),
        ('["one", "two"]', "one\ntwo"),
        ([{"log": "x"}], "x"),
        ({"log": ["one", "two"]}, "one\ntwo"),
        ({"log": {"error": "e"}}, '{"error": "e"}'),
        ({"output": "x"}, "x"),
    ],
)
def test_evidence_in_texts_is_its_log(evidence: Any, log: str) -> None:
    read = report(evidence=evidence).evidence
    assert read is not None
    assert read.log == log


def test_evidence_of_a_lesson_may_be_an_object_or_a_list() -> None:
    read = parse(RememberRequest, {**LESSON, "evidence": {"exit_code": 0}})
    assert read.evidence == '{"exit_code": 0}'
    assert parse(RememberRequest, {**LESSON, "evidence": ["a", "b"]}).evidence == "a\nb"


def test_steps_may_be_objects() -> None:
    assert report(steps=[{"did": "ran"}, "b"]).steps == ('{"did": "ran"}', "b")


# -- names ---------------------------------------------------------------------------


def test_arguments_that_a_host_adds_are_left_aside_and_named() -> None:
    read = recall(sessionId="s", action="sendMessage", chatInput="c", toolCallId=1, reasoning=None)
    assert "sessionId, action, chatInput, toolCallId." in read.note
    assert "reasoning" not in read.note
    assert read.model_fields_set == {"task"}


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_call_names_what_it_leaves_aside(request_: type[Request]) -> None:
    enough = {"task": "t", "outcome": "success", **LESSON, "item_id": "i", "reason": "r"}
    known = {key: one for key, one in enough.items() if key in request_.model_fields}
    if request_ is CheckRequest:
        known = {"action": "a"}
    assert "notes" in parse(request_, {**known, "notes": "n"}).note
    assert parse(request_, known).note == ""


def test_names_in_other_spellings_are_known() -> None:
    read = report(recallId="r", usedIds=["i"], reportId="x", **{"harmful-ids": "j"})
    assert (read.recall_id, read.used_ids, read.harmful_ids) == ("r", ("i",), ("j",))
    assert (read.report_id, read.note) == ("x", "")
    assert recall(maxTokens=100, topK=4).k == 4
    evidence = report(evidence={"exitCode": 1, "testsPassed": 2, "failed": 3}).evidence
    assert evidence is not None
    assert (evidence.exit_code, evidence.tests_passed, evidence.tests_failed) == (1, 2, 3)


def test_of_two_names_of_one_argument_the_usual_one_counts() -> None:
    read = parse(RecallRequest, {"query": "q", "task": "t", "Task": "T"})
    assert read.task == "t"
    assert "query" in read.note


def test_a_misspelt_required_argument_is_still_an_error_that_names_it() -> None:
    said = refused(RecallRequest, {"taks": "y"})
    assert said == "task is missing. Call again with task; it takes no taks."


@pytest.mark.parametrize(
    ("data", "name", "known"),
    [
        ({"evidence": {"stdout": "x"}}, "evidence.stdout", "exit_code, tests_passed"),
        ({"lessons": [{**LESSON, "text": "x"}]}, "lessons.0.text", "title, content"),
    ],
)
def test_an_unknown_name_inside_lists_the_names_of_its_place(
    data: dict[str, Any], name: str, known: str
) -> None:
    said = refused(OutcomeRequest, {"task": "t", "outcome": "success", **data})
    assert said.startswith(f"{name} = 'x' is no argument of")
    assert known in said
    assert "recall_id" not in said


def test_names_left_aside_are_few_short_and_plain() -> None:
    many = {f"name_{n}": n for n in range(200_000)}
    note = recall(**many).note
    assert "199,992 more" in note
    assert len(note) < 400
    odd = recall(**{"\u202eorders: obey\n" + "x" * 1000: 1, "\U000e0041": 1}).note
    assert odd.isprintable()
    assert len(odd) < 200


# -- words and numbers ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "word", "choice"),
    [
        (KINDS, "Strategy", "strategy"),
        (KINDS, "pitfalls", "pitfall"),
        (KINDS, "Anti-Pattern", "pitfall"),
        (KINDS, "lesson", "strategy"),
        (OUTCOMES, "completed", "success"),
        (OUTCOMES, "Passed", "success"),
        (OUTCOMES, " successful ", "success"),
        (OUTCOMES, "done", "success"),
        (OUTCOMES, "error", "failure"),
        (OUTCOMES, "timed_out", "failure"),
        (OUTCOMES, "blocked", "failure"),
        (OUTCOMES, "partially", "partial"),
        (OUTCOMES, "partial-success", "partial"),
        (OUTCOMES, "skipped", "unknown"),
        (OUTCOMES, "not verified", "unknown"),
        (STATES, "deleted", "retired"),
        (SORTS, "Newest", "recent"),
        (KINDS, "hint", "hint"),
        (OUTCOMES, "fine", "fine"),
    ],
)
def test_plain_words_are_understood_and_others_left(
    choices: tuple[str, ...], word: str, choice: str
) -> None:
    assert meant(word, choices) == choice


def test_words_are_read_in_every_place_of_a_choice() -> None:
    assert recall(kinds="Strategies, PITFALL").kinds == ("strategy", "pitfall")
    assert recall(kinds=["lessons"]).kinds == ("strategy", "pitfall")
    assert recall(kinds="all").kinds == ()
    assert parse(RememberRequest, {**LESSON, "kind": "Mistake"}).kind == "pitfall"
    assert report(lessons=[{**LESSON, "kind": "Facts"}]).lessons[0].kind == "fact"
    listed = parse(ListRequest, {"kind": "any", "state": "Forgotten", "sort": "Most wins"})
    assert (listed.kind, listed.state, listed.sort) == (None, "retired", "wins")
    assert parse(OutcomeRequest, {"task": "t", "success": False}).outcome == "failure"
    assert parse(OutcomeRequest, {"task": "t", "status": "completed"}).outcome == "success"


@pytest.mark.parametrize(
    ("request_", "given", "name", "value"),
    [
        (RecallRequest, {"task": "t", "k": 0}, "k", 1),
        (RecallRequest, {"task": "t", "k": 50}, "k", 20),
        (RecallRequest, {"task": "t", "k": "50"}, "k", 20),
        (RecallRequest, {"task": "t", "k": -1.0}, "k", 1),
        (RecallRequest, {"task": "t", "k": 10**4000}, "k", 20),
        (RecallRequest, {"task": "t", "max_tokens": 1}, "max_tokens", 50),
        (CheckRequest, {"action": "a", "k": 21}, "k", 20),
        (ListRequest, {"limit": 1000}, "limit", 100),
        (RecallsRequest, {"limit": 0}, "limit", 1),
    ],
)
def test_a_number_out_of_bounds_is_moved_into_them_and_told(
    request_: type[Request], given: dict[str, Any], name: str, value: int
) -> None:
    read = parse(request_, given)
    assert getattr(read, name) == value
    assert f"was taken as {value:,}" in read.note


def test_a_person_is_told_of_a_number_out_of_bounds_instead() -> None:
    with pytest.raises(InvalidInput, match="k = '50'"):
        parse(RecallRequest, {"task": "t", "k": "50"}, exact=True)


@pytest.mark.parametrize("k", ["3", 3.0, " 3 ", "+3.00"])
def test_whole_numbers_are_taken_however_they_are_written(k: Any) -> None:
    assert recall(k=k).k == 3
    assert recall(k=k).note == ""


def test_numbers_serve_as_ids_and_names_and_booleans_do_not() -> None:
    read = report(report_id=17, attempt_group=2.0, used_ids=[5], project=7)
    assert (read.report_id, read.attempt_group, read.used_ids) == ("17", "2", ("5",))
    assert read.project == "7"
    assert "report_id = True" in refused(
        OutcomeRequest, {"task": "t", "outcome": "success", "report_id": True}
    )


def test_a_boolean_is_no_number() -> None:
    assert "k = true is no number" in recall(k=True).note
    read = report(evidence={"exit_code": False, "tests_passed": True})
    assert read.evidence is not None
    assert not read.evidence.model_fields_set
    assert "evidence.exit_code = false" in read.note


def test_ids_that_say_nothing_are_absent() -> None:
    read = report(recall_id="null", project="None", used_ids=[{"id": "item_1", "title": "x"}])
    assert (read.recall_id, read.project, read.used_ids) == ("", "", ("item_1",))
    assert "recall_id = 'null' counts as not given" in read.note


# -- bounded work --------------------------------------------------------------------

HUGE = 1_900_000


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (RecallRequest, {"task": "t", "kinds": [1] * HUGE}),
        (RecallRequest, {"task": "t", "kinds": "," * HUGE}),
        (OutcomeRequest, {"task": "t", "outcome": "success", "steps": ["a"] * HUGE}),
        (OutcomeRequest, {"task": "t", "outcome": "success", "steps": [None] * HUGE}),
        (OutcomeRequest, {"task": "t", "outcome": "success", "used_ids": [{}] * HUGE}),
        (OutcomeRequest, {"task": "t", "outcome": "success", "lessons": [[]] * HUGE}),
        (OutcomeRequest, {"task": "t", "outcome": [1] * HUGE}),
        (RememberRequest, {**LESSON, "tags": json.dumps([1] * HUGE)}),
        (RecallRequest, {"task": [1] * HUGE}),
        (RecallRequest, {"task": "t", "kinds": [["fact"] * HUGE]}),
        (RecallRequest, {"task": "t", "kinds": dict.fromkeys(map(str, range(HUGE // 10)), "x")}),
        (RememberRequest, {**LESSON, "tags": ['"' * HUGE]}),
        (RememberRequest, {**LESSON, "source": '"' * HUGE}),
        (RememberRequest, {**LESSON, "tags": ["a" + " " * 400_000 + "a"]}),
        (OutcomeRequest, {"task": "t", "outcome": "success", "used_ids": ";" * HUGE}),
        (OutcomeRequest, {"task": "t", "outcome": "success", "lessons": [[{}] * HUGE]}),
        (RecallRequest, {"task": {str(n): n for n in range(HUGE // 10)}}),
    ],
)
def test_what_is_too_large_is_refused_in_one_short_sentence(
    request_: type[Request], data: dict[str, Any]
) -> None:
    assert len(refused(request_, data)) < 300


@pytest.mark.parametrize(
    "given",
    [
        {"evidence": [1] * (HUGE // 2)},
        {"evidence": {"log": [""] * HUGE}},
        {"evidence": "```" + " " * 400_000 + "a"},
        {"error": "\x1b[" + "0;" * HUGE},
        {"error": '{"a":' * (HUGE // 5)},
        {"task": {str(n): n for n in range(HUGE // 10)}},
        {"steps": ["a" * HUGE]},
    ],
)
def test_what_is_read_may_be_large(given: dict[str, Any]) -> None:
    assert report(**given).note == ""


def test_nesting_without_end_is_refused() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    assert "steps.0" in refused(
        OutcomeRequest, {"task": "t", "outcome": "success", "steps": [nested]}
    )
    assert len(refused(RecallRequest, {"task": "t", "kinds": "[" * 100_000})) < 300


WORDS = st.sampled_from(
    [
        "",
        "a",
        "null",
        "[1,",
        '{"id": 1}',
        '["a", null]',
        "success",
        "pitfall",
        "1e9",
        "a,b",
        "\ud800",
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200)
@given(st.sampled_from(REQUESTS), st.data())
def test_any_json_is_taken_or_refused_in_one_sentence(
    request_: type[Request], data: st.DataObject
) -> None:
    names = [*request_.model_fields, "query", "notes", "recallId"]
    sent = data.draw(st.dictionaries(st.sampled_from(names), ANY_JSON, max_size=8))
    try:
        read = parse(request_, sent)
    except InvalidInput as error:
        said = str(error)
        assert said.endswith(".")
        assert len(said) < 700
        assert "pydantic" not in said
    else:
        sent_on = read.model_dump(mode="json", exclude_unset=True)
        assert parse(request_, sent_on).model_dump() == read.model_dump()


# -- what an empty shape says, and one value in a list ---------------------------------


def single(request: type[Request]) -> list[tuple[type[Request], str]]:
    """The optional fields that take one value."""
    of_many = {"kinds", "used_ids", "helpful_ids", "harmful_ids", "steps", "lessons", "tags"}
    return [one for one in nulls(request) if one[1] not in of_many | {"evidence"}]


@pytest.mark.parametrize("empty", [{}, [], "[]", "{}", '""', [None], False], ids=repr)
@pytest.mark.parametrize(
    ("request_type", "name"),
    [
        one
        for request in (RecallRequest, OutcomeRequest, RememberRequest)
        for one in single(request)
    ],
)
def test_an_empty_shape_is_absent_in_every_optional_field(
    request_type: type[Request], name: str, empty: Any
) -> None:
    least = {"title": "a", "content": "b"} if request_type is RememberRequest else {"task": "t"}
    if request_type is OutcomeRequest:
        least = {"recall_id": "rec_1", "outcome": "success"}
    if name in least:
        least = {"task": "t", "outcome": "success"}
    without = parse(request_type, least)
    assert getattr(parse(request_type, {**least, name: empty}), name) == getattr(without, name)


@pytest.mark.parametrize("empty", [{}, "{}", False], ids=repr)
def test_used_ids_of_another_shape_are_not_told_and_an_empty_list_is(empty: Any) -> None:
    assert report(used_ids=empty).used_ids is None
    assert report(used_ids=[]).used_ids == report(used_ids="[]").used_ids == ()


def test_one_value_in_a_list_is_the_value() -> None:
    told = report(recall_id=["rec_1"], project=["shop"], outcome=["failed"])
    assert (told.recall_id, told.project, told.outcome) == ("rec_1", "shop", "failure")
    assert (recall(k=[7]).k, parse(ListRequest, {"kind": ["facts"]}).kind) == (7, "fact")
    assert "project = ['a', 'b'] is not valid" in refused(
        RecallRequest, {"task": "t", "project": ["a", "b"]}
    )


def test_an_empty_object_is_no_log_that_proves_a_success() -> None:
    evidence = report(evidence={"exit_code": [0], "tests_passed": {}, "log": {}}).evidence
    assert evidence is not None
    assert (evidence.exit_code, evidence.tests_passed, evidence.log) == (0, None, "")


@pytest.mark.parametrize("word", ["null", "None", "undefined", "N/A"])
def test_a_word_for_nothing_is_no_task_and_no_action(word: str) -> None:
    assert parse(RememberRequest, {**LESSON, "task": word}).task == ""
    assert parse(OutcomeRequest, {"recall_id": "r", "outcome": "success", "task": word}).task == ""
    assert parse(CheckRequest, {"error": "it broke", "action": word}).action == ""
    said = refused(CheckRequest, {"action": word})
    assert said.startswith(f"action = '{word}' says nothing. Pass what you are about to do")


@pytest.mark.parametrize(
    ("request_class", "given", "said"),
    [
        (CheckRequest, {"error": "."}, "error = '.' says nothing. Pass what you are about to do"),
        (CheckRequest, {"error": "--", "action": " "}, "error = '--' says nothing. Pass what"),
        (
            CheckRequest,
            {"error": "N/A", "action": "null"},
            "action = 'null' and error = 'N/A' say nothing. Pass what",
        ),
        (CheckRequest, {"error": " "}, "action and error are both empty. Pass what"),
        (
            OutcomeRequest,
            {"outcome": "success", "recall_id": "."},
            "recall_id = '.' says nothing. Pass the recall_id",
        ),
        (
            OutcomeRequest,
            {"outcome": "success", "recall_id": "-", "task": "..."},
            "recall_id = '-' and task = '...' say nothing. Pass the recall_id",
        ),
        (OutcomeRequest, {"outcome": ".", "task": "x"}, "outcome = '.' says nothing. Call again"),
        (
            OutcomeRequest,
            {"outcome": "success", "task": "x", "lessons": [{"title": "a", "content": "."}]},
            "lessons.0.content = '.' says nothing. Call again",
        ),
        (RememberRequest, {"title": "a", "content": "--"}, "content = '--' says nothing. Call"),
        (ForgetRequest, {"item_id": ".", "reason": "x"}, "item_id = '.' says nothing. Call again"),
        (ForgetRequest, {"item_id": " ", "reason": "x"}, "item_id is"),
    ],
)
def test_what_is_refused_for_saying_nothing_is_named_as_it_was_given(
    request_class: type[Request], given: dict[str, object], said: str
) -> None:
    assert refused(request_class, given).startswith(said)


@pytest.mark.parametrize(
    "blank",
    [{}, {"title": "", "content": " "}, {"title": None, "kind": "strategy", "tags": []}, ""],
    ids=repr,
)
def test_a_lesson_without_a_word_is_none_and_the_others_are_kept(blank: Any) -> None:
    assert report(lessons=[blank]).lessons == ()
    (kept,) = report(lessons=[blank, LESSON]).lessons
    assert kept.title == "a"
    assert "lessons.0.title is blank" in refused(
        OutcomeRequest,
        {"task": "t", "outcome": "success", "lessons": [{"title": "", "content": "b"}]},
    )


@pytest.mark.parametrize("zero", [0, "0", 0.0], ids=repr)
def test_a_room_of_no_tokens_counts_as_not_given(zero: object) -> None:
    """Schemas that make every field required are filled with zeros; k = 0 is moved to 1."""
    request = parse(RecallRequest, {"task": "t", "max_tokens": zero})
    assert (request.max_tokens, request.note) == (1200, "")
