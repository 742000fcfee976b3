"""The main job: recall, act, report; the next recall is better. And what must never happen."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_core.errors import (
    InvalidInput,
    StoreMismatch,
    StoreUnavailable,
    UnknownRecall,
)
from memory_core.port import Change
from memory_core.requests import MistakesRequest, ProjectsRequest
from memory_core.service.open_recalls import RECALL_LIFETIME
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.service.conftest import Bench, OpenBench

TRACEBACK = (
    'Traceback (most recent call last):\n  File "{path}", line {line}, in load\n'
    "    row = data['{key}']\nKeyError: '{key}'\n"
)


def failing(bench: Bench, task: str, **more: object) -> str:
    """Recall, fail with the first item, and give that item's id."""
    answer = bench.recall(task)
    bench.report("failure", recall_id=answer.recall_id, used_ids=[answer.items[0].id], **more)
    return answer.items[0].id


def test_next_recall_puts_what_failed_behind_what_was_not_tried(
    bench: Bench, parsers: list[str]
) -> None:
    """One reported failure changes the next order, in any session."""
    failed = failing(bench, "parse dates")
    assert bench.ids("parse dates", session="another")[0] != failed


def test_next_recall_prefers_what_worked(bench: Bench, parsers: list[str]) -> None:
    """Success lifts an item over nearer ones."""
    first = bench.recall("parse dates")
    last = first.items[-1].id
    bench.report("success", recall_id=first.recall_id, used_ids=[last])
    bench.report("success", recall_id=bench.recall("parse dates").recall_id, used_ids=[last])
    answer = bench.recall("parse dates")
    assert answer.items[0].id == last
    assert answer.mode == "learned"
    assert answer.items[0].wins == 2
    assert "worked in like conditions" in answer.items[0].why


def test_order_before_any_outcome_is_the_stores_hybrid_order(
    bench: Bench, open_bench: OpenBench, parsers: list[str]
) -> None:
    """Learned and similarity modes serve the same before anything is reported."""
    learned = bench.recall("parse dates by format")
    plain = open_bench("similarity").recall("parse dates by format")
    assert [i.id for i in learned.items] == [i.id for i in plain.items]
    assert learned.mode == "similarity"
    assert learned.weight == 0.0


def test_outcome_elsewhere_says_little_about_other_conditions(
    bench: Bench, parsers: list[str]
) -> None:
    """Evidence is local: a failure on one topic hardly moves another topic's items."""
    for n in range(3):
        bench.remember(f"Cook pasta {n}", f"Boil water {n} for the pasta", task="cook pasta")
    before = {item.id: item.score for item in bench.recall("cook pasta").items}
    failing(bench, "parse dates")
    bench.settle()
    after = {item.id: item.score for item in bench.recall("cook pasta").items}
    assert after == pytest.approx(before, abs=0.02)


def test_shadow_mode_learns_and_serves_similarity(open_bench: OpenBench) -> None:
    """The proof can grow before the order changes."""
    bench = open_bench("shadow")
    for n in range(3):
        bench.remember(f"Way {n}", f"Parse the dates in way {n}", task="parse dates")
    before = bench.ids("parse dates")
    failing(bench, "parse dates")
    bench.settle()
    assert bench.ids("parse dates") == before
    assert bench.service.scorer().trained == 1


# -- counted once ------------------------------------------------------------------


def test_outcome_reported_twice_counts_once(bench: Bench, parsers: list[str]) -> None:
    """The same report again is recognised and changes nothing."""
    recall_id = bench.recall("parse dates").recall_id
    first = bench.report("success", recall_id=recall_id)
    again = bench.report("success", recall_id=recall_id)
    assert (first.status, again.status) == ("recorded", "repeated")
    assert again.outcome_id == first.outcome_id
    assert again.learning.reports == 1
    assert again.credited[0].wins == 1


