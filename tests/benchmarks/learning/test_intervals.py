"""Bootstrap intervals: right where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.learning.intervals import paired


def test_a_constant_difference_has_no_width() -> None:
    found = paired([np.full(50, 0.75)] * 3, [np.full(50, 0.5)] * 3)
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_one_seed_has_the_width_of_the_normal_interval() -> None:
    chance = np.random.default_rng(5)
    ours = (chance.random(2_000) < 0.6).astype(np.float64)
    theirs = np.zeros(2_000)
    found = paired([ours], [theirs])
    expected = 1.96 * np.sqrt(ours.mean() * (1 - ours.mean()) / 2_000)
    assert found.value == pytest.approx(ours.mean())
    assert found.high - found.value == pytest.approx(expected, rel=0.1)
    assert found.value - found.low == pytest.approx(expected, rel=0.1)


def test_tasks_are_paired() -> None:
    chance = np.random.default_rng(5)
    hard = (chance.random(500) < 0.5).astype(np.float64)
    better = hard.copy()
    better[np.flatnonzero(hard == 0)[:20]] = 1.0
    found = paired([better], [hard])
    assert found.value == pytest.approx(0.04)
    assert found.low > 0.02


def test_seeds_that_disagree_widen_the_interval() -> None:
    zero = np.zeros(400)
    agreeing = paired([np.full(400, 0.1)] * 4, [zero] * 4)
    disagreeing = paired([np.full(400, value) for value in (-0.2, 0.0, 0.2, 0.4)], [zero] * 4)
    assert agreeing.value == pytest.approx(disagreeing.value)
    assert disagreeing.low < 0 < agreeing.low


def test_the_same_data_gives_the_same_interval() -> None:
    ours = [np.arange(30) % 3 / 2.0, np.arange(20) % 2 / 1.0]
    theirs = [np.zeros(30), np.zeros(20)]
    assert paired(ours, theirs) == paired(ours, theirs)


@pytest.mark.parametrize("values", [[], [np.zeros(0)]])
def test_nothing_to_compare_is_refused(values: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        paired(values, values)
