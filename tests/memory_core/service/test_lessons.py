"""The life cycle of lessons, listing, checking, and the mistakes notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_core.errors import InvalidInput, UnknownItem
from memory_core.port import Change
from memory_core.requests import BriefRequest, MistakesRequest
from server.render import recall_text
from tests.memory_core.service.conftest import Bench, OpenBench
from tests.memory_core.service.test_main_job import TRACEBACK


def key_error(bench: Bench, task: str, key: str, line: int) -> str:
    """Report one KeyError; gives its signature."""
    answer = bench.recall(task)
    used = [item.id for item in answer.items[:1]]
    error = TRACEBACK.format(path=f"/home/{key}/job.py", line=line, key=key)
    return bench.report("failure", recall_id=answer.recall_id, used_ids=used, error=error).signature


# -- remember ----------------------------------------------------------------------


def test_same_lesson_twice_is_one_item(bench: Bench) -> None:
    """Spacing does not make another lesson; a changed sign does."""
    first = bench.remember("Close the file", "Use a with block.", task="read a file")
    again = bench.remember("Close  the file", " Use a with\nblock.", task="read a file ")
    assert (first.status, again.status) == ("added", "duplicate")
    assert again.id == first.id
    assert bench.lessons().total == 1
    assert bench.remember("Loop", "while i <= n").status == "added"
    assert bench.remember("Loop", "while i >= n").status == "added"


def test_near_duplicate_is_told_and_shown_once(bench: Bench) -> None:
    """The same words from another task are another item, named, and recalled once."""
    first = bench.remember("Close the file", "Use a with block.", task="read a file")
    second = bench.remember("Close the file", "Use a with block.", task="copy a file")
    assert second.status == "added"
    assert [near.id for near in second.near_duplicates] == [first.id]
    assert len(bench.recall("close the file").items) == 1


def test_superseding_retires_the_old_and_links_both(bench: Bench) -> None:
    """A change is a new item; the old one stays readable."""
    old = bench.remember("Close the file", "Call close at the end.")
    new = bench.remember("Close the file", "Use a with block.", supersedes=old.id)
    assert new.status == "superseded"
    assert bench.show(old.id).state == "retired"
    assert bench.show(old.id).superseded_by == new.id
    assert bench.show(new.id).supersedes == old.id
    assert bench.ids("close the file") == [new.id]


def test_who_watches_a_superseded_item_hears_of_it(bench: Bench) -> None:
    old = bench.remember("Close files", "Call close at the end.")
    bench.changes.clear()
    new = bench.remember("Close the file", "Use a with block.", supersedes=old.id)
    told = [change for change in bench.changes if change.subject == "item"]
    assert told == [Change("item", old.id, "demo"), Change("item", new.id, "demo")]


def test_superseding_by_a_lesson_that_is_there_already_retires_the_old(bench: Bench) -> None:
    """A repeated call after a crash ends where the first would have."""
    old = bench.remember("Close the file", "Call close at the end.")
    new = bench.remember("Close the file", "Use a with block.")
    again = bench.remember("Close the file", "Use a with block.", supersedes=old.id)
    assert (again.id, again.status) == (new.id, "superseded")
    assert bench.show(old.id).superseded_by == new.id
    assert bench.ids("close the file") == [new.id]


def test_global_item_is_not_retired_from_a_project(bench: Bench) -> None:
    """Neither superseded nor forgotten: it is everybody's."""
    item = bench.remember("Close files", "Always.", project="global")
    with pytest.raises(InvalidInput, match="project 'global'"):
        bench.remember("Close files", "Never.", supersedes=item.id)
    with pytest.raises(InvalidInput, match="project 'global'"):
        bench.forget(item.id)
    assert bench.forget(item.id, project="global").state == "retired"


def test_superseding_an_unknown_item_stores_nothing(bench: Bench) -> None:
    """The sentence names the id."""
    with pytest.raises(UnknownItem, match="item_nowhere"):
        bench.remember("Close the file", supersedes="item_nowhere")
    assert bench.lessons().total == 0


