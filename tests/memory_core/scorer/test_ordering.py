"""What a report tells of the served order, and what it does not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EVIDENCE, EXPERTS, FUSED, START
from memory_core.scorer.learner import Learner
from memory_core.scorer.ordering import MOVES_KEPT, OrderRecord, OrderReport, order_of
from memory_core.scorer.stack import FIRST, Fit, position_weights
from tests.memory_core.scorer.world import DIMENSION, World, served

BASE = served(Learner(DIMENSION), World().panel(0), 0, good="none")


def report_of(episode: Episode, fit: Fit = FIRST) -> OrderReport:
    found = order_of(episode, fit, fit)
    assert found is not None
    return found


def moved(places: tuple[int, ...], **fields: object) -> OrderReport:
    """A report whose three served items have these ranks in similarity."""
    return report_of(replace(BASE, places=places, **fields))  # type: ignore[arg-type]


def observed(*reports: OrderReport) -> OrderRecord:
    record = OrderRecord()
    for report in reports:
        record.observe(report)
    return record


def test_order_that_learning_left_alone_is_counted_apart() -> None:
    record = observed(moved((0, 1, 2), reward=1.0), moved((0, 1, 2), reward=0.0))
    proof = record.proof()
    assert (proof.same, proof.same_success, proof.changed) == (2, 0.5, 0)
    assert proof.changed_success is None
    assert record.moves == []
    assert record.pushes() == ()


def test_report_whose_other_order_is_not_known_is_not_counted() -> None:
    """A check, a recall without a model, or a log from before ranks were kept."""
    assert observed(moved(())).state() == OrderRecord().state()


def test_followed_item_is_the_first_served_unless_the_report_says_what_was_used() -> None:
    first = moved((4, 0, 1), reward=1.0)
    assert list(first.verdicts[:1]) == [1.0]
    assert np.isnan(first.verdicts[1:]).all()
    used_second = np.array([0.05, 1.0, 0.05])
    second = moved((4, 0, 1), reward=0.0, attention=used_second)
    assert second.verdicts[1] == -1.0
    assert np.isnan(second.verdicts[[0, 2]]).all()
    nothing = moved((4, 0, 1), attention=np.zeros(3))
    assert np.isnan(nothing.verdicts).all()


def test_success_is_split_by_whether_what_was_followed_moved_up_or_down() -> None:
    used_second = np.array([0.05, 1.0, 0.05])
    record = observed(
        moved((4, 0, 1), reward=1.0),
        moved((4, 0, 1), reward=0.0),
        moved((4, 0, 1), reward=1.0, attention=used_second),
        moved((0, 3, 1), reward=1.0),
    )
    groups = {group.direction: (group.judged, group.well) for group in record.proof().groups}
    assert groups == {"up": (2, 1), "kept": (1, 1), "down": (1, 1)}
    assert (record.proof().changed, record.proof().first_changed) == (4, 3)


def test_labels_judge_in_place_of_the_outcome() -> None:
    """A failed report with a helpful item: the item did well."""
    labels = np.array([-1.0, 1.0, np.nan])
    record = observed(moved((1, 5, 0), reward=0.0, labels=labels))
    groups = {group.direction: (group.judged, group.well) for group in record.proof().groups}
    assert groups == {"up": (2, 1), "kept": (0, 0), "down": (0, 0)}


@pytest.mark.parametrize(
    ("places", "labels", "right", "wrong"),
    [
        ((3, 0, 1), (1.0, -1.0, np.nan), 1, 0),  # similarity had the harmful one first
        ((3, 0, 1), (-1.0, 1.0, np.nan), 0, 1),
        ((3, 0, 1), (-1.0, 1.0, 1.0), 0, 2),
        ((3, 0, 1), (np.nan, 1.0, -1.0), 0, 0),  # both orders agree on this pair
        ((3, 0, 1), (1.0, np.nan, np.nan), 0, 0),
    ],
)
def test_pairs_count_only_where_the_two_orders_disagree(
    places: tuple[int, ...], labels: tuple[float, ...], right: int, wrong: int
) -> None:
    record = observed(moved(places, labels=np.array(labels)))
    assert (record.right, record.wrong) == (right, wrong)


def test_pairs_cannot_be_won_by_a_high_rate_of_success_alone() -> None:
    """Random orders and random labels, nine of ten helpful: half right, half wrong."""
    rng = np.random.default_rng(0)
    record = OrderRecord()
    for _ in range(2_000):
        places = tuple(int(place) for place in rng.permutation(3))
        labels = np.where(rng.random(3) < 0.9, 1.0, -1.0)
        record.observe(moved(places, labels=labels))
    low, high = record.proof().pairs_interval
    assert low < 0.5 < high


def test_strength_follows_the_last_pairs() -> None:
    labels = np.array([-1.0, 1.0, np.nan])
    record = observed(*[moved((3, 0, 1), labels=labels)] * 16)
    assert record.strength == pytest.approx(-4.0)
    assert observed(*[moved((3, 0, 1), labels=labels)] * 7).strength == 0.0


def test_expected_success_is_that_of_similaritys_own_list() -> None:
    rival = np.zeros((3, len(EXPERTS)))
    rival[:, FUSED] = [2.0, 1.0, 0.5]
    rival[:, EVIDENCE] = 9.0  # what similarity does not know
    report = moved((4, 0, 1), rival=rival)
    row = position_weights(3) @ rival[:, FUSED]
    assert report.expected == pytest.approx(expit(START[FUSED] * row))


def test_difference_to_the_expected_has_an_interval_that_covers_none_when_there_is_none() -> None:
    """Success drawn with just the expected chance: no difference is claimed."""
    rng = np.random.default_rng(1)
    chance = moved((4, 0, 1)).expected
    claimed = 0
    for _ in range(60):
        rewards = (rng.random(60) < chance).astype(float)
        record = observed(*[moved((4, 0, 1), reward=float(r)) for r in rewards])
        interval = record.proof().difference_interval
        assert interval is not None
        claimed += not interval[0] <= 0 <= interval[1]
    assert claimed <= 9


def test_sentence_says_better_and_worse_only_beyond_chance() -> None:
    good = observed(*[moved((4, 0, 1), reward=1.0)] * 30).proof().sentence
    bad = observed(*[moved((4, 0, 1), reward=0.0)] * 30).proof().sentence
    few = observed(moved((4, 0, 1), reward=1.0)).proof().sentence
    assert "more than expected" in good
    assert "less than expected" in bad
    assert "too few" in few


def test_expert_that_alone_lifts_the_first_item_is_named_first() -> None:
    """Evidence decides who stands first; without it similarity's own would."""
    experts = np.zeros((3, len(EXPERTS)))
    experts[:, FUSED] = [0.0, 1.5, 1.0]
    experts[:, EVIDENCE] = [0.8, 0.0, 0.0]
    report = moved((4, 0, 1), experts=experts, rival=experts[[1, 2, 0]])
    record = observed(report)
    first = record.pushes()[0]
    assert (first.expert, first.decided) == ("evidence", 1)
    assert first.push == pytest.approx(0.8 * START[EVIDENCE])
    assert sum(push.decided for push in record.pushes()) == 1


def test_moves_are_bounded_and_the_furthest_stay_the_newest_first() -> None:
    reports = [
        replace(moved((shift, 0, 1), reward=1.0), owner=f"r{n}", outcome_id=f"o{n}")
        for n, shift in enumerate([3, 9, 5, 9] * 20)
    ]
    moves = observed(*reports).moves
    assert len(moves) == MOVES_KEPT
    assert {move.place for move in moves} == {9}
    assert [move.owner for move in moves[-2:]] == ["r77", "r79"]


def test_state_comes_back_bit_for_bit_from_json() -> None:
    labels = np.array([-1.0, 1.0, np.nan])
    record = observed(
        moved((3, 0, 1), labels=labels), moved((4, 1, 0), reward=1.0), moved((0, 1, 2))
    )
    again = OrderRecord.restored(json.loads(json.dumps(record.state())))
    assert again == record
