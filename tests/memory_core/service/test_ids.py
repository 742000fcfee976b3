"""An id says where it belongs, whatever project the call is made in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from memory_core.caller import OWNER, Caller
from memory_core.errors import Forbidden, InvalidInput, LessonbankError, UnknownItem, UnknownRecall
from memory_core.requests import (
    ForgetRequest,
    IdRequest,
    ItemRequest,
    ListRequest,
    OutcomeRequest,
    RememberRequest,
    parse,
)
from tests.memory_core.service.conftest import Bench

HERE = replace(OWNER, home="here")
"""The owner by a front whose default project is another one than the lessons'."""
BOTH = Caller("both", "admin", ("here", "demo"))
CROSSING = pytest.mark.parametrize("caller", [OWNER, HERE, BOTH], ids=["own", "home", "token"])
LESSON = {"title": "Parse dates once", "content": "Parse them where they come in."}


def called(bench: Bench, what: str, caller: Caller, **given: Any) -> Any:
    """Call the service as the doors do."""
    service = bench.service
    calls: dict[str, Callable[[], Any]] = {
        "report": lambda: service.report_outcome(parse(OutcomeRequest, given), caller),
        "remember": lambda: service.lessons.remember(
            parse(RememberRequest, {**LESSON, **given}), caller
        ),
        "forget": lambda: service.lessons.forget(
            parse(ForgetRequest, {"reason": "wrong", **given}), caller
        ),
        "restore": lambda: service.lessons.restore(
            parse(ForgetRequest, {"reason": "right", **given}), caller
        ),
        "get": lambda: service.reading.get(parse(ItemRequest, given), caller),
        "list": lambda: service.reading.list_lessons(parse(ListRequest, given), caller),
    }
    return calls[what]()


@CROSSING
@pytest.mark.parametrize("project", ["", "here"], ids=["no project", "another project"])
def test_a_report_belongs_to_its_recalls_project(
    bench: Bench, parsers: list[str], caller: Caller, project: str
) -> None:
    """And its lessons, and a lesson of its outcome, go there too."""
    served = bench.recall("parse dates", project="demo")
    answer = called(
        bench,
        "report",
        caller,
        recall_id=served.recall_id,
        outcome="success",
        used_ids=[served.items[0].id],
        lessons=[{"title": "Of the report", "content": "c"}],
        project=project,
    )
    kept = called(bench, "remember", caller, outcome_id=answer.outcome_id, project=project)
    for item_id in (answer.lessons[0].id, kept.id):
        detail = bench.show(item_id)
        assert (detail.project, detail.derived_from) == ("demo", (served.recall_id,))
    crossed = bool(project) or caller is not OWNER
    assert bool(answer.note) == bool(kept.note) == crossed
    if crossed:
        assert "'demo'" in answer.note
        assert "'here'" in answer.note


@CROSSING
def test_an_item_is_retired_restored_read_and_replaced_by_its_id(
    bench: Bench, parsers: list[str], caller: Caller
) -> None:
    """The default of the front and a project that was named otherwise change nothing."""
    for project in ("", "here"):
        given = {"item_id": parsers[0], "project": project}
        assert called(bench, "forget", caller, **given).state == "retired"
        assert called(bench, "get", caller, **given).state == "retired"
        assert called(bench, "restore", caller, **given).state == "active"
    new = called(bench, "remember", caller, supersedes=parsers[0], project="here")
    assert new.status == "superseded"
    assert bench.show(new.id).project == "demo"
    assert bench.show(parsers[0]).superseded_by == new.id


@CROSSING
def test_a_report_by_task_belongs_to_the_items_that_it_names(
    bench: Bench, parsers: list[str], caller: Caller
) -> None:
    """Items of two projects are two reports; global ones are at home everywhere."""
    everywhere = bench.remember("Everywhere", project="global").id
    answer = called(
        bench, "report", caller, task="t", outcome="success", used_ids=[everywhere, parsers[0]]
    )
    assert bench.service.core.reports.by_id[answer.outcome_id].project == "demo"
    other = bench.remember("Of here", project="here").id
    with pytest.raises(InvalidInput, match=r"'demo'.*on their own"):
        called(bench, "report", caller, task="t", outcome="success", used_ids=[parsers[0], other])
    named = called(
        bench, "report", caller, task="u", outcome="success", used_ids=[everywhere], project="here"
    )
    assert bench.service.core.reports.by_id[named.outcome_id].project == "here"


def test_what_replaces_an_item_may_be_told_to_be_global(bench: Bench, parsers: list[str]) -> None:
    """A lesson of one project becomes one for all: its own project goes on seeing it."""
    answer = bench.report("success", recall_id=bench.recall("parse dates").recall_id)
    new = bench.remember(
        "Everywhere", supersedes=parsers[0], outcome_id=answer.outcome_id, project="global"
    )
    assert new.status == "superseded"
    assert "is of project" not in new.note
    assert bench.show(new.id).project == "global"