def test_secrets_are_redacted_before_anything_is_written(bench: Bench, tmp_path: Path) -> None:
    """Neither the item nor the report holds the key, on disk either."""
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    answer = bench.remember("Use the token", f"Send {secret} as a header.", task=f"with {secret}")
    assert answer.redacted
    recall_id = bench.recall("token header").recall_id
    bench.report("failure", recall_id=recall_id, error=f"HTTP 401 for {secret}", steps=[secret])
    recalled = bench.recall(f"call with {secret}", context=secret, error=f"refused {secret}")
    bench.report("failure", recall_id=recalled.recall_id)
    bench.check(action=f"send {secret}", error=secret)
    bench.report("failure", task=f"deploy with {secret}", attempt_group=secret)
    bench.remember("Tagged", "Something.", tags=[secret])
    assert secret not in str(bench.service.reading.mistakes(MistakesRequest()))
    bench.service.close()
    for file in (tmp_path / "store").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()


def test_global_items_are_seen_from_every_project(bench: Bench) -> None:
    """And a project's own are not."""
    everywhere = bench.remember("Close files", "Always.", project="global")
    bench.remember("Close doors", "Always.", project="alpha")
    assert bench.ids("close files", project="beta") == [everywhere.id]


# -- forget ------------------------------------------------------------------------


def test_forgotten_item_is_not_recalled_and_comes_back(bench: Bench) -> None:
    """Forgetting is recoverable."""
    item = bench.remember("Close the file", "Use a with block.")
    gone = bench.forget(item.id)
    assert (gone.was, gone.state) == ("active", "retired")
    assert bench.ids("close the file") == []
    assert bench.forget(item.id).was == "retired"
    assert bench.restore(item.id).state == "active"
    assert bench.ids("close the file") == [item.id]


def test_states_survive_a_restart(bench: Bench, open_bench: OpenBench) -> None:
    """Events are the truth."""
    item = bench.remember("Close the file", "Use a with block.")
    bench.forget(item.id)
    after = open_bench()
    assert after.show(item.id).state == "retired"
    assert [line.id for line in after.lessons(state="retired").items] == [item.id]


