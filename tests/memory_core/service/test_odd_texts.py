"""Odd texts and odd stores: silence or a sensible answer, never a crash."""

from __future__ import annotations

import pytest

from tests.memory_core.service.conftest import Bench
from tests.odd_texts import ASKED, BURIED, TAKEN

EXCEL = ("CSV from Excel begins with a mark", "Open the CSV from Excel with utf-8-sig.")


@pytest.mark.parametrize("name", TAKEN)
def test_a_store_of_one_item_is_silent_and_learns_from_the_report(bench: Bench, name: str) -> None:
    bench.remember(*EXCEL)
    text = TAKEN[name]
    recalled = bench.recall(text, context=text, error=text)
    assert recalled.abstained
    bench.report("failure", recall_id=recalled.recall_id, error=text, evidence={"log": text})
    bench.check(action=text, error=text)
    bench.settle()
    [item] = bench.recall(ASKED).items
    assert item.title == EXCEL[0]


def test_what_is_asked_between_long_logs_is_answered_from_a_store_of_one(bench: Bench) -> None:
    bench.remember(*EXCEL)
    [item] = bench.recall(BURIED).items
    assert item.title == EXCEL[0]


def test_a_store_whose_items_all_say_the_same_tells_it_once(bench: Bench) -> None:
    for number in range(24):
        bench.remember(*EXCEL, task=f"Import of sheet {number}")
    answer = bench.recall(ASKED, k=5)
    assert [item.title for item in answer.items] == [EXCEL[0]]
    assert bench.recall("Add a dark mode toggle", k=5).abstained
    bench.report("success", recall_id=answer.recall_id, used_ids=[answer.items[0].id])
    bench.settle()
    assert len(bench.recall(ASKED, k=5).items) == 1
