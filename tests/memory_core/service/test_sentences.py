"""Every sentence that an answer says is true of its state, whole, and said once."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

from memory_core.answers import RecallAnswer, RememberAnswer
from memory_core.caller import Caller
from memory_core.errors import StoreUnavailable
from memory_core.judging import judge
from memory_core.model import Mode, Outcome
from memory_core.requests import Evidence, RecallRequest, parse
from memory_core.scorer.experts import EVIDENCE, EXPERTS
from memory_core.service import advising
from memory_core.service.answering import Ranked, why
from tests.memory_core.service.conftest import Bench, OpenBench


def is_whole(sentence: str) -> None:
    """One sentence: a capital first, one full stop, at its end, nothing doubled or left open."""
    assert re.fullmatch(r"[A-Z0-9].*[^.,;: ]\.", sentence), sentence
    assert not re.search(r"[.?!] [A-Z]|\.\.|  |, ,|\.;|:\.| ,", sentence), sentence


def are_whole(text: str) -> None:
    """The same for several sentences behind each other."""
    for sentence in re.split(r"(?<=\.) (?=[A-Z])", text):
        is_whole(sentence)


# -- why -------------------------------------------------------------------------------


MODES: tuple[Mode, ...] = ("keyword", "similarity", "learned")


def ranked(mode: Mode, rank: int, place: int, **given: float) -> Ranked:
    """A ranking of five in which one candidate came from `place` to `rank`."""
    places = [one for one in range(5) if one != place]
    places.insert(rank, place)
    experts = np.zeros((5, len(EXPERTS)))
    experts[place, EVIDENCE] = given["evidence"]
    mass, penalty = np.zeros(5), np.zeros(5)
    mass[place], penalty[place] = given["mass"], given["penalty"]
    experts[place, EXPERTS.index("advice")] = 1.0 if place > rank else -1.0
    ranking: Any = SimpleNamespace(
        experts=experts,
        mass=mass,
        penalty=penalty,
        snapshot=SimpleNamespace(fit=SimpleNamespace(weights=np.ones(len(EXPERTS)))),
    )
    like = {"keyword": given["keyword"], "named": False, "cosines": ((0.1, 0.2),)}
    candidates: Any = tuple(SimpleNamespace(**like) for _ in range(5))
    ones = np.ones(5)
    return Ranked(candidates, tuple(places), ranking, mode, 0.0, ones, ones, np.zeros((5, 6)), 0.0)


def test_why_is_true_whole_and_never_against_itself() -> None:
    """In all combinations of mode, move, record, evidence, mass, penalty and common words."""
    said = set()
    for mode, (rank, place), wins, losses, evidence, mass, penalty, keyword in itertools.product(
        MODES,
        ((0, 0), (2, 2), (0, 3), (3, 0)),
        (0, 2),
        (0, 2),
        (-0.5, -0.05, 0.0, 0.05, 0.5),
        (0.0, 1.0),
        (0.0, 1.0),
        (0.0, 1.0),
    ):
        found = ranked(
            mode, rank, place, evidence=evidence, mass=mass, penalty=penalty, keyword=keyword
        )
        sentence = why(found, rank, wins, losses)
        said.add(sentence)
        is_whole(sentence)
        known = mode == "learned" and mass > 0.2 and not penalty
        assert ("worked in" in sentence) == (known and evidence > 0.1 and wins > 0)
        assert ("failed in like" in sentence) == (known and evidence < -0.1 and losses > 0)
        assert ("up from" in sentence) == (mode == "learned" and place > rank and not penalty)
        assert ("down from" in sentence) == (mode == "learned" and place < rank and not penalty)
        assert ("just failed" in sentence.lower()) == (mode == "learned" and penalty > 0)
        assert ("Shares words" in sentence) == (keyword > 0)
        assert "not tried" not in sentence
    shares = "Shares words with the task; "
    assert f"{shares}moved up from place 4 by likeness: it worked in like conditions." in said
    assert f"{shares}moved down from place 1 by likeness, though it worked in like conditions." in (
        said
    )
    assert f"{shares}it was served where like work succeeded." in said
    assert "Shares words with the task." in said
    advised = "by likeness, for the outcomes of items that advise alike."
    assert f"{shares}moved up from place 4 {advised}" in said
    assert f"{shares}moved down from place 1 {advised}" in said


@pytest.mark.parametrize(
    ("named", "signs", "cosines", "said"),
    [
        (True, (0.4, 0.1, 0.5, 0.5, 0, 2), (0.9, 0.1), "Shares a name or a number with the error."),
        (False, (0.1, 0, 2.0, 1.0, 0.5, 2), (0.3, 0.1), "Shares words with the error."),
        (False, (0.4, 0.1, 0.5, 0.2, 0, 2), (0.9, 0.1), "Is near in meaning to the error."),
        (False, (0.4, 0.1, 0, 0, 0, 2), (0.5, 0.8), "Comes from a task like the error."),
        (False, (0.4, 0.1, 0, 0, 0, 2), (0.5, float("nan")), "Is near in meaning to the error."),
        (False, (-0.1, 0, 0, 0, 0, 2), (0.1, 0.0), "Has little in common with the error."),
    ],
)
def test_why_names_the_strongest_sign_and_no_place_that_did_not_change(
    named: bool, signs: tuple[float, ...], cosines: tuple[float, float], said: str
) -> None:
    candidate: Any = SimpleNamespace(keyword=0.0, named=named, cosines=(cosines,))
    found = Ranked(
        *((candidate,), (0,), None, "similarity", 0.0),
        *(np.ones(1), np.ones(1), np.array([signs], dtype=np.float64), 0.0, "error"),
    )
    assert why(found, 0, 0, 0) == said
    is_whole(said)


def test_a_place_by_likeness_counts_the_items_that_fit() -> None:
    found = ranked("learned", 0, 3, evidence=0.5, mass=1.0, penalty=0.0, keyword=1.0)
    for fits, place in ((np.array([1, 1, 1, 1, 1.0]), 4), (np.array([0, 1, 0, 1, 1.0]), 2)):
        among = replace(found, chances=fits, bar=0.5)
        assert f"moved up from place {place} by likeness" in why(among, 0, 1, 0)
    alone = replace(found, chances=np.array([0, 0, 0, 1.0, 0]), bar=0.5)
    assert why(alone, 0, 1, 0) == "Shares words with the task; it worked in like conditions."


@pytest.mark.parametrize("expert", EXPERTS)
def test_what_moved_an_item_is_said_of_every_expert(expert: str) -> None:
    found = ranked("learned", 0, 3, evidence=0.0, mass=0.0, penalty=0.0, keyword=0.0)
    assert found.ranking is not None
    found.ranking.experts[:] = 0.0
    found.ranking.experts[3, EXPERTS.index(expert)] = 1.0
    found.ranking.snapshot.fit.weights[:] = 3.0
    sentence = why(found, 0, 0, 0)
    is_whole(sentence)
    assert "; moved up from place 4 by likeness, for " in sentence
    assert len(sentence) < 130


def test_an_item_that_shares_no_word_is_not_said_to(open_bench: OpenBench) -> None:
    """Without a model, and with a bar of 0, a small store is served whole."""
    bench = open_bench(model=False, bar=0.0)
    bench.remember("Parse dates", "With a format.")
    bench.remember("Quote names", "Always.")
    for item in bench.recall("parse dates", k=5).items:
        assert item.why == (
            "Shares words with the task."
            if "Parse" in item.title
            else "Stored here; shares no word with it."
        )


# -- next ------------------------------------------------------------------------------

LESSON = RememberAnswer(id="item_1", status="added")


def test_every_next_is_one_whole_sentence() -> None:
    """Of every state of every answer; what cannot be done is not asked for."""
    modes, ways = get_args(Mode), get_args(advising.Reported)
    for items, cramped, warnings, mode, loading, reported in itertools.product(
        (0, 3), (True, False), (0, 2), modes, (True, False), ways
    ):
        said = advising.after_recall(
            items=items,
            cramped=cramped,
            warnings=warnings,
            mode=mode,
            loading=loading,
            reported=reported,
        )
        is_whole(said)
        assert reported or "report_outcome" not in said
        assert reported != "task" or "recall_id" not in said
        assert ("Nothing stored helps" in said) == (
            not items and not warnings and mode != "withheld" and not loading
        )
        assert ("max_tokens" in said) == (cramped and items > 0 and mode != "withheld")
    for items, against, failed, others, mode, loading, reported in itertools.product(
        (0, 2), (0, 1), (True, False), (True, False), modes, (True, False), ways
    ):
        said = advising.after_check(
            items=items,
            against=against,
            failed=failed,
            others=others,
            mode=mode,
            loading=loading,
            reported=reported,
        )
        is_whole(said)
        assert reported or "report_outcome" not in said
        assert ("used_ids" in said) <= bool(items)
        assert ("so go on" in said) <= (not items and not against and not failed)
    for outcome, failed, recall_id, group, lessons in itertools.product(
        get_args(Outcome), (True, False), ("rec_1", ""), ("", "g"), ((), (LESSON,))
    ):
        said = advising.after_report(
            outcome=outcome,
            failed=failed,
            outcome_id="out_1",
            recall_id=recall_id,
            group=group,
            lessons=lessons,
        )
        is_whole(said)
        assert "this recall_id" not in said or recall_id
        assert not lessons or "stored" in said
    for stored, replaceable, near in itertools.product(
        (True, False), ("", "item_2"), (True, False)
    ):
        is_whole(advising.after_remember(stored=stored, replaceable=replaceable, near=near))
    for state, was in itertools.product(("active", "retired"), ("active", "retired", "archived")):
        is_whole(advising.after_state(item_id="item_1", state=state, was=was))  # type: ignore[arg-type]
    for shown_items, total, cursor, filtered in itertools.product(
        (0, 2), (0, 5), ("", "c2"), (True, False)
    ):
        is_whole(
            advising.after_listing(
                shown_items=shown_items, total=total, cursor=cursor, filtered=filtered
            )
        )


def test_next_fits_what_was_found(bench: Bench) -> None:
    """Nothing, then a warning alone, then a lesson; withheld, or not to be reported."""
    assert "Nothing stored helps" in bench.recall("parse dates").next
    assert "go on" in bench.check(action="parse dates").next
    assert "solve it" in bench.check(error="ValueError: day is out of range").next
    bench.report("failure", task="parse dates", error="ValueError: day is out of range")
    warned = bench.recall("parse dates", error="ValueError: day is out of range")
    assert warned.warnings
    assert not warned.items
    assert "warnings" in warned.next
    bench.remember("Parse dates", "With a format.")
    assert "used_ids" in bench.recall("parse dates").next
    request = parse(RecallRequest, {"task": "parse dates"})
    reader = bench.service.recall(request, Caller("r", "read"))
    assert reader.items
    assert "report_outcome" not in reader.next


def test_what_could_not_be_logged_is_reported_by_task(
    bench: Bench, parsers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_recall: object) -> None:
        raise StoreUnavailable("The disk is full. Make room.")

    monkeypatch.setattr(bench.service.core.store, "add_recall", full)
    answer = bench.recall("parse dates")
    assert "report_outcome with the task" in answer.next


def test_next_while_the_model_loads_and_when_it_cannot(open_bench: OpenBench) -> None:
    """Asking again helps as long as it loads, and never when it failed."""
    bench = open_bench(model=False)

    def said() -> list[RecallAnswer]:
        return [bench.recall("parse dates"), bench.check(action="parse dates")]

    assert all("in a few seconds" in answer.next for answer in said())
    bench.service.core.notes.append("The embedding model is missing. Run `lessonbank doctor`.")
    assert not any("in a few seconds" in answer.next for answer in said())


def test_a_withheld_recall_is_told_to_go_on_without(open_bench: OpenBench) -> None:
    bench = open_bench(holdout=0.5)
    bench.remember("Parse dates", "With a format.")
    answers = [bench.recall("parse dates") for _ in range(40)]
    held = [answer for answer in answers if answer.mode == "withheld"]
    assert held
    assert {answer.next for answer in held} == {
        "Do the task without notes, then call report_outcome with this recall_id as always."
    }


# -- reports and lessons ---------------------------------------------------------------


def test_a_judgement_is_said_in_whole_sentences(bench: Bench) -> None:
    """Whatever it rests on; first, repeated and corrected."""
    evidences = [
        None,
        Evidence(exit_code=0),
        Evidence(exit_code=1),
        Evidence(tests_passed=3, tests_failed=0),
        Evidence(exit_code=0, tests_passed=3, tests_failed=1),
        Evidence(exit_code=1, tests_passed=3),
        Evidence(log="Traceback (most recent call last):\nValueError: no"),
        Evidence(exit_code=0, log="ValueError: no\nall went on\nand on\ndone"),
    ]
    for number, (outcome, evidence) in enumerate(
        itertools.product(get_args(Outcome), evidences), start=1
    ):
        assert judge(outcome, evidence).why
        given: dict[str, Any] = {"task": "t", "report_id": f"r{number}"}
        if evidence is not None:
            given["evidence"] = evidence.model_dump()
        for _ in range(2):
            answer = bench.report(outcome, **given)
            are_whole(answer.judged.why)
            is_whole(answer.next)
    corrected = bench.report("failure", task="t", report_id="r1")
    are_whole(corrected.judged.why)


def test_a_correction_names_what_it_corrects(bench: Bench, parsers: list[str]) -> None:
    """A report by task had no recall."""
    bench.report("success", task="t", report_id="r")
    by_task = bench.report("failure", task="t", report_id="r")
    assert "with the same report_id" in by_task.judged.why
    assert "recall" not in by_task.judged.why
    recall_id = bench.recall("parse dates").recall_id
    bench.report("success", recall_id=recall_id)
    assert "of the same recall" in bench.report("failure", recall_id=recall_id).judged.why


def test_a_repeated_report_does_not_deny_the_lessons_that_it_stored(bench: Bench) -> None:
    """The report counts once; the lessons are there all the same."""
    given: dict[str, Any] = {"task": "t", "report_id": "r"}
    bench.report("failure", **given)
    again = bench.report("failure", **given, lessons=[{"title": "A lesson", "content": "c"}])
    assert again.status == "repeated"
    assert [one.status for one in again.lessons] == ["added"]
    assert bench.lessons().total == 1
    assert "changes nothing" not in again.judged.why
    assert again.next.startswith("Nothing: the lessons are stored")


def test_a_duplicate_is_not_its_own_near_duplicate(bench: Bench) -> None:
    """Nor does an item name the one that it just replaced, nor advise what was done."""
    first = bench.remember("Close the file", "Use a with block.")
    again = bench.remember("Close the file", "Use a with block.")
    assert (again.id, again.status, again.near_duplicates) == (first.id, "duplicate", ())
    assert "supersedes" not in again.next
    cased = bench.remember("close the FILE", "use a WITH block", supersedes=first.id)
    assert (cased.status, cased.near_duplicates) == ("superseded", ())
    itself = bench.remember("close the FILE", "use a WITH block", supersedes=cased.id)
    assert (itself.id, itself.status, itself.near_duplicates) == (cased.id, "duplicate", ())
    assert bench.show(cased.id).state == "active"
    in_report = bench.report(
        "success", task="t", lessons=[{"title": "close the FILE", "content": "use a WITH block"}]
    )
    assert all(near.id != one.id for one in in_report.lessons for near in one.near_duplicates)


def test_only_what_may_be_replaced_is_advised_to_be(bench: Bench) -> None:
    """A global item says the same: a project cannot retire it."""
    everywhere = bench.remember("Close the file", "Use a with block.", project="global")
    mine = bench.remember("Close the file", "Use a with block!")
    assert [near.id for near in mine.near_duplicates] == [everywhere.id]
    assert "supersedes" not in mine.next
    second = bench.remember("Close the file", "use a with block")
    assert mine.id in {near.id for near in second.near_duplicates}
    assert f"(e.g. {mine.id})" in second.next


def test_states_and_pages_say_what_comes_next(bench: Bench, parsers: list[str]) -> None:
    assert f"restore {parsers[0]}" in bench.forget(parsers[0]).next
    assert bench.forget(parsers[0]).next == "Nothing: it was retired before."
    assert "recalled again" in bench.restore(parsers[0]).next
    page = bench.lessons(limit=1)
    assert page.next_cursor in page.next
    assert "leave out query" in bench.lessons(kind="fact").next
    assert "Nothing is stored here yet" in bench.lessons(project="other").next


@pytest.mark.parametrize("outcome", ["success", "partial", "failure"])
def test_a_report_and_its_items_tell_the_same_credit(
    bench: Bench, parsers: list[str], outcome: Outcome
) -> None:
    """Whatever the report rests on."""
    for given in (
        {"used_ids": parsers[:1]},
        {"helpful_ids": parsers[:1], "harmful_ids": parsers[1:2]},
        {"evidence": {"exit_code": 0}},
        {},
    ):
        recall_id = bench.recall("parse dates").recall_id
        answer = bench.report(outcome, recall_id=recall_id, **given)
        told = {one.id: one.credit for one in answer.credited}
        for item in parsers:
            for touch in bench.show(item).outcomes:
                if touch.outcome_id == answer.outcome_id:
                    assert touch.credit == told.get(item, 0.0)
