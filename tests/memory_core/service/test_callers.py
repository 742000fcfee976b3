"""What callers of some projects learn of the others, and what they may do to each other."""

from __future__ import annotations

from typing import Any

import pytest

from memory_core.answers import OutcomeAnswer
from memory_core.caller import Caller
from memory_core.errors import InvalidInput
from memory_core.requests import (
    BriefRequest,
    ForgetRequest,
    ItemRequest,
    ListRequest,
    OutcomeRequest,
    RecallRequest,
    parse,
)
from memory_core.service import open_recalls
from tests.memory_core.service.conftest import Bench

MINE = Caller("mine", "write", ("mine",), trusted=False)
OTHER = Caller("other", "write", ("other",), trusted=False)
SECOND = Caller("second", "write", ("mine",), trusted=False)
TASK = "parse dates"
FREE_ONES = (1.0,) * 5  # reports on one item that a day takes in full


def recalled(bench: Bench, caller: Caller, **more: Any) -> str:
    request = parse(RecallRequest, {"task": TASK, **more})
    return bench.service.recall(request, caller).recall_id


def reported(bench: Bench, caller: Caller, outcome: str, **more: Any) -> OutcomeAnswer:
    return bench.service.report_outcome(parse(OutcomeRequest, {"outcome": outcome, **more}), caller)


def trust(bench: Bench, answer: OutcomeAnswer) -> float:
    return bench.service.core.reports.by_id[answer.outcome_id].trust


# -- what is told ----------------------------------------------------------------------


def everything(bench: Bench, caller: Caller, item_id: str) -> list[Any]:
    """What a caller reads of a global item."""
    service = bench.service
    line = service.reading.list_lessons(parse(ListRequest, {"sort": "wins"}), caller).items[0]
    detail = service.reading.get(ItemRequest(item_id=item_id), caller)
    brief = service.reading.brief(BriefRequest(), caller)
    served = service.recall(parse(RecallRequest, {"task": TASK}), caller).items[0]
    told: list[Any] = [line, detail, served, *brief.works, *brief.avoid]
    counts = [(one.wins, one.losses) for one in told]
    return [counts, detail.outcomes, line.recalls]


def test_counts_of_a_global_item_are_those_of_the_callers_projects(bench: Bench) -> None:
    item = bench.remember(TASK, project="global").id
    for outcome in ("success", "failure", "failure"):
        reported(bench, OTHER, outcome, recall_id=recalled(bench, OTHER), used_ids=[item])
    told = everything(bench, MINE, item)
    assert set(told[0]) == {(0, 0)}
    assert told[1:] == [(), 0]
    answer = reported(bench, MINE, "success", recall_id=recalled(bench, MINE), used_ids=[item])
    assert [(one.wins, one.losses) for one in answer.credited] == [(1, 0)]
    before = everything(bench, MINE, item)
    reported(bench, OTHER, "failure", recall_id=recalled(bench, OTHER), used_ids=[item])
    counts, outcomes, recalls = everything(bench, MINE, item)
    assert (counts, outcomes) == (before[0], before[1])
    assert recalls == before[2] + 1, "only the look before"
    whole = bench.show(item)
    assert (whole.wins, whole.losses, len(whole.outcomes)) == (2, 3, 5)
    counted = bench.service.core.tally
    parts = [counted.of(item, (name,)) for name in ("mine", "other")]
    assert sum(part.recalls for part in parts) == counted.of(item).recalls


def test_what_a_correction_takes_back_is_taken_back_for_its_project(bench: Bench) -> None:
    item = bench.remember(TASK, project="global").id
    first, second = recalled(bench, MINE), recalled(bench, OTHER)
    reported(bench, OTHER, "success", recall_id=second, used_ids=[item])
    reported(bench, MINE, "success", recall_id=first, used_ids=[item])
    reported(bench, MINE, "failure", recall_id=first, used_ids=[item])
    counted = bench.service.core.tally
    for name, counts in (("mine", (0, 1)), ("other", (1, 0))):
        found = counted.of(item, (name,))
        assert (found.wins, found.losses) == counts