def test_corrected_outcome_counts_once_and_says_so(bench: Bench, parsers: list[str]) -> None:
    """Success, then failure, of one recall leaves one loss."""
    recall_id = bench.recall("parse dates").recall_id
    bench.report("success", recall_id=recall_id)
    corrected = bench.report("failure", recall_id=recall_id, error="ValueError: no")
    assert corrected.status == "corrected"
    assert "corrects" in corrected.judged.why
    assert (corrected.credited[0].wins, corrected.credited[0].losses) == (0, 1)
    assert bench.service.stats().outcomes == {"failure": 1}


ENDED = {"error": "ValueError: day is out of range", "evidence": {"exit_code": 1}}


@pytest.mark.parametrize("word", ["success", "unknown"])
@pytest.mark.parametrize("more", [{}, {"evidence": {"exit_code": 0, "tests_passed": 0}}])
def test_a_bare_word_does_not_outweigh_the_evidence_of_an_earlier_report(
    open_bench: OpenBench, word: str, more: dict[str, object]
) -> None:
    """The failure stays with its error and its items, after a restart as well; that is said."""
    bench = open_bench()
    lesson = bench.remember("Parse dates with a format", "Give it.", task="parse dates").id
    recall_id = bench.recall("parse dates").recall_id
    first = bench.report("failure", recall_id=recall_id, used_ids=[lesson], **ENDED)
    bench = open_bench()
    again = bench.report(word, recall_id=recall_id, **more)
    assert (again.status, again.judged.outcome) == ("corrected", "failure")
    assert again.judged.strength == 0.8
    assert "exit code 1" in again.judged.why.lower()
    assert "only new evidence outweighs it" in again.judged.why
    assert again.signature == first.signature
    assert again.learning.reports == 1
    assert bench.show(lesson).losses == 1
    assert [one.seen for one in bench.check(error=ENDED["error"]).warnings] == [1]
    assert bench.report(word, recall_id=recall_id).status == "repeated"


@pytest.mark.parametrize(
    ("evidence", "strength"),
    [({"exit_code": 0}, 0.9), ({"tests_passed": 3}, 1.0), ({"log": "It went through."}, 0.7)],
)
def test_new_evidence_corrects_the_evidence_of_an_earlier_report(
    bench: Bench, parsers: list[str], evidence: dict[str, object], strength: float
) -> None:
    recall_id = bench.recall("parse dates").recall_id
    bench.report("failure", recall_id=recall_id, **ENDED)
    answer = bench.report("success", recall_id=recall_id, evidence=evidence)
    assert (answer.judged.outcome, answer.judged.strength) == ("success", strength)
    assert "earlier report's" not in answer.judged.why
    assert bench.check(error=ENDED["error"]).warnings == ()


def test_a_word_corrects_a_word(bench: Bench, parsers: list[str]) -> None:
    """An error beside the earlier one proves nothing."""
    recall_id = bench.recall("parse dates").recall_id
    bench.report("failure", recall_id=recall_id, error="ValueError: bad")
    answer = bench.report("success", recall_id=recall_id)
    assert (answer.judged.outcome, answer.judged.strength) == ("success", 0.7)


@pytest.mark.parametrize(
    ("word", "given", "label"),
    [
        ("success", {"evidence": {"exit_code": 0}, "steps": ["did it"]}, "used_ids"),
        ("failure", ENDED, "used_ids"),
        ("failure", {"error": "ValueError: day is out of range"}, "harmful_ids"),
        ("success", {}, "helpful_ids"),
    ],
)
def test_the_same_word_again_adds_lessons_and_takes_nothing_back(
    bench: Bench, parsers: list[str], word: str, given: dict[str, object], label: str
) -> None:
    answer = bench.recall("parse dates")
    named = {label: [answer.items[1].id]}
    first = bench.report(word, recall_id=answer.recall_id, **named, **given)
    lesson = {"title": "Ask for the format", "content": "Never guess dates."}
    again = bench.report(word, recall_id=answer.recall_id, lessons=[lesson])
    assert (again.status, again.outcome_id) == ("repeated", first.outcome_id)
    assert again.judged.strength == first.judged.strength
    assert again.credited == first.credited
    assert again.lessons[0].status == "added"


