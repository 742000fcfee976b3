"""Texts of scripts that a model cannot read are told apart by their spelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.unknown_words import blended, letter_share, may_be_unknown, spelled, unknown_share

AMHARIC = ("የውሂብ ጎታው ለምን ተቆልፏል?", "የውሂብ ጎታ ተቆልፏል", "ዛሬ የአየር ሁኔታ እንዴት ነው?")
KHMER = ("ហេតុអ្វីមូលដ្ឋានទិន្នន័យជាប់សោ?", "មូលដ្ឋានទិន្នន័យជាប់សោ", "ថ្ងៃនេះអាកាសធាតុយ៉ាងម៉េចដែរ?")
THAI = ("ทำไมฐานข้อมูลถูกล็อก", "ฐานข้อมูลถูกล็อก", "วันนี้อากาศเป็นอย่างไร")


@pytest.mark.parametrize("texts", [AMHARIC, KHMER, THAI], ids=["amharic", "khmer", "thai"])
def test_what_shares_words_is_nearer_than_what_does_not(texts: tuple[str, str, str]) -> None:
    asked, same, other = (spelled(text, 384) for text in texts)
    assert asked @ same > 0.5
    assert asked @ other < 0.35


def test_different_emoji_and_different_blobs_are_far_apart() -> None:
    assert abs(spelled("\U0001f525\U0001f680", 384) @ spelled("\U0001f355", 384)) < 0.3
    assert abs(spelled("x" * 3_000, 384) @ spelled("y" * 3_000, 384)) < 0.3


@given(st.text(max_size=300), st.sampled_from([8, 64, 384]))
def test_any_text_has_a_vector_of_unit_length_or_none(text: str, dimension: int) -> None:
    vector = spelled(text, dimension)
    assert vector.shape == (dimension,)
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-4) or not vector.any()
    np.testing.assert_array_equal(vector, spelled(text, dimension))


@pytest.mark.parametrize(
    ("pieces", "share"),
    [
        ([], 0.0),
        (["why", "locked", "?"], 0.0),
        (["why", "[UNK]", "locked"], 0.0),
        (["[UNK]", "[UNK]", "[UNK]", "api"], 0.5),
        (["[UNK]", "?", "!"], 1.0),
    ],
)
def test_spelling_decides_from_half_of_the_words_on(pieces: list[str], share: float) -> None:
    assert unknown_share(pieces, "[UNK]") == share


def test_a_text_that_is_read_keeps_its_vector() -> None:
    read = np.full(4, 0.5, dtype=np.float32)
    assert blended(read, "why is it locked", 0.0) is read
    assert not may_be_unknown("why is the database locked?")
    assert may_be_unknown("x" * 101)
    assert may_be_unknown(AMHARIC[0])


def test_a_text_is_read_letter_by_letter_where_it_has_as_many_pieces_as_letters() -> None:
    assert letter_share("плохо", len) == 1.0
    assert letter_share("schön", lambda _text: 2) == 0.0
    assert letter_share("abc", len) == 0.0
    assert letter_share("плохой совет", lambda _text: 7) == pytest.approx(0.182, abs=1e-3)