def test_an_open_recall_does_not_close_because_others_recall(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would tell how much others recall."""
    monkeypatch.setattr(bench.service.core, "open_recalls", open_recalls.OpenRecalls(2))
    bench.remember(TASK, project="global")
    mine = recalled(bench, MINE, session="s")
    for _ in range(5):
        recalled(bench, OTHER, session="s")
    request = parse(RecallRequest, {"task": f"{TASK} of all that suppliers send", "session": "s"})
    assert mine in bench.service.recall(request, MINE).note


# -- what is done to others ------------------------------------------------------------


def test_who_was_served_a_recall_corrects_what_another_reported_on_it(bench: Bench) -> None:
    item = bench.remember(TASK, project="mine").id
    recall = recalled(bench, MINE)
    reported(bench, SECOND, "failure", recall_id=recall, used_ids=[item])
    answer = reported(bench, MINE, "success", recall_id=recall, used_ids=[item])
    assert answer.status == "corrected"
    assert (bench.show(item, "mine").wins, bench.show(item, "mine").losses) == (1, 0)
    with pytest.raises(InvalidInput, match="did not make the report"):
        reported(bench, SECOND, "failure", recall_id=recall, used_ids=[item])


def test_a_quota_cannot_be_dodged_by_naming_other_items_first(bench: Bench) -> None:
    target = bench.remember(TASK, project="mine").id
    decoys = [bench.remember(f"decoy {n}", f"say {n}", project="mine").id for n in range(7)]
    trusts = [
        trust(
            bench,
            reported(bench, MINE, "failure", task=TASK, used_ids=[decoy], harmful_ids=[target]),
        )
        for decoy in decoys
    ]
    assert trusts == pytest.approx([*FREE_ONES, 1 / 6, 1 / 7])


def test_a_quota_cannot_be_dodged_by_another_client_of_one_subject(bench: Bench) -> None:
    item = bench.remember(TASK, project="mine").id
    trusts = []
    for n in range(7):
        caller = Caller(f"oauth:me via client{n}", "write", ("mine",), trusted=False)
        answer = reported(bench, caller, "failure", task=TASK, harmful_ids=[item])
        trusts.append(trust(bench, answer))
    assert trusts == pytest.approx([*FREE_ONES, 1 / 6, 1 / 7])


def test_no_name_passes_for_the_owners(bench: Bench) -> None:
    caller = Caller("local via x", "write", ("mine",), trusted=False)
    item = bench.remember(TASK, project="mine").id
    trusts = [
        trust(bench, reported(bench, caller, "failure", task=TASK, harmful_ids=[item]))
        for _ in range(7)
    ]
    assert trusts == pytest.approx([*FREE_ONES, 1 / 6, 1 / 7])


def test_a_report_beyond_the_quota_says_that_it_teaches_less(bench: Bench) -> None:
    item = bench.remember(TASK, project="mine").id
    for _ in FREE_ONES:
        free = reported(bench, MINE, "success", task=TASK, used_ids=[item])
        assert "quota" not in free.judged.why
    again = reported(bench, MINE, "success", task=TASK, used_ids=[item])
    assert trust(bench, again) < 1
    assert "the quota of its source" in again.judged.why


def test_a_token_that_cannot_retire_a_global_item_is_not_told_how_to(bench: Bench) -> None:
    item = bench.remember(TASK, project="global").id
    request = parse(ForgetRequest, {"item_id": item, "reason": "old"})
    with pytest.raises(InvalidInput, match=r"Ask the store's owner: your token is for other"):
        bench.service.lessons.forget(request, MINE)
    for may in (Caller("all", "admin"), Caller("both", "write", ("mine", "global"))):
        with pytest.raises(InvalidInput, match="Pass project 'global' to do that"):
            bench.service.lessons.forget(request, may)


def test_a_note_says_of_several_ids_that_they_name_items(bench: Bench) -> None:
    item = bench.remember(TASK, project="one").id
    told = bench.report("success", task=TASK, used_ids=[item], project="two")
    assert "used_ids names items of project 'one', so this counts there, not in 'two'." in told.note
