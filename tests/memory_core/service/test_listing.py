"""Lists that are narrowed, the log of recalls, and ids by a part of them."""

from __future__ import annotations

from typing import Any

import pytest

from memory_core.answers import Identified, RecallsAnswer
from memory_core.caller import Caller
from memory_core.errors import InvalidInput, UnknownItem, UnknownRecall
from memory_core.requests import IdRequest, ListRequest, RecallsRequest, parse
from tests.memory_core.service.conftest import Bench, OpenBench


def titles(bench: Bench, **more: Any) -> list[str]:
    return [line.title for line in bench.lessons(**more).items]


# -- filters -----------------------------------------------------------------------


def test_a_query_lists_what_matches_and_nothing_else(bench: Bench) -> None:
    bench.remember("Read a CSV export", "Open it with utf-8-sig.")
    bench.remember("Bake a cake", "Stir the flour slowly.")
    assert titles(bench, query="csv export") == ["Read a CSV export"]
    assert titles(bench, query="zymurgy quokka") == []
    assert bench.lessons(query="zymurgy quokka").total == 0
    keyword = bench.lessons(query="cake")
    assert [line.title for line in keyword.items] == ["Bake a cake"]


def test_one_common_word_of_a_long_query_is_no_match(bench: Bench) -> None:
    bench.remember("Read a CSV export", "Open it with utf-8-sig.")
    assert titles(bench, query="open quokka zymurgy xylophone grommet") == []


def test_a_list_is_narrowed_by_tag_source_and_time(bench: Bench) -> None:
    bench.remember("One", "First.", tags=["CSV"], source="ann")
    bench.now += 86_400
    bench.remember("Two", "Second.", tags=["csv", "io"], source="bob")
    bench.now += 86_400
    assert titles(bench, tag="csv") == ["Two", "One"]
    assert titles(bench, tag="io") == ["Two"]
    assert titles(bench, written_by="ann") == ["One"]
    assert titles(bench, since="36h") == ["Two"]
    assert titles(bench, until="36h") == ["One"]
    assert titles(bench, since="1970-01-12T13:46:40", until="1970-01-13") == ["Two", "One"]
    assert titles(bench, query="second", tag="csv", written_by="bob") == ["Two"]
    assert titles(bench, query="first second", sort="recent") == ["Two", "One"]
    assert bench.lessons(tag="nothing").total == 0


def test_filters_page_and_a_cursor_of_another_filter_is_refused(bench: Bench) -> None:
    for number in range(5):
        bench.remember(f"Lesson {number}", f"Content {number}", tags=["even" * (number % 2 == 0)])
    page = bench.lessons(tag="even", limit=2)
    assert page.total == 3
    assert len(bench.lessons(tag="even", limit=2, cursor=page.next_cursor).items) == 1
    with pytest.raises(InvalidInput, match="not of this listing"):
        bench.lessons(limit=2, cursor=page.next_cursor)


@pytest.mark.parametrize("name", ["since", "until"])
def test_a_date_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is no date"):
        parse(ListRequest, {name: "last week"})


# -- the log -----------------------------------------------------------------------


def logged(bench: Bench, **more: Any) -> RecallsAnswer:
    return bench.service.reading.recalls(parse(RecallsRequest, {"open": False, **more}))


def test_the_log_tells_what_was_served_and_how_it_ended(bench: Bench, parsers: list[str]) -> None:
    first = bench.recall("parse\ndates", session="s")
    bench.now += 60
    nothing = bench.recall("zymurgy quokka")
    checked = bench.check(action="parse dates")
    outcome = bench.report("failure", recall_id=first.recall_id)
    answer = logged(bench)
    told = {one.recall_id: one for one in answer.recalls}
    assert list(told) == [checked.recall_id, nothing.recall_id, first.recall_id]
    one = told[first.recall_id]
    assert (one.outcome, one.outcome_id) == ("failure", outcome.outcome_id)
    assert (one.task, one.door, one.session, one.project) == ("parse dates", "recall", "s", "demo")
    assert one.at == "1970-01-12T13:46:40Z"
    assert [(item.id, item.title) for item in one.served] == [
        (item.id, item.title) for item in first.items
    ]
    assert told[nothing.recall_id].served == ()
    assert told[checked.recall_id].door == "check"
    assert all(told[key].outcome == "" for key in (nothing.recall_id, checked.recall_id))


