"""Each bad input gives one clear sentence that names the value, and changes nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from memory_core.requests import MOST_READ
from tests.server.connections import ERAS, MODERN, connected, data_of, text_of
from tests.server.fake_memory import FakeMemory

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)

GOOD = {"title": "a title", "content": "some content"}
MEGABYTE = "m" * 1_000_000

CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "no task": ("recall", {}, "task is missing"),
    "a misspelt task": ("recall", {"taks": "y"}, "takes no taks"),
    "empty task": ("recall", {"task": ""}, "task is blank"),
    "blank task": ("recall", {"task": " \n\t"}, "task is blank"),
    "more than is read": ("recall", {"task": "t" * (MOST_READ + 1)}, "4,194,305"),
    "long content": ("remember", {**GOOD, "content": "t" * 8001}, "8,001"),
    "a task that is a number": ("recall", {"task": 5}, "task = 5"),
    "a task that is a list": ("recall", {"task": ["a"]}, "task = ['a']"),
    "NUL in a name": ("recall", {"task": "x", "session": "a\x00b"}, "'\\x00'"),
    "a control character in an id": ("forget", {"item_id": "a\x1bb", "reason": "r"}, "'\\x1b'"),
    "nothing but control characters": ("recall", {"task": "\x07\x7f"}, "task is blank"),
    "unknown kind": ("recall", {"task": "x", "kinds": ["hint"]}, "'hint'"),
    "k in words": ("recall", {"task": "x", "k": "three"}, "'three'"),
    "k and a half": ("recall", {"task": "x", "k": 2.5}, "2.5"),
    "long project": ("recall", {"task": "x", "project": "p" * 129}, "129"),
    "nothing to check": ("check", {}, "action and error"),
    "a command to check": ("check", {"command": "pip install x"}, "it takes no command."),
    "a prompt beside a blank task": ("recall", {"task": "", "prompt": "x"}, "it takes no prompt."),
    "a recall under another name": (
        "report_outcome",
        {"recall": "rec_1", "outcome": "success"},
        "it takes no recall.",
    ),
    "blank check": ("check", {"action": " ", "error": ""}, "action and error"),
    "no content": ("remember", {"title": "a"}, "content is missing"),
    "long title": ("remember", {**GOOD, "title": "t" * 201}, "201"),
    "a megabyte of content": ("remember", {**GOOD, "content": MEGABYTE}, "1,000,000"),
    "NUL in a tag": ("remember", {**GOOD, "tags": ["a\x00"]}, "'\\x00'"),
    "kind of lesson": ("remember", {**GOOD, "kind": "Strategy!"}, "'Strategy!'"),
    "17 tags": ("remember", {**GOOD, "tags": [str(n) for n in range(17)]}, "17"),
    "supersedes nothing": ("remember", {**GOOD, "supersedes": "item_x"}, "'item_x'"),
    "no outcome": ("report_outcome", {"task": "x"}, "outcome is missing"),
    "unknown outcome": ("report_outcome", {"task": "x", "outcome": "fine"}, "'fine'"),
    "no recall and no task": ("report_outcome", {"outcome": "success"}, "recall_id and task"),
    "unknown recall": (
        "report_outcome",
        {"outcome": "success", "recall_id": "recall_x"},
        "'recall_x'",
    ),
    "conflicting labels": (
        "report_outcome",
        {"task": "x", "outcome": "success", "helpful_ids": ["i1"], "harmful_ids": ["i2", "i1"]},
        "'i1'",
    ),
    "51 ids": ("report_outcome", {"task": "x", "outcome": "success", "used_ids": ["i"] * 51}, "51"),
    "an unknown id": (
        "report_outcome",
        {"task": "x", "outcome": "success", "used_ids": ["item_y"]},
        "'item_y'",
    ),
    "four lessons": (
        "report_outcome",
        {"task": "x", "outcome": "success", "lessons": [GOOD] * 4},
        "lessons holds 4",
    ),
    "half a lesson": (
        "report_outcome",
        {"task": "x", "outcome": "success", "lessons": [{"title": "t"}]},
        "lessons.0.content",
    ),
    "an exit code in words": (
        "report_outcome",
        {"task": "x", "outcome": "success", "evidence": {"exit_code": "one"}},
        "'one'",
    ),
    "fewer than no tests": (
        "report_outcome",
        {"task": "x", "outcome": "success", "evidence": {"tests_passed": -1}},
        "-1",
    ),
    "unknown state": ("list_lessons", {"state": "gone"}, "'gone'"),
    "unknown order": ("list_lessons", {"sort": "name"}, "'name'"),
    "forget nothing": ("forget", {"item_id": "", "reason": "r"}, "item_id"),
    "forget the unknown": ("forget", {"item_id": "item_z", "reason": "r"}, "'item_z'"),
    "forget without reason": ("forget", {"item_id": "item_z"}, "reason is missing"),
    "forget for a blank": ("forget", {"item_id": "item_z", "reason": " "}, "reason is blank"),
}


@both_eras
@pytest.mark.parametrize("case", CASES)
async def test_it_is_refused_in_one_sentence_and_nothing_changes(era: str, case: str) -> None:
    name, arguments, named = CASES[case]
    memory = FakeMemory()
    async with connected(memory, era) as client:
        data_of(await client.call_tool("remember", {"title": "before", "content": "kept"}))
        before = deepcopy((memory.kept, memory.served, memory.reports, memory.errors))
        result = await client.call_tool(name, arguments)
        text = text_of(result)
        assert result.is_error
        assert named in text
        assert "Traceback" not in text
        assert "pydantic" not in text
        assert len(text) < 400
        assert text.endswith(".")
        assert (memory.kept, memory.served, memory.reports, memory.errors) == before
        data_of(await client.call_tool("recall", {"task": "before"}))


@both_eras
async def test_an_id_that_nobody_gave_is_named(era: str) -> None:
    async with connected(FakeMemory(), era) as client:
        result = await client.call_tool("forget", {"item_id": "item_made_up", "reason": "r"})
        assert result.is_error
        assert "item_made_up" in text_of(result)


async def test_a_lone_surrogate_is_refused_by_its_place() -> None:
    async with connected(FakeMemory(), MODERN) as client:
        result = await client.call_tool("recall", {"task": "a\ud800b"})
        assert result.is_error
        assert "lone surrogate at position 1" in text_of(result)
        text_of(result).encode()
        odd = await client.call_tool("recall", {"task": "x", "a\ud800": 1})
        assert "a?" in data_of(odd)["note"]
        text_of(odd).encode()


@both_eras
async def test_an_outcome_reported_twice_counts_once_and_another_corrects_it(era: str) -> None:
    async with connected(FakeMemory(), era) as client:
        data_of(await client.call_tool("remember", GOOD))
        recalled = data_of(await client.call_tool("recall", {"task": "title"}))
        report = {"recall_id": recalled["recall_id"], "outcome": "success"}
        first = await client.call_tool("report_outcome", report)
        again = await client.call_tool("report_outcome", report)
        other = await client.call_tool("report_outcome", {**report, "outcome": "failure"})
    statuses = [data_of(one)["status"] for one in (first, again, other)]
    assert statuses == ["recorded", "repeated", "corrected"]
    assert "counted once" in text_of(again)
    assert "corrects the earlier report" in text_of(other)
