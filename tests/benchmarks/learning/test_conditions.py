"""Corruption is seeded and exact."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.learning.conditions import (
    LONGEST_DELAY,
    REPEATED,
    Condition,
    Fates,
    Mailbox,
    Report,
    grid,
)
from benchmarks.learning.stream import Attempt

COUNT = 4_000
WON = Attempt(1.0, ("a",), helpful=("a",), harmful=("b",))


def reports(condition: Condition, seed: int = 0) -> list[Report | None]:
    fates = Fates.draw(seed, COUNT)
    return [fates.report(number, WON, condition) for number in range(COUNT)]


def arrivals(condition: Condition, seed: int = 0) -> list[tuple[int, Report]]:
    """(task after which it came, report), of a whole stream; the rest comes after the last."""
    mailbox = Mailbox(Fates.draw(seed, COUNT), condition)
    came = []
    for number in range(COUNT):
        mailbox.post(number, WON)
        came += [(number, report) for report in mailbox.due(number)]
    return came + [(COUNT, report) for report in mailbox.rest()]


def test_same_seed_gives_the_same_reports_and_another_seed_others() -> None:
    condition = Condition(noise=0.3, missing=0.2)
    assert reports(condition) == reports(condition)
    assert reports(condition) != reports(condition, seed=1)


def test_noise_flips_its_share_and_no_noise_flips_none() -> None:
    assert all(report is not None and report.success for report in reports(Condition()))
    flipped = [report for report in reports(Condition(noise=0.2)) if report and not report.success]
    assert abs(len(flipped) / COUNT - 0.2) < 0.02
    assert all(
        report is not None and not report.success for report in reports(Condition(noise=1.0))
    )


def test_more_noise_flips_what_less_noise_flipped() -> None:
    some, more = reports(Condition(noise=0.1)), reports(Condition(noise=0.3))
    assert all(
        not after.success
        for before, after in zip(some, more, strict=True)
        if before is not None and after is not None and not before.success
    )


def test_a_flipped_report_is_wrong_in_its_labels_too() -> None:
    found = reports(Condition(noise=0.5, richness="labels"))
    assert {
        (report.success, report.helpful, report.harmful) for report in found if report is not None
    } == {(True, ("a",), ("b",)), (False, ("b",), ("a",))}


def test_missing_drops_its_share_of_the_reports() -> None:
    lost = sum(report is None for report in reports(Condition(missing=0.9)))
    assert abs(lost / COUNT - 0.9) < 0.02


@pytest.mark.parametrize(
    ("condition", "used", "helpful"),
    [
        (Condition(richness="flag"), None, ()),
        (Condition(richness="used"), ("a",), ()),
        (Condition(richness="labels"), ("a",), ("a",)),
    ],
)
def test_a_report_says_as_much_as_its_richness(
    condition: Condition, used: tuple[str, ...] | None, helpful: tuple[str, ...]
) -> None:
    report = reports(condition)[0]
    assert report is not None
    assert (report.used, report.helpful) == (used, helpful)


def test_chances_between_0_and_1_come_true_that_often() -> None:
    fates = Fates.draw(0, COUNT)
    won = 0
    for number in range(COUNT):
        report = fates.report(number, Attempt(0.3), Condition())
        won += report is not None and report.success
    assert abs(won / COUNT - 0.3) < 0.03


def test_reports_come_at_once_unless_delayed() -> None:
    assert [(number, report.number) for number, report in arrivals(Condition())] == [
        (number, number) for number in range(COUNT)
    ]


def test_delayed_reports_all_come_1_to_50_tasks_later_and_out_of_order() -> None:
    came = arrivals(Condition(delayed=True))
    assert sorted(report.number for _, report in came) == list(range(COUNT))
    delays = {number - report.number for number, report in came if number < COUNT}
    assert delays == set(range(1, LONGEST_DELAY + 1))
    order = [report.number for _, report in came]
    assert order != sorted(order)
    assert came == arrivals(Condition(delayed=True))


@pytest.mark.parametrize("delayed", [False, True])
def test_a_fifth_is_sent_twice_half_of_it_by_the_same_report_id(delayed: bool) -> None:
    came = arrivals(Condition(duplicated=True, delayed=delayed))
    times = Counter(report.number for _, report in came)
    assert set(times) == set(range(COUNT))
    twice = {number for number, count in times.items() if count == 2}
    assert set(times.values()) == {1, 2}
    assert abs(len(twice) / COUNT - REPEATED) < 0.02
    ids = {number: set[str]() for number in twice}
    for _, report in came:
        if report.number in twice:
            ids[report.number].add(report.report_id)
        else:
            assert report.report_id == ""
    assert all(len(one) == 1 for one in ids.values())
    named = sum("" not in one for one in ids.values())
    assert abs(named / len(twice) - 0.5) < 0.1


def test_the_second_sending_comes_after_the_first_and_is_marked() -> None:
    first: dict[int, int] = {}
    for place, (_, report) in enumerate(arrivals(Condition(duplicated=True))):
        assert report.repeats == (report.number in first)
        first.setdefault(report.number, place)


def test_a_request_names_items_by_their_ids_and_leaves_out_what_is_not_said() -> None:
    ids = {"a": "item_1", "b": "item_2"}
    bare = Report(0, success=False)
    assert bare.request("rec_1", ids) == {"recall_id": "rec_1", "outcome": "failure"}
    nothing_used = Report(0, success=True, used=())
    assert nothing_used.request("rec_1", ids)["used_ids"] == []
    full = Report(0, True, ("a",), ("a",), ("b",), "report 0")
    assert full.request("rec_1", ids) == {
        "recall_id": "rec_1",
        "outcome": "success",
        "report_id": "report 0",
        "used_ids": ["item_1"],
        "helpful_ids": ["item_1"],
        "harmful_ids": ["item_2"],
    }


def test_feedback_of_a_bare_flag_says_nothing_of_items() -> None:
    feedback = Report(0, success=True).feedback((4, 2), ("a", "b"))
    assert feedback.shown == (4, 2)
    assert feedback.reward == 1.0
    assert feedback.used.tolist() == [True, True]
    assert np.isnan(feedback.labels).all()


def test_feedback_with_labels_holds_them_in_the_order_shown() -> None:
    report = Report(0, False, used=("b",), harmful=("b",))
    feedback = report.feedback((4, 2), ("a", "b"))
    assert feedback.reward == 0.0
    assert feedback.used.tolist() == [False, True]
    assert np.isnan(feedback.labels[0])
    assert feedback.labels[1] == -1.0


def test_a_grid_holds_every_combination_with_its_label() -> None:
    conditions = grid((0.0, 0.2), (0.0, 0.5), ("flag", "labels"), delayed=True)
    assert len(conditions) == 8
    assert [one.label for one in conditions[:3]] == [
        "flag, noise 0, delayed",
        "flag, noise 0.2, delayed",
        "flag, noise 0, missing 0.5, delayed",
    ]
