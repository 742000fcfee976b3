"""What holds whatever is reported: identity with text, order of reports, bounded memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_core.scorer import evidence as evidence_module
from memory_core.scorer import replay as replay_module
from memory_core.scorer import stack as stack_module
from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EXPERTS, FUSED, START
from memory_core.scorer.gate import HELD
from memory_core.scorer.learner import Learner
from memory_core.scorer.panel import Panel
from memory_core.scorer.stack import Row, Stack
from memory_core.sketch import SIZE
from tests.memory_core.scorer.world import DIMENSION, World, credited, served, unit

SWAP_BOUND = 0.25
"""How far a score may move when two neighbouring, independent reports change places."""


def with_texts(panel: Panel, seed: int) -> Panel:
    """The panel with texts that say something of every item."""
    rng = np.random.default_rng(seed)
    return replace(
        panel,
        contents=unit(rng.normal(size=(panel.size, SIZE))),
        structure=rng.random(panel.size),
        names=rng.random(panel.size),
    )


@given(seed=st.integers(0, 2**16))
@settings(max_examples=30, deadline=None)
def test_what_is_read_of_texts_changes_nothing_before_the_first_outcome(seed: int) -> None:
    """Consensus, structure and names have values, and weight zero."""
    panel = with_texts(World(seed).panel(0), seed)
    ranking = Learner(DIMENSION).rank(panel, "p", "s", 0.0)
    assert ranking.order == tuple(range(panel.size))
    assert ranking.experts[:, EXPERTS.index("structure")].any()
    assert not ranking.moved.any()


def learned_from(episodes: list[Episode]) -> Learner:
    learner = Learner(DIMENSION)
    for episode in episodes:
        learner.observe(episode)
        learner.learn_one(episode)
    return learner


def test_two_independent_reports_may_change_places() -> None:
    """Evidence is the same to rounding; stack and networks move no score beyond the bound."""
    world, source = World(), Learner(DIMENSION)
    episodes = world.play(source, 60)
    for first in (10, 31, 54):
        swapped = list(episodes)
        swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
        one, other = learned_from(episodes), learned_from(swapped)
        for topic in range(world.topics):
            panel = world.panel(topic)
            a = one.rank(panel, "p", "fresh", 1e9)
            b = other.rank(panel, "p", "fresh", 1e9)
            assert np.allclose(a.mass, b.mass)
            assert np.abs(a.score - b.score).max() <= SWAP_BOUND


def test_memory_of_the_learner_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """After many reports every part holds at most its cap."""
    monkeypatch.setattr(evidence_module, "MOST_ROWS", 64)
    monkeypatch.setattr(stack_module, "MOST_ROWS", 50)
    monkeypatch.setattr(replay_module, "CAPACITY", 40)
    learner = Learner(DIMENSION)
    World().play(learner, 180)
    assert learner.evidence.rows <= 64
    assert len(learner.stack.rows) <= 50
    assert len(learner.reservoir.memories) <= 40
    assert len(learner.gate.held) <= HELD


def test_what_was_passed_over_teaches_the_stack() -> None:
    """An expert that tells the used item from the skipped one gains weight."""
    stack, rng = Stack(), np.random.default_rng(0)
    names = EXPERTS.index("names")
    for n in range(60):
        values = rng.normal(scale=0.2, size=len(START))
        values[names] = 1.0
        stack.learn_many([Row(values, 1.0, 1.0, f"r{n}", n, compared=True)])
    stack.refit()
    assert stack.learned.weights[names] > 0.5
    assert abs(stack.learned.intercept) < 0.1


def test_used_item_below_unused_ones_is_compared_with_them() -> None:
    """Only what stood above counts: a report that follows the first item compares nothing."""
    world, learner = World(), Learner(DIMENSION)
    episode = served(learner, world.panel(0), 0, good="none")
    assert replace(episode, used=(2,)).skipped == ((2, 0), (2, 1))
    assert replace(episode, used=(0,)).skipped == ()
    learner.learn_one(credited(learner, replace(episode, used=(1,))))
    compared = [row for row in learner.stack.rows if row.compared]
    expected = episode.experts[1, FUSED] - episode.experts[0, FUSED]
    assert [row.values[FUSED] for row in compared] == [pytest.approx(expected)]
