"""The record: the weight obeys it, it stays small, and it comes back as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from memory_core.scorer.learner import Learner
from memory_core.scorer.ordering import OrderReport, order_of
from memory_core.scorer.proof import (
    HARMS_KEPT,
    MOST_POINTS,
    RECENT,
    TIE,
    WINDOW,
    History,
    Record,
    calibration_error,
    reliability,
)
from memory_core.scorer.stack import FIRST
from tests.memory_core.scorer.world import DIMENSION, World, served

BASE = served(Learner(DIMENSION), World().panel(0), 0, good="none")


def some_order(
    places: tuple[int, ...] = (3, 0, 1),
    labels: tuple[float, ...] = (np.nan, np.nan, np.nan),
    owner: str = "rec",
) -> OrderReport:
    episode = replace(BASE, places=places, labels=np.array(labels), owner=owner)
    found = order_of(episode, FIRST, FIRST)
    assert found is not None
    return found


def played(record: Record, reports: int, learned: float, *, success: float = 0.5) -> Record:
    """Reports of which a share succeed; `learned` is what was predicted for what happened."""
    for n in range(reports):
        reward = float((n * success) % 1.0 + success >= 1.0)
        guess = learned if reward else 1.0 - learned
        record.observe(guess, 0.5, reward, held_out=n % 10 == 9)
    return record


# -- the weight --------------------------------------------------------------------


def test_weight_is_full_before_anything_is_proved_and_while_it_wins() -> None:
    assert Record().weight == 1.0
    assert played(Record(), 100, learned=0.8).weight == 1.0


def test_a_world_that_turned_takes_the_weight_before_the_old_gains_are_forgotten() -> None:
    """160 good reports, then 30 bad ones: the window as a whole still gains."""
    record = played(played(Record(), 160, learned=0.8), 30, learned=0.2)
    assert record.strength > 0
    assert record.weight < 0.2


def test_weight_comes_back_when_learning_wins_again() -> None:
    record = played(played(Record(), 160, learned=0.8), 30, learned=0.2)
    assert played(record, RECENT + 20, learned=0.8).weight == 1.0


def test_chance_alone_seldom_takes_weight() -> None:
    """Predictions that differ from similarity's by noise only keep most of their weight."""
    rng = np.random.default_rng(0)
    weights = []
    for _ in range(40):
        record = Record()
        for _ in range(150):
            chance = rng.uniform(0.2, 0.8)
            reward = float(rng.random() < chance)
            guesses = np.clip(chance + rng.normal(0, 0.05, size=2), 0.05, 0.95)
            record.observe(float(guesses[0]), float(guesses[1]), reward, held_out=False)
        weights.append(record.weight)
    assert np.mean(weights) > 0.8


def test_pairs_that_labels_decide_against_the_learned_order_take_its_weight() -> None:
    """Predictions may look fine while the order puts the harmful item first."""
    record = Record()
    for _ in range(30):
        record.observe(0.5, 0.5, 1.0, False, order=some_order(labels=(-1.0, 1.0, np.nan)))
    assert record.order.wrong == 30
    assert record.weight == 0.0
    for _ in range(200):
        record.observe(0.5, 0.5, 1.0, False, order=some_order(labels=(1.0, -1.0, np.nan)))
    assert record.weight == 1.0


def test_a_few_reports_conclude_nothing() -> None:
    record = played(Record(), 7, learned=0.1)
    assert (record.weight, record.strength) == (1.0, 0.0)


# -- harm --------------------------------------------------------------------------


