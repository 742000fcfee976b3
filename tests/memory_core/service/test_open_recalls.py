"""Open recalls: the fold equals the log, the listing its bounds, the reminder its manners."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.answers import RecallsAnswer
from memory_core.errors import StoreUnavailable, UnknownRecall
from memory_core.model import OutcomeRecord, RecallRecord, Served
from memory_core.ports import StoredOutcome, StoredRecall
from memory_core.requests import RecallsRequest, parse
from memory_core.service.fold import NOWHERE
from memory_core.service.open_recalls import (
    ACROSS_SESSIONS_WITHIN,
    RECALL_LIFETIME,
    REMINDED,
    SAME_TASK_WITHIN,
    TASK_SHOWN,
    OpenRecalls,
    Unreported,
    line_of,
)
from tests.memory_core.service.conftest import Bench, OpenBench

TASK = "parse dates"
OTHER = "parse the times of all suppliers"
"""In other words, and yet served the same."""
DAY = 86_400.0


def listed(bench: Bench, **more: object) -> RecallsAnswer:
    return bench.service.reading.recalls(parse(RecallsRequest, more))


def open_ids(bench: Bench, **more: object) -> list[str]:
    return [one.recall_id for one in listed(bench, **more).recalls]


# -- the fold ----------------------------------------------------------------------


class Step(NamedTuple):
    """A recall (`outcome_of` None) or an outcome of an earlier recall, `later` seconds on."""

    later: float
    door: Literal["recall", "check"]
    session: str
    project: str
    served: int
    withheld: bool
    outcome_of: int | None


STEPS = st.builds(
    Step,
    later=st.sampled_from([0.0, 60.0, 3 * DAY, 12 * DAY]),
    door=st.sampled_from(["recall", "recall", "check"]),
    session=st.sampled_from(["", "a", "b"]),
    project=st.sampled_from(["p", "q"]),
    served=st.integers(0, 2),
    withheld=st.booleans(),
    outcome_of=st.none() | st.integers(0, 30),
)
Log = tuple[list[RecallRecord], list[OutcomeRecord], float]


def recall_of(number: int, step: Step, now: float) -> RecallRecord:
    candidates = tuple(Served(f"item_{n}", n, 0.0, 0.0) for n in range(step.served))
    unserved = (Served("item_9", -1, 0.0, 0.0),)
    return RecallRecord(
        f"rec_{number}",
        step.project,
        f"task\n{number}",
        now,
        session=step.session,
        door=step.door,
        candidates=unserved if step.withheld else candidates + unserved,
        mode="withheld" if step.withheld else "similarity",
    )


def lived(fold: OpenRecalls, steps: list[Step]) -> Log:
    """Take the steps one after the other, as they come; give the log and the time at its end."""
    recalls: list[RecallRecord] = []
    outcomes: list[OutcomeRecord] = []
    now = 1_000_000.0
    for step in steps:
        now += step.later
        if step.outcome_of is None:
            recalls.append(recall_of(len(recalls), step, now))
            fold.take(NOWHERE, StoredRecall(recalls[-1], None))
            continue
        named = step.outcome_of if step.outcome_of < len(recalls) else None
        recall_id = "" if named is None else f"rec_{named}"
        project = "p" if named is None else recalls[named].project
        outcome = OutcomeRecord("out", project, "unknown", "unknown", 0.5, 0.0, now, recall_id)
        outcomes.append(outcome)
        fold.take(NOWHERE, StoredOutcome(outcome, None))
    return recalls, outcomes, now


def naive(log: Log, most: int, project: str, session: str) -> list[str]:
    """The open recalls by definition: newest first, looked up in the whole log."""
    recalls, outcomes, now = log
    reported = {outcome.recall_id for outcome in outcomes}
    asking = [one for one in recalls if one.served or one.mode == "withheld"]
    asking = [one for one in asking if one.project == project][-most:]
    return [
        one.id
        for one in reversed(asking)
        if one.id not in reported
        and (not session or one.session == session)
        and now - one.at <= 30 * DAY
    ]


@given(st.lists(STEPS, max_size=40), st.integers(1, 12))
def test_the_fold_equals_the_log_live_and_after_a_restart(steps: list[Step], most: int) -> None:
    fold, again = OpenRecalls(most), OpenRecalls(most)
    log = recalls, outcomes, now = lived(fold, steps)
    for recall in recalls:  # a start reads all recalls, then all outcomes
        again.take(NOWHERE, StoredRecall(recall, None))
    for outcome in outcomes:
        again.take(NOWHERE, StoredOutcome(outcome, None))
    for project, session in (("p", ""), ("p", "a"), ("q", "b")):
        found = fold.newest_first(project, session, now)
        assert [one.recall_id for one in found] == naive(log, most, project, session)
        assert again.newest_first(project, session, now) == found
        asked = Step(0.0, "recall", session, project, 1, withheld=False, outcome_of=None)
        next_one = recall_of(1_000, asked, now)
        assert again.reminder(next_one) == fold.reminder(next_one)
    for project, recent in fold._recent.items():
        assert len(recent) <= most
        assert set(fold._open[project]) <= set(recent)


def test_of_a_recall_its_line_and_its_count_are_kept() -> None:
    fold = OpenRecalls()
    step = Step(0.0, "check", "s", "p", 2, withheld=False, outcome_of=None)
    recall = replace(recall_of(7, step, 5.0), task="a\n" + "b" * 200)
    fold.take(NOWHERE, StoredRecall(recall, None))
    line = "a " + "b" * (TASK_SHOWN - 5) + "..."
    assert fold.newest_first("p", "s", 5.0) == [
        Unreported("rec_7", "p", "s", "check", line, 5.0, 2)
    ]
    assert len(line) == len(line_of("b" * TASK_SHOWN)) == TASK_SHOWN


# -- the service -------------------------------------------------------------------


def test_a_recall_is_open_until_its_outcome_even_an_unknown_one(
    bench: Bench, parsers: list[str]
) -> None:
    first = bench.recall(TASK, session="s")
    second = bench.recall("parse\n  dates", session="t", k=2)
    bench.report("failure", recall_id=first.recall_id)
    bench.now += DAY
    [one] = listed(bench).recalls
    assert (one.recall_id, one.door) == (second.recall_id, "recall")
    assert (one.task, one.session, one.age_days, one.items) == ("parse dates", "t", 1.0, 2)
    bench.report("unknown", recall_id=second.recall_id)
    assert listed(bench) == RecallsAnswer(recalls=(), open=0)


def test_a_correction_opens_nothing_again(bench: Bench, parsers: list[str]) -> None:
    recall_id = bench.recall(TASK).recall_id
    bench.report("success", recall_id=recall_id)
    bench.report("unknown", recall_id=recall_id)
    assert listed(bench).open == 0


def test_an_answer_with_nothing_served_asks_for_no_outcome(bench: Bench) -> None:
    assert bench.recall(TASK, session="s").abstained
    assert bench.recall(TASK, session="s").note == ""
    assert listed(bench).open == 0


def test_a_withheld_recall_asks_for_its_outcome(open_bench: OpenBench) -> None:
    """Both groups of the holdout are reminded alike, or their reports would not compare."""
    bench = open_bench(holdout=0.5)
    bench.remember("Parse dates with a format", task=TASK)
    answers = [bench.recall(f"{TASK} {n} of {n}x{n}", session="s") for n in range(20)]
    assert {answer.mode for answer in answers} > {"withheld"}
    assert listed(bench).open == 20
    assert answers[-1].note.count("19 earlier recalls of this session") == 1


def test_a_report_by_task_closes_nothing(bench: Bench, parsers: list[str]) -> None:
    recall_id = bench.recall(TASK, session="s").recall_id
    bench.report("success", task=TASK, session="s")
    assert open_ids(bench) == [recall_id]


def test_the_listing_is_bounded_and_says_how_many_there_are(
    bench: Bench, parsers: list[str]
) -> None:
    tasks = (TASK, OTHER, "parse what comes next")
    ids = [bench.recall(tasks[n // 2], session=f"s{n % 2}").recall_id for n in range(6)]
    answer = listed(bench, limit=2)
    assert [one.recall_id for one in answer.recalls] == [ids[5], ids[4]]
    assert answer.open == 6
    assert open_ids(bench, session="s1", open=True) == [ids[5], ids[3], ids[1]]
    assert open_ids(bench, session="S1") == []


def test_other_projects_are_not_listed(bench: Bench, parsers: list[str]) -> None:
    bench.remember("Parse dates elsewhere", task=TASK, project="other")
    mine = bench.recall(TASK, session="s").recall_id
    theirs = bench.recall(TASK, session="s", project="other")
    assert theirs.note == ""  # the same word for a session of another project
    assert open_ids(bench) == [mine]
    assert open_ids(bench, project="other") == [theirs.recall_id]


def test_what_can_no_longer_be_reported_is_not_listed(bench: Bench, parsers: list[str]) -> None:
    recall_id = bench.recall(TASK).recall_id
    bench.now += RECALL_LIFETIME
    assert open_ids(bench) == [recall_id]
    bench.now += 1
    assert open_ids(bench) == []
    with pytest.raises(UnknownRecall, match="expired"):
        bench.report("success", recall_id=recall_id)


def test_a_restart_knows_the_same_open_recalls(open_bench: OpenBench) -> None:
    draw = random.Random(5)
    bench = open_bench(model=False)
    bench.remember("Parse dates with a format", task=TASK)
    asked: list[str] = []
    for _ in range(40):
        bench.now += 60
        if asked and draw.random() < 0.4:
            bench.report(draw.choice(["success", "unknown"]), recall_id=draw.choice(asked))
        else:
            task = draw.choice([TASK, OTHER, "parse what comes next"])
            session = draw.choice(["", "a", "b"])
            asked.append(bench.recall(task, session=session).recall_id)
    before = [listed(bench), listed(bench, session="a"), listed(bench, session="b")]
    assert before[0].open > before[1].open > 0
    after = open_bench(model=False)
    after.now = bench.now
    assert [listed(after), listed(after, session="a"), listed(after, session="b")] == before


# -- recalls of one task -----------------------------------------------------------


def prompted(bench: Bench, task: str, session: str = "s") -> str:
    """What a client's hook recalls when a person sends a prompt."""
    return bench.recall(task, session=session, door="prompt").recall_id


