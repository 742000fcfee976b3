"""No source alone decides what the reports of several decide: windows, wholes, the stack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memory_core.scorer import checkpoint
from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EVIDENCE, EXPERTS, SPREAD
from memory_core.scorer.learner import Learner
from memory_core.scorer.proof import HELD_BACK_AT, Record
from memory_core.scorer.shares import (
    Wholes,
    counted,
    holder_of,
    newest,
    place_to_drop,
    shared_errors,
)
from memory_core.scorer.stack import Row, Stack
from tests.memory_core.scorer.test_learner import same_state
from tests.memory_core.scorer.world import DIMENSION, World, credited, served


def test_clients_of_one_subject_are_one_holder_and_other_names_are_whole() -> None:
    assert holder_of("oauth:me via ide") == holder_of("oauth:me via cli") == "oauth:me"
    assert holder_of("local via x") == "local via x"


def test_weights_that_add_up_to_a_report_count_as_one() -> None:
    wholes = Wholes()
    assert [wholes.observe("a", 0.25) for _ in range(8)] == [False, False, False, True] * 2
    assert [wholes.observe("b", 1.0) for _ in range(3)] == [True] * 3
    assert not wholes.observe("c", 0.0)


def test_a_flood_is_counted_by_what_it_teaches() -> None:
    assert [counted(1 / n) for n in (1, 5, 10, 50)] == pytest.approx([1.0, 1.0, 0.5, 0.1])
    assert counted(0.0) == 0.0


def test_a_full_window_keeps_others_while_one_source_has_over_half() -> None:
    assert place_to_drop(["a", "a", "a"]) == 0
    assert place_to_drop(["a", "b", "b", "b"]) == 1
    assert place_to_drop(["a", "b", "a", "b"]) == 0


def test_a_window_that_decides_reaches_back_for_reports_of_others() -> None:
    honest = ["a", "b", "c", "d"] * 25
    chosen = newest([*honest, *["foe"] * 300], 40)
    assert sum(place >= 100 for place in chosen) == 10, "a quarter"
    assert len(chosen) == 40
    assert newest(["a"] * 300, 40) == list(range(260, 300))
    assert len(newest(["a", *["foe"] * 300], 40)) == 40, "nobody else is there to fill it"


def test_a_source_moves_the_errors_by_its_share_at_most() -> None:
    values = [0.5] * 90 + [-4.0] * 10
    sources = ["a"] * 45 + ["b"] * 45 + ["foe"] * 10
    assert shared_errors(values, sources, 100, 2.5) == pytest.approx(0.9 * 2.5 - 0.1 * 2.5)
    assert shared_errors(values, ["a"] * 100, 100, 2.5) < 0.5, "one source alone is not bounded"


def test_a_newcomer_moves_the_proof_by_its_share_of_all_not_of_the_last_reports() -> None:
    record = Record()
    for _ in range(300):
        record.observe(0.9, 0.6, 1.0, False, source="owner")
    for _ in range(20):
        record.observe(0.97, 0.5, 0.0, False, source="foe")
    assert record.weight >= 0.9


@pytest.mark.parametrize("fakes", [20, 200, 2000])
def test_false_failures_of_one_source_take_its_share_of_the_weight(fakes: int) -> None:
    record = Record()
    for n in range(300):
        record.observe(0.9, 0.6, 1.0, False, source=f"honest {n % 4}")
    assert record.weight == 1.0
    for _ in range(fakes):
        record.observe(0.97, 0.5, 0.0, False, source="foe")
    assert record.weight >= 0.7


def test_a_loss_that_all_sources_see_takes_the_whole_weight() -> None:
    record = Record()
    for n in range(200):
        record.observe(0.4, 0.6, 1.0, False, source=f"honest {n % 50}")
    assert record.weight == pytest.approx(0.0)
    assert record.strength == pytest.approx(-HELD_BACK_AT)


def test_a_few_rows_that_disagree_move_the_stack_by_their_share() -> None:
    """Honest rows that all agree hardly pull: unbounded, comparisons of a foe would win."""
    stack = Stack()
    for n in range(300):
        values = np.zeros(len(EXPERTS))
        values[EVIDENCE] = 0.9
        stack.learn_many([Row(values, 1.0, 1.0, f"r{n}", n, f"honest {n % 4}")])
    stack.refit()
    before = stack.learned.weights.copy()
    for n in range(20):
        against = np.zeros(len(EXPERTS))
        against[EVIDENCE] = -0.9
        row = Row(against, 1.0, 1.0, f"f{n}", 300 + n, "foe", compared=True)
        stack.learn_many([row])
    alone = Stack()
    alone.rows = [replace(row, source="one") for row in stack.rows]
    alone.taught = stack.taught
    stack.refit()
    alone.refit()
    moved = np.abs((stack.learned.weights - before) / SPREAD).max()
    assert moved < 0.35
    assert np.abs((alone.learned.weights - before) / SPREAD).max() > 1.5 * moved


@pytest.mark.parametrize("count", [2, 10, 50])
def test_the_stack_learns_of_even_honest_sources_as_of_one(count: int) -> None:
    """Few reports move a fit by chance; that is no sign of a foe."""
    draw = np.random.default_rng(0)
    one, many = Stack(), Stack()
    for n in range(300):
        values = draw.normal(0.0, 1.0, len(EXPERTS))
        reward = float(draw.random() < 1 / (1 + np.exp(-values[EVIDENCE])))
        one.learn_many([Row(values, reward, 1.0, f"r{n}", n, "one")])
        many.learn_many([Row(values, reward, 1.0, f"r{n}", n, f"honest {n % count}")])
    one.refit()
    many.refit()
    apart = (one.learned.weights - many.learned.weights) / SPREAD
    assert np.abs(apart).max() < 0.2


def of_many(learner: Learner, world: World, reports: int) -> list[Episode]:
    """Honest reports of three sources, two of them with weights under one."""
    episodes = []
    for step in range(reports):
        topic = step % world.topics
        episode = served(learner, world.panel(topic), step, good=f"right-{topic}")
        source, trust = (("own", 1.0), ("a", 0.4), ("b", 1 / (1 + step % 3)))[step % 3]
        episode = credited(learner, replace(episode, source=source, trust=trust))
        learner.learn_one(learner.observe(episode))
        episodes.append(episode)
    return episodes


@pytest.mark.parametrize("position", [10, 31])
def test_several_sources_give_the_same_bits_live_rebuilt_and_from_a_checkpoint(
    position: int, tmp_path: Path
) -> None:
    live = Learner(DIMENSION)
    episodes = of_many(live, World(), 45)
    assert 0 < live.record.reports < 45, "weights under one do not each count"
    again, restarted = Learner(DIMENSION), Learner(DIMENSION)
    for episode in episodes[:position]:
        again.learn_one(again.observe(episode))
        restarted.walk_one(restarted.observe(episode))
    checkpoint.save(again, tmp_path, episodes[position - 1].outcome_id, "m")
    found, _ = checkpoint.newest(tmp_path, "m", DIMENSION)
    assert found is not None
    checkpoint.apply(found, restarted)
    for episode in episodes[position:]:
        again.learn_one(again.observe(episode))
        restarted.learn_one(restarted.observe(episode))
    assert same_state(live, again)
    assert same_state(live, restarted)
