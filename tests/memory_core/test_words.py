"""Search terms: one name in any of its spellings, any script, any text, in bounded time."""

from __future__ import annotations

import base64
import itertools
import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.names import names
from memory_core.words import LONGEST_TERM, STOP_WORDS, terms

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)
WORD = st.text(alphabet="bcdfghjklmnpqrtuvwxyz", min_size=3, max_size=8).filter(
    lambda word: word not in STOP_WORDS
)


def shared(one: str, other: str) -> set[str]:
    return set(terms(one)) & set(terms(other))


@given(st.lists(WORD, min_size=2, max_size=4))
def test_every_spelling_of_a_name_is_found_by_every_other_whole_and_by_its_words(
    words: list[str],
) -> None:
    capitals = [word.capitalize() for word in words]
    spellings = [
        "_".join(words),
        "-".join(words),
        "_".join(words).upper(),
        words[0] + "".join(capitals[1:]),
        "".join(capitals),
    ]
    for one, other in itertools.permutations(spellings, 2):
        assert set(terms(one)) == set(terms(other))
    together = "".join(words)
    for spelling in spellings:
        assert set(terms(" ".join(words))) <= set(terms(spelling))
        assert set(terms(together)) <= set(terms(spelling))


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("call os.path.join here", "path.join"),
        ("call os.path.join here", "join"),
        ("pandas.DataFrame.merge", "df.merge and DataFrame.merge"),
        ("std::vec::Vec", "std.vec"),
        ("src/app/main.py:12", "main.py"),
        ("open src/app/main.py", "open ./src/app/main.py"),
        (r"C:\Users\me\notes.txt", "notes.txt"),
        ("/etc/nginx/nginx.conf", "nginx.conf"),
        ("git commit --no-verify", "the no-verify flag"),
        ("git commit --no-verify", "--no-verify"),
        ("grep -rf", "what is -rf"),
        ("--timeout=30", "timeout"),
        ("error[E0502]: borrow", "E0502"),
        ("ORA-00942: no table", "ora 00942"),
        ("HTTP 429", "HTTP/429"),
        ("status HTTP429", "HTTP 429"),
        ("0x80070005", "80070005"),
        ("python 3.11.2", "3.11"),
        ("python 3.11.2", "v3.11.2"),
        ("Python3.11", "3.11"),
        ("db-1.prod.example.com:5432", "example.com"),
        ("db-1.prod.example.com:5432", "db-1"),
        ("https://api.example.com/v1/items", "api.example.com"),
        ("9fceb02d0ae598e95dc970b74767f19372d61af8", "9fceb02"),
        ("utf-8", "UTF8"),
        ("Node.js", "nodejs"),
        ("URLs", "url"),
        ("getHTTPResponse", "HTTP response"),
        ("C++", "c++"),
        ("the user's file", "users"),
        ("don\u2019t", "don't"),
        ("café naïve", "cafe"),
        ("Straße", "STRASSE"),
        ("smørrebrød", "smorrebrod"),
        ("\uff21\uff30\uff29", "api"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("데이터베이스를 연결", "데이터베이스"),
        ("这个数据库连接失败", "数据库"),
        ("黒猫がいる", "猫"),
        ("設定ファイルを読む", "ファイル"),
        ("การตั้งค่าระบบ", "ตั้งค่า"),
        ("हिन्दी में", "हिन्दी"),
        ("done ✅", "✅"),
        ("👩‍💻 works", "💻"),
        ("hid\u200bden", "hidden"),
        ("שָׁלוֹם", "שלום"),
    ],
)
def test_a_name_is_found_by_another_form_of_it(stored: str, asked: str) -> None:
    assert shared(stored, asked)
    stopped = [word for word in asked.casefold().split() if word in STOP_WORDS]
    assert not shared(stored, asked) & set(stopped)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("E0502", "E0503"),
        ("3.11.2", "3.12.1"),
        ("--force", "--hard"),
        ("-r", "-f"),
        ("ORA-00942", "ORA-01017"),
    ],
)
def test_what_names_another_thing_is_told_apart(one: str, other: str) -> None:
    assert set(terms(one)) - set(terms(other))


def test_a_flag_is_told_from_the_word() -> None:
    assert "--force" in terms("push --force")
    assert "--force" not in terms("use force")


def test_common_words_and_endings_are_no_terms() -> None:
    assert terms("to be or not to be") == ()
    assert terms("deploying the services") == ("deploy", "servic")


def test_nothing_has_no_terms() -> None:
    assert terms("") == terms("?! ... -- \n") == ()


@given(ANY_TEXT)
def test_any_text_has_terms_of_bounded_length_without_blanks(text: str) -> None:
    for term in terms(text):
        assert 0 < len(term) <= LONGEST_TERM + 2
        assert len(term.split()) == 1


@given(ANY_TEXT)
def test_composed_and_decomposed_texts_have_the_same_terms(text: str) -> None:
    one, other = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert terms(one) == terms(other)


@given(st.lists(WORD, max_size=8))
def test_the_terms_of_two_lines_are_those_of_each(words: list[str]) -> None:
    first, second = " ".join(words[::2]), " ".join(words[1::2])
    assert terms(f"{first}\n{second}") == terms(first) + terms(second)


RANDOM = random.Random(12).randbytes(150_000)


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(RANDOM).decode(),
        "ERROR foo.bar.Baz at /usr/lib/x.py:12 failed\n" * 8_000,
        *(piece * 100_000 for piece in ("a", "a.", "-", "a-", "x'", "_ ", "aB1", "/.")),
        *(piece * 50_000 for piece in ("数据", "การ", "é", "\u0301", "✅")),
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_a_huge_text_has_no_more_terms_than_a_few_for_each_of_its_signs(text: str) -> None:
    assert len(terms(text)) <= 2 * len(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Oracle says ORA-00942 again", {"ora00942", "00942"}),
        ("call parse_row or parseRow", {"parserow"}),
        ("push with --force or -rf", {"--force", "-rf"}),
        ("the driver 3.11.2 leaks", {"3.11.2", "3.11", "11.2"}),
        ("ECONNREFUSED by db-1.example.com", {"econnrefus", "db-1.example.com"}),
        ("strptime() fails", {"strptime"}),
        ("Is it 6 o'clock? Well-known things are fine, I think.", set()),
        ("HTTP and JSON", set()),
    ],
)
def test_names_are_what_no_word_of_prose_is(text: str, named: set[str]) -> None:
    assert named <= set(names(text))
    assert bool(named) == bool(names(text))


@given(ANY_TEXT)
def test_names_are_as_long_as_terms(text: str) -> None:
    assert all(1 < len(name) <= LONGEST_TERM + 2 for name in names(text))
