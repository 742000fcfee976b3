"""What of a long text is read: what is asked is among the windows, and nothing is unbounded."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.passages import passages
from memory_core.reading import (
    BUDGET,
    LONGEST_ASKED,
    MOST,
    MOST_PARTS,
    SHARE,
    WINDOW,
    Window,
    alternatives,
    estimated,
    folded,
    gist,
    parts,
    read,
    read_log,
    template,
)

LOG = "\n".join(
    f"2026-11-30 12:{n % 60:02d}:07,{n} INFO  worker[{n}] processed job {n * 77} in {n} ms"
    for n in range(80)
)
CODE = "\n".join(
    f"def total_{n}(rows):\n    return sum(row.price * {n} for row in rows)\n" for n in range(40)
)
DIFF = "diff --git a/app.py b/app.py\n--- a/app.py\n+++ b/app.py\n@@ -1,9 +1,9 @@\n" + "\n".join(
    f"-    value = rows[{n}]\n+    value = rows.get({n})\n     total += value" for n in range(60)
)
TRACE = (
    "Traceback (most recent call last):\n"
    + "\n".join(
        f'  File "/srv/app/room_{n}.py", line {n}, in step_{n}\n    self.next_{n}(value)'
        for n in range(40)
    )
    + "\nsqlite3.OperationalError: database is locked"
)
PROSE = "\n\n".join(
    f"The {name} of the harbour was built in stages and repaired after each of the storms that "
    "came over the northern sea. Its stones were carried from a quarry inland, on barges that "
    "went down the river in spring, and the masons who laid them had learned their craft abroad. "
    "Nothing of the first wall is left but a drawing in the town's archive."
    for name in ("wall", "tower", "pier", "gate", "bridge", "light", "quay", "mill", "chapel")
)
PASTED = {"log": LOG, "code": CODE, "diff": DIFF, "trace": TRACE, "prose": PROSE}
QUESTIONS = (
    "Why is sqlite saying database is locked?",
    "my CSV export from Excel has a weird first header, how do I get rid of it?",
    "Add retries with a growing pause to the upload.",
    "How do I reset my passcode",
    "¿Cómo puedo cambiar el idioma de la factura?",
    "请问如何取消这个订单？",  # noqa: RUF001
    "كيف أغير كلمة السر؟",
)


def placed(question: str, pasted: str, place: str) -> str:
    """A prompt with a question behind, before or between what was pasted."""
    if place == "behind":
        return f"{pasted}\n\n{question}"
    if place == "before":
        return f"{question}\n\n{pasted}"
    return f"{pasted}\n\n{question}\n\n{pasted}"


@pytest.mark.parametrize("place", ["behind", "before", "between"])
@pytest.mark.parametrize("kind", sorted(PASTED))
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_read_word_for_word_wherever_it_stands(
    question: str, kind: str, place: str
) -> None:
    windows = read(placed(question, PASTED[kind], place))
    assert Window(question, "asked", 1.0, clear=True) in windows


@pytest.mark.parametrize("kind", sorted(PASTED))
def test_a_question_counts_more_than_what_is_pasted(kind: str) -> None:
    windows = read(f"{PASTED[kind]}\n\nWhy is the export of orders empty?")
    assert windows[0].text == "Why is the export of orders empty?"
    assert all(one.weight < 1.0 for one in windows[1:])


def test_a_question_on_the_line_after_a_log_or_in_a_paragraph_is_found() -> None:
    assert read(f"{LOG}\nWhy are the jobs so slow?")[0].text == "Why are the jobs so slow?"
    glued = f"{PROSE} Why does the export of orders come out empty? {PROSE}"
    assert read(glued)[0].text == "Why does the export of orders come out empty?"


def test_a_bare_request_leaves_the_word_to_the_error() -> None:
    windows = read(f"Fix this please:\n{TRACE}")
    error = next(one for one in windows if one.kind == "trace")
    assert error.text.startswith("sqlite3.OperationalError: database is locked")
    assert "step_39" in error.text, "the innermost frame"
    assert error.weight == 1.0
    assert "database is locked" in gist(windows)


def test_beside_a_clear_question_only_the_names_of_an_error_are_searched_for() -> None:
    said = gist(read(f"Why does the nightly export of orders stop?\n\n{TRACE}"))
    assert said == "Why does the nightly export of orders stop?\nsqlite3.OperationalError:"


def test_lines_that_repeat_are_read_once() -> None:
    assert template("took 12.5ms at 10:22:01 for 9f86d081884c") == "took # at # for #"
    assert len(folded(LOG.splitlines())) == 1
    windows = read(f"{LOG}\n2026-11-30 12:00:09 ERROR disk full on volume data\n{LOG}\n\nHelp?")
    assert any("disk full" in one.text for one in windows)


@pytest.mark.parametrize("text", ["", "a", "why?", "short text\nof two lines", "ja " * 60])
def test_a_text_that_fits_is_read_as_it_is(text: str) -> None:
    assert read(text) == read_log(text) == (Window(text, "whole", clear=True),)
    assert gist(read(text)) == text


def test_a_text_that_the_model_counts_as_fitting_is_read_as_it_is() -> None:
    text = "word " * 300
    assert read(text, lambda _: 254) == (Window(text, "whole", clear=True),)
    assert read(text, lambda _: 255)[0].kind != "whole"


@pytest.mark.parametrize("words", [400, 1_200])
def test_what_fits_into_the_windows_is_all_read(words: int) -> None:
    """Of prose without a request every eighth is in some window, the first and last words too."""
    paragraphs = [" ".join(f"w{n}x{k}" for k in range(10)) + "." for n in range(words // 100)]
    text = "\n\n".join(paragraphs) + "\n\n" + "tail " * 30
    joined = " ".join(one.text for one in read(text, lambda _: 10_000))
    assert paragraphs[0].split()[0] in joined
    assert "tail" in joined


def check(windows: tuple[Window, ...]) -> None:
    """The bounds that hold for every text."""
    assert 1 <= len(windows) <= MOST
    assert all(0 < one.weight <= 1 for one in windows)
    sizes = {"asked": LONGEST_ASKED, "trace": LONGEST_ASKED, "log": WINDOW}
    for one in windows:
        if one.kind != "whole" and len(windows) > 1:
            assert estimated(one.text) <= sizes.get(one.kind, SHARE)
    beside = [one for one in windows if one.kind not in ("whole", "asked")]
    assert sum(estimated(one.text) for one in beside) <= 2 * BUDGET + LONGEST_ASKED


LINES = st.one_of(
    st.sampled_from([*QUESTIONS, *LOG.splitlines()[:9], *TRACE.splitlines(), *DIFF.splitlines()]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
    st.sampled_from(["", "", "```", "    ", "x" * 500, "?" * 80]),
)


@given(st.lists(LINES, max_size=60))
def test_any_text_is_read_within_bounds_and_twice_the_same(lines: list[str]) -> None:
    text = "\n".join(lines)
    windows = read(text)
    check(windows)
    assert windows == read(text)
    check(read_log(text))


@given(st.lists(LINES, max_size=40), st.sampled_from(QUESTIONS[:3]))
def test_a_question_at_the_end_is_among_the_windows_whatever_stands_before(
    lines: list[str], question: str
) -> None:
    body = "\n".join(line for line in lines if "?" not in line and "```" not in line)
    if any(one.kind == "whole" for one in read(f"{body}\n\n{question}")):
        return
    said = " ".join(one.text for one in read(f"{body}\n\n{question}"))
    assert re.sub(r"\s+", " ", question) in re.sub(r"\s+", " ", said)


@pytest.mark.parametrize(
    "text",
    [
        "INFO the same line\n" * 8_000,
        "one line without blanks".replace(" ", "") * 90_000,
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=" * 60_000,
        "a b " * 500_000,
        "word. " * 300_000,
        "why? " * 400_000,
        "\n" * 2_000_000,
        "((((" * 500_000,
        "E: " * 600_000,
        "`" * 2_000_000,
        "漢字" * 600_000,
    ],
    ids=lambda text: text[:8],
)
def test_a_text_of_two_megabytes_is_read(text: str) -> None:
    check(read(text))
    check(read_log(text))


MAIL = "\n".join(
    f"From: Anna\nSubject: Re: the office move {n}\n\nHi Tom,\n\nThe lamp in room {n} was mended. "
    "Could you have a look when you are back? Please add your numbers before Friday.\n\nAnna\n"
    for n in range(9)
)
CHAT = "\n".join(
    f"[{8 + n % 9}:{10 + n}] <anna> {said}"
    for n, said in enumerate(
        ("who takes this over while I am away?", "the build went through.") * 20
    )
)
RULES = "# Rules\n\n" + "\n".join(
    f"- {said}" for said in ("Write a test for each bug.", "Ask before you add a name.") * 20
)
QUOTES = "\n".join(f"> {line}" for line in PROSE.splitlines())
STATEMENT = "The ledger from the bank has semicolons in it and a comma as the decimal sign."


@pytest.mark.parametrize(
    "pasted", [MAIL, CHAT, RULES, QUOTES], ids=("mail", "chat", "rules", "quotes")
)
@pytest.mark.parametrize("place", ["behind", "before", "between"])
def test_a_statement_beside_phrases_that_ask_as_well_is_read_by_itself(
    pasted: str, place: str
) -> None:
    before, after = pasted * (place != "before"), pasted * (place != "behind")
    windows = read(f"{before}\n\n{STATEMENT}\n\n{after}".strip())
    assert STATEMENT in [one.text for one in windows if one.kind == "asked"]


def test_the_words_of_all_that_is_asked_are_searched_for() -> None:
    windows = read(f"{MAIL}\n\n{STATEMENT}\n\n{MAIL}")
    assert STATEMENT in gist(windows)


def test_a_question_between_thousands_of_like_lines_is_read() -> None:
    lines = "".join(f"{n:06d} the worker has processed job {n * 7} of {n}\n" for n in range(8_000))
    windows = read(f"{lines}\n{QUESTIONS[1]}\n\n{lines}")
    assert QUESTIONS[1] in [one.text for one in windows if one.kind == "asked"]


TALK = [
    f"[{n // 60 + 9:02d}:{n % 60:02d}] {who}: {said}"
    for n, (who, said) in enumerate(
        (who, f"{start} the {thing} {end}")
        for who, thing in zip(
            ("Sales", "Support") * 8,
            (
                "lunch menu", "train", "meeting room", "poster", "invoice", "contract", "garden",
                "parcel", "office plant", "coffee machine", "calendar", "slide deck", "visitor",
                "newsletter", "heating", "car park",
            ),
            strict=True,
        )
        for start, end in (
            ("could you have a look at", "before Friday?"),
            ("I put", "on the list again, thanks"),
            ("what happened to", "of last week?"),
        )
    )
]  # fmt: skip
STATEMENT = "the export of prices with a comma breaks into one column too many"


def test_a_statement_among_many_questions_is_read_where_something_stored_says_the_same() -> None:
    text = "\n".join([*TALK[:24], f"[10:30] Support: {STATEMENT}", *TALK[24:]])

    def held(texts: Sequence[str]) -> list[float]:
        return [3.0 * ("comma" in one and "column" in one) for one in texts]

    assert not any(STATEMENT in one.text for one in read(text))
    windows = read(text, held=held)
    assert STATEMENT in windows[0].text
    assert windows[0].clear
    assert len(windows) <= MOST


def test_a_text_that_asks_one_thing_is_asked_once_and_a_talk_more_often() -> None:
    assert alternatives(read("Why is sqlite saying database is locked?")) == 1.0
    assert alternatives(read(f"{LOG}\n\nWhy is sqlite saying database is locked?\n\n{CODE}")) < 1.2
    assert alternatives(read("\n".join(TALK))) > 3.0
    assert alternatives(read(f"{LOG}\n{TRACE}\n{CODE}")) > 3.0


def test_a_sentence_on_a_line_of_its_own_is_a_passage_of_its_own() -> None:
    heading = "To go on with the upgrade of the seat that was booked on the first of the month,"
    text = f"{PROSE}\n{heading}\nOur servers leave the zone out of all timestamps.\n{PROSE}"
    assert "Our servers leave the zone out of all timestamps." in [one.text for one in read(text)]


def test_an_error_is_read_by_its_line_and_its_end() -> None:
    windows = read_log(f"{TRACE}\n{LOG}\nmake: *** [Makefile:7: test] Error 1")
    assert windows[0].text.startswith("sqlite3.OperationalError: database is locked")
    assert windows[1].text.endswith("Error 1")


@given(st.lists(LINES, max_size=80), st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_the_parts_of_an_item_cover_it(lines: list[str], title: str) -> None:
    text = "\n".join(lines)
    found = parts(title, text)
    assert len(found) <= MOST_PARTS
    assert found == parts(title, text)
    said = "".join("".join(part.split("\n", 1)[1].split()) for part in found)
    for line in lines:
        for word in re.findall(r"\w{2,60}", line):
            assert word in said


def test_a_part_is_some_sentences_under_the_title() -> None:
    found = parts("Harbours", PROSE)
    assert all(part.startswith("Harbours\n") for part in found)
    last = "Nothing of the first wall is left but a drawing in the town's archive."
    assert found[-1] == f"Harbours\n{last}"
    assert MOST_PARTS // 2 < len(parts("Harbours", PROSE * 9)) <= MOST_PARTS
    assert parts("Harbours", PROSE * 9)[-1] == found[-1]


@pytest.mark.parametrize("text", ["x" * 8_000, "a b " * 40_000, "漢字" * 4_000, "\n" * 9_000])
def test_any_item_has_a_bounded_number_of_parts(text: str) -> None:
    assert len(parts("title", text)) <= MOST_PARTS


README = """Name: widgets
Summary: A toolkit for widgets of every size
Classifier: Development Status :: 5 - Production/Stable
Project-URL: Source, https://github.com/acme/widgets/
Project-URL: Docs, https://widgets.readthedocs.io/

