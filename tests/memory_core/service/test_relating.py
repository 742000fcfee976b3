"""What reports tell of failures: who resolved what, over attempts, corrections and time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory_core.model import OutcomeRecord
from memory_core.service.conditions import FailureText
from memory_core.service.relating import (
    FAILURES,
    TELLINGS,
    Named,
    Telling,
    Tellings,
    group_of,
    named,
    related,
)

NONE: frozenset[str] = frozenset()
FAILED = FailureText("load it", "KeyError: 'a'", None)
OTHER = FailureText("load it", "ValueError: b", None)


def outcome(reward: float, **more: object) -> OutcomeRecord:
    made = OutcomeRecord("out", "demo", "success", "success", reward, 1.0, 0.0, task="load it")
    return replace(made, **more)  # type: ignore[arg-type]


def telling(owner: str, **more: object) -> Telling:
    made = Telling(owner, "demo", "", None, None, NONE, NONE, NONE, 1.0, held_out=False)
    return replace(made, **more)  # type: ignore[arg-type]


def items(*names: str) -> frozenset[str]:
    return frozenset(names)


# -- which items a report names ----------------------------------------------------


def test_labels_count_and_what_was_used_counts_without_them() -> None:
    assert named(outcome(1.0, used=("a", "b")), ()) == Named(("a", "b"), (), ())
    labelled = outcome(1.0, used=("a", "b", "c"), helpful=("a",), harmful=("b",))
    assert named(labelled, ()) == Named(("a",), ("b",), ())


def test_what_was_used_in_an_attempt_that_failed_was_done_and_did_not_fail_by_itself() -> None:
    assert named(outcome(0.0, used=("a", "b")), ()) == Named((), (), ("a", "b"))
    labelled = outcome(0.0, used=("a", "b"), helpful=("a",), harmful=("c",))
    assert named(labelled, ()) == Named((), ("c",), ("c", "b"))


def test_a_bare_flag_tells_of_one_served_item_and_of_none_of_several() -> None:
    assert named(outcome(1.0), ("a",)) == Named(("a",), (), ())
    assert named(outcome(1.0), ("a", "b")) == Named((), (), ())
    assert named(outcome(1.0, used=()), ("a",)) == Named((), (), ())


def test_half_a_success_tells_of_labels_alone() -> None:
    assert named(outcome(0.5, used=("a",), harmful=("b",)), ()) == Named((), ("b",), ())


def test_attempts_belong_together_by_their_group_else_by_task_and_session() -> None:
    grouped = outcome(1.0, attempt_group="g", session="s")
    assert group_of(grouped) == group_of(replace(grouped, task="another", session=""))
    in_session = outcome(1.0, session="s")
    assert group_of(in_session) == group_of(replace(in_session, reward=0.0)) != ""
    assert group_of(in_session) != group_of(replace(in_session, task="another"))
    assert group_of(outcome(1.0)) == ""


# -- what follows for failures -----------------------------------------------------


def test_what_resolved_it_in_the_end_resolved_every_failure_on_the_way() -> None:
    told = [
        telling("1", group="g", failed=FAILED, done=items("x")),
        telling("2", group="g", failed=OTHER, done=items("y")),
        telling("3", group="g", good=items("z")),
        telling("4", group="h", failed=FAILED, done=items("x")),
        telling("5", project="else", group="g", failed=FAILED, done=items("x")),
    ]
    found = related(told)
    assert [(f.text, f.resolved, f.culprits) for f in found] == [
        (FAILED, items("z"), items("x")),
        (OTHER, items("z"), items("y")),
        (FAILED, NONE, items("x")),
        (FAILED, NONE, items("x")),
    ]


def test_the_failure_that_a_recall_asked_about_is_told_of_by_its_outcome() -> None:
    solved = related([telling("1", asked=FAILED, good=items("a"), bad=items("b"))])
    assert [(f.resolved, f.failed, f.culprits) for f in solved] == [(items("a"), items("b"), NONE)]


def test_a_failure_that_was_reported_and_then_asked_about_is_one() -> None:
    told = [
        telling("1", group="g", failed=FAILED),
        telling("2", group="g", asked=FAILED, good=items("a"), bad=items("b")),
    ]
    assert [(f.text, f.resolved, f.failed) for f in related(told)] == [
        (FAILED, items("a"), items("b"))
    ]


def test_an_item_that_worked_in_the_end_did_not_fail() -> None:
    told = [
        telling("1", group="g", failed=FAILED, done=items("a")),
        telling("2", group="g", asked=OTHER, bad=items("a")),
        telling("3", group="g", good=items("a")),
    ]
    assert all(f.resolved == items("a") and not f.failed | f.culprits for f in related(told))


def test_failures_that_nothing_is_told_of_are_left_out() -> None:
    assert related([telling("1", failed=FAILED), telling("2", asked=OTHER)]) == ()


# -- the window --------------------------------------------------------------------


def test_a_flood_of_tellings_is_kept_by_what_it_is_trusted() -> None:
    told = Tellings()
    for n in range(40):
        told.observe(f"honest {n}", telling(f"honest {n}", failed=FAILED, source=f"s{n % 4}"))
    for n in range(200):
        told.observe(
            f"false {n}", telling(f"false {n}", failed=OTHER, source="foe", trust=1 / (1 + n) ** 2)
        )
    assert [one.source for one in told.all()].count("foe") == 1
    assert len(told.all()) == 41


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    told = Tellings()
    for owner in ("1", "2"):
        told.observe(owner, telling(owner, asked=FAILED, good=items("a")))
    told.observe("1", telling("1", asked=FAILED, good=items("b")))
    assert [(t.owner, t.good) for t in told.all()] == [("1", items("b")), ("2", items("a"))]
    told.observe("1", None)
    assert [t.owner for t in told.all()] == ["2"]
    assert told.told == 4


def test_what_tells_of_nothing_is_no_telling() -> None:
    told = Tellings()
    told.observe("1", None)
    assert (told.told, told.all()) == (0, ())


@pytest.mark.parametrize("count", [TELLINGS, 2 * TELLINGS])
def test_the_window_is_bounded_and_keeps_the_newest(count: int) -> None:
    told = Tellings()
    for number in range(count):
        told.observe(str(number), telling(str(number), asked=FAILED, good=items("a")))
    assert [t.owner for t in told.all()] == [str(n) for n in range(count - TELLINGS, count)]
    assert len(related(told.all())) == FAILURES