def test_what_was_followed_stands_when_the_word_is_corrected(
    bench: Bench, parsers: list[str]
) -> None:
    answer = bench.recall("parse dates")
    used = answer.items[1].id
    bench.report("success", recall_id=answer.recall_id, used_ids=[used])
    bench.report("failure", recall_id=answer.recall_id)
    assert (bench.show(used).wins, bench.show(used).losses) == (0, 1)
    bench.report("failure", recall_id=answer.recall_id, used_ids=[])
    assert (bench.show(used).wins, bench.show(used).losses) == (0, 0)


def test_corrections_are_one_report(bench: Bench, parsers: list[str]) -> None:
    recall_id = bench.recall("parse dates").recall_id
    counts = [
        bench.report(word, recall_id=recall_id).learning.reports
        for word in ("success", "failure", "unknown", "success")
    ]
    assert counts == [1, 1, 1, 1]
    [line] = bench.service.projects.projects(ProjectsRequest()).projects
    assert line.reports == 1


def test_report_id_makes_a_report_by_task_idempotent(bench: Bench, parsers: list[str]) -> None:
    """A client that repeats a call after a crash is counted once."""
    one = {"task": "parse dates", "report_id": "r-1", "used_ids": [parsers[0]]}
    first = bench.report("failure", **one)
    again = bench.report("failure", **one)
    assert (first.status, again.status) == ("recorded", "repeated")
    corrected = bench.report("success", **one)
    assert corrected.status == "corrected"
    shown = bench.show(parsers[0])
    assert (shown.wins, shown.losses) == (1, 0)


def test_lessons_in_a_report_are_stored_with_their_outcome(
    bench: Bench, parsers: list[str]
) -> None:
    """Lineage: outcome and recall are on the item."""
    answer = bench.recall("parse dates")
    lesson = {"title": "Ask for the format", "content": "Never guess dates.", "kind": "pitfall"}
    outcome = bench.report("failure", recall_id=answer.recall_id, lessons=[lesson])
    detail = bench.show(outcome.lessons[0].id)
    assert detail.outcome_id == outcome.outcome_id
    assert detail.derived_from == (answer.recall_id,)
    assert detail.task == "parse dates"


def test_report_without_lessons_asks_for_them(bench: Bench, parsers: list[str]) -> None:
    """The calling agent writes the lessons; the answer says how."""
    outcome = bench.report("failure", recall_id=bench.recall("parse dates").recall_id)
    assert outcome.outcome_id in outcome.next
    assert "lessons" in outcome.next


def test_second_report_with_better_evidence_is_a_correction(
    bench: Bench, parsers: list[str]
) -> None:
    """The same word with another result is not a repetition."""
    recall_id = bench.recall("parse dates").recall_id
    partial = {"recall_id": recall_id, "outcome": "partial"}
    bench.report(**partial, evidence={"tests_passed": 1, "tests_failed": 9})
    better = bench.report(**partial, evidence={"tests_passed": 9, "tests_failed": 1})
    assert better.status == "corrected"
    assert bench.service.core.reports.by_id[better.outcome_id].reward == pytest.approx(0.9)


def test_report_id_of_another_task_is_refused(bench: Bench, parsers: list[str]) -> None:
    """A reused id does not swallow a report."""
    bench.report("failure", task="parse dates", report_id="1")
    with pytest.raises(InvalidInput, match="another recall or task"):
        bench.report("failure", task="cook pasta", report_id="1")


def test_stranger_cannot_correct_the_users_report(bench: Bench, parsers: list[str]) -> None:
    """A rationed source does not overturn a trusted one."""
    recall_id = bench.recall("parse dates").recall_id
    bench.report("success", recall_id=recall_id)
    with pytest.raises(InvalidInput, match="stranger"):
        bench.report("failure", recall_id=recall_id, source="stranger")
    assert bench.service.stats().outcomes == {"success": 1}