def test_the_log_survives_a_restart_and_pages(open_bench: OpenBench) -> None:
    bench = open_bench(model=False)
    bench.remember("Parse dates", "With a format.")
    ids = [bench.recall("parse dates", session=f"s{n % 2}").recall_id for n in range(5)]
    bench.recall("parse dates", project="other")
    after = open_bench(model=False)
    after.now += 3_600
    late = after.recall("parse dates").recall_id
    page = logged(after, limit=4)
    assert [one.recall_id for one in page.recalls] == [late, *ids[:1:-1]]
    assert page.before == ids[2]
    rest = logged(after, limit=4, before=page.before)
    assert ([one.recall_id for one in rest.recalls], rest.before) == (ids[1::-1], "")
    assert [one.recall_id for one in logged(after, session="s1").recalls] == [ids[3], ids[1]]
    assert [one.recall_id for one in logged(after, since="30m").recalls] == [late]


# -- ids ---------------------------------------------------------------------------


def meant(bench: Bench, what: str, given: str = "", **more: Any) -> Identified:
    request = parse(IdRequest, {"what": what, "given": given, **more})
    return bench.service.identify(request, more.get("caller", Caller()))


def test_an_id_is_known_by_its_beginning_or_its_end(bench: Bench) -> None:
    item = bench.remember("Close the file", "Use a with block.").id
    recall = bench.recall("close the file").recall_id
    outcome = bench.report("success", recall_id=recall).outcome_id
    for what, whole in (("item", item), ("recall", recall), ("outcome", outcome)):
        bare = whole.partition("_")[2]
        for given in (whole, whole[:20], bare[:16], whole[-6:]):
            assert meant(bench, what, given).id == whole
    assert meant(bench, "item", item[:20]).title == "Close the file"


def test_a_part_of_several_ids_names_them(bench: Bench) -> None:
    ids = [bench.remember(f"Lesson {n}", f"Content {n}").id for n in range(3)]
    with pytest.raises(InvalidInput, match="is part of 3 ids") as refused:
        meant(bench, "item", "item_", field="ID")
    assert all(f"{one} (Lesson " in str(refused.value) for one in ids)
    assert str(refused.value).startswith("ID = 'item_'")


def test_a_part_of_no_id_is_unknown(bench: Bench) -> None:
    bench.remember("Lesson", "Content")
    with pytest.raises(UnknownItem, match="zzzz"):
        meant(bench, "item", "zzzz")
    with pytest.raises(UnknownRecall, match="rec_zz"):
        meant(bench, "recall", "rec_zz")


def test_ids_of_projects_that_a_caller_does_not_see_are_not_told(bench: Bench) -> None:
    item = bench.remember("Secret", "Content", project="theirs").id
    recall = bench.recall("secret", project="theirs").recall_id
    mine = Caller(source="me", scope="write", projects=("mine",))
    for what, whole in (("item", item), ("recall", recall)):
        request = parse(IdRequest, {"what": what, "given": whole[:20]})
        with pytest.raises(InvalidInput, match="known here"):
            bench.service.identify(request, mine)
        assert bench.service.identify(request, Caller()).id == whole


def test_the_last_retired_is_the_one_that_was_forgotten_last(bench: Bench) -> None:
    """Not the newest, not one that another took the place of, not one of another project."""
    first, second = (bench.remember(one, "Content").id for one in ("First", "Second"))
    with pytest.raises(InvalidInput, match="means no forgotten item: project 'demo' has none"):
        meant(bench, "item", state="retired")
    bench.forget(second)
    bench.forget(first)
    other = bench.remember("Third", "Content", project="other").id
    bench.forget(other)
    old = bench.remember("Fourth", "Content").id
    bench.remember("Fifth", "Better content", supersedes=old)
    assert meant(bench, "item", state="retired").id == first
    bench.restore(first)
    assert meant(bench, "item", state="retired").id == second


def test_the_last_is_of_the_project_and_the_session(bench: Bench) -> None:
    bench.remember("First", "Content")
    bench.now += 1
    last = bench.remember("Second", "Content").id
    bench.now += 1
    other = bench.remember("Third", "Content", project="other").id
    one = bench.recall("content", session="s").recall_id
    two = bench.recall("content").recall_id
    assert meant(bench, "item").id == last
    assert meant(bench, "item", project="other").id == other
    assert meant(bench, "recall").id == two
    assert meant(bench, "recall", session="s").id == one
    outcome = bench.report("success", recall_id=one).outcome_id
    assert meant(bench, "outcome").id == outcome
    with pytest.raises(InvalidInput, match="last means no recall: project 'empty' has none"):
        meant(bench, "recall", project="empty")