def test_harm_is_a_failure_that_similarity_saw_coming_better() -> None:
    """Of changed or held-out reports only, and by more than a tie."""
    record = Record()
    record.observe(0.9, 0.4, 0.0, False, order=some_order())
    record.observe(0.9, 0.4, 0.0, True, order=some_order((0, 1, 2)))
    record.observe(0.9, 0.4, 0.0, False, order=some_order((0, 1, 2)))  # nothing was changed
    record.observe(0.1, 0.4, 0.0, False, order=some_order())  # learning warned better
    record.observe(0.4, 0.4 - TIE / 10, 0.0, False, order=some_order())  # alike
    record.observe(0.9, 0.4, 1.0, False, order=some_order())  # no failure
    assert record.harmed == 2
    assert [(h.changed, h.held_out) for h in record.harms] == [(True, False), (False, True)]
    assert record.harms[0].first_id == BASE.ids[0]


def test_shown_harm_is_bounded_and_the_newest() -> None:
    record = Record()
    for n in range(50):
        record.observe(0.9, 0.4, 0.0, False, order=some_order(owner=f"r{n}"))
    assert record.harmed == 50
    assert len(record.harms) == HARMS_KEPT
    assert record.harms[-1].owner == "r49"


# -- history -----------------------------------------------------------------------


@pytest.mark.parametrize("reports", [1, 50, MOST_POINTS, 1_000, 40_000])
def test_history_is_thinned_evenly_and_spans_everything(reports: int) -> None:
    history = History()
    for n in range(1, reports + 1):
        history.add(n, n / reports)
    counts = [count for count, _ in history.points]
    assert len(counts) <= MOST_POINTS
    assert counts == list(range(history.stride, reports + 1, history.stride))
    assert len(counts) >= min(reports, MOST_POINTS // 2)


def test_record_writes_its_weight_down() -> None:
    record = played(Record(), 60, learned=0.2)
    assert record.history.points[0] == (1, 1.0)
    assert record.history.points[-1] == (60, record.weight)


# -- calibration -------------------------------------------------------------------


def test_reliability_shows_what_was_said_and_what_came() -> None:
    pairs = [(0.05, 0.0), (0.15, 1.0), (0.17, 0.0), (1.0, 1.0)]
    rows = reliability(pairs)
    assert [(row.low, row.high, row.reports) for row in rows] == [
        (0.0, 0.1, 1),
        (0.1, 0.2, 2),
        (0.9, 1.0, 1),
    ]
    assert (rows[1].predicted, rows[1].happened) == (0.16, 0.5)
    assert reliability([]) == ()


def test_calibration_error_is_the_mean_gap_of_the_table() -> None:
    pairs = [(0.3, 1.0)] * 30 + [(0.8, 1.0)] * 10 + [(0.8, 0.0)] * 10
    assert calibration_error(pairs) == pytest.approx(0.6 * 0.7 + 0.4 * 0.3)
    assert calibration_error(pairs[:49]) is None


# -- keeping -----------------------------------------------------------------------


def busy_record(reports: int) -> Record:
    rng, record = np.random.default_rng(3), Record()
    for n in range(reports):
        labels = rng.choice([1.0, -1.0, np.nan], size=3)
        order = some_order(
            tuple(int(p) for p in rng.permutation(5)[:3]), tuple(labels), owner=f"r{n}"
        )
        learned, similarity = rng.uniform(0.05, 0.95, size=2)
        reward = float(rng.random() < 0.6)
        record.observe(float(learned), float(similarity), reward, n % 10 == 9, order=order)
    return record


def test_record_comes_back_from_json_and_goes_on_bit_for_bit() -> None:
    record = busy_record(70)
    again = Record.restored(json.loads(json.dumps(record.state())))
    assert again == record
    for one in (record, again):
        played(one, 30, learned=0.3)
    assert again.state() == record.state()


def test_record_stays_small() -> None:
    """Its state is bounded whatever the number of reports."""
    sizes = [len(json.dumps(busy_record(n).state())) for n in (1_200, 2_400)]
    assert sizes[1] < 1.05 * sizes[0]
    assert len(Record.restored(busy_record(300).state()).gains) == WINDOW


def test_state_of_another_version_is_refused() -> None:
    with pytest.raises((KeyError, TypeError)):
        Record.restored({"held_out": 0})
