"""Sketches: like texts near, unlike ones far, names taken out of the structure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.sketch import LONGEST, SIZE, content_sketch, structure_sketch


@given(st.text())
def test_sketch_is_of_unit_length_or_zero(text: str) -> None:
    """Any text gives a finite vector that cosines can be taken of."""
    for sketch in (content_sketch(text), structure_sketch(text)):
        assert sketch.shape == (SIZE,)
        assert sketch.dtype == np.float32
        length = float(np.linalg.norm(sketch))
        assert length == pytest.approx(1.0, abs=1e-5) or length == 0.0


def test_sketch_of_a_text_never_changes() -> None:
    """The places come from CRC-32, not from a hash that differs between processes."""
    first = np.flatnonzero(content_sketch("restart the server"))
    assert first.tolist() == [7, 62, 206, 230, 246]


def test_same_advice_in_other_case_is_the_same_and_other_advice_is_far() -> None:
    """Content compares words and pairs of words."""
    one = content_sketch("Use table_a in place of table_b.")
    assert float(one @ content_sketch("use TABLE_A in place of TABLE_B.")) == pytest.approx(1.0)
    assert float(one @ content_sketch("Use table_b in place of table_a.")) < 0.9
    assert float(one @ content_sketch("Ask the owner of the schema first.")) < 0.3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Is EECS 280 offered next term?", "Is MATH 115 offered next term?"),
        ("Who is Anna Lee?", "Who is Bo Dahl?"),
        ('Open "a.txt" and count', 'Open "other file" and count'),
        ("copy src/a.py to lib/b.py", "copy x/y.c to z/w.c"),
    ],
)
def test_structure_does_not_see_names(first: str, second: str) -> None:
    """The same question of another thing is the same."""
    assert float(structure_sketch(first) @ structure_sketch(second)) == pytest.approx(1.0, abs=1e-5)


def test_structure_sees_the_order_of_words() -> None:
    """The same words in another order ask something else."""
    first = structure_sketch("which class is before lunch")
    second = structure_sketch("lunch is before which class")
    assert float(first @ second) < 0.8


def test_long_text_is_read_up_to_its_limit() -> None:
    """What comes after does not count, so no text is slow."""
    start = "word " * (LONGEST // 5)
    assert (content_sketch(start) == content_sketch(start + "more and more")).all()
