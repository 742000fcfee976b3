"""Text for people: columns line up, lines fit, colours only where wanted."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.progress import ProgressLine
from server.cli.terminal import Page, cut, wants_colour, width_of


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (Tty(), {"TERM": "xterm"}, True),
        (Tty(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Tty(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Tty(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colours_only_on_a_terminal_that_wants_them(
    stream: io.StringIO, environ: dict[str, str], expected: bool
) -> None:
    assert wants_colour(stream, environ) is expected


def test_a_page_without_colours_has_no_codes() -> None:
    page = Page(colour=False)
    page.line("x", "red", "bold")
    assert page.text() == "x\n"


def test_a_coloured_line_ends_its_colour() -> None:
    page = Page(colour=True)
    page.line("x", "red")
    assert page.text() == "\x1b[31mx\x1b[0m\n"


def test_columns_line_up_with_wide_and_combining_letters() -> None:
    page = Page(width=80)
    rows = [("日本語", "12"), ("e\u0301tude", "3"), ("plain", "400")]
    page.table(("title", "won"), rows, flexible=0)
    ends = {width_of(line) for line in page.text().splitlines()}
    assert len(ends) == 1


def test_the_flexible_column_is_cut_to_fit() -> None:
    page = Page(width=60)
    page.table(("id", "title"), [("item_1", "word " * 50)], flexible=1)
    assert all(width_of(line) <= 60 for line in page.text().splitlines())
    assert "…" in page.text()


def test_stored_text_is_wrapped_and_keeps_its_lines() -> None:
    page = Page(width=60)
    page.block("first line\n    indented " + "word " * 40 + "\nlast")
    lines = page.text().splitlines()
    assert lines[0] == "  first line"
    assert lines[1].startswith("      indented")
    assert lines[2].startswith("      word")
    assert lines[-1] == "  last"
    assert all(len(line) <= 60 for line in lines)


def test_pairs_without_a_value_are_left_out() -> None:
    page = Page()
    page.pairs([("id", "x"), ("nothing", ""), ("created", "y")])
    assert page.text() == "  id       x\n  created  y\n"


@given(st.text(max_size=80), st.integers(2, 40))
def test_a_cut_text_fits(text: str, width: int) -> None:
    assert width_of(cut(text, width)) <= width


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_shown_of_a_short_wait() -> None:
    stream, clock = io.StringIO(), Clock()
    line = ProgressLine(stream, clock)
    line.tell(0.5, "Loading the model.")
    assert stream.getvalue() == ""


def test_away_from_a_terminal_each_message_is_written_once() -> None:
    stream, clock = io.StringIO(), Clock()
    line = ProgressLine(stream, clock)
    clock.now = 2.0
    for message in ("Opening.", "Opening.", "Loading."):
        line.show(message, 0.5)
    line.clear()
    assert stream.getvalue() == "... Opening.\n... Loading.\n"


def test_on_a_terminal_the_line_is_rewritten_and_taken_away() -> None:
    stream, clock = Tty(), Clock()
    line = ProgressLine(stream, clock)
    clock.now = 2.0
    line.show("Loading.", 0.25)
    line.clear()
    assert "... Loading. (25%)" in stream.getvalue()
    assert stream.getvalue().endswith("\r")
    assert "\n" not in stream.getvalue()
