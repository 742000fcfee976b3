"""Each interval against an independent implementation or a published example."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from memory_core.scorer.intervals import (
    difference_interval,
    exact_interval,
    mean_interval,
    sum_interval,
    wilson_interval,
)


@given(st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_score_interval_is_wilsons(wins: int, more: int) -> None:
    expected = binomtest(wins, wins + more).proportion_ci(0.95, "wilson")
    found = wilson_interval(wins, wins + more)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_difference_of_shares_is_newcombes_published_example() -> None:
    """56 of 70 against 48 of 80: method 10 of Newcombe (1998), table II."""
    assert difference_interval((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_difference_of_shares_turns_around_with_its_sides() -> None:
    low, high = difference_interval((9, 10), (3, 10))
    assert difference_interval((3, 10), (9, 10)) == pytest.approx((-high, -low))


def test_nothing_observed_leaves_everything_open() -> None:
    assert exact_interval(0, 0) == wilson_interval(0, 0) == (0.0, 1.0)
    assert difference_interval((0, 0), (3, 4)) == (-1.0, 1.0)
    assert difference_interval((3, 4), (0, 0)) == (-1.0, 1.0)
    assert mean_interval([1.0] * 7) is None


def test_interval_of_a_mean_is_students() -> None:
    values = np.random.default_rng(0).normal(0.3, 2.0, size=25)
    half = t.ppf(0.975, 24) * values.std(ddof=1) / 5
    expected = (values.mean() - half, values.mean() + half)
    assert mean_interval(list(values)) == pytest.approx(expected)
    sums = sum_interval(25, float(values.sum()), float((values**2).sum()))
    assert sums == pytest.approx(expected)


def test_interval_of_a_constant_is_the_constant() -> None:
    assert mean_interval([0.1] * 20) == pytest.approx((0.1, 0.1))
