"""The single-feature rivals learn as the stack does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from memory_core.scorer.episode import Episode
from memory_core.scorer.learner import Learner
from memory_core.scorer.offline import Rival
from tests.memory_core.scorer.world import DIMENSION, World, served

BASE = served(Learner(DIMENSION), World().panel(0), 0, good="none")


def planted(slope: float, intercept: float, count: int, **fields: object) -> list[Episode]:
    """Reports whose success follows one feature, which is kept in the first expert's column."""
    rng = np.random.default_rng(4)
    found = []
    for n in range(count):
        values = rng.normal(size=len(BASE.ids))
        experts = np.zeros_like(BASE.experts)
        experts[:, 0] = values
        chance = expit(intercept + slope * float(BASE.attention @ values))
        found.append(
            replace(
                BASE,
                owner=f"r{n}",
                experts=experts,
                reward=float(rng.random() < chance),
                strength=1.0,
                held_out=False,
                **fields,  # type: ignore[arg-type]
            )
        )
    return found


def learned(episodes: list[Episode]) -> Rival:
    rival = Rival()
    for episode in episodes:
        rival.learn(episode, episode.experts[:, 0])
    return rival


def test_rival_learns_the_planted_slope_and_intercept() -> None:
    rival = learned(planted(1.8, 0.5, 1_500))
    assert rival.slope == pytest.approx(1.8, abs=0.4)
    assert rival.intercept == pytest.approx(0.5, abs=0.25)


def test_rival_predicts_before_it_learned_anything_what_its_feature_says() -> None:
    values = np.array([1.0, -1.0, 0.0])
    expected = expit(BASE.attention @ values)
    assert Rival().predict(BASE, values) == pytest.approx(expected)


def test_held_out_unscored_and_distrusted_reports_teach_nothing() -> None:
    for fields in ({"scored": False}, {"trust": 0.0}):
        rival = learned(planted(2.0, 0.0, 30, **fields))
        assert (rival.slope, rival.intercept) == (1.0, 0.0)
    held = [replace(episode, held_out=True) for episode in planted(2.0, 0.0, 30)]
    assert (learned(held).slope, learned(held).intercept) == (1.0, 0.0)


def test_a_correction_counts_once() -> None:
    """The same owner's second report takes the place of the first."""
    episodes = planted(2.0, 0.0, 40)
    turned = [replace(episode, reward=1.0 - episode.reward) for episode in episodes]
    assert learned([*turned, *episodes]).slope > 1.0 > learned([*episodes, *turned]).slope


def test_labels_teach_item_by_item() -> None:
    labels = np.array([1.0, -1.0, np.nan])
    values = np.array([2.0, -2.0, 0.0])
    rival = Rival()
    for n in range(25):
        rival.learn(replace(BASE, owner=f"r{n}", labels=labels, held_out=False), values)
    assert rival.slope > 1.0
    assert rival.intercept == pytest.approx(0.0, abs=0.1)
