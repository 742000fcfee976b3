"""Whether an item is served is decided by its own relevance, item by item."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory_core.scorer.experts import EXPERTS
from memory_core.scorer.facts import about_of, experts_of
from memory_core.scorer.relevance import SIGNS
from memory_core.service.core import Core
from tests.memory_core.service.conftest import Bench, OpenBench

UNRELATED = ("Add a dark mode toggle to the settings page", "hello", "?!", "why", "Buongiorno")


def dates(bench: Bench) -> str:
    """A store of one lesson on dates; its id."""
    return bench.remember("Parse dates", "Give the date parser a format for the dates.").id


def test_an_answer_abstains_when_nothing_is_about_the_task(bench: Bench) -> None:
    dates(bench)
    for task in UNRELATED:
        answer = bench.recall(task)
        assert answer.abstained
        assert answer.items == ()


def test_a_common_word_is_no_reason_to_serve(open_bench: OpenBench) -> None:
    bench = open_bench(model=False)
    bench.remember("Give the format first", "Please make sure that it is what you want.")
    assert bench.recall("What do you want to make first, please?").abstained


def test_one_fitting_item_lets_no_other_through(bench: Bench) -> None:
    kept = dates(bench)
    for number in range(5):
        bench.remember(f"Zebra {number}", f"Quokka and wombat number{number}.")
    answer = bench.recall("parse the dates with the date parser", k=5)
    assert [item.id for item in answer.items] == [kept]
    assert not answer.abstained


def test_every_item_says_how_relevant_it_is(bench: Bench) -> None:
    dates(bench)
    [item] = bench.recall("parse the dates").items
    assert bench.service.core.settings.bar <= item.relevance <= 1.0
    assert item.relevance == round(item.relevance, 4)


def test_a_good_record_makes_nothing_relevant(bench: Bench) -> None:
    kept = dates(bench)
    odd = bench.remember("Zebra", "Quokka and wombat.").id
    for _ in range(6):
        answer = bench.recall("zebra quokka wombat")
        assert [item.id for item in answer.items] == [odd]
        bench.report("success", recall_id=answer.recall_id, used_ids=[odd], helpful_ids=[odd])
    bench.settle()
    assert [item.id for item in bench.recall("parse the dates", k=5).items] == [kept]


def test_who_did_not_ask_is_told_only_what_surely_fits(open_bench: OpenBench) -> None:
    bench = open_bench()
    kept = dates(bench)
    [item] = bench.recall("parse the dates").items
    between = open_bench(bar=item.relevance - 0.01, bar_uninvited=item.relevance + 0.01)
    assert between.ids("parse the dates") == [kept]
    assert between.ids("parse the dates", door="prompt") == []
    assert between.recall("parse the dates", door="prompt").abstained


def test_a_check_that_nobody_asked_for_is_held_to_the_stricter_bar(open_bench: OpenBench) -> None:
    bench = open_bench()
    bench.remember("Parse dates", "Never parse dates without a format.", kind="pitfall")
    [item] = bench.check(action="parse the dates").items
    between = open_bench(bar=item.relevance - 0.01, bar_uninvited=item.relevance + 0.01)
    assert between.check(action="parse the dates").items
    assert between.check(action="parse the dates", door="prompt").abstained


def test_a_failed_tool_is_answered_with_the_fix_that_surely_fits(open_bench: OpenBench) -> None:
    bench = open_bench()
    kept = dates(bench)
    [item] = bench.check(error="parse the dates").items
    between = open_bench(bar=item.relevance - 0.01, bar_uninvited=item.relevance + 0.01)
    assert [one.id for one in between.check(error="parse the dates").items] == [kept]
    assert between.check(error="parse the dates", door="prompt").abstained
    sure = open_bench(bar=item.relevance, bar_uninvited=item.relevance - 0.01)
    assert [one.id for one in sure.check(error="parse the dates", door="prompt").items] == [kept]


def test_a_bar_of_nothing_serves_whatever_there_is(open_bench: OpenBench) -> None:
    bench = open_bench(bar=0.0)
    kept = dates(bench)
    assert bench.ids("Add a dark mode toggle to the settings page") == [kept]


def test_a_check_is_not_answered_with_pitfalls_of_something_else(bench: Bench) -> None:
    bench.remember("Parse dates", "Never parse dates without a format.", kind="pitfall")
    assert bench.check(action="rotate the certificates of the load balancer").abstained


def test_without_a_model_words_decide(open_bench: OpenBench) -> None:
    bench = open_bench(model=False)
    kept = dates(bench)
    bench.remember("Zebra", "Quokka and wombat.")
    assert bench.ids("parse the dates") == [kept]
    for task in UNRELATED:
        assert bench.recall(task).abstained


def test_a_bare_code_finds_the_item_that_names_it(bench: Bench) -> None:
    kept = bench.remember("Open the lock", "ORA-00054 says that the row is locked: wait.").id
    dates(bench)
    assert bench.ids("ORA-00054") == [kept]


def test_a_store_of_one_text_said_often_answers_and_is_silent(bench: Bench) -> None:
    for number in range(12):
        bench.remember("Parse dates", "Give the date parser a format.", project=f"p{number}")
    assert len(bench.ids("parse dates", project="p3")) == 1
    assert bench.recall(UNRELATED[0], project="p3").abstained


def test_the_crowd_is_counted_by_the_active_items_of_the_project(bench: Bench) -> None:
    core: Core = bench.service.core
    kept = dates(bench)
    bench.remember("Elsewhere", "Not here.", project="other")
    assert core.catalogue.active(("demo",)) == 1
    bench.forget(kept)
    assert core.catalogue.active(("demo",)) == 0
    bench.restore(kept)
    assert core.catalogue.active(("demo", "other")) == 2


def test_relevance_and_its_signs_are_logged_with_what_was_considered(bench: Bench) -> None:
    dates(bench)
    bench.remember("Zebra", "Quokka and wombat.")
    answer = bench.recall("parse the dates")
    stored = bench.service.core.store.get_recall(answer.recall_id)
    assert stored is not None
    about = [about_of(stored.record, candidate) for candidate in stored.record.candidates]
    assert [len(values) for values in about] == [1 + len(SIGNS)] * 2
    assert about[0][0] == answer.items[0].relevance
    assert about[1][0] < bench.service.core.settings.bar
    assert all(
        len(experts_of(stored.record, one)) == len(EXPERTS) for one in stored.record.candidates
    )


def test_credit_of_a_bare_success_goes_to_what_was_about_the_task(open_bench: OpenBench) -> None:
    bench = open_bench(bar=0.0)
    kept = dates(bench)
    odd = bench.remember("Zebra", "Quokka and wombat.").id
    answer = bench.recall("parse the dates with the date parser", k=2)
    assert {item.id for item in answer.items} == {kept, odd}
    credited = {
        c.id: c.credit for c in bench.report("success", recall_id=answer.recall_id).credited
    }
    assert credited[kept] > 0.3
    assert abs(credited.get(odd, 0.0)) < 0.02


def test_reports_teach_which_tasks_the_store_knows_nothing_of(open_bench: OpenBench) -> None:
    bench = open_bench()
    dates(bench)
    task, other = "parse the dates with the date parser", "parse a name for a date"
    before = {one: bench.recall(one).items[0].relevance for one in (task, other)}
    for _ in range(12):
        for one, used in ((task, None), (other, [])):
            answer = bench.recall(one)
            if answer.items:
                ids = [answer.items[0].id] if used is None else used
                ended = "success" if used is None else "failure"
                bench.report(ended, recall_id=answer.recall_id, used_ids=ids)
        bench.settle()
    [found] = bench.recall(task).items
    assert found.relevance >= before[task]
    after = bench.recall(other).items
    assert not after or after[0].relevance < before[other]
    again = open_bench()
    assert again.recall(task).items[0].relevance == found.relevance
    shadow = open_bench("shadow")
    assert shadow.recall(task).items[0].relevance == before[task]


@pytest.mark.parametrize("by_recall", [True, False])
def test_what_helped_with_a_task_is_served_for_it_in_other_words(
    open_bench: OpenBench, by_recall: bool
) -> None:
    """Advice that shares no word with its task is found by it from the first success on."""
    bench = open_bench()
    kept = bench.remember("Turn the crank twice", "Quokka first and wombat second.").id
    other = bench.remember("Zebra crossing", "Stripes before paint.").id
    task, again = "close the monthly invoice ledger", "close the monthly ledger of each invoice"
    assert bench.recall(task).abstained
    if by_recall:
        bench.service.core.settings = replace(bench.service.core.settings, bar=0.0)
        recall_id = bench.recall(task, k=2).recall_id
        bench.service.core.settings = replace(bench.service.core.settings, bar=0.14)
        bench.report("success", recall_id=recall_id, used_ids=[kept])
    else:
        bench.report("success", task=task, used_ids=[kept])
    bench.settle()
    assert bench.ids(again) == [kept]
    assert other not in bench.ids(again, k=5)
    for unlike in UNRELATED:
        assert bench.recall(unlike).abstained
    bench.service.close()
    assert open_bench().ids(again) == [kept]


@pytest.mark.parametrize(
    "evidence", [{}, {"exit_code": 1}, {"error": "ValueError: no such date"}], ids=str
)
def test_one_bare_failure_silences_no_lesson_at_the_bar_a_second_one_does(
    open_bench: OpenBench, evidence: dict[str, object]
) -> None:
    """What is silent is never reported: one wrong report would be the last word."""
    bench = open_bench()
    dates(bench)
    task = "parse a name for a date"
    [near] = bench.recall(task).items
    settings = replace(bench.service.core.settings, bar=near.relevance)
    bench.service.core.settings = settings
    served = []
    for _ in range(3):
        answer = bench.recall(task)
        served.append(len(answer.items))
        bench.report("failure", recall_id=answer.recall_id, **evidence)
        bench.settle()
    assert served == [1, 1, 0]
    bench.service.close()
    again = open_bench()
    again.service.core.settings = settings
    assert again.recall(task).abstained
