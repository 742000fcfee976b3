"""What no reader sees goes; what shapes a word or an emoji stays."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.errors import shown
from memory_core.unseen import escaped, seen

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
JOINER, NON_JOINER, EMOJI_STYLE = "\u200d", "\u200c", "\ufe0f"
SELECTORS = [chr(code) for code in (*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))]
TAGS = [chr(code) for code in range(0xE0000, 0xE0080)]
OTHERS = [
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u200c\u200d\u200e\u200f",
    *"\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069",
    *"\u206a\u206f\u2800\u3164\ufe0e\ufe0f\ufeff\uffa0\ufff0\ufff9\ufffa\ufffb\ufdd0\ufffe\uffff",
    *"\ue000\U0001bca0\U0001d159\U0001d173\U000e01f0\U000f0000\U0010fffd\U0001ffff\x00\x1b\x7f\x9b",
]


@pytest.mark.parametrize("hidden", [*SELECTORS, *TAGS, *OTHERS], ids=ascii)
def test_what_nobody_sees_is_gone_wherever_it_stands(hidden: str) -> None:
    for text in (
        f"a{hidden}b",
        f"{hidden}ab",
        f"ab{hidden}",
        f"a{hidden * 3}b",
        f"\u65e5{hidden}b",
    ):
        assert seen(text) == text.replace(hidden, "")
    assert hidden not in seen(f"\u0915{hidden * 3}\u0916 \U0001f600{hidden * 3}")[2:].replace(
        f"\U0001f600{hidden}", ""
    )


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: I want
        "\u062e\u0627\u0646\u0647\u200c\u0627\u06cc",
        "\u0647\u200d.",  # a letter alone in its initial form
        "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",  # Hindi: a half form, and none
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala: Sri
        "\u0d9a\u200d\u0dca\u0dc2",  # Sinhala: letters that touch
        "\u09b0\u200d\u09cd\u09af\u09be\u09ae",  # Bengali: RAM
        "\u0d28\u0d4d\u200d",  # Malayalam: a letter without vowel at the end
        "\u182e\u1824\u180b\u1829",  # Mongolian: another form of a letter
        "\u2813\u2800\u2807",  # Braille: a blank
        "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u0e44\u0e17\u0e22 \ud55c\uad6d\uc5b4",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",  # a family
        "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
        "\U0001f3f3\ufe0f\u200d\U0001f308 \U0001f3f4\u200d\u2620\ufe0f",  # flags with a sign
        "1\ufe0f\u20e3 #\ufe0f\u20e3",  # keycaps
        "\u26f9\U0001f3fd\u200d\u2640\ufe0f \u26a0\ufe0f \u2603\ufe0e",
        "\U0001f1e9\U0001f1ea",
        *(
            "\U0001f3f4" + "".join(chr(0xE0000 + ord(one)) for one in code) + "\U000e007f"
            for code in ("gbeng", "gbsct", "gbwls")
        ),
    ],
    ids=ascii,
)
def test_what_shapes_a_word_or_an_emoji_stays(text: str) -> None:
    assert seen(text) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("\U0001f600\ufe0f\ufe0e\ufe0f", "\U0001f600\ufe0f"),
        ("\U0001f600\u200d\u200d\U0001f600", "\U0001f600\U0001f600"),
        ("\u2764\ufe0f\u200dx", "\u2764\ufe0fx"),
        ("\u0645\u200c\u200d\u200c\u062e", "\u0645\u062e"),
        ("\U0001f3f4\U000e0061\U000e0062\U000e007f", "\U0001f3f4"),
        ("7\ufe0f", "7"),
        ("pa\u200dy", "pay"),
        ("\u845b\U000e0100\u57ce", "\u845b\u57ce"),
        ("\u05d0\u200f\u05d1", "\u05d0\u05d1"),
    ],
    ids=ascii,
)
def test_a_shape_hides_nothing_more(text: str, read: str) -> None:
    assert seen(text) == read


@given(ANY_TEXT)
def test_looking_again_changes_nothing(text: str) -> None:
    once = seen(text)
    assert seen(once) == once
    once.encode()
    assert not any(
        unicodedata.category(one) in ("Cc", "Cs", "Co") for one in once if one not in "\t\n"
    )


@given(ANY_TEXT)
def test_escapes_keep_the_data_of_json(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False)
    told = seen(written, escaped)
    assert json.loads(told) == json.loads(json.dumps(text))
    assert seen(told) == told


def test_a_refused_value_is_named_with_what_it_hides() -> None:
    assert shown("a\u200bb\ufe0f\u3164") == r"'a\u200bb\ufe0f\u3164'"
    assert shown("\u0939\u093f\u0928\u094d\u0926\u0940") == "'\u0939\u093f\u0928\u094d\u0926\u0940'"
