"""Off-policy estimates on logs whose truth is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memory_core.model import RecallRecord, Served
from memory_core.scorer.experts import EXPERTS, FUSED
from memory_core.scorer.exploring import best_chances, spreads
from memory_core.scorer.intervals import mean_interval
from memory_core.scorer.offline import Trial, auc, doubly_robust, logged_of

TRUTH = np.array([0.5, 0.2, 0.6, 0.9, 0.1, 0.3])
"""How good each of six candidates is."""
SCORES = np.array([2.0, 1.0, 0.9, 0.8, 0.7, 0.6])
ATTENTION = np.array([0.5, 0.3, 0.2])
POOL = [1, 2, 3, 4, 5]


def chance(chosen: tuple[int, ...]) -> float:
    """The planted success of a list."""
    return float(ATTENTION @ TRUTH[list(chosen)])


def lists() -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Every list that exploration can serve, and its probability."""
    noise, found = spreads(np.zeros(6), 0.4), {}
    first = best_chances(SCORES[POOL], noise[POOL])
    for second, chance_of_second in zip(POOL, first, strict=True):
        left = [number for number in POOL if number != second]
        for third, p in zip(left, best_chances(SCORES[left], noise[left]), strict=True):
            found[0, second, third] = float(chance_of_second * p)
    return list(found), np.array(list(found.values()))


LISTS, PROBABILITIES = lists()


def trials(policy: tuple[int, ...], seed: int, count: int, model: float) -> list[Trial]:
    """A log of an exploring server, seen by a policy; `model` scales how right q is."""
    rng = np.random.default_rng(seed)
    found = []
    for place in rng.choice(len(LISTS), size=count, p=PROBABILITIES / PROBABILITIES.sum()):
        chosen = LISTS[place]
        found.append(
            Trial(
                policy=model * chance(policy),
                served=model * chance(chosen),
                matched=chosen == policy,
                propensity=float(PROBABILITIES[place]),
                reward=float(rng.random() < chance(chosen)),
            )
        )
    return found


@pytest.mark.parametrize("model", [1.0, 0.3])
@pytest.mark.parametrize("policy", [(0, 1, 2), (0, 3, 2), (0, 2, 3)])
def test_interval_covers_the_truth_as_often_as_it_says(
    policy: tuple[int, ...], model: float
) -> None:
    """95 % over 100 logs, with a right and with a wrong model of success."""
    covered = 0
    for seed in range(100):
        found = doubly_robust(trials(policy, seed, 400, model))
        assert found is not None
        covered += found.interval[0] <= chance(policy) <= found.interval[1]
    assert covered >= 88


def test_estimate_is_unbiased_though_the_model_is_wrong() -> None:
    """The propensities alone are enough."""
    values = [one.value for seed in range(40) for one in trials((0, 3, 2), seed, 300, 0.0)]
    interval = mean_interval(values)
    assert interval is not None
    assert interval[0] < chance((0, 3, 2)) < interval[1]


def test_a_good_model_makes_the_interval_tighter() -> None:
    widths = []
    for model in (1.0, 0.0):
        found = doubly_robust(trials((0, 3, 2), 1, 600, model))
        assert found is not None
        widths.append(found.interval[1] - found.interval[0])
    assert widths[0] < widths[1]


def test_a_worse_order_is_said_to_be_worse_and_a_better_one_better() -> None:
    for policy, sign in (((0, 4, 1), -1), ((0, 3, 2), 1)):
        found = doubly_robust(trials(policy, 7, 4_000, 1.0))
        assert found is not None
        low, high = found.difference_interval
        assert (low > 0) if sign > 0 else (high < 0)


def test_too_few_recalls_or_matches_give_no_estimate() -> None:
    log = trials((0, 1, 2), 0, 29, 1.0)
    assert doubly_robust(log) is None
    unmatched = [replace(one, matched=False) for one in trials((0, 1, 2), 0, 100, 1.0)]
    assert doubly_robust(unmatched) is None


# -- reading the log ---------------------------------------------------------------


def served(number: int, position: int, propensity: float, place: int = -2) -> Served:
    experts = [0.0] * len(EXPERTS)
    experts[FUSED] = -float(number)
    return Served(
        f"item_{number}",
        position,
        score=5.0 - number,
        similarity=0.5,
        experts=tuple(experts),
        propensity=propensity,
        place=number if place == -2 else place,
    )


def recall(*candidates: Served) -> RecallRecord:
    return RecallRecord(
        "rec", "p", "task", 0.0, candidates=candidates, mode="learned", facts=" ".join(EXPERTS)
    )


def test_an_explored_recall_says_what_it_could_have_shown() -> None:
    """First fixed, second drawn (the fourth best), third fixed; one candidate out of reach."""
    logged = logged_of(
        recall(
            served(0, 0, 1.0),
            served(3, 1, 0.2),
            served(2, 2, 1.0),
            served(1, -1, 0.7),
            served(4, -1, 0.0),
        )
    )
    assert logged is not None
    numbers = {item_id: number for number, item_id in enumerate(logged.ids)}
    first, drawn, kept, best, out = (numbers[f"item_{n}"] for n in (0, 3, 2, 1, 4))
    assert logged.unexplored() == (first, best, kept)
    assert logged.propensity == pytest.approx(0.2)
    assert logged.could_show((first, best, kept))
    assert logged.could_show((first, drawn, kept))
    assert not logged.could_show((first, out, kept))
    assert not logged.could_show((best, first, kept))
    assert not logged.could_show((first, kept, best))
    assert logged.best(-logged.places) == (first, best, kept)


def test_a_recall_without_exploration_or_with_too_little_in_its_log_is_left_out() -> None:
    assert logged_of(recall(served(0, 0, 1.0), served(1, 1, 1.0))) is None
    assert logged_of(recall(served(0, 0, 1.0), served(1, 1, 0.5, place=-1))) is None
    bare = replace(served(1, 1, 0.5), experts=())
    assert logged_of(recall(served(0, 0, 1.0), bare)) is None


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(0)
    predictions = [float(p) for p in rng.choice([0.1, 0.4, 0.4, 0.8], size=40)]
    rewards = [float(r) for r in rng.choice([0.0, 0.5, 1.0], size=40)]
    pairs = [
        1.0 if p > q else 0.5 if p == q else 0.0
        for p, r in zip(predictions, rewards, strict=True)
        for q, s in zip(predictions, rewards, strict=True)
        if r > 0.5 > s
    ]
    assert auc(predictions, rewards) == pytest.approx(np.mean(pairs))
    assert auc([0.2, 0.3], [1.0, 1.0]) is None