def test_lessons_after_a_check_of_a_long_error_are_kept(bench: Bench, parsers: list[str]) -> None:
    """The error that was checked is longer than a lesson's task may be."""
    checked = bench.check(error="ValueError: too long\n" * 700)
    lesson = {"title": "Split it", "content": "Split the input."}
    answer = bench.report("failure", recall_id=checked.recall_id, lessons=[lesson])
    assert answer.lessons[0].status == "added"


# -- bad input changes nothing -----------------------------------------------------


@pytest.mark.parametrize(
    ("report", "names"),
    [
        ({"recall_id": "rec_unknown"}, "rec_unknown"),
        ({"task": "t", "used_ids": ["item_unknown"]}, "item_unknown"),
        ({"task": "t", "helpful_ids": ["a"], "harmful_ids": ["a"]}, "'a'"),
        ({}, "recall_id and task"),
        ({"task": "x", "report_id": "r\x00"}, r"'\x00'"),
        ({"task": "x", "lessons": [{"title": "t", "content": "y" * 8_001}]}, "8,001"),
        ({"task": "x", "lessons": [{"title": "t", "content": "c"}] * 4}, "at most 3"),
    ],
)
def test_bad_report_is_refused_by_name_and_stores_nothing(
    bench: Bench, parsers: list[str], report: dict[str, object], names: str
) -> None:
    """One sentence that names the value; no outcome is counted."""
    with pytest.raises(InvalidInput) as caught:
        bench.report("success", **report)
    assert names in str(caught.value)
    assert bench.service.stats().outcomes == {}


def test_used_item_that_the_recall_did_not_serve_is_refused(
    bench: Bench, parsers: list[str]
) -> None:
    """Credit is bound to what was served."""
    answer = bench.recall("parse dates", k=1)
    other = next(item_id for item_id in parsers if item_id != answer.items[0].id)
    with pytest.raises(InvalidInput, match="did not serve"):
        bench.report("success", recall_id=answer.recall_id, used_ids=[other])


def test_expired_recall_is_refused_with_the_next_move(bench: Bench, parsers: list[str]) -> None:
    """After its life time a recall no longer teaches; the sentence says what to do."""
    recall_id = bench.recall("parse dates").recall_id
    bench.now += RECALL_LIFETIME + 1
    with pytest.raises(UnknownRecall, match=r"expired.*report with task"):
        bench.report("success", recall_id=recall_id)


# -- restarts ----------------------------------------------------------------------


def trained(bench: Bench, reports: int = 12) -> list[str]:
    """Report some outcomes and give the order that they lead to."""
    for n in range(reports):
        answer = bench.recall(f"parse dates of kind {n % 3}")
        good = "format" in answer.items[0].title
        outcome = "success" if good else "failure"
        bench.report(outcome, recall_id=answer.recall_id, used_ids=[answer.items[0].id])
    bench.settle()
    return bench.ids("parse dates of kind 1", k=3)


def test_restart_gives_the_same_order_counters_and_mistakes(
    bench: Bench, open_bench: OpenBench, parsers: list[str]
) -> None:
    """Everything is a fold over the log."""
    order = trained(bench)
    failing(bench, "parse dates", error=TRACEBACK.format(path="/a.py", line=3, key="x"))
    bench.settle()
    before = (
        bench.ids("parse dates of kind 1"),
        [(line.id, line.wins, line.losses) for line in bench.lessons(sort="wins").items],
        bench.service.reading.mistakes(MistakesRequest()).clusters,
        bench.service.scorer().weights,
    )
    after = open_bench()
    after.now = bench.now
    assert before == (
        after.ids("parse dates of kind 1"),
        [(line.id, line.wins, line.losses) for line in after.lessons(sort="wins").items],
        after.service.reading.mistakes(MistakesRequest()).clusters,
        after.service.scorer().weights,
    )
    assert len(order) == 3


