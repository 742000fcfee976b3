"""What keeps the meaning of a text, and what may change it however small it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.wording import changed_meaning, said

REAL = frozenset(
    {
        *("receive", "file", "files", "close", "open", "before", "after", "always", "never"),
        *("not", "the", "use", "read", "write", "text", "test", "data", "time", "times"),
        *("from", "form", "now", "separate", "separated"),
    }
)


def known(word: str) -> bool:
    return word in REAL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Close the file", "Close  the\nfile"),
        ("close the file", "Close the file."),
        ("Close the file", "Close file"),
        ("close the file, always", "Close the file - always!"),
        ("Read a json file", "Read a JSON file"),
        ("recieve the file", "receive the file"),
        ("clsoe the file", "close the file"),
        ("seperated text", "separated text"),
        ("open the file", "open the files"),
        ("use utf-8-sig (always)", "Use `utf-8-sig`, always"),
        ("don\u2019t guess", "don't guess"),
        ("cafe\u0301 data", "caf\u00e9 data"),
        ("a read-only file", "a read only file"),
    ],
)
def test_a_correction_of_the_letters_changes_no_meaning(old: str, new: str) -> None:
    assert changed_meaning(old, new, known) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("do close the file", "do not close the file"),
        ("never close the file", "close the file"),
        ("close after use", "close before use"),
        ("wait 10 seconds", "wait 100 seconds"),
        ("use -r", "use -R"),
        ("use --force", "use --no-force"),
        ("while i <= n", "while i < n"),
        ("call readFile", "call readfile"),
        ("set x to X", "set x to x"),
        ("read utf8", "read utf-8"),
        ("test the data", "text the data"),
        ("data from now", "data from not"),
        ("take pyetst", "take pytest"),
        ("call os.path.join", "call os.path.joint"),
        ("close the file", "close the file and open it"),
        ("write the filename", "write the file"),
        ("open \u6587\u4ef6", "open \u6587\u672c"),
    ],
)
def test_a_change_of_what_is_said_is_told(old: str, new: str) -> None:
    assert changed_meaning(old, new, known)


def test_a_word_is_misspelt_only_where_the_model_knows_the_right_one() -> None:
    assert changed_meaning("recieve", "receive", None) == "'recieve' became 'receive'"
    assert changed_meaning("receive", "recieve", known) == "'receive' became 'recieve'"


def test_the_first_change_is_named_and_cut() -> None:
    assert changed_meaning("open it", "open it never", known) == "'never' was added"
    assert changed_meaning("never open it", "open it", known) == "'never' was taken out"
    assert len(changed_meaning("x", "word " * 100, known)) < 80


LESSON = "Don't retry a POST, it's not idempotent: send `Idempotency-Key` and 3 attempts."


@pytest.mark.parametrize(
    "written",
    [
        *(
            mark + LESSON
            for mark in ("- ", "* ", "\u2022\u00a0", "1. ", "> ", "## ", "- [ ] ", "  ")
        ),
        *(mark + LESSON + mark for mark in ("**", "*", "***", "__", "_", "~~")),
        f"- **{LESSON}**",
        f"\u201c{LESSON}\u201d",
        LESSON.upper(),
        LESSON.replace("'", "\u2019").replace("`", ""),
        LESSON.replace("retry", "re\u200btry"),
        LESSON.replace(": ", " \u2014 ").rstrip("."),
        LESSON.replace(" ", "\n "),
        LESSON.replace("POST", "\uff30\uff2f\uff33\uff34"),
        *(
            mark + LESSON
            for mark in (
                "(b) ",
                "b) ",
                "ii. ",
                "1.2. ",
                "Step 1: ",
                "\u2192 ",
                "\u25cf ",
                "\u2460 ",
            )
        ),
        LESSON.replace("'", "&#39;"),
        LESSON.replace("'", "&rsquo;").replace(" ", "&nbsp;"),
        LESSON.replace("Don't", "Do not").replace("it's", "it\u02bcs"),
        f"<p>{LESSON}</p>",
        LESSON.replace("POST", "<b>POST</b>"),
        f"```text\n{LESSON}\n```",
        f"\u201e{LESSON}\u201c",
        f"\u300c{LESSON}\u300d",
        f"{LESSON[:-1]};",
    ],
)
def test_marks_and_letters_say_nothing(written: str) -> None:
    assert said(written) == said(LESSON)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("use -r", "use -R"),
        ("use --force", "use --no-force"),
        ("pass *args", "pass **args"),
        ("write __init__", "write init"),
        ("wait 10 seconds", "wait 100 seconds"),
        ("do retry", "do not retry"),
        ("test a == b", "test a = b"),
        ("python 3.11", "python 3.12"),
        ("while i <= n", "while i < n"),
        ("offset -1", "offset 1"),
        ("\u2705 use it", "\u274c use it"),
        ("retry after failure", "failure after retry"),
        ("at 10 MB", "at 10 Mb"),
        ("wait 30 s", "wait 30 ms"),
        ("heat to 30 \u00b0C", "heat to 30 \u00b0F"),
        ("it can run", "it can't run"),
        ("chmod 644", "chmod 0644"),
        ("List<int>", "List"),
        ("write <b> for bold", "write for bold"),
        ("x >= 3", "x > 3"),
    ],
)
def test_what_says_something_else_stays_apart(one: str, other: str) -> None:
    assert said(one) != said(other)


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=200))
def test_any_text_says_what_it_says_in_bullets(text: str) -> None:
    line = " ".join(text.split())
    assert said(f"- {line}") == said(line)