def test_a_prompts_recall_and_the_agents_own_are_one_to_be_reported(
    bench: Bench, parsers: list[str]
) -> None:
    """Whatever the agent's words are, and whichever of the two it reports."""
    for reported in (0, 1):
        hooks = prompted(bench, "please have a look at the dates of the suppliers, thanks")
        own = bench.recall("parse CSV with another format", session="s")
        assert own.note == ""
        assert open_ids(bench) == [own.recall_id]
        bench.report("success", recall_id=(hooks, own.recall_id)[reported])
        assert open_ids(bench) == []


def test_the_agents_next_recall_of_another_task_is_one_of_its_own(
    bench: Bench, parsers: list[str]
) -> None:
    prompted(bench, "first dates, then suppliers")
    first = bench.recall(TASK, session="s").recall_id
    second = bench.recall(OTHER, session="s")
    assert first in second.note
    assert open_ids(bench) == [second.recall_id, first]
    bench.report("success", recall_id=first)
    assert open_ids(bench) == [second.recall_id]


def test_each_prompt_begins_a_task_unless_it_repeats_the_last(
    bench: Bench, parsers: list[str]
) -> None:
    prompted(bench, TASK)
    repeated = prompted(bench, "Parse dates!")
    assert open_ids(bench) == [repeated]
    other = prompted(bench, OTHER)
    assert open_ids(bench) == [other, repeated]
    own = bench.recall("something in words of its own: dates", session="s").recall_id
    assert open_ids(bench) == [own, repeated]