def test_reports_by_task_and_from_before_the_model_are_learned_alike_after_a_restart(
    open_bench: OpenBench,
) -> None:
    """Live and rebuilt see the same conditions, items and mistakes."""
    bench = open_bench(model=False)
    ids = [bench.remember(f"Way {n}", f"Parse dates in way {n}").id for n in range(3)]
    early = bench.recall("parse dates")
    bench.attach()
    bench.report("failure", recall_id=early.recall_id, error="ValueError: bad date")
    for n in range(8):
        bench.report(
            "success" if n % 2 else "failure",
            task=f"parse dates of kind {n}",
            used_ids=[ids[n % 3]],
            report_id=f"r{n}",
        )
    bench.report("success", task="parse dates of kind 0", used_ids=[ids[1]], report_id="r0")
    bench.settle()
    asked = bench.recall("parse dates of kind 2", k=3)
    after = open_bench()
    after.now = bench.now
    again = after.recall("parse dates of kind 2", k=3)
    assert [(i.id, i.score) for i in again.items] == [(i.id, i.score) for i in asked.items]
    assert again.warnings == asked.warnings
    assert asked.warnings
    assert after.service.scorer().weights == bench.service.scorer().weights


@pytest.mark.parametrize("damage", ["deleted", "truncated"])
def test_lost_checkpoint_is_rebuilt_from_the_log(
    bench: Bench, open_bench: OpenBench, parsers: list[str], tmp_path: Path, damage: str
) -> None:
    """Without its checkpoint the learner comes back to the same order."""
    order = trained(bench)
    bench.service.close()
    files = list((tmp_path / "store" / "learner").glob("*.safetensors"))
    assert files
    for file in files:
        file.unlink() if damage == "deleted" else file.write_bytes(file.read_bytes()[:100])
    after = open_bench()
    after.now = bench.now
    assert after.ids("parse dates of kind 1", k=3) == order
    assert "rebuilt" in after.service.scorer().state


# -- without a model ---------------------------------------------------------------


def test_without_a_model_keyword_search_answers_and_says_so(open_bench: OpenBench) -> None:
    """Degraded beats dead."""
    bench = open_bench(model=False)
    stored = bench.remember("Parse dates with a format", "Give the format.")
    answer = bench.recall("how to parse dates")
    assert [item.id for item in answer.items] == [stored.id]
    assert answer.mode == "keyword"
    assert "keyword search only" in answer.note
    assert bench.report("success", recall_id=answer.recall_id).credited[0].wins == 1


def test_items_and_outcomes_from_before_the_model_are_used_once_it_is_there(
    open_bench: OpenBench,
) -> None:
    """Nothing that was stored without vectors is lost to the learner."""
    bench = open_bench(model=False)
    stored = bench.remember("Parse dates with a format", "Give the format.")
    answer = bench.recall("parse dates")
    bench.report("failure", recall_id=answer.recall_id, used_ids=[stored.id])
    bench.attach()
    assert bench.service.scorer().trained == 1
    again = bench.recall("parse dates", session="later")
    assert again.items[0].similarity > 0.3
    assert again.items[0].losses == 1


def test_store_of_another_model_is_refused_with_the_command(
    bench: Bench, open_bench: OpenBench, parsers: list[str]
) -> None:
    """Vectors of two models never mix."""
    other = open_bench(model=False)
    with pytest.raises(StoreMismatch, match="lessonbank reembed"):
        other.attach(32, "another@111111111111")
    assert other.recall("parse dates").mode == "keyword"


def test_reembedding_keeps_items_outcomes_and_the_learner(
    bench: Bench, open_bench: OpenBench, parsers: list[str]
) -> None:
    """After it the store belongs to the new model and every lesson is still there."""
    trained(bench)
    failing(bench, "parse dates", error="KeyError: 'x'")
    bench.settle()
    counters = [(line.id, line.wins, line.losses) for line in bench.lessons().items]
    other = open_bench(model=False)
    done = other.service.reembed(HashEmbedder(32, "another@111111111111"))
    assert (done.items, done.dimension) == (3, 32)
    assert [(line.id, line.wins, line.losses) for line in other.lessons().items] == counters
    assert other.service.scorer().trained == 13
    assert other.recall("parse dates").warnings
    assert failing(other, "parse dates", error="KeyError: 'y'")