# -- listing -----------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_or_repeat(bench: Bench) -> None:
    """A cursor leads through the whole listing once."""
    ids = {bench.remember(f"Lesson {n}", f"Content {n}").id for n in range(7)}
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = bench.lessons(limit=3, cursor=cursor)
        assert page.total == 7
        seen += [line.id for line in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(seen) == 7
    assert set(seen) == ids


@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", "é", "YWFhOjE"])
def test_cursor_of_another_listing_is_refused(bench: Bench, cursor: str) -> None:
    """The sentence says to pass next_cursor with the same arguments."""
    with pytest.raises(InvalidInput, match="next_cursor"):
        bench.lessons(cursor=cursor)


def test_listing_sorts_by_what_is_asked(bench: Bench, parsers: list[str]) -> None:
    """Wins, losses, usefulness and age."""
    answer = bench.recall("parse dates")
    good, bad = answer.items[0].id, answer.items[1].id
    bench.report("success", recall_id=answer.recall_id, helpful_ids=[good], harmful_ids=[bad])
    assert bench.lessons(sort="wins").items[0].id == good
    assert bench.lessons(sort="losses").items[0].id == bad
    assert bench.lessons(sort="useful").items[-1].id == bad
    assert [line.id for line in bench.lessons(query="parse dates", kind="pitfall").items] == []


# -- recall's limits ---------------------------------------------------------------


@pytest.mark.parametrize("budget", [50, 100, 400, 1200])
def test_answer_keeps_to_its_token_budget(bench: Bench, budget: int) -> None:
    """Characters / 4 of the items' texts stay under max_tokens, and something is served."""
    for n in range(6):
        bench.remember(f"Lesson {n}", f"number {n} " + "close the file properly " * 60)
    answer = bench.recall("close the file", k=6, max_tokens=budget)
    texts = sum(
        len(i.title) + len(i.description) + len(i.content) + len(i.why) for i in answer.items
    )
    assert answer.items
    assert texts / 4 <= max(budget, 100)


def test_nothing_relevant_is_an_abstention(bench: Bench) -> None:
    """No word in common and no like vector: silence, said so."""
    bench.remember("Close the file", "Use a with block.")
    answer = bench.recall("zymurgy quokka")
    assert answer.abstained
    assert answer.items == ()


def test_kinds_filter_what_is_recalled(bench: Bench) -> None:
    """Facts are not offered as strategies."""
    fact = bench.remember("Port of the server", "It is 8931.", kind="fact")
    bench.remember("Server start", "Start the server with make.")
    assert bench.ids("server", kinds=["fact"]) == [fact.id]


@pytest.mark.parametrize("max_tokens", [50, 100, 149])
def test_an_answer_too_small_for_any_item_asks_for_more_and_for_no_outcome(
    bench: Bench, parsers: list[str], max_tokens: int
) -> None:
    answer = bench.recall("parse dates", max_tokens=max_tokens)
    assert answer.next == ("Ask again with max_tokens of 150 or more: what fits has no room here.")
    assert f"Next: {answer.next}" in recall_text(answer, max_tokens)
    assert "Nothing stored" in bench.recall("zymurgy quokka", max_tokens=max_tokens).next


@pytest.mark.parametrize("max_tokens", [150, 151, 200, 1200])
def test_an_answer_says_follow_only_where_the_text_has_an_item(
    bench: Bench, max_tokens: int
) -> None:
    """Beside warnings and with long items as well; the text shows what the data has."""
    for n in range(3):
        bench.remember(f"Parse dates {n} " + "t" * 150, "c" * 4_000, description="d" * 500)
    bench.report("failure", task="parse dates", error="ValueError: " + "day is bad " * 40)
    answer = bench.recall("parse dates", max_tokens=max_tokens)
    assert answer.next.startswith("Follow what fits")
    assert f"1. strategy {answer.items[0].id}" in recall_text(answer, max_tokens)


# -- check and the notebook --------------------------------------------------------


def test_check_finds_the_same_cause_with_other_names_and_paths(
    bench: Bench, parsers: list[str]
) -> None:
    """Identifiers, paths and line numbers do not hide a failure seen before."""
    signature = key_error(bench, "parse dates", "colour", 3)
    answer = bench.check(error=TRACEBACK.format(path="/srv/x/y.py", line=99, key="size"))
    assert [warning.signature_id for warning in answer.warnings] == [signature]
    assert answer.warnings[0].seen == 1


def test_check_is_silent_when_nothing_matches(bench: Bench, parsers: list[str]) -> None:
    """No warning, no item, and it says that it abstained."""
    key_error(bench, "parse dates", "colour", 3)
    answer = bench.check(error="ConnectionRefusedError: [Errno 111] Connection refused")
    assert answer.warnings == ()
    assert answer.items == ()
    assert answer.abstained


def test_an_error_is_answered_with_the_stored_fix_whatever_its_kind(bench: Bench) -> None:
    """No outcome is known yet; what recall would serve is served, and how is asked."""
    fix = bench.remember(
        "Use a virtual environment for externally-managed-environment",
        "Make one with python3 -m venv and install with its pip.",
    ).id
    bench.remember("Port of the server", "It is 8931.", kind="fact")
    error = "error: externally-managed-environment"
    answer = bench.check(error=error)
    assert [item.id for item in answer.items] == bench.ids(error) == [fix]
    assert answer.next.startswith("Follow what fits this error, then call report_outcome")
    assert "used_ids" in answer.next
    with_action = bench.check(action="pip install rich", error=error)
    assert [item.id for item in with_action.items] == [fix]
    bench.report("success", recall_id=answer.recall_id, used_ids=[fix])
    assert bench.show(fix).wins == 1


@pytest.mark.parametrize(
    "error",
    [
        "ConnectionRefusedError: [Errno 111] Connection refused",
        "Segmentation fault (core dumped)",
        "make: *** No rule to make target 'all'. Stop.",
    ],
)
def test_a_strange_error_is_met_with_silence_and_a_true_sentence(bench: Bench, error: str) -> None:
    bench.remember("Parse dates with a format", "Give the format string to the date parser.")
    answer = bench.check(error=error)
    assert answer.abstained
    assert answer.next.startswith("Nothing stored fits this error: solve it, then call report_")


def test_an_error_is_answered_pitfalls_first_out_of_the_best_that_fit(bench: Bench) -> None:
    """A pitfall that fits less takes no better lesson's place; the same text is told once."""
    text = "Delete build files"
    for project in ("demo", "global"):
        bench.remember(f"{text} with make clean", "It deletes build files alone.", project=project)
    trap = bench.remember("Delete the build files by hand", "It took sources.", kind="pitfall").id
    far = bench.remember("Delete", "Never delete on Fridays.", kind="pitfall").id
    ranked = bench.ids("delete build files failed", k=2)
    served = [item.id for item in bench.check(error="delete build files failed", k=2).items]
    assert set(served) == set(ranked)
    assert served[0] == trap
    assert far not in served


def test_before_an_action_only_what_is_known_against_it_and_what_worked(bench: Bench) -> None:
    """A lesson nobody tried is not served there; that recall has one is said."""
    assert "recall" not in bench.check(action="delete build files").next
    bench.remember("Delete build files", "Run make clean to delete build files.")
    answer = bench.check(action="delete build files")
    assert answer.abstained
    assert "call recall with the task" in answer.next
    assert "report_outcome" not in answer.next


def test_what_worked_before_an_action_is_no_reason_to_change_it(bench: Bench) -> None:
    good = bench.remember("Delete build files", "Run make clean to delete build files.").id
    for _ in range(3):
        answer = bench.recall("delete build files")
        bench.report("success", recall_id=answer.recall_id, used_ids=[good])
    assert bench.check(action="delete build files").next.startswith("Follow what fits this step")
    bench.remember("Delete build files by hand", "It took the sources too.", kind="pitfall")
    assert bench.check(action="delete build files").next.startswith("Change the step")


def test_a_known_failure_without_a_lesson_says_so(bench: Bench) -> None:
    bench.report("failure", task="parse dates", error="ValueError: day is out of range for month")
    answer = bench.check(error="ValueError: day is out of range for month")
    assert answer.warnings
    assert answer.next.startswith("No lesson fits: take another way")


def test_check_puts_pitfalls_first(bench: Bench) -> None:
    """What went wrong comes before what worked."""
    good = bench.remember("Delete build files", "Run make clean to delete build files.")
    for _ in range(3):
        answer = bench.recall("delete build files")
        bench.report("success", recall_id=answer.recall_id, used_ids=[good.id])
    bad = bench.remember(
        "Delete build files by hand", "It deleted the sources too.", kind="pitfall"
    )
    found = [item.id for item in bench.check(action="delete build files").items]
    assert found == [bad.id, good.id]


def test_like_failures_make_one_cluster_and_three_make_a_pattern(
    bench: Bench, parsers: list[str]
) -> None:
    """The notebook counts causes, not texts."""
    for n, key in enumerate(["colour", "size", "weight"]):
        key_error(bench, "parse dates", key, 10 + n)
    mistakes = bench.service.reading.mistakes(MistakesRequest())
    assert [cluster.seen for cluster in mistakes.clusters] == [3]
    assert mistakes.patterns == 1
    assert mistakes.clusters[0].signature_id in mistakes.next


def test_recall_warns_before_acting_in_conditions_that_failed(
    bench: Bench, parsers: list[str]
) -> None:
    """The failure is told with the task, before there is an error."""
    signature = key_error(bench, "parse dates", "colour", 3)
    assert [w.signature_id for w in bench.recall("parse dates").warnings] == [signature]
    assert bench.recall("cook pasta with salt").warnings == ()


def test_corrected_failure_leaves_the_notebook(bench: Bench, parsers: list[str]) -> None:
    """What was no failure is not told as one."""
    recall_id = bench.recall("parse dates").recall_id
    bench.report("failure", recall_id=recall_id, error="ValueError: x")
    bench.report("success", recall_id=recall_id)
    assert bench.service.reading.mistakes(MistakesRequest()).clusters == ()


def test_brief_names_what_works_and_what_to_avoid_within_its_tokens(
    bench: Bench, parsers: list[str]
) -> None:
    """A playbook of whole lines under the cap."""
    answer = bench.recall("parse dates")
    good, bad = answer.items[0], answer.items[1]
    bench.report("success", recall_id=answer.recall_id, helpful_ids=[good.id], harmful_ids=[bad.id])
    brief = bench.service.reading.brief(BriefRequest())
    assert [line.id for line in brief.works] == [good.id]
    assert [line.id for line in brief.avoid] == [bad.id]
    assert good.title in brief.text
    assert len(bench.service.reading.brief(BriefRequest(max_tokens=20)).text) <= 80