def test_the_same_task_recalled_twice_is_one_and_later_it_is_another(
    bench: Bench, parsers: list[str]
) -> None:
    first = bench.recall(TASK, session="s")
    second = bench.recall("Parse  dates.", session="s")
    assert second.note == ""
    assert open_ids(bench) == [second.recall_id]
    bench.now += SAME_TASK_WITHIN + 1
    third = bench.recall(TASK, session="s")
    assert second.recall_id in third.note
    assert open_ids(bench) == [third.recall_id, second.recall_id]
    bench.report("failure", recall_id=first.recall_id)
    assert open_ids(bench) == [third.recall_id]


def test_an_outcome_closes_nothing_that_was_served_after_it(
    bench: Bench, parsers: list[str]
) -> None:
    first = bench.recall(TASK, session="s").recall_id
    bench.report("failure", recall_id=first)
    bench.now += 1
    again = bench.recall(TASK, session="s").recall_id
    assert open_ids(bench) == [again]
    bench.report("success", recall_id=first)  # a correction of the first attempt
    assert open_ids(bench) == [again]


def test_sessions_that_could_not_be_joined_are_by_their_words_within_minutes(
    bench: Bench, parsers: list[str]
) -> None:
    """A server over HTTP knows nothing of the client's session."""
    prompted(bench, "parse the dates", session="claude-code:1")
    own = bench.recall(TASK, session="session_of_http").recall_id
    assert open_ids(bench) == [own]
    bench.now += ACROSS_SESSIONS_WITHIN + 1
    late = bench.recall(TASK, session="session_of_another").recall_id
    assert set(open_ids(bench)) == {own, late}
    bench.report("success", recall_id=own)
    assert open_ids(bench) == [late]


