"""Each part of the learner against its formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binomtest

from memory_core.scorer import evidence as evidence_module
from memory_core.scorer.credit import assign
from memory_core.scorer.episodic import LIFETIME, PENALTY, EpisodicBuffer
from memory_core.scorer.evidence import ADVICE_NEARNESS, BANDWIDTH, PRIOR_MASS, Evidence
from memory_core.scorer.experts import EVIDENCE, FUSED, HIGHEST, LOWEST, START
from memory_core.scorer.intervals import exact_interval
from memory_core.scorer.learner import Learner
from memory_core.scorer.logistic import fitted
from memory_core.scorer.networks import Networks, pair_inputs
from memory_core.scorer.panel import Floats, zscore
from memory_core.scorer.proof import Record, log_loss
from memory_core.scorer.replay import CAPACITY, Reservoir, batch_of, memory_of
from memory_core.scorer.stack import FIRST, Row, Stack, position_weights
from memory_core.sketch import SIZE, content_sketch
from tests.memory_core.scorer.world import DIMENSION, World, asked_again, blank_row, served, unit

RNG = np.random.default_rng(0)


def some_query(seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=DIMENSION))


# -- evidence ----------------------------------------------------------------------


def test_evidence_is_the_shrunk_kernel_mean() -> None:
    """Evidence is sum(w K y) / (kappa + sum(w K)), K = exp((cos - 1) / h)."""
    evidence = Evidence(DIMENSION, SIZE)
    past = [(some_query(n), y, w) for n, (y, w) in enumerate([(1.0, 1.0), (-0.5, 0.4), (0.2, 1.5)])]
    for place, (query, value, weight) in enumerate(past):
        evidence.add(f"r{place}", query, [("item", value, weight)])
    now = some_query(9)
    kernel = [w * np.exp((float(q @ now) - 1) / BANDWIDTH) for q, _, w in past]
    expected = sum(k * y for k, (_, y, _) in zip(kernel, past, strict=True)) / (
        PRIOR_MASS + sum(kernel)
    )
    found = evidence.score(now.astype(np.float32), ["item", "unknown"])
    assert found.evidence == pytest.approx([expected, 0.0], abs=1e-6)
    assert found.mass == pytest.approx([sum(kernel), 0.0], abs=1e-6)


def test_advice_counts_the_outcomes_of_items_that_say_the_same() -> None:
    """An item that was never served has the record of its double, and none of a stranger's."""
    evidence, query = Evidence(DIMENSION, SIZE), some_query(1).astype(np.float32)
    said = {"served": content_sketch("Use the tape drive."), "other": content_sketch("Call Anna")}
    evidence.add("r1", query, [("served", 1.0, 1.0)], said)
    asked = np.stack([said["served"], said["other"]])
    found = evidence.score(query, ["double", "other"], asked)
    assert found.evidence == pytest.approx([0.0, 0.0])
    assert found.advice_mass[0] == pytest.approx(1.0)
    assert found.advice[0] == pytest.approx(1.0 / (PRIOR_MASS + 1.0))
    assert found.advice[1] < 0.05


def test_advice_fades_with_the_distance_of_the_conditions() -> None:
    """The kernel over conditions is exp((cos - 1) / h) here, too."""
    evidence, past = Evidence(DIMENSION, SIZE), some_query(1).astype(np.float32)
    now = some_query(2).astype(np.float32)
    said = content_sketch("Use the tape drive.")
    evidence.add("r1", past, [("served", 1.0, 1.0)], {"served": said})
    found = evidence.score(now, ["double"], said[None])
    kernel = np.exp((float(past @ now) - 1) / ADVICE_NEARNESS)
    assert found.advice_mass == pytest.approx([kernel], rel=1e-4)
    assert found.advice == pytest.approx([kernel / (PRIOR_MASS + kernel)], rel=1e-4)


def test_correction_that_names_other_items_leaves_nothing_of_the_old() -> None:
    """The owner's earlier credits go, whichever items they were for."""
    evidence = Evidence(DIMENSION, SIZE)
    query = some_query(1).astype(np.float32)
    evidence.add("recall", query, [("old", -1.0, 1.0)])
    evidence.add("recall", query, [("new", 1.0, 1.0)])
    found = evidence.score(query, ["old", "new"])
    assert found.evidence == pytest.approx([0.0, 1.0 / (PRIOR_MASS + 1.0)])


