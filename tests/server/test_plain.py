from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.requests import MARK, OutcomeRequest, parse
from server.plain import cleaned, one_line, plain, quoted
from server.surrogates import marked

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_cleaned_text_can_always_be_sent_and_cleaning_again_changes_nothing(text: str) -> None:
    once = cleaned(text)
    once.encode()
    assert cleaned(once) == once
    assert not any(ord(one) < 32 and one not in "\n\t" for one in once)


@given(ANY_TEXT)
def test_every_line_of_quoted_text_is_quoted(text: str) -> None:
    assert all(line.startswith(">") for line in quoted(text).splitlines())
    assert len(one_line(text).splitlines()) <= 1


def test_quoted_text_keeps_its_words_and_blank_text_is_nothing() -> None:
    assert quoted("one\r\n\n  two\n") == "> one\n>\n>   two"
    assert quoted(" \n ") == ""


def test_plain_data_keeps_its_shape_and_drops_digits_nobody_reads() -> None:
    assert plain({"a": [0.123456, 1, True, None, "b\x00"]}) == {"a": [0.1235, 1, True, None, "b"]}


@given(ANY_TEXT, st.integers(0, 2))
def test_marking_replaces_lone_surrogates_and_nothing_else(text: str, backslashes: int) -> None:
    text = "\\" * backslashes + text
    read = json.loads(marked(json.dumps(text).encode()))
    expected = "".join(MARK if "\ud800" <= one <= "\udfff" else one for one in text)
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if paired == text:
        assert read == text
    else:
        read.encode()
        assert len(read) <= len(expected)
        assert MARK in read


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("a, b ,", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ("[a, b", ("[a", "b")),
        ("", ()),
        (["a"], ("a",)),
    ],
)
def test_lists_of_ids_are_taken_however_they_come(sent: object, taken: tuple[str, ...]) -> None:
    request = parse(OutcomeRequest, {"task": "t", "outcome": "success", "used_ids": sent})
    assert request.used_ids == taken


def test_steps_are_not_torn_at_their_commas() -> None:
    request = parse(OutcomeRequest, {"task": "t", "outcome": "success", "steps": "a, then b"})
    assert request.steps == ("a, then b",)
