"""What is kept of a long text holds its ends and what it asks, and is never longer than told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.excerpts import ERROR_KEPT, TASK_KEPT, ends, excerpt
from memory_core.reading import read
from tests.memory_core.test_reading import CODE, LINES, LOG, PASTED, PROSE, TRACE

ASKED = "Why is the export of orders empty?"


@pytest.mark.parametrize("pasted", PASTED)
@pytest.mark.parametrize("place", ["behind", "before", "between"])
def test_what_is_asked_is_kept_and_read_again(pasted: str, place: str) -> None:
    body = "\n\n".join([PASTED[pasted]] * 12)
    before, after = body * (place != "before"), body * (place != "behind")
    cut = excerpt(f"{before}\n\n{ASKED}\n\n{after}")
    assert ASKED in cut
    assert len(cut) <= TASK_KEPT
    assert any(ASKED in one.text for one in read(cut) if one.kind == "asked")


def test_it_begins_and_ends_as_the_text_does() -> None:
    text = f"First of all.\n{LOG}\n{ASKED}\n{LOG * 9}\nThe last of all."
    cut = excerpt(text)
    assert cut.startswith("First of all.")
    assert cut.endswith("The last of all.")
    assert cut.count(ASKED) == 1


def test_the_error_of_a_trace_in_the_middle_is_kept() -> None:
    text = f"{ASKED}\n\n{PROSE * 6}\n\n{TRACE}\n\n{PROSE * 6}"
    assert "OperationalError: database is locked" in excerpt(text)


@pytest.mark.parametrize("text", ["", "short", "x" * TASK_KEPT])
def test_a_text_that_fits_stays_as_it_is(text: str) -> None:
    assert excerpt(text) is text
    assert ends(text, ERROR_KEPT) is text


@given(st.lists(LINES, max_size=60), st.integers(400, 900))
def test_nothing_kept_is_longer_than_told(lines: list[str], most: int) -> None:
    text = "\n".join(lines)
    assert len(excerpt(text, most)) <= most
    assert len(ends(text, most)) <= most


@pytest.mark.parametrize(
    "text",
    ["why? " * 800_000, "x" * 4_000_000, "漢字" * 600_000, "\n" * 4_000_000, CODE * 400],
    ids=["why", "x", "han", "lines", "code"],
)
def test_the_longest_text_has_an_excerpt(text: str) -> None:
    assert len(excerpt(text)) <= TASK_KEPT
