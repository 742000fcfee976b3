"""The product's learner as a rival: its own records, sessions, quotas, and no more."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from benchmarks.learning.learner_rival import OWN, LearnerRival
from benchmarks.learning.stream import Feedback
from tests.benchmarks.learning.worlds import DIMENSION, flag, labelled, slate


def test_before_the_first_report_the_order_is_plain_similarity() -> None:
    rival, shown = LearnerRival(DIMENSION, 0), slate(20)
    assert rival.order(shown).tolist() == list(range(20))
    assert rival.best(shown).tolist() == list(range(20))


def test_what_is_labelled_harmful_falls_behind_what_helps() -> None:
    rival, shown = LearnerRival(DIMENSION, 0), slate()
    for _ in range(40):
        rival.order(shown)
        rival.learn(shown, labelled((0, 1, 2), [-1.0, 1.0, np.nan], success=False))
    order = rival.best(shown).tolist()
    assert order.index(1) < order.index(0)


@pytest.mark.parametrize("used", [[True, False, False], [False, False, False]])
def test_reports_that_say_what_was_used_are_learned(used: list[bool]) -> None:
    rival, shown = LearnerRival(DIMENSION, 0), slate()
    rival.order(shown)
    told = Feedback((0, 1, 2), 0.0, np.array(used), np.full(3, np.nan))
    rival.learn(shown, told)
    assert rival.learner.reports == 1
    assert sorted(rival.best(shown).tolist()) == list(range(6))


def test_a_failure_is_demoted_in_its_session_alone() -> None:
    rival, shown = LearnerRival(DIMENSION, 0, k=1), slate()
    rival.begin("one")
    rival.order(shown)
    rival.learn(shown, flag((0,), success=False))
    retried = rival.order(shown)[0]
    rival.begin("another")
    assert retried != 0
    assert rival.ranking(shown).penalty.max() == 0.0


def test_without_a_session_every_task_is_its_own() -> None:
    rival, shown = LearnerRival(DIMENSION, 0), slate()
    rival.order(shown)
    rival.learn(shown, flag((0, 1, 2), success=False))
    rival.order(shown)
    assert rival.ranking(shown).penalty.max() == 0.0


def test_a_stranger_teaches_less_than_the_owner() -> None:
    moved = {}
    for source in (OWN, "a stranger"):
        rival, shown = LearnerRival(DIMENSION, 0), slate()
        for _ in range(40):
            rival.order(shown)
            rival.learn_from(shown, labelled((0, 1), [-1.0, 1.0], success=True), source)
        moved[source] = float(rival.ranking(shown).mass[0])
    assert 0 < moved["a stranger"] < 0.3 * moved[OWN]


def test_the_same_seed_gives_the_same_bits() -> None:
    def run() -> list[float]:
        rival = LearnerRival(DIMENSION, 5)
        for number in range(30):
            shown = slate(12, seed=number % 4)
            order = rival.order(shown).tolist()
            rival.learn(shown, flag(tuple(order[:3]), success=number % 3 == 0))
        return list(rival.ranking(slate(12)).score)

    assert run() == run()


def test_a_copy_learns_on_its_own() -> None:
    rival, shown = LearnerRival(DIMENSION, 0), slate()
    rival.order(shown)
    rival.learn(shown, flag((0, 1, 2), success=True))
    before = list(rival.ranking(shown).score)
    other = copy.deepcopy(rival)
    for _ in range(5):
        other.order(shown)
        other.learn(shown, flag((0, 1, 2), success=False))
    assert list(rival.ranking(shown).score) == before
    assert other.learner.reports == 6
