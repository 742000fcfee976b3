"""Exploration: what it may not touch, what it logs, and that it can be replayed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from memory_core.scorer.exploring import CERTAINTY, best_chances, draw, seeded, spreads

SCORES = np.array([2.0, 0.9, 0.8, 0.75, 0.3, 0.1])


def test_noise_falls_with_the_evidence() -> None:
    """Scale / sqrt(1 + 4 mass)."""
    noise = spreads(np.array([0.0, 2.0, 20.0]), 0.6)
    assert noise == pytest.approx([0.6, 0.2, 0.6 / 9])


def test_two_candidates_have_the_closed_form() -> None:
    """P(x > y) = Phi(difference / root of the summed variances)."""
    chances = best_chances(np.array([0.4, 0.1]), np.array([0.5, 0.2]))
    expected = norm.cdf(0.3 / np.hypot(0.5, 0.2))
    assert chances == pytest.approx([expected, 1 - expected], abs=1e-8)


@given(seed=st.integers(0, 1000), size=st.integers(1, 12), scale=st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_chances_sum_to_one(seed: int, size: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    noise = spreads(rng.exponential(3.0, size=size), scale)
    chances = best_chances(rng.normal(size=size), noise)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances >= 0).all()


def test_chances_are_how_often_each_is_the_best() -> None:
    rng = np.random.default_rng(1)
    noise = spreads(np.array([0.0, 0.5, 3.0, 0.0, 1.0, 0.0]), 0.8)
    drawn = SCORES + noise * rng.standard_normal((400_000, 6))
    shares = np.bincount(drawn.argmax(axis=1), minlength=6) / 400_000
    assert best_chances(SCORES, noise) == pytest.approx(shares, abs=3e-3)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 1.0), keep=st.integers(1, 3))
@settings(max_examples=80, deadline=None)
def test_first_and_fixed_positions_are_never_drawn(seed: int, scale: float, keep: int) -> None:
    """Whatever the noise, the first item and every fixed one stay where they were."""
    plain = (0, 1, 2, 3)
    pool = [number for number in range(6) if number not in (0, keep)]
    noise = spreads(np.zeros(6), scale)
    drawn = draw(plain, pool, SCORES, noise, np.random.default_rng(seed))
    assert drawn.order[0] == 0
    assert drawn.order[keep] == keep
    assert (drawn.propensities[0], drawn.propensities[keep]) == (1.0, 1.0)
    free = [p for place, p in enumerate(drawn.propensities) if place not in (0, keep)]
    assert all(0 < p <= CERTAINTY for p in free)
    assert len(set(drawn.order)) == 4
    assert set(drawn.chances) == set(pool)


def test_who_is_not_in_the_pool_is_never_served() -> None:
    noise = spreads(np.zeros(6), 1.0)
    orders = [
        draw((0, 1, 2), [1, 2, 3], SCORES, noise, np.random.default_rng(seed)).order
        for seed in range(200)
    ]
    assert {number for order in orders for number in order} == {0, 1, 2, 3}


def test_a_list_is_served_as_often_as_its_propensities_say() -> None:
    """The product of the positions' probabilities is the list's, so estimates are unbiased."""
    noise, rounds = spreads(np.array([0, 0, 1.0, 0, 0, 0]), 0.5), 20_000
    seen: Counter[tuple[int, ...]] = Counter()
    said: dict[tuple[int, ...], float] = {}
    rng = np.random.default_rng(2)
    for _ in range(rounds):
        drawn = draw((0, 1, 2), [1, 2, 3, 4], SCORES, noise, rng)
        seen[drawn.order] += 1
        said[drawn.order] = float(np.prod(drawn.propensities))
    assert sum(said.values()) == pytest.approx(1.0, abs=0.01)
    for order, count in seen.most_common(6):
        assert count / rounds == pytest.approx(said[order], abs=0.015)


def test_the_same_recall_is_drawn_the_same_again_and_another_one_otherwise() -> None:
    noise = spreads(np.zeros(6), 1.0)
    one, again, other = (
        draw((0, 1, 2, 3), [1, 2, 3, 4, 5], SCORES, noise, seeded(recall_id, "exploration"))
        for recall_id in ("rec_1", "rec_1", "rec_2")
    )
    assert one == again
    assert one != other


def test_two_purposes_of_one_recall_are_independent() -> None:
    draws = [
        (seeded(f"rec_{n}", "holdout").random(), seeded(f"rec_{n}", "exploration").random())
        for n in range(2_000)
    ]
    assert abs(np.corrcoef(np.array(draws).T)[0, 1]) < 0.1
    assert np.mean([one < 0.1 for one, _ in draws]) == pytest.approx(0.1, abs=0.02)


def test_nobody_to_draw_leaves_the_answer_alone() -> None:
    drawn = draw((0, 1), [], SCORES, spreads(np.zeros(6), 1.0), np.random.default_rng(0))
    assert (drawn.order, drawn.propensities, drawn.chances) == ((0, 1), (1.0, 1.0), {})
