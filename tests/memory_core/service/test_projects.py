"""A project is found under each of its names, live, rebuilt and followed alike."""

from __future__ import annotations

from typing import Any

import pytest

from memory_core.answers import ProjectChanged
from memory_core.caller import OWNER, Caller
from memory_core.errors import InvalidInput
from memory_core.model import GLOBAL_PROJECT, new_id
from memory_core.requests import (
    BriefRequest,
    ItemRequest,
    ListRequest,
    MistakesRequest,
    ProjectRequest,
    ProjectsRequest,
    RecallRequest,
    RememberRequest,
    parse,
)
from tests.memory_core.service.conftest import Bench, OpenBench

NFC, NFD = "caf\u00e9", "cafe\u0301"


def change(bench: Bench, action: str, into: str, **more: Any) -> ProjectChanged:
    request = parse(ProjectRequest, {"action": action, "into": into, **more})
    return bench.service.projects.change_project(request)


def titles(bench: Bench, project: str, caller: Caller = OWNER) -> list[str]:
    caller = bench.service.core.names.widened(caller)
    found = bench.service.reading.list_lessons(parse(ListRequest, {"project": project}), caller)
    return sorted(one.title for one in found.items)


def stored(bench: Bench, title: str, project: str, caller: Caller = OWNER) -> str:
    caller = bench.service.core.names.widened(caller)
    request = parse(RememberRequest, {"title": title, "content": title, "project": project})
    return bench.service.lessons.remember(request, caller).id


def reopened(open_bench: OpenBench) -> Bench:
    return open_bench()


# -- names -------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["rename", "merge"])
def test_a_project_is_found_under_both_names_and_after_a_rebuild(
    action: str, open_bench: OpenBench
) -> None:
    bench = open_bench()
    kept = stored(bench, "Parse dates", "old")
    open_one = bench.recall("parse dates", project="old").recall_id
    assert change(bench, action, "new", project="old").items == 1
    stored(bench, "Parse times", "new")
    for before in (bench, None):
        bench = before or reopened(open_bench)
        for name in ("old", "new"):
            assert titles(bench, name) == ["Parse dates", "Parse times"]
            assert kept in bench.ids("parse dates", project=name)
            assert bench.lessons(project=name).project == "new"
            assert bench.service.reading.brief(BriefRequest(project=name)).project == "new"
    assert bench.report("success", recall_id=open_one, project="new").status == "recorded"
    assert bench.show(kept, "new").project == "new"
    assert bench.service.stats().projects == {"new": 2}
    line = bench.service.projects.projects(ProjectsRequest()).projects[0]
    assert (line.name, line.items, line.reports, line.aliases) == ("new", 2, 1, ("old",))


def test_what_is_written_under_a_new_name_joins_what_was_known(bench: Bench) -> None:
    failed = {"task": "parse", "error": "ValueError: bad date 12", "project": "old"}
    first = bench.report("failure", **failed)
    change(bench, "rename", "new", project="old")
    again = bench.report("failure", **{**failed, "project": "new"})
    assert again.signature == first.signature
    told = bench.service.reading.mistakes(MistakesRequest(project="new"))
    assert [one.seen for one in told.clusters] == [2]


def test_a_merged_project_is_warned_by_the_failures_of_both(bench: Bench) -> None:
    failed = {"task": "parse", "error": "ValueError: bad date 12"}
    bench.report("failure", **failed, project="old")
    change(bench, "merge", "new", project="old")
    assert bench.check(error="ValueError: bad date 12", project="new").warnings
    assert len(bench.service.reading.mistakes(MistakesRequest(project="new")).clusters) == 1


def test_the_same_text_is_one_item_under_all_names(bench: Bench) -> None:
    kept = stored(bench, "Parse dates", "old")
    change(bench, "merge", "new", project="old")
    assert stored(bench, "Parse dates", "new") == kept
    assert bench.forget(kept, project="new").state == "retired"