# -- changes -----------------------------------------------------------------------


def test_every_change_is_told(bench: Bench, parsers: list[str]) -> None:
    """Subscribers hear of the item, the project, the mistakes, the stats and the scorer."""
    answer = bench.recall("parse dates")
    bench.changes.clear()
    bench.report(
        "failure", recall_id=answer.recall_id, used_ids=[parsers[0]], error="ValueError: x"
    )
    bench.settle()
    assert {
        Change("item", parsers[0], "demo"),
        Change("project", "demo", "demo"),
        Change("mistakes", project="demo"),
        Change("stats", project="demo"),
    } <= set(bench.changes)
    bench.service.core.trainer.close()  # type: ignore[union-attr]
    assert Change("scorer") in bench.changes


# -- quotas and stores that fail ---------------------------------------------------


def test_another_source_cannot_bend_the_order_alone(bench: Bench, parsers: list[str]) -> None:
    """The tenth praise of one item by one foreign source weighs a tenth, then nothing."""
    target = bench.recall("parse dates").items[-1].id
    trusts = []
    for n in range(12):
        answer = bench.report(
            "success", task=f"parse dates {n}", helpful_ids=[target], source="stranger"
        )
        trusts.append(bench.service.core.reports.by_id[answer.outcome_id].trust)
    assert trusts[0] == 1.0
    assert trusts[9] == pytest.approx(0.1)
    assert trusts == sorted(trusts, reverse=True)


def test_own_source_is_trusted_in_full(bench: Bench, parsers: list[str]) -> None:
    """The user's own reports are not rationed."""
    for n in range(8):
        answer = bench.report("success", task=f"parse dates {n}", helpful_ids=[parsers[0]])
        assert bench.service.core.reports.by_id[answer.outcome_id].trust == 1.0


def test_recall_answers_when_it_cannot_be_logged(
    bench: Bench, parsers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that cannot be written still answers, and says what that means."""

    def refuse(*_args: object, **_more: object) -> None:
        raise StoreUnavailable("The disk is full. Free some space.")

    monkeypatch.setattr(bench.service.core.store, "add_recall", refuse)
    answer = bench.recall("parse dates")
    assert len(answer.items) == 3
    assert "The disk is full" in answer.note


def test_report_that_cannot_be_stored_changes_nothing(
    bench: Bench, parsers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither counters nor order move when the outcome was not made durable."""
    answer = bench.recall("parse dates")
    before = bench.ids("parse dates")

    def refuse(*_args: object, **_more: object) -> None:
        raise StoreUnavailable("The disk is full. Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(bench.service.core.store, "add_outcome", refuse)
        with pytest.raises(StoreUnavailable):
            bench.report("failure", recall_id=answer.recall_id)
    assert bench.ids("parse dates") == before
    assert bench.service.stats().outcomes == {}
    assert bench.report("failure", recall_id=answer.recall_id).status == "recorded"


def test_reembedding_that_fails_leaves_the_model_and_the_learner_in_place(
    bench: Bench, parsers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk half-way does not switch learning off until the next start."""
    failed = failing(bench, "parse dates")
    bench.settle()

    def refuse(*_args: object) -> None:
        raise StoreUnavailable("The disk is full. Free some space.")

    monkeypatch.setattr(bench.service.core.store, "reembed", refuse)
    with pytest.raises(StoreUnavailable):
        bench.service.reembed(HashEmbedder(32, "another@111111111111"))
    answer = bench.recall("parse dates")
    assert answer.mode == "learned"
    assert answer.items[0].id != failed
    assert bench.service.scorer().trained == 1