def test_evidence_rows_are_bounded_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the cap, old conditions are dropped and the rest still scores right."""
    monkeypatch.setattr(evidence_module, "MOST_ROWS", 256)
    evidence = Evidence(DIMENSION, SIZE)
    for n in range(600):
        evidence.add(f"r{n}", some_query(n), [(f"item-{n}", 1.0, 1.0)])
    assert evidence.rows <= 256
    found = evidence.score(some_query(599), ["item-599", "item-0"])
    assert found.evidence == pytest.approx([1.0 / (PRIOR_MASS + 1.0), 0.0])


# -- credit ------------------------------------------------------------------------


def test_unlabelled_failure_is_explained_away_by_an_item_known_to_fail() -> None:
    """An item with a bad record takes the blame; its neighbour is blamed less than alone."""
    learner, world = Learner(DIMENSION), World()
    episode = replace(served(learner, world.panel(0), 0, good="none"), reward=0.0)
    experts = episode.experts.copy()
    experts[:, :] = 0.0
    alone = assign(replace(episode, experts=experts), FIRST)
    experts[0, EVIDENCE] = -0.9
    beside = assign(replace(episode, experts=experts), FIRST)
    assert beside[1].value > alone[1].value
    assert beside[0].value == pytest.approx(alone[0].value)


def test_labels_replace_guesses() -> None:
    """Helpful and harmful are the credit itself."""
    episode = served(Learner(DIMENSION), World().panel(0), 0, good="none")
    labels = np.array([-1.0, 1.0, np.nan])
    credits = assign(replace(episode, labels=labels), FIRST)
    assert [(c.value, c.weight) for c in credits[:2]] == [(-1.0, 1.5), (1.0, 1.5)]
    assert credits[2].weight < 0.2


def test_unknown_outcome_credits_nobody() -> None:
    """Strength 0 gives weight 0."""
    episode = served(Learner(DIMENSION), World().panel(0), 0, good="none")
    assert {c.weight for c in assign(replace(episode, strength=0.0), FIRST)} == {0.0}


@given(st.integers(1, 20))
def test_position_weights_fall_and_sum_to_at_most_one_and_a_bit(count: int) -> None:
    """Earlier positions matter more."""
    weights = position_weights(count)
    assert len(weights) == count
    assert (np.diff(weights) < 0).all()
    assert weights.sum() < 1.2


# -- session -----------------------------------------------------------------------


def test_unknown_outcome_leaves_the_demotion() -> None:
    """Only a success clears it."""
    buffer, world = EpisodicBuffer(), World()
    episode = replace(served(Learner(DIMENSION), world.panel(0), 0, good="none"), session="mine")
    buffer.observe(episode)
    buffer.observe(replace(episode, owner="next", reward=0.5, strength=0.0))
    assert episode.query is not None
    assert buffer.penalty("p", "mine", asked_again(episode), 1.0)[0] == PENALTY


def test_what_just_failed_is_demoted_for_like_queries_in_its_session_only() -> None:
    """Another session, an unlike query and a later time see no penalty."""
    buffer, world = EpisodicBuffer(), World()
    episode = replace(served(Learner(DIMENSION), world.panel(0), 0, good="none"), session="mine")
    buffer.observe(episode)
    assert episode.query is not None

    def first(session: str, query: np.ndarray, now: float) -> float:
        return float(
            buffer.penalty("p", session, asked_again(episode, query.astype(np.float32)), now)[0]
        )

    assert first("mine", episode.query, 1.0) == pytest.approx(PENALTY)
    assert first("other", episode.query, 1.0) == 0.0
    assert first("mine", -episode.query, 1.0) == 0.0
    assert first("mine", episode.query, LIFETIME + 1.0) == 0.0


def test_what_advises_the_same_is_demoted_with_what_failed() -> None:
    """A double of a failed item was not tried, and is as bad; another advice is not."""
    episode = served(Learner(DIMENSION), World().panel(0), 0, good="none")
    said = content_sketch("Restart the tape drive first.")
    buffer = EpisodicBuffer()
    buffer.observe(replace(episode, session="mine", contents={episode.ids[0]: said}))
    again = asked_again(episode)
    other = np.stack([said, said, content_sketch("Call Anna.")])
    again = replace(again, ids=("double", "same", "other"), contents=other)
    penalties = buffer.penalty("p", "mine", again, 1.0)
    assert penalties == pytest.approx([PENALTY, PENALTY, 0.0], abs=1e-4)


def test_success_on_a_like_query_clears_the_demotion() -> None:
    """Once it works, nothing is held against it."""
    buffer, world = EpisodicBuffer(), World()
    episode = replace(served(Learner(DIMENSION), world.panel(0), 0, good="none"), session="mine")
    buffer.observe(episode)
    buffer.observe(replace(episode, owner="next", reward=1.0))
    assert episode.query is not None
    assert not buffer.penalty("p", "mine", asked_again(episode), 1.0).any()


# -- stack -------------------------------------------------------------------------


def rows(count: int) -> list[Row]:
    rng = np.random.default_rng(5)
    found = []
    for n in range(count):
        values = rng.normal(size=len(START))
        reward = float(
            rng.random() < 1 / (1 + np.exp(-(0.3 + values[EVIDENCE] + 0.5 * values[FUSED])))
        )
        found.append(Row(values, reward, 1.0, f"r{n}", n))
    return found


def test_stack_without_rows_stays_at_the_plain_hybrid() -> None:
    """No outcome, no change."""
    stack = Stack()
    stack.refit()
    assert stack.learned is FIRST


def test_stack_respects_its_bounds_and_learns_the_sign() -> None:
    """Weights stay in their box and follow the planted ones."""
    stack = Stack()
    for row in rows(400):
        stack.learn_many([row])
    stack.refit()
    learned = stack.learned.weights
    assert ((learned >= LOWEST - 1e-9) & (learned <= HIGHEST + 1e-9)).all()
    assert learned[EVIDENCE] == pytest.approx(1.0, abs=0.4)  # planted 1.0
    assert 0.0 < stack.learned.intercept < 0.8  # planted 0.3


def test_rival_of_the_proof_knows_the_fused_similarity_only() -> None:
    """All other weights of the rival stay where they started."""
    stack = Stack()
    for row in rows(100):
        stack.learn_many([row])
    stack.refit()
    kept = np.arange(len(START)) != FUSED
    assert stack.similarity.weights[kept] == pytest.approx(START[kept])


def test_a_fit_is_where_its_loss_is_least_within_its_bounds() -> None:
    """No step from the fit to either side of a weight, within its bounds, lowers the loss."""
    rng = np.random.default_rng(5)
    values, labels = rng.normal(size=(60, 3)), (rng.random(60) < 0.7).astype(np.float64)
    weights, center, ridge = rng.random(60), np.array([0.5, -1.0, 0.0]), np.array([2.0, 0.5, 1.0])
    bounds = [(-4.0, 4.0), (-0.2, 4.0), (None, None)]
    found = fitted(
        values, labels, weights, center=center, ridge=ridge, bounds=bounds, tolerance=1e-14
    )

    def loss(w: Floats) -> float:
        chance = expit(values @ w)
        told = labels * np.log(chance) + (1.0 - labels) * np.log(1.0 - chance)
        return float(-weights @ told + 0.5 * ridge @ (w - center) ** 2)

    assert found[1] == bounds[1][0]
    for place, (low, high) in enumerate(bounds):
        for step in (-1e-3, 1e-3):
            other = found.copy()
            other[place] = np.clip(other[place] + step, low, high)
            assert loss(other) >= loss(found)


def test_a_fit_without_rows_is_its_center() -> None:
    center = np.array([0.5, -1.0])
    none = np.zeros(0)
    assert fitted(np.zeros((0, 2)), none, none, center=center, ridge=np.ones(2)).tolist() == [
        0.5,
        -1.0,
    ]


# -- networks ----------------------------------------------------------------------


def memories(count: int) -> list:  # type: ignore[type-arg]
    world, learner = World(), Learner(DIMENSION)
    found = [memory_of(episode) for episode in world.play(learner, count)]
    return [memory for memory in found if memory is not None]


def test_networks_say_exactly_zero_before_the_first_report() -> None:
    """Zero-initialised last layers: identity is exact, not approximate."""
    weights = Networks(DIMENSION).weights()
    world = World()
    panel = world.panel(0)
    features = RNG.normal(size=(panel.size, 5))
    assert not weights.low_rank(panel.query, panel.keys, features).any()
    assert not weights.pair(panel.query, panel.keys).any()


def test_scoring_arrays_say_what_torch_says() -> None:
    """The plain-array reading equals the torch networks."""
    networks = Networks(DIMENSION)
    held = memories(20)
    for n in range(1, 20):
        networks.learn_many(batch_of(held[n], held[:n]), 0.0)
    memory = held[0]
    weights = networks.weights()
    query, keys = torch.from_numpy(memory.query)[None], torch.from_numpy(memory.keys)[None]
    features = torch.from_numpy(memory.features.astype(np.float32))[None]
    with torch.no_grad():
        low = torch.tanh(networks.low(query, keys, features))[0].numpy()
        pair = networks.pair(pair_inputs(query.expand(len(keys[0]), -1), keys[0])).mean(0).numpy()
    assert weights.low_rank(memory.query, memory.keys, memory.features) == pytest.approx(
        low, abs=1e-5
    )
    assert weights.pair(memory.query, memory.keys) == pytest.approx(pair, abs=1e-4)
    assert np.abs(low).max() > 0


def test_first_low_rank_step_moves_every_weight_by_the_rate_against_its_gradient() -> None:
    """Adam's first step is rate x sign(gradient) (Kingma and Ba 2015, with bias correction)."""
    networks = Networks(DIMENSION)
    memory = next(m for m in memories(10) if m.reward == 0.0)
    before = networks.low.e.detach().clone()
    networks.learn_many(batch_of(memory, []), 0.0)
    moved = networks.low.e.detach() - before
    gradient = torch.from_numpy(memory.attention.astype(np.float32)) @ torch.from_numpy(memory.keys)
    away = torch.sign(gradient) * -networks.rates[0]  # a failure: every served item goes down
    strong = gradient.abs() > 1e-3
    assert torch.allclose(moved[strong], away[strong], rtol=1e-3)