def test_a_name_of_before_can_be_taken_back(open_bench: OpenBench) -> None:
    bench = open_bench()
    stored(bench, "Parse dates", "a")
    change(bench, "rename", "b", project="a")
    change(bench, "rename", "c", project="b")
    change(bench, "rename", "a", project="c")
    for before in (bench, None):
        one = before or reopened(open_bench)
        assert all(titles(one, name) == ["Parse dates"] for name in "abc")
        assert [
            line.name for line in one.service.projects.projects(ProjectsRequest()).projects
        ] == ["a"]


def test_a_report_id_counts_once_under_all_names(bench: Bench) -> None:
    bench.report("success", task="parse", report_id="r1", project="old")
    change(bench, "merge", "new", project="old")
    again = bench.report("success", task="parse", report_id="r1", project="new")
    assert again.status == "repeated"


@pytest.mark.parametrize(
    ("action", "project", "into", "why"),
    [
        ("rename", "old", "other", "project of its own"),
        ("rename", "old", "old", "the same project"),
        ("rename", "old", GLOBAL_PROJECT, "keeps its name"),
        ("merge", GLOBAL_PROJECT, "old", "keeps its name"),
        ("merge", "default", "old", "keeps its name"),
        ("merge", "nosuch", "old", "nothing is stored"),
        ("rename", "ol", "x", "Near it: 'old'"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    bench: Bench, action: str, project: str, into: str, why: str
) -> None:
    for name in ("old", "other", "default", GLOBAL_PROJECT):
        stored(bench, f"Of {name}", name)
    before = bench.service.projects.projects(ProjectsRequest())
    with pytest.raises(InvalidInput, match=why):
        change(bench, action, into, project=project)
    assert bench.service.projects.projects(ProjectsRequest()) == before
    assert list(bench.service.core.store.events()) == []


# -- moving ------------------------------------------------------------------------


def test_items_move_one_by_one_and_all_at_once(open_bench: OpenBench) -> None:
    bench = open_bench()
    ids = [stored(bench, title, "default") for title in ("One", "Two", "Three")]
    moved = change(bench, "move", "shop", item_ids=ids[:1])
    assert (moved.items, len(moved.ids)) == (1, 1)
    assert bench.show(ids[0], "default").superseded_by == moved.ids[0]
    assert change(bench, "move", "shop", project="default").items == 2
    assert change(bench, "move", "shop", project="default").items == 0
    for before in (bench, None):
        one = before or reopened(open_bench)
        assert titles(one, "shop") == ["One", "Three", "Two"]
        assert titles(one, "default") == []
        assert one.ids("one", project="shop")


def test_a_move_needs_items_that_are_there(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="no active item"):
        change(bench, "move", "shop", item_ids=[new_id("item")])
    with pytest.raises(InvalidInput, match="neither is"):
        change(bench, "move", "shop")


# -- tokens ------------------------------------------------------------------------


def test_a_token_for_the_old_name_keeps_working_and_gains_nothing(bench: Bench) -> None:
    token, other = Caller("t", "write", ("old",)), Caller("o", "write", ("new",))
    stored(bench, "Old one", "old")
    stored(bench, "New one", "new")
    change(bench, "merge", "new", project="old")
    assert titles(bench, "old", token) == ["Old one"]
    kept = stored(bench, "By the token", "old", token)
    assert titles(bench, "", token) == ["By the token", "Old one"]
    assert titles(bench, "new", other) == ["By the token", "New one", "Old one"]
    assert bench.show(kept, "new").project == "new"
    seen = bench.service.core.names.widened(token)
    assert bench.service.reading.get(ItemRequest(item_id=kept), seen).project == "old"
    names = [one.name for one in bench.service.projects.projects(ProjectsRequest(), seen).projects]
    assert names == ["old"]


def test_a_token_sees_a_renamed_project_by_either_name(bench: Bench) -> None:
    stored(bench, "Before", "old")
    change(bench, "rename", "new", project="old")
    stored(bench, "After", "new")
    for name in ("old", "new"):
        assert titles(bench, name, Caller("t", "write", (name,))) == ["After", "Before"]


def test_changes_are_heard_under_every_name_that_sees_them(bench: Bench) -> None:
    stored(bench, "Old one", "old")
    stored(bench, "New one", "new")
    change(bench, "merge", "new", project="old")
    bench.changes.clear()
    stored(bench, "Another", "new")
    old, new = Caller("t", "read", ("old",)), Caller("o", "read", ("new",))
    assert not any(one.heard_by(old) for one in bench.changes)
    assert any(one.heard_by(new) and one.key == "new" for one in bench.changes)
    bench.changes.clear()
    stored(bench, "By the token", "old", old)
    assert any(one.heard_by(old) for one in bench.changes)
    assert any(one.heard_by(new) and one.key == "new" for one in bench.changes)


def test_a_follower_folds_names_as_the_writer_does(bench: Bench) -> None:
    stored(bench, "Old one", "old")
    change(bench, "rename", "new", project="old")
    (event,) = bench.service.core.store.events()
    bench.service.core.names.__init__()  # type: ignore[misc]
    assert titles(bench, "new") == []
    bench.service.follow([event], lambda _: True)
    assert titles(bench, "new") == ["Old one"]


# -- one spelling ------------------------------------------------------------------


def test_two_spellings_of_one_text_are_one_item_one_project_one_tag(bench: Bench) -> None:
    kept = bench.remember(f"Open the {NFD}", NFD, project=NFD, tags=[NFD], source=NFD)
    again = bench.remember(f"Open the {NFC}", NFC, project=NFC, tags=[NFC], source=NFC)
    assert (again.id, again.status) == (kept.id, "duplicate")
    shown = bench.show(kept.id, NFC)
    assert (shown.project, shown.tags, shown.source) == (NFC, (NFC,), NFC)
    assert shown.content == NFD, "what is stored keeps its form"
    assert bench.ids(NFC, project=NFD) == [kept.id]
    assert titles(bench, NFC, Caller("t", "read", (NFD,))) == [f"Open the {NFD}"]


@pytest.mark.parametrize("name", ["Shop", "SHOP", "sh\u200bop", "\ufeffshop", " shop "])
def test_names_that_look_the_same_are_one_project(bench: Bench, name: str) -> None:
    stored(bench, "Of the shop", "shop")
    assert titles(bench, name) == ["Of the shop"]
    stored(bench, "More", name)
    assert set(bench.service.stats().projects) == {"shop"}


def test_names_of_an_earlier_version_that_look_the_same_are_joined(open_bench: OpenBench) -> None:
    bench = open_bench()
    found = bench.service.lessons
    request = parse(RememberRequest, {"title": "Kept", "content": "Kept"})
    found.remember(request.model_copy(update={"project": NFD}))
    assert titles(reopened(open_bench), NFC) == ["Kept"]


# -- what was looked in ------------------------------------------------------------


def test_an_answer_says_what_lies_elsewhere_when_it_found_nothing(bench: Bench) -> None:
    stored(bench, "Parse dates", "shop")
    nothing = bench.recall("parse dates", project="shpo")
    assert (nothing.project, nothing.elsewhere) == ("shpo", 1)
    assert "Nothing is stored in project 'shpo'; 1 item lies in others, such as 'shop'" in (
        nothing.note
    )
    found = bench.recall("parse dates", project="shop")
    assert (found.project, found.elsewhere, found.note) == ("shop", 0, "")
    assert bench.check(action="parse dates", project="shpo").elsewhere == 1
    listed = bench.lessons(project="shpo")
    assert (listed.total, listed.elsewhere) == (0, 1)
    assert "'shop'" in listed.note
    stored(bench, "Ask before a restart", GLOBAL_PROJECT)
    for project, told_of in (("shpo", True), ("shop", False)):
        listed = bench.lessons(project=project)
        assert bool(listed.note) is bool(listed.elsewhere) is told_of, project
        assert "Ask before a restart" in [one.title for one in listed.items]
    limited = Caller("t", "read", ("mine",))
    request = parse(RecallRequest, {"task": "parse dates"})
    told = bench.service.recall(request, limited)
    assert (told.elsewhere, told.note) == (0, "")