# Widgets

Widgets is a toolkit for building widgets. It began as a wrapper around two older libraries
and has become one of the most popular of its kind in the whole industry.

See our [detailed guide][guide] for many ways to take part.

## A simple example

The organization develops and supports the libraries that it uses, in many small steps.

[guide]: https://widgets.readthedocs.io/guide/
[please donate today]: https://widgets.org/donate
.. _Tidelift: https://tidelift.com/security
"""


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize(
    "asked", ["I want to delete or remove my last commit", "How do I undo a merge?"]
)
def test_a_readme_around_a_question_is_nothing_else_that_may_be_asked(
    asked: str, behind: bool
) -> None:
    pasted = README * 2
    windows = read(f"{pasted}\n\n{asked}" if behind else f"{asked}\n\n{pasted}")
    assert windows[0].text == asked
    assert windows[0].clear
    assert alternatives(windows) == pytest.approx(1.0, abs=0.2)


def test_statements_alone_may_each_be_what_is_meant() -> None:
    assert alternatives(read(README * 2)) > 1.5


@pytest.mark.parametrize(
    "line",
    [
        "Project-URL: Source, https://github.com/acme/widgets/",
        "[please donate today]: https://widgets.org/donate",
        ".. _Tidelift: https://tidelift.com/security",
        ".. image:: https://widgets.org/badge.svg",
    ],
)
def test_the_definition_of_a_link_is_no_prose(line: str) -> None:
    assert [one.kind for one in passages(f"{line}\n\nSome words of a text.")] == ["log", "prose"]
