"""The learner's guarantees: identity, bounds, same bits, rebuild, rollback, and that it learns."""

from __future__ import annotations

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from memory_core.scorer import checkpoint
from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EXPERTS, START
from memory_core.scorer.experts.expert import Expert
from memory_core.scorer.intervals import exact_interval
from memory_core.scorer.learner import CLIP_TRIED, CLIP_UNTRIED, Learner, Snapshot
from memory_core.scorer.networks import Weights
from memory_core.scorer.panel import FITTING, LEAST_RELEVANCE, Floats, Panel, log_prior
from tests.memory_core.scorer.world import (
    DIMENSION,
    World,
    asked_again,
    credited,
    panel_from,
    served,
    unit,
)


def same_state(one: Learner, other: Learner) -> bool:
    """Whether two learners would serve the same bits."""
    a, b = one.snapshot, other.snapshot
    networks = all(
        np.array_equal(getattr(a.networks, name), getattr(b.networks, name))
        for name in Weights.__dataclass_fields__
    )
    return (
        networks
        and one.record.state() == other.record.state()
        and np.array_equal(a.fit.weights, b.fit.weights)
        and (a.fit.intercept, a.weight, a.opening, a.reports)
        == (b.fit.intercept, b.weight, b.opening, b.reports)
    )


def relearned(episodes: list[Episode]) -> Learner:
    """A learner that read the log from its start."""
    learner = Learner(DIMENSION)
    for episode in episodes:
        learner.observe(episode)
        learner.learn_one(episode)
    return learner


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_order_without_outcomes_is_plain_hybrid_order_exactly(seed: int, size: int) -> None:
    """With nothing reported, the panel's own order comes back, ties included."""
    rng = np.random.default_rng(seed)
    fused = np.sort(rng.choice([0.01, 0.02, 0.03, 0.032], size=size))[::-1]
    panel = Panel(
        ids=tuple(f"i{n}" for n in range(size)),
        query=unit(rng.normal(size=DIMENSION)),
        keys=unit(rng.normal(size=(size, DIMENSION))),
        fused=fused,
        dense=rng.normal(size=size),
        keyword=rng.random(size),
        pitfall=(rng.random(size) < 0.3).astype(float),
        relevance=rng.random(size),
    )
    ranking = Learner(DIMENSION).rank(panel, "p", "s", 0.0)
    assert ranking.order == tuple(range(size))
    assert not ranking.moved.any()


def test_order_with_learning_switched_off_is_plain_hybrid_order() -> None:
    """Shadow mode learns and serves similarity."""
    world, learner = World(), Learner(DIMENSION)
    world.play(learner, 40)
    panel = world.panel(0)
    assert learner.rank(panel, "p", "s", 0.0, learned=False).order == tuple(range(panel.size))
    assert learner.rank(panel, "p", "s", 0.0).order != tuple(range(panel.size))


def test_order_with_weight_zero_is_plain_hybrid_order() -> None:
    """A learner that lost its proof serves similarity."""
    world, learner = World(), Learner(DIMENSION)
    world.play(learner, 40)
    learner.snapshot = replace(learner.snapshot, weight=0.0)
    panel = world.panel(1)
    assert learner.rank(panel, "p", "fresh", 1e9).order == tuple(range(panel.size))


def test_learner_beats_similarity_where_the_wrong_item_lies_nearer() -> None:
    """Bare success flags are enough to learn which of two near items is right."""
    gains = []
    for seed in range(3):
        world, learner = World(seed), Learner(DIMENSION)
        before = world.success(learner)
        world.play(learner, 150)
        gains.append(world.success(learner) - before)
    assert min(gains) > 0.3


def test_next_recall_sees_a_failure_at_once() -> None:
    """Evidence does not wait for training: observed is enough."""
    world, learner = World(), Learner(DIMENSION)
    panel = world.panel(2)
    episode = served(learner, panel, 0, good="right-2")
    assert episode.reward == 0.0
    learner.observe(episode)
    again = learner.rank(panel, "p", "another session", 1e9)
    assert panel.ids[again.order[0]] != episode.ids[0]