def test_a_global_item_is_retired_under_the_global_project_alone(bench: Bench) -> None:
    """An id says where it belongs, and not that everybody shall lose it."""
    item = bench.remember("Close files", project="global").id
    everywhere = replace(OWNER, home="global")
    for what in ("forget", "restore"):
        for caller in (OWNER, HERE):
            with pytest.raises(InvalidInput, match="project 'global'"):
                called(bench, what, caller, item_id=item)
    with pytest.raises(InvalidInput, match="project 'global'"):
        called(bench, "remember", HERE, supersedes=item)
    assert called(bench, "forget", everywhere, item_id=item).state == "retired"
    assert called(bench, "restore", HERE, item_id=item, project="global").state == "active"


def test_a_cursor_knows_its_listings_project(bench: Bench, parsers: list[str]) -> None:
    """The next page is asked for with the cursor alone, by whatever front."""
    bench.remember("Of here", project="here")
    first = called(bench, "list", HERE, project="demo", limit=1)
    for project in ("", "demo"):
        page = called(bench, "list", HERE, cursor=first.next_cursor, limit=2, project=project)
        assert page.total == 3
        assert {line.project for line in page.items} == {"demo"}
    with pytest.raises(InvalidInput, match="not of this listing"):
        called(bench, "list", HERE, cursor=first.next_cursor, project="here")
    long = "\u00e9" * 128
    for title in ("a", "b"):
        bench.remember(title, project=long)
    page = called(bench, "list", OWNER, project=long, limit=1)
    assert called(bench, "list", OWNER, cursor=page.next_cursor).items[0].project == long


def test_ids_outside_of_a_tokens_projects_look_like_ids_that_nobody_gave(
    bench: Bench, parsers: list[str]
) -> None:
    """The same sentence for what is hidden and what was never there."""
    stranger = Caller("stranger", "admin", ("here",))
    recall_id = bench.recall("parse dates").recall_id
    outcome_id = bench.report("success", recall_id=recall_id).outcome_id
    cursor = bench.lessons(limit=1).next_cursor
    calls: list[tuple[str, str, str, dict[str, Any]]] = [
        ("report", "recall_id", recall_id, {"outcome": "success"}),
        ("report", "used_ids", parsers[0], {"outcome": "success", "task": "t"}),
        ("remember", "outcome_id", outcome_id, {}),
        ("remember", "supersedes", parsers[0], {}),
        ("remember", "supersedes", parsers[0], {"project": "here"}),
        ("forget", "item_id", parsers[0], {}),
        ("restore", "item_id", parsers[0], {}),
        ("get", "item_id", parsers[0], {}),
        ("list", "cursor", cursor, {}),
    ]
    for what, name, real, more in calls:
        made_up = real[:-4] + "0000"
        said = []
        for value in (real, made_up):
            given = {name: [value] if name.endswith("_ids") else value, **more}
            with pytest.raises(LessonbankError) as refused:
                called(bench, what, stranger, **given)
            assert not isinstance(refused.value, Forbidden)
            said.append(str(refused.value).replace(real, made_up))
        assert said[0] == said[1], what


def test_a_recall_that_was_reported_stands_for_its_outcome(
    bench: Bench, parsers: list[str]
) -> None:
    """Two ids that a model confuses: its lesson is not lost."""
    recall_id = bench.recall("parse dates").recall_id
    with pytest.raises(InvalidInput, match="names no outcome"):
        bench.remember("Too early", outcome_id=recall_id)
    outcome_id = bench.report("success", recall_id=recall_id).outcome_id
    kept = bench.show(bench.remember("Of the recall", outcome_id=f"`{recall_id}`").id)
    assert (kept.outcome_id, kept.derived_from) == (outcome_id, (recall_id,))


def test_unknown_ids_are_named(bench: Bench) -> None:
    with pytest.raises(UnknownRecall, match="rec_nowhere"):
        bench.report("success", recall_id="rec_nowhere")
    with pytest.raises(UnknownItem, match="item_nowhere"):
        bench.show("item_nowhere")


def test_nothing_of_another_project_is_recalled(bench: Bench, parsers: list[str]) -> None:
    assert bench.recall("parse dates", project="other").items == ()


def test_an_id_of_something_else_is_said_to_be(bench: Bench) -> None:
    item = bench.remember("Parse dates", "With a format.").id
    recall = bench.recall("parse dates").recall_id
    with pytest.raises(UnknownItem, match=f"'{recall}' names a recall, not an item"):
        bench.show(recall)
    for given in (recall, recall[:12]):
        with pytest.raises(UnknownItem, match=f"'{given}' names a recall, not an item"):
            bench.service.identify(IdRequest(what="item", given=given))
    for given in (item, item[:20]):
        with pytest.raises(UnknownRecall, match=f"'{given}' names an item, not a recall"):
            bench.service.identify(IdRequest(what="recall", given=given))
    with pytest.raises(UnknownRecall, match="names an item, not a recall"):
        bench.report("success", recall_id=item)
    with pytest.raises(UnknownItem, match="names no item that is known here"):
        bench.show("item_of_nobody")