def test_two_agents_without_hooks_are_never_joined(bench: Bench, parsers: list[str]) -> None:
    ids = [bench.recall(TASK, session=session).recall_id for session in ("a", "b", "", "")]
    assert open_ids(bench) == ids[::-1]


def test_a_restart_knows_which_recalls_are_of_one_task(open_bench: OpenBench) -> None:
    bench = open_bench(model=False)
    bench.remember("Parse dates with a format", task=TASK)
    hooks = prompted(bench, "have a look at the dates")
    own = bench.recall(TASK, session="s").recall_id
    bench.now += 5
    later = bench.recall(TASK, session="s").recall_id
    bench.report("unknown", recall_id=own)
    bench.now += 5
    again = prompted(bench, "parse dates")
    before = listed(bench)
    assert [one.recall_id for one in before.recalls] == [again]
    after = open_bench(model=False)
    after.now = bench.now
    assert listed(after) == before
    assert {hooks, own, later}.isdisjoint(open_ids(after))


def test_the_log_says_of_a_recall_closed_with_another_how_both_ended(open_bench: OpenBench) -> None:
    bench = open_bench(model=False)
    bench.remember("Parse dates with a format", task=TASK)
    first = bench.recall(TASK, session="s").recall_id
    second = bench.recall(TASK, session="s").recall_id
    third = bench.recall(OTHER, session="s").recall_id
    bench.report("failure", recall_id=second)
    bench.report("success", recall_id=second)
    before = listed(bench, open=False)
    ended = {line.recall_id: line.outcome for line in before.recalls}
    assert ended == {first: "success", second: "success", third: ""}
    assert before.open == 1
    after = open_bench(model=False)
    after.now = bench.now
    assert listed(after, open=False) == before


# -- the reminder ------------------------------------------------------------------


def test_the_next_recall_of_the_session_names_what_is_unreported(
    bench: Bench, parsers: list[str]
) -> None:
    first = bench.recall(TASK, session="s")
    second = bench.recall(OTHER, session="s")
    third = bench.recall("parse what comes next", session="s")
    assert first.note == ""
    assert second.note == (
        f"1 earlier recall of this session has no outcome yet ({first.recall_id}): "
        "report_outcome with the recall_id, outcome unknown if you cannot tell."
    )
    assert third.note == (
        f"2 earlier recalls of this session have no outcome yet (newest {second.recall_id}): "
        "report_outcome with the recall_id, outcome unknown if you cannot tell."
    )
    assert bench.check(action=TASK, session="s").note.startswith("2 earlier recalls")
    for answer in (first, second):
        bench.report("success", recall_id=answer.recall_id)
    assert bench.recall("parse what comes next", session="s").note == ""


def test_a_check_needs_no_outcome(bench: Bench) -> None:
    bench.remember("Never parse dates by hand", task=TASK, kind="pitfall")
    assert bench.check(action=TASK, session="s").items
    assert listed(bench).recalls[0].door == "check"
    assert bench.recall(TASK, session="s").note == ""


def test_calls_without_a_session_and_other_sessions_are_not_reminded(
    bench: Bench, parsers: list[str]
) -> None:
    for session in ("", "", "s", "other"):
        assert bench.recall(TASK, session=session).note == ""


def test_nobody_is_reminded_of_what_is_a_day_old(bench: Bench, parsers: list[str]) -> None:
    bench.recall(TASK, session="s")
    bench.now += REMINDED + 1
    assert bench.recall(TASK, session="s").note == ""
    assert listed(bench).open == 2


def test_a_small_answer_has_no_room_for_a_reminder(bench: Bench, parsers: list[str]) -> None:
    bench.recall(TASK, session="s")
    assert bench.recall(OTHER, session="s", max_tokens=199).note == ""
    reminded = bench.recall("parse what comes next", session="s", max_tokens=200)
    assert "2 earlier recalls" in reminded.note
    assert "\n" not in reminded.note
    assert len(reminded.note) < 200


def test_a_recall_that_was_not_logged_is_not_open(
    bench: Bench, parsers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outcome could not be reported by its id, so nobody is asked for it."""

    def full(*_: object, **__: object) -> None:
        raise StoreUnavailable("The disk is full. Free some space.")

    with monkeypatch.context() as broken:
        broken.setattr(bench.service.core.store, "add_recall", full)
        assert "The disk is full" in bench.recall(TASK, session="s").note
    assert bench.recall(TASK, session="s").note == ""