@pytest.mark.parametrize(("relevance", "stays"), [(0.05, True), (0.2, False)])
def test_what_failed_stands_below_what_is_untried_only_if_that_is_about_the_task(
    relevance: float, stays: bool
) -> None:
    """Failures say less against an item than that another is not about the task at all."""
    learner = Learner(DIMENSION)
    rng = np.random.default_rng(0)
    keys = unit(rng.normal(size=(20, DIMENSION)))
    ids = ("near-0", *(f"far-{n}" for n in range(19)))
    panel = replace(
        panel_from(keys[0], keys, ids),
        ids=ids,
        fused=np.array([1.0, *np.linspace(0.9, 0.0, 19)]),
        relevance=np.array([0.9, *[relevance] * 19]),
    )
    for step in range(4):
        learner.observe(served(learner, panel, step, good="none", k=1))
    learner.snapshot = replace(learner.snapshot, reports=4)
    again = learner.rank(panel, "p", "another session", 1e9)
    assert again.moved[0] < -0.5
    assert (again.order[0] == 0) is stays


@given(
    relevance=arrays(np.float64, st.integers(0, 50), elements=st.floats(0, 1)),
)
@settings(max_examples=60, deadline=None)
def test_the_prior_alone_changes_no_order(relevance: Floats) -> None:
    """It never rises, holds nothing that fits, and far from the task is as far as anything else."""
    prior = log_prior(relevance)
    assert (np.diff(prior) <= 0).all()
    assert not prior[np.minimum.accumulate(relevance) >= FITTING].any()
    assert (prior >= 2 * np.log(LEAST_RELEVANCE / FITTING)).all()