def test_networks_state_round_trips() -> None:
    """Loaded tensors go on exactly where the saved ones stood."""
    held = memories(12)
    one, other = Networks(DIMENSION), Networks(DIMENSION, seed=0)
    for n in range(1, 6):
        one.learn_many(batch_of(held[n], held[:n]), 0.0)
    other.load(one.state())
    for networks in (one, other):
        networks.learn_many(batch_of(held[8], held[:8]), 0.0)
    a, b = one.weights(), other.weights()
    assert all(np.array_equal(getattr(a, n), getattr(b, n)) for n in a.__dataclass_fields__)


def test_networks_refuse_a_state_that_is_not_finite() -> None:
    """A poisoned checkpoint is not loaded."""
    state = Networks(DIMENSION).state()
    state["low.e"] = torch.full_like(state["low.e"], float("inf"))
    with pytest.raises(ValueError, match="not finite"):
        Networks(DIMENSION).load(state)


# -- replay ------------------------------------------------------------------------


def test_reservoir_is_bounded_and_fair() -> None:
    """Past its capacity early and late reports have the same chance to be held."""
    memory = memories(2)[0]
    reservoir = Reservoir()
    for n in range(3 * CAPACITY):
        reservoir.add(replace(memory, owner=f"r{n}"))
    held = [int(m.owner[1:]) for m in reservoir.memories]
    assert len(held) == CAPACITY
    assert 0.25 < np.mean([n < CAPACITY for n in held]) < 0.42


