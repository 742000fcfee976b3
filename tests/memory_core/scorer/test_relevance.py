"""Relevance: each sign speaks one way, and each number is what it says."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from memory_core.scorer.relevance import (
    BY_MEANING,
    BY_WORDS,
    LONGEST_QUERY,
    SIGNS,
    SURE,
    Scale,
    Shared,
    shared_words,
    signs_of,
    spelt_alike,
    tempered,
)

NONE = Shared(np.zeros(1), np.zeros(1), np.zeros(1))


def one(cosine: float, crowd: int = 10, shared: Shared = NONE) -> float:
    """The relevance of a single candidate."""
    values = signs_of(Scale(0.06).of(np.array([cosine])), None, shared, crowd)
    return float(BY_MEANING.relevance(values)[0])


def words(*held: int) -> np.ndarray:
    return np.array(sorted(held), dtype=np.uint32)


def test_the_nearer_the_more_relevant() -> None:
    chances = [one(cosine) for cosine in np.linspace(-1.0, 1.0, 41)]
    assert chances == sorted(chances)
    assert chances[0] < 0.05
    assert chances[-1] > 0.5


def test_the_best_of_many_has_to_be_nearer_than_the_best_of_few() -> None:
    assert one(0.35, crowd=1) > one(0.35, crowd=30) > one(0.35, crowd=500)
    assert one(0.35, crowd=500) == one(0.35, crowd=100_000)


def test_an_informative_word_in_common_makes_more_relevant() -> None:
    rare = Shared(np.array([1.0]), np.array([0.3]), np.array([1.0]))
    common = Shared(np.array([0.05]), np.array([0.02]), np.array([0.2]))
    assert one(0.3, shared=rare) > one(0.3, shared=common) > one(0.3)


@pytest.mark.parametrize("weights", [BY_MEANING, BY_WORDS])
def test_no_sign_speaks_against_what_it_is_for(weights: object) -> None:
    assert isinstance(weights, type(BY_MEANING))
    assert len(weights.signs) == len(SIGNS)
    assert all(weight >= 0 for weight in weights.signs[:-1])
    assert weights.signs[-1] <= 0


def test_without_vectors_and_words_nothing_is_relevant() -> None:
    values = signs_of(np.array([math.nan]), None, NONE, 1)
    assert BY_MEANING.relevance(values)[0] < 0.1
    assert BY_WORDS.relevance(values)[0] < 0.1


def test_no_candidates_give_no_relevance() -> None:
    empty = Shared(np.zeros(0), np.zeros(0), np.zeros(0))
    values = signs_of(np.zeros(0), np.zeros((0, 256), np.float32), empty, 0)
    assert BY_MEANING.relevance(values).shape == (0,)


def test_the_scale_puts_unrelated_texts_of_any_model_at_nothing() -> None:
    scale = Scale(0.7)
    assert scale.of(np.array([0.7, 1.0])).tolist() == pytest.approx([0.0, 1.0])


CONE = Scale(0.06, np.array([[1.0, 0.0, 0.0]], dtype=np.float32))
"""A model that puts all texts of a language near (1, 0, 0)."""


def test_texts_of_a_language_that_lie_together_are_unrelated_at_the_cosine_of_all_of_them() -> None:
    expected = CONE.expected(np.array([0.8]), np.array([[0.75], [0.1], [0.0]]))
    assert expected.tolist() == pytest.approx([0.6, 0.08, 0.06])
    assert CONE.of(np.array([0.6, 0.08, 0.06]), expected).tolist() == pytest.approx([0.0, 0.0, 0.0])


def test_a_step_above_unrelated_texts_is_as_great_in_every_language_and_equal_texts_are_1() -> None:
    expected = np.array([0.06, 0.7, 0.06, 0.7])
    little, alike = np.split(CONE.of(np.array([0.08, 0.72, 1.0, 1.0]), expected), 2)
    assert little.tolist() == pytest.approx([0.02 / 0.94] * 2, rel=0.06)
    assert alike.tolist() == pytest.approx([1.0, 1.0])


def test_beside_a_text_of_a_language_unrelated_texts_are_those_of_that_language() -> None:
    foreign, english = (np.array(v, dtype=np.float32) for v in ([0.8, 0.6, 0.0], [0.1, 0.7, 0.7]))
    assert CONE.beside(foreign).of(np.array([0.64, 1.0])) == pytest.approx([0.0, 1.0], abs=1e-6)
    assert CONE.beside(english).of(np.array([0.06, 1.0])) == pytest.approx([0.0, 1.0], abs=1e-6)
    assert CONE.beside(None) is CONE


def test_what_a_model_reads_letter_by_letter_is_as_near_as_the_words_are_shared() -> None:
    near, nothing = np.array([0.4, 0.4]), np.zeros(2)
    shared = Shared(nothing, np.array([0.0, 0.4]), nothing)
    assert spelt_alike(near, shared, 0.0).tolist() == [0.4, 0.4]
    assert spelt_alike(near, shared, 1.0).tolist() == pytest.approx([-0.08, 0.4])
    assert spelt_alike(near, shared, 0.5).tolist() == pytest.approx([0.16, 0.4])


def test_what_items_near_the_task_agree_on_is_more_relevant() -> None:
    said = np.eye(256, dtype=np.float32)
    alike, apart = said[[0, 0, 0, 1]], said[[0, 1, 2, 3]]
    cosines = np.array([0.8, 0.79, 0.78, 0.77])
    nothing = Shared(np.zeros(4), np.zeros(4), np.zeros(4))
    agreed, alone = (
        BY_MEANING.relevance(signs_of(cosines, contents, nothing, 4)) for contents in (alike, apart)
    )
    assert agreed[0] > alone[0]


def test_an_item_that_has_all_that_a_short_task_names_is_relevant() -> None:
    """A bare error code is a whole question."""
    code = shared_words([words(7, 8)], {7: 1.0})
    assert code.share.tolist() == [1.0]
    assert one(0.2, crowd=60, shared=code) > 0.14 > one(0.2, crowd=60)


def test_shared_words_are_weighed_by_rarity() -> None:
    found = shared_words([words(1, 2, 9), words(9), words()], {1: 1.0, 2: 0.5})
    assert found.mass.tolist() == [1.25, 0.0, 0.0]
    assert found.rarest.tolist() == [1.0, 0.0, 0.0]


def test_all_words_of_a_task_that_says_little_are_no_whole_share() -> None:
    assert shared_words([words(1)], {1: 0.4}).share[0] == pytest.approx(0.16)
    assert shared_words([words(1)], {1: 1.0}).share[0] == 1.0


def test_the_words_of_a_long_text_count_for_less_each() -> None:
    many = dict.fromkeys(range(4 * int(LONGEST_QUERY)), 1.0)
    assert shared_words([words(1)], many).mass[0] == pytest.approx(0.25)


def test_a_task_without_informative_words_shares_none() -> None:
    assert shared_words([words(1, 2)], {}).mass.tolist() == [0.0]


def test_a_large_store_tells_a_high_relevance_with_more_doubt_and_keeps_bars_and_order() -> None:
    chances = np.array([0.0, 0.1, 0.14, 0.27, 0.3, 0.6, 0.97, 1.0])
    for size, reports in product((1, 80, 150, 700, 100_000), (0, 50, 512)):
        told = tempered(chances, size, reports)
        assert (told[:4] == chances[:4]).all()
        assert (told[4:] > SURE).all()
        assert (np.diff(told) > 0).all()
        assert (told <= chances + 1e-9).all()
    assert tempered(chances, 80, 0) == pytest.approx(chances)
    large = tempered(chances, 700, 0)
    assert large[5] < 0.4
    assert (tempered(chances, 700, 50)[4:7] > large[4:7]).all()
