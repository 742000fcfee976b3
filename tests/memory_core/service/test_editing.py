"""A correction that keeps the meaning keeps its record, everywhere and after everything."""

from __future__ import annotations

from typing import Any

import pytest

from memory_core.answers import EditAnswer
from memory_core.caller import Caller
from memory_core.errors import InvalidInput
from memory_core.port import Change
from memory_core.requests import EditRequest, MistakesRequest, parse
from memory_core.service.evaluating import evaluate
from tests.memory_core.service.conftest import Bench, OpenBench


def edit(bench: Bench, item_id: str, caller: Caller | None = None, **more: Any) -> EditAnswer:
    request = parse(EditRequest, {"item_id": item_id, **more})
    return bench.service.lessons.edit(request, caller or Caller())


def tried(bench: Bench, title: str = "Recieve the file", wins: int = 2) -> str:
    """An item with a record."""
    item = bench.remember(title, "Use a with block.", task="copy a file", tags=["io"])
    for _ in range(wins):
        recall_id = bench.recall("receive the file").recall_id
        bench.report("success", recall_id=recall_id, used_ids=[item.id])
    return item.id


TITLE = "Receive the file"


def test_a_corrected_typo_keeps_the_record(bench: Bench) -> None:
    old = tried(bench)
    answer = edit(bench, old, title=TITLE)
    assert (answer.status, answer.record, answer.wins, answer.was) == ("edited", "kept", 2, old)
    now = bench.show(answer.id)
    assert (now.title, now.wins, now.recalls, len(now.outcomes)) == (TITLE, 2, 2, 2)
    assert (now.content, now.task, now.tags) == ("Use a with block.", "copy a file", ("io",))
    assert (now.supersedes, now.earlier, now.latest) == (old, (old,), "")
    was = bench.show(old)
    assert (was.state, was.superseded_by, was.latest) == ("retired", answer.id, answer.id)
    assert [(line.id, line.wins) for line in bench.lessons().items] == [(answer.id, 2)]


@pytest.mark.parametrize(
    "change",
    [
        {"content": "Do not use a with block."},
        {"title": "Recieve the files after use"},
        {"description": "Only for large files."},
        {"kind": "pitfall"},
    ],
)
def test_a_changed_meaning_starts_anew_and_says_why(bench: Bench, change: dict[str, Any]) -> None:
    old = tried(bench)
    answer = edit(bench, old, **change)
    assert (answer.record, answer.wins, answer.recalls) == ("new", 0, 0)
    assert answer.why
    assert bench.show(answer.id).earlier == ()
    assert bench.show(old).wins == 2


def test_a_word_of_another_items_title_is_not_misspelt(bench: Bench) -> None:
    """Terms of a trade are unknown to the model, and another word may be one letter away."""
    old = tried(bench)
    bench.remember("Recieve, the program", "It is called so.")
    assert edit(bench, old, title=TITLE).record == "new"


def test_the_person_decides_over_the_rule(bench: Bench) -> None:
    old = tried(bench)
    better = edit(bench, old, content="Open it in a with statement.", record="keep")
    assert (better.record, better.wins) == ("kept", 2)
    fresh = edit(bench, better.id, title=TITLE, record="new")
    assert (fresh.record, fresh.wins) == ("new", 0)
    assert bench.show(better.id).wins == 2


def test_tags_and_task_alone_are_corrected_with_the_record(bench: Bench) -> None:
    old = tried(bench)
    answer = edit(bench, old, tags=["io", "files"])
    assert (answer.status, answer.record, answer.wins) == ("edited", "kept", 2)
    again = edit(bench, answer.id, task="receive a copy")
    assert (again.record, again.wins) == ("kept", 2)
    assert bench.show(again.id).tags == ("io", "files")
    assert bench.show(again.id).earlier == (answer.id, old)


def test_an_edit_that_changes_nothing_stores_nothing(bench: Bench) -> None:
    old = tried(bench)
    answer = edit(bench, old, title="Recieve  the file")
    assert (answer.id, answer.status, answer.wins) == (old, "unchanged", 2)
    assert bench.lessons().total == 1


def test_remembering_the_same_in_the_place_of_an_item_is_the_same_rule(bench: Bench) -> None:
    """A correction by `supersedes` keeps the record and what it leaves out; another starts anew."""
    old = tried(bench)
    kept = bench.remember(TITLE, "Use a with block.", supersedes=old)
    assert (kept.status, kept.note) == (
        "superseded",
        "The record is kept: it says the same as before.",
    )
    now = bench.show(kept.id)
    assert (now.wins, now.task, now.tags) == (2, "copy a file", ("io",))
    other = bench.remember(TITLE, "Never use a with block.", supersedes=kept.id)
    assert other.note.startswith("The record starts anew: its meaning may have changed, ")
    assert (bench.show(other.id).wins, bench.show(other.id).task) == (0, "")


def test_a_report_on_a_recall_that_served_the_old_wording_credits_the_new(bench: Bench) -> None:
    old = tried(bench, wins=1)
    first, second = bench.recall("receive the file"), bench.recall("receive the file")
    new = edit(bench, old, title=TITLE).id
    by_old = bench.report("success", recall_id=first.recall_id, used_ids=[old])
    by_new = bench.report("failure", recall_id=second.recall_id, used_ids=[new])
    assert [(one.id, one.wins, one.losses) for one in by_old.credited] == [(new, 2, 0)]
    assert [(one.id, one.wins, one.losses) for one in by_new.credited] == [(new, 2, 1)]
    assert [one.outcome for one in bench.show(new).outcomes] == ["failure", "success", "success"]