def test_replay_draws_successes_and_failures_alike() -> None:
    """A stream of mostly successes does not drown its failures."""
    memory = memories(2)[0]
    reservoir = Reservoir()
    for n in range(200):
        reservoir.add(replace(memory, owner=f"r{n}", reward=float(n % 10 != 0)))
    drawn = reservoir.sample(31, step=1)
    assert len(drawn) == 31
    assert sum(m.reward < 0.5 for m in drawn) == 15


# -- proof -------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_interval_is_clopper_and_pearsons(wins: int, losses: int) -> None:
    """The same interval as scipy's exact binomial test."""
    low, high = exact_interval(wins, losses)
    if wins + losses == 0:
        assert (low, high) == (0.0, 1.0)
        return
    expected = binomtest(wins, wins + losses).proportion_ci(0.95, "exact")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_weight_shrinks_to_zero_when_learning_predicts_worse() -> None:
    """A learner that loses is held back."""
    record = Record()
    for n in range(100):
        record.observe(learned=0.9, similarity=0.5, reward=float(n % 2), held_out=n % 10 == 8)
    assert record.weight == 0.0
    assert record.opening == 0.0
    assert (record.proof().wins, record.proof().losses) == (0, 10)


def test_log_loss_is_bounded_for_certain_predictions() -> None:
    """A wrong certainty costs a lot, not infinitely much."""
    assert log_loss(1.0, 0.0) == pytest.approx(-np.log(0.01))


def test_constant_input_has_no_zscore() -> None:
    """A leg that found nothing says nothing."""
    assert not zscore(np.zeros(5)).any()
    assert not zscore(np.full(5, 3.0)).any()
    assert blank_row().shape == START.shape
