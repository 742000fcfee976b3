"""The replay in arrays: what is reported, what noise does, and that rankers share their luck."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.learning.baselines import rivals
from benchmarks.learning.baselines.counters import Ace, Thompson
from benchmarks.learning.baselines.fixed import Cosine, Hybrid
from benchmarks.learning.offline import (
    Loop,
    expected_success,
    feedback_of,
    held_out_order,
    replayed,
)
from benchmarks.learning.slates import slates_of
from benchmarks.learning.stream import Attempt, Feedback, Richness, Rival, Slate
from benchmarks.learning.streams.simulator import build
from tests.benchmarks.learning.worlds import slate
from tests.memory_core.hash_embedder import HashEmbedder

ATTEMPT = Attempt(1.0, used=("m2", "m0"), helpful=("m2",), harmful=("m0",))


def told(say: Richness, *, flipped: bool = False) -> Feedback:
    return feedback_of(ATTEMPT, slate(), (2, 1, 0), success=True, flipped=flipped, say=say)


def test_a_flag_says_nothing_of_items() -> None:
    report = told("flag")
    assert report.reward == 1.0
    assert report.used.all()
    assert np.isnan(report.labels).all()


def test_used_says_what_was_used() -> None:
    assert told("used").used.tolist() == [True, False, True]
    assert np.isnan(told("used").labels).all()


def test_labels_say_what_helped_and_what_harmed() -> None:
    report = told("labels")
    assert report.labels[0] == 1.0
    assert np.isnan(report.labels[1])
    assert report.labels[2] == -1.0


def test_a_flipped_report_is_wrong_in_outcome_and_labels() -> None:
    report = told("labels", flipped=True)
    assert report.reward == 0.0
    assert report.labels[0] == -1.0
    assert report.labels[2] == 1.0
    assert report.used.tolist() == told("labels").used.tolist()


class Recording(Hybrid):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.rewards: list[float] = []

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        self.rewards.append(feedback.reward)


def test_more_noise_flips_what_less_noise_flipped_and_all_rankers_share_their_luck() -> None:
    stream = build(0, tasks=200, held_out=1)
    slates = slates_of(stream, HashEmbedder())
    heard = {}
    for noise in (0.0, 0.1, 0.3):
        rival = Recording()
        Loop(rival, slates.of, stream.world, noise=noise).run(stream.tasks)
        heard[noise] = np.array(rival.rewards)
    changed = {noise: heard[noise] != heard[0.0] for noise in (0.1, 0.3)}
    assert np.all(changed[0.3][changed[0.1]])
    assert 0.05 < changed[0.1].mean() < 0.15 < changed[0.3].mean() < 0.4


def test_a_counter_learns_the_simulated_world_and_similarity_does_not() -> None:
    stream = build(0, tasks=600, held_out=96)
    slates = slates_of(stream, HashEmbedder(128))
    plain = replayed(Hybrid(), stream, slates.of)[0]
    assert replayed(Ace(), stream, slates.of)[0] > plain + 0.05


def test_held_out_tasks_see_no_exploration() -> None:
    rival, shown = Thompson(0), slate(30)
    assert held_out_order(rival, shown) == held_out_order(rival, shown)
    assert held_out_order(Cosine(), shown) == tuple(range(30))


@pytest.mark.parametrize("place", range(3))
def test_expected_success_is_the_mean_chance_and_teaches_nothing(place: int) -> None:
    stream = build(0, tasks=5, held_out=40)
    slates = slates_of(stream, HashEmbedder())
    rival: Rival = rivals(64, 0)[place]
    once = expected_success(rival, stream.held_out, slates.of, stream.world)
    assert once == expected_success(rival, stream.held_out, slates.of, stream.world)
    by_hand = [
        stream.world.attempt(task, [slates.of(task).keys[row] for row in rows[:3]]).chance
        for task in stream.held_out
        for rows in [rival.order(slates.of(task))]
    ]
    assert once == pytest.approx(float(np.mean(by_hand)))