@given(
    raw=st.floats(-1e6, 1e6),
    weight=st.floats(0, 1),
    opening=st.floats(0, 1),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_learned_part_never_moves_an_item_further_than_the_clip(
    raw: float, weight: float, opening: float, seed: int
) -> None:
    """Whatever the stack says, an untried item stays within the opened clip."""
    learner, world = Learner(DIMENSION), World(seed)
    fit = replace(learner.snapshot.fit, weights=np.full_like(learner.snapshot.fit.weights, raw))
    learner.snapshot = Snapshot(
        "v1", 1, fit, learner.snapshot.networks, weight=weight, opening=opening
    )
    ranking = learner.rank(world.panel(0), "p", "s", 0.0)
    limit = weight * (CLIP_UNTRIED + (CLIP_TRIED - CLIP_UNTRIED) * opening)
    assert np.abs(ranking.moved).max() <= limit + 1e-9


def test_same_log_gives_the_same_bits() -> None:
    """Learning again from the log alone gives the live learner's state."""
    live = Learner(DIMENSION)
    episodes = World().play(live, 70)
    assert same_state(live, relearned(episodes))


@pytest.mark.parametrize("position", [1, 9, 10, 30, 50])
def test_checkpoint_and_the_rest_of_the_log_give_the_same_bits(
    position: int, tmp_path: Path
) -> None:
    """A restart at any report ends where the uninterrupted learner is."""
    live = Learner(DIMENSION)
    episodes = World().play(live, 57)
    checkpoint.save(
        relearned(episodes[:position]), tmp_path, episodes[position - 1].outcome_id, "m"
    )
    found, passed = checkpoint.newest(tmp_path, "m", DIMENSION)
    assert found is not None
    assert (found.position.reports, passed) == (position, [])
    restarted = Learner(DIMENSION)
    for episode in episodes[:position]:
        restarted.observe(episode)
        restarted.walk_one(episode)
    checkpoint.apply(found, restarted)
    for episode in episodes[position:]:
        restarted.observe(episode)
        restarted.learn_one(episode)
    assert same_state(live, restarted)


@pytest.mark.parametrize("kept_bytes", [0, 7, 200, 5000])
def test_truncated_checkpoint_is_passed_over(kept_bytes: int, tmp_path: Path) -> None:
    """A torn file is named and ignored; an older whole one is used."""
    learner = Learner(DIMENSION)
    World().play(learner, 3)
    checkpoint.save(learner, tmp_path, "out-2", "m")
    learner.reports = 4
    torn = checkpoint.save(learner, tmp_path, "out-3", "m")
    torn.write_bytes(torn.read_bytes()[:kept_bytes])
    found, passed = checkpoint.newest(tmp_path, "m", DIMENSION)
    assert found is not None
    assert found.position.outcome_id == "out-2"
    assert torn.name in passed[0]


def test_checkpoint_of_another_model_is_passed_over(tmp_path: Path) -> None:
    """Weights learned over other embeddings mean nothing."""
    checkpoint.save(Learner(DIMENSION), tmp_path, "out", "one model")
    found, passed = checkpoint.newest(tmp_path, "another model", DIMENSION)
    assert found is None
    assert "another model" in passed[0]


def test_corrected_outcome_counts_once() -> None:
    """A second report of a recall replaces the first in the evidence and in the stack's rows."""
    world, learner = World(), Learner(DIMENSION)
    episode = served(learner, world.panel(0), 0, good="none")
    corrected = replace(episode, reward=1.0, correction=True)
    corrected = credited(learner, corrected)
    for one in (episode, corrected):
        learner.observe(one)
        learner.learn_one(one)
    only = Learner(DIMENSION)
    only.observe(corrected)
    assert episode.query is not None
    both = astuple(learner.evidence.score(episode.query, episode.ids))
    alone = astuple(only.evidence.score(episode.query, episode.ids))
    assert all(np.allclose(a, b) for a, b in zip(both, alone, strict=True))
    assert [row.reward for row in learner.stack.rows] == [1.0]
    assert [memory.reward for memory in learner.reservoir.memories] == [1.0]


def test_networks_that_are_not_finite_never_reach_recall() -> None:
    """A blown-up parameter is rolled back before the snapshot is published."""
    world, learner = World(), Learner(DIMENSION)
    world.play(learner, 30)
    with_nan = learner.networks.low.e
    with_nan.data[0] = float("nan")
    world.play(learner, 1, start=30)
    assert learner.snapshot.networks.finite()
    assert learner.gate.rollbacks >= 1
    assert np.isfinite(learner.rank(world.panel(0), "p", "s", 0.0).score).all()


def test_reward_that_is_not_finite_changes_no_weights() -> None:
    """A step whose loss is not finite is not taken."""
    world, learner = World(), Learner(DIMENSION)
    episode = replace(served(learner, world.panel(0), 0, good="x"), reward=float("nan"))
    learner.learn_one(episode)
    assert learner.snapshot.networks.finite()


def test_held_out_reports_train_neither_networks_nor_stack() -> None:
    """The tenth report is predicted and kept apart."""
    world, learner = World(), Learner(DIMENSION)
    episode = replace(served(learner, world.panel(0), 0, good="x"), held_out=True)
    before = learner.networks.step
    learner.learn_one(episode)
    assert learner.networks.step == before
    assert learner.stack.rows == []
    assert learner.reservoir.memories == []
    assert learner.record.held_out == 1


def test_proof_shows_the_gain_on_held_out_reports() -> None:
    """Where learning helps, held-out wins outnumber losses."""
    world, learner = World(), Learner(DIMENSION)
    world.play(learner, 300)
    proof = learner.record.proof()
    assert proof.held_out == 30
    assert proof.wins > proof.losses
    assert learner.snapshot.weight == 1.0


def test_random_outcomes_do_not_open_the_clip_and_hold_the_weight_back() -> None:
    """Where there is nothing to learn, the proof says so and the order stays near similarity."""
    wins = losses = 0
    for seed in range(3):
        learner, rng = Learner(DIMENSION), np.random.default_rng(seed)
        keys, ids = unit(rng.normal(size=(30, DIMENSION))), tuple(f"i{n}" for n in range(30))
        for step in range(200):
            panel = panel_from(unit(rng.normal(size=DIMENSION)), keys, ids)
            episode = served(learner, panel, step, good="")
            episode = replace(episode, reward=float(rng.random() < 0.5))
            episode = credited(learner, episode)
            learner.observe(episode)
            learner.learn_one(episode)
        assert learner.snapshot.opening < 0.5
        wins, losses = wins + learner.record.wins, losses + learner.record.losses
    assert exact_interval(wins, losses)[0] < 0.5


def test_outcome_taken_back_teaches_nothing_any_more() -> None:
    """A correction to unknown removes its rows and silences its memory."""
    world, learner = World(), Learner(DIMENSION)
    episode = served(learner, world.panel(0), 0, good="none")
    unknown = credited(learner, replace(episode, reward=0.5, strength=0.0, correction=True))
    for one in (episode, unknown):
        learner.observe(one)
        learner.learn_one(one)
    assert episode.query is not None
    left = astuple(learner.evidence.score(episode.query, episode.ids))
    assert not any(part.any() for part in left)
    assert learner.stack.rows == []
    assert [memory.weight for memory in learner.reservoir.memories] == [0.0]


def test_correction_is_not_proved_again() -> None:
    """A prediction that has seen the recall's outcome is no proof."""
    world, learner = World(), Learner(DIMENSION)
    episode = replace(served(learner, world.panel(0), 9, good="none"), held_out=True)
    learner.learn_one(episode)
    learner.learn_one(replace(episode, reward=1.0, correction=True))
    assert learner.record.held_out == 1


def test_report_that_followed_nothing_blames_nothing() -> None:
    """used_ids=[] is no evidence on any item, no row and no demotion."""
    world, learner = World(), Learner(DIMENSION)
    episode = served(learner, world.panel(0), 0, good="none")
    nothing = credited(learner, replace(episode, attention=np.zeros(len(episode.ids))))
    learner.observe(nothing)
    learner.learn_one(nothing)
    assert {credit.weight for credit in nothing.credits} == {0.0}
    assert learner.stack.rows == []
    assert learner.reservoir.memories == []
    assert episode.query is not None
    assert not learner.episodic.penalty("p", episode.session, asked_again(episode), 1.0).any()


def test_a_checkpoint_of_other_experts_keeps_what_both_know(tmp_path: Path) -> None:
    """By name: what the file does not name starts anew, what nobody asks for is left out."""
    live, later = Learner(DIMENSION), Learner(DIMENSION)
    World().play(live, 60)
    checkpoint.save(live, tmp_path, "out", "m")
    found, _ = checkpoint.newest(tmp_path, "m", DIMENSION)
    assert found is not None
    weights = found.header["learned"]["weights"]
    found.header["learned"]["weights"] = {
        "another": 7.0,
        **{name: weights[name] for name in reversed(EXPERTS) if name != "names"},
    }
    checkpoint.apply(found, later)
    expected = live.stack.learned.weights.copy()
    expected[EXPERTS.index("names")] = START[EXPERTS.index("names")]
    assert np.array_equal(later.stack.learned.weights, expected)
    assert later.record.proof() == live.record.proof()
    assert later.record.weight == live.record.weight


def test_every_expert_takes_each_outcome_once_in_the_order_of_the_log() -> None:
    class Spy(Expert):
        def __init__(self) -> None:
            self.taken: list[str] = []

        def take(self, episode: Episode) -> None:
            self.taken.append(episode.outcome_id)

    learner, spy = Learner(DIMENSION), Spy()
    episodes = World().play(Learner(DIMENSION), 12)
    learner.experts = (spy,)
    for episode in episodes:
        learner.walk_one(learner.observe(episode))
    assert spy.taken == [episode.outcome_id for episode in episodes]


def test_learner_without_training_keeps_the_proof_and_the_stack_of_one_with() -> None:
    """A log with the experts' values says what the weights were, bit for bit."""
    live = Learner(DIMENSION)
    episodes = World().play(live, 60)
    replayed = Learner(DIMENSION, training=False)
    for episode in episodes:
        replayed.learn_one(episode)
    assert replayed.record.state() == live.record.state()
    assert np.array_equal(replayed.stack.learned.weights, live.stack.learned.weights)
    assert (replayed.snapshot.weight, replayed.networks.step) == (live.snapshot.weight, 0)
    assert live.networks.step > 0