def values(bench: Bench) -> list[tuple[float, ...]]:
    """Every expert's value of what a recall serves, as logged."""
    answer = bench.recall("receive the file")
    stored = bench.service.core.store.get_recall(answer.recall_id)
    assert stored is not None
    return [served.experts[6:9] for served in stored.record.served]


def test_evidence_and_standing_stay_with_a_corrected_item(bench: Bench) -> None:
    old = tried(bench, wins=3)
    bench.settle()
    before = values(bench)
    edit(bench, old, title=TITLE)
    assert values(bench)[0][:2] == before[0][:2]
    assert before[0][0] > 0


def test_what_just_failed_is_demoted_after_its_typo_is_corrected(bench: Bench) -> None:
    old = bench.remember("Recieve the file by hand", "Copy each byte.", task="receive files")
    bench.remember("Receive the file at once", "Ask for all of it.", task="receive files")
    answer = bench.recall("receive the file", session="s")
    used = [item.id for item in answer.items if item.id == old.id]
    bench.report("failure", recall_id=answer.recall_id, used_ids=used)
    new = edit(bench, old.id, title="Receive the file by hand").id
    found = {item.id: item.why for item in bench.recall("receive the file", session="s").items}
    assert "ust failed in this session" in found[new]


def test_a_restored_wording_takes_its_part_of_the_record_back(bench: Bench) -> None:
    old = tried(bench)
    new = edit(bench, old, title=TITLE).id
    recall_id = bench.recall("receive the file").recall_id
    bench.report("success", recall_id=recall_id, used_ids=[new])
    assert bench.show(new).wins == 3
    assert f"{new}, which took its place, stays too" in bench.restore(old).note
    assert bench.restore(old).note == ""
    assert (bench.show(old).wins, bench.show(new).wins) == (2, 1)
    assert (bench.show(new).earlier, bench.show(old).latest) == ((), "")
    bench.forget(old)
    assert bench.show(new).wins == 1


def test_a_chain_of_corrections_has_one_record(bench: Bench, open_bench: OpenBench) -> None:
    old = tried(bench)
    ids = [old]
    for title in (TITLE, "receive a file.", "Receive files"):
        ids.append(edit(bench, ids[-1], title=title).id)
    assert bench.show(ids[-1]).wins == 2
    assert bench.show(ids[-1]).earlier == tuple(reversed(ids[:-1]))
    after = open_bench()
    assert after.show(ids[-1]).wins == 2
    assert after.show(ids[-1]).earlier == tuple(reversed(ids[:-1]))
    assert after.show(ids[0]).superseded_by == ids[1]


def test_corrections_survive_a_rebuild_from_the_log_to_the_last_bit(
    bench: Bench, open_bench: OpenBench
) -> None:
    old = tried(bench, wins=4)
    open_one = bench.recall("receive the file")
    new = edit(bench, old, title=TITLE).id
    bench.report("failure", recall_id=open_one.recall_id, used_ids=[old], error="OSError: shut")
    bench.settle()
    live = values(bench), bench.show(new)
    after = open_bench()
    after.now = bench.now
    assert values(after) == live[0]
    assert after.show(new).outcomes == live[1].outcomes
    replayed = evaluate(after.service.core.store, "log")
    assert replayed.outcomes == 5


def test_an_edit_is_told_of_both_items(bench: Bench) -> None:
    old = tried(bench)
    bench.changes.clear()
    new = edit(bench, old, title=TITLE).id
    told = [change for change in bench.changes if change.subject == "item"]
    assert told == [Change("item", old, "demo"), Change("item", new, "demo")]


def test_a_repeated_edit_ends_where_the_first_did(bench: Bench) -> None:
    old = tried(bench)
    first = edit(bench, old, title=TITLE)
    again = edit(bench, old, title=TITLE)
    assert (again.id, again.record, again.wins) == (first.id, "kept", 2)
    with pytest.raises(InvalidInput, match=f"{first.id} took its place. Edit that one"):
        edit(bench, old, title="Something else")


def test_a_forgotten_item_is_restored_before_it_is_edited(bench: Bench) -> None:
    old = tried(bench)
    bench.forget(old)
    with pytest.raises(InvalidInput, match=r"retired\. Restore it first"):
        edit(bench, old, title=TITLE)


def test_an_item_with_a_record_of_its_own_takes_no_other(bench: Bench) -> None:
    old = tried(bench)
    other = bench.remember(TITLE, "Use a with block.", task="copy a file", tags=["io"])
    recall_id = bench.recall("receive the file", k=5).recall_id
    bench.report("failure", task="receive the file", used_ids=[other.id])
    answer = edit(bench, old, title=TITLE)
    assert (answer.id, answer.status, answer.record) == (other.id, "duplicate", "new")
    assert "record of its own" in answer.why
    assert (bench.show(other.id).wins, bench.show(other.id).losses) == (0, 1)
    assert recall_id


def test_an_edit_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nothing is given that changes the item"):
        parse(EditRequest, {"item_id": "item_x"})


def test_a_corrected_item_is_not_named_as_its_own_near_duplicate(bench: Bench) -> None:
    old = tried(bench)
    answer = bench.remember(TITLE, "Use a with block.", supersedes=old)
    assert answer.near_duplicates == ()


def test_a_failure_is_told_with_the_items_as_they_are_worded_now(bench: Bench) -> None:
    old = tried(bench, wins=0)
    answer = bench.recall("receive the file")
    bench.report("failure", recall_id=answer.recall_id, used_ids=[old], error="OSError: it is shut")
    new = edit(bench, old, title=TITLE).id
    warned = bench.check(error="OSError: it is shut").warnings
    assert [one.item_ids for one in warned] == [(new,)]
    assert bench.service.reading.mistakes(MistakesRequest()).clusters[0].item_ids == (new,)
