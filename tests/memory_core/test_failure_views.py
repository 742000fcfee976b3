"""The views of a failure that need no model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.service.conditions import HASHED, hashed, text_views, words_of
from memory_core.signature import sign

TRACEBACK = """Traceback (most recent call last):
  File "/home/ann/{path}.py", line 12, in load
    return rows[{key!r}]
KeyError: {key!r}
"""


def views(error: str) -> tuple[np.ndarray, np.ndarray]:
    return text_views(error, sign(error).normalised)


def test_the_same_literal_in_another_place_is_the_same_literal() -> None:
    """Paths and lines differ, the name that is missing does not."""
    one, other = (views(TRACEBACK.format(path=path, key="colour")) for path in ("a/b", "tool/x"))
    assert float(one[0] @ other[0]) == pytest.approx(1.0)
    assert 0.5 < float(one[1] @ other[1]) < 1.0


def test_another_literal_is_another_even_where_all_else_is_alike() -> None:
    one, other = (views(TRACEBACK.format(path="a", key=key)) for key in ("colour", "weight"))
    assert abs(float(one[0] @ other[0])) < 0.01
    assert float(one[1] @ other[1]) > 0.7


def test_words_of_the_normalised_error_are_no_literals() -> None:
    literals, _ = text_views("Unknown column 'dog_id' in 'field list'", "Unknown column <str> in")
    assert np.count_nonzero(literals) == len({"dog_id", "field", "list"})


def test_an_error_that_nobody_can_read_is_its_own_literal() -> None:
    literals, words = views("zzz qqq")
    assert np.count_nonzero(words) == 2
    assert np.count_nonzero(literals) == 0  # its normalised text is all it says


@pytest.mark.parametrize("error", ["", " \n\t", "!!! ---"])
def test_no_words_give_zeros(error: str) -> None:
    for view in text_views(error, ""):
        assert view.shape == (HASHED,)
        assert not view.any()


@given(st.text(max_size=400))
def test_any_text_gives_unit_length_or_zeros_and_the_same_bits_again(text: str) -> None:
    for view, again in zip(views(text), views(text), strict=True):
        assert view.dtype == np.float32
        assert np.array_equal(view, again)
        assert float(np.linalg.norm(view)) == pytest.approx(1.0 if view.any() else 0.0, abs=1e-5)


@given(st.lists(st.text("abcdefgh_", min_size=1, max_size=8), max_size=20))
def test_the_order_of_words_does_not_matter(words: list[str]) -> None:
    assert np.array_equal(hashed(words), hashed(reversed(words)))


def test_words_are_bounded() -> None:
    assert max(map(len, words_of("x" * 500))) <= 81
