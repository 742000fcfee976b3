"""Whatever is read may be long: it is read whole, and a bounded part of it is kept."""

from __future__ import annotations

import json

import pytest

from memory_core.errors import InvalidInput
from memory_core.excerpts import ERROR_KEPT, EVIDENCE_KEPT, STEP_KEPT, TASK_KEPT
from memory_core.model import RecallRecord
from memory_core.requests import MOST_READ, RecallRequest, parse
from tests.memory_core.service.conftest import Bench
from tests.memory_core.test_reading import LOG, PROSE, STATEMENT, TALK, TRACE

ASKED = "Which format does the date parser want for the dates?"
LONG = f"{LOG * 9}\n\n{ASKED}\n\n{LOG * 9}"
ERROR = f"{LOG * 9}\n{TRACE}"


def dates(bench: Bench) -> str:
    """A store of one lesson on dates; its id."""
    return bench.remember("Parse dates", "Give the date parser a format for the dates.").id


def kept(bench: Bench, recall_id: str) -> RecallRecord:
    """What is logged of a recall."""
    found = bench.service.core.store.get_recall(recall_id)
    assert found is not None
    return found.record


def test_a_long_task_is_asked_as_its_question_is(bench: Bench) -> None:
    lesson = dates(bench)
    assert bench.ids(ASKED) == [lesson]
    assert bench.ids(LONG) == [lesson]


def test_a_statement_in_a_long_chat_finds_what_is_stored_of_it(bench: Bench) -> None:
    lesson = bench.remember("Prices with a comma", "Quote each price, or it breaks a column.").id
    bench.remember("Coffee", "The machine on the second floor is the good one.")
    text = "\n".join([*TALK[:24], f"[10:30] Support: {STATEMENT}", *TALK[24:]])
    assert bench.ids(text)[0] == lesson


def test_a_statement_in_a_very_long_talk_is_kept_and_listed_by(bench: Bench) -> None:
    lesson = bench.remember("Prices with a comma", "Quote each price, or it breaks a column.").id
    talk = [f"{line} ({n})" for n, line in enumerate(TALK * 12)]
    text = "\n".join([*talk[:288], f"[10:30] Support: {STATEMENT}", *talk[288:]])
    assert STATEMENT in kept(bench, bench.recall(text).recall_id).task
    assert STATEMENT in kept(bench, bench.check(action=text).recall_id).task
    assert [line.id for line in bench.lessons(query=text).items] == [lesson]


def test_a_long_prompt_of_two_requests_gets_both(bench: Bench) -> None:
    prices = bench.remember("Prices with a comma", "Quote each price, or it breaks a column.").id
    lesson = dates(bench)
    bench.remember("Coffee", "The machine on the second floor is the good one.")
    text = f"{PROSE}\n\n{ASKED}\n\n{PROSE}\n\nWhy does the comma of a price break a column?"
    assert set(bench.ids(text)[:2]) == {prices, lesson}


def test_what_a_long_recall_asked_is_kept_with_its_ends(bench: Bench) -> None:
    dates(bench)
    answer = bench.recall(LONG, context=PROSE * 20, error=ERROR)
    record = kept(bench, answer.recall_id)
    assert ASKED in record.task
    assert LONG.startswith(record.task[:400])
    assert len(record.task) <= TASK_KEPT
    assert len(record.context) <= TASK_KEPT
    assert len(record.error) <= ERROR_KEPT
    assert record.error.endswith("database is locked")


def test_a_long_check_is_kept_with_its_error(bench: Bench) -> None:
    answer = bench.check(action=LONG, error=ERROR)
    record = kept(bench, answer.recall_id)
    assert ASKED in record.task
    assert record.error.endswith("database is locked")
    alone = kept(bench, bench.check(error=ERROR).recall_id)
    assert alone.task.endswith("database is locked")
    assert len(alone.task) <= TASK_KEPT


def test_the_same_long_error_warns_after_it_was_reported(bench: Bench) -> None:
    dates(bench)
    bench.report("failure", recall_id=bench.recall(ASKED).recall_id, error=ERROR)
    assert bench.check(error=ERROR).warnings
    assert bench.check(error=TRACE).warnings
    assert bench.recall(LONG, error=ERROR).warnings


def test_a_long_report_is_judged_by_all_and_kept_in_part(bench: Bench) -> None:
    log = f"{LOG * 20}\n=== 3 failed, 40 passed in 2.1s ==="
    answer = bench.report(
        "success", task=LONG, error=ERROR, evidence={"log": log}, steps=[LOG, "ran it"]
    )
    assert answer.judged.outcome == "partial"
    [record] = [one.record for one in bench.service.core.store.outcomes()]
    assert ASKED in record.task
    assert len(record.task) <= TASK_KEPT
    assert json.loads(record.evidence)["log"].endswith("passed in 2.1s ===")
    assert len(record.evidence) < TASK_KEPT
    assert len(record.steps[0]) <= STEP_KEPT
    assert record.steps[1] == "ran it"


def test_the_same_long_report_counts_once(bench: Bench) -> None:
    one = bench.report("success", task=LONG, report_id="r1")
    assert bench.report("success", task=LONG, report_id="r1").status == "repeated"
    with pytest.raises(InvalidInput, match="another recall or task"):
        bench.report("success", task=f"{ASKED}\n\n{LONG}", report_id="r1")
    assert one.status == "recorded"


def test_a_lesson_keeps_what_its_long_task_asked_and_the_ends_of_its_evidence(bench: Bench) -> None:
    stored = bench.remember("Parse dates", "Give a format.", task=LONG, evidence=LOG * 20)
    item = bench.show(stored.id)
    assert ASKED in item.task
    assert len(item.task) <= TASK_KEPT
    assert len(item.evidence) <= EVIDENCE_KEPT
    assert item.evidence.endswith(LOG[-100:])


def test_a_secret_is_taken_out_while_the_text_is_whole(bench: Bench) -> None:
    key = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(["QUJDREVGR0hJ" * 5] * 40)
    text = f"{ASKED}\n\n{PROSE * 4}\n\n{key}\n-----END PRIVATE KEY-----"
    record = kept(bench, bench.recall(text).recall_id)
    assert len(text) > TASK_KEPT
    assert "QUJDREVGR0hJ" not in record.task


def test_a_listing_is_searched_by_a_long_query(bench: Bench) -> None:
    lesson = dates(bench)
    assert [line.id for line in bench.lessons(query=LONG).items] == [lesson]


def test_more_than_any_door_carries_is_refused_by_its_size() -> None:
    with pytest.raises(InvalidInput, match="has 4,194,305 characters, at most 4,194,304 fit"):
        parse(RecallRequest, {"task": "x" * (MOST_READ + 1)})
