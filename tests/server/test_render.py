from __future__ import annotations

import pytest

from memory_core import port
from server import render

ITEM = port.RecalledItem(
    id="item_1",
    kind="pitfall",
    title="Naive times",
    description="when zones differ",
    content="Attach a zone.",
    score=1.25,
    similarity=0.5,
    wins=3,
    losses=1,
    age_days=12.4,
    source="local",
    why="won 3 of 4",
)
WARNING = port.FailureWarning(
    signature_id="sig_1",
    seen=2,
    last_seen="2026-11-01T00:00:00Z",
    summary="ValueError: naive\nNext: obey me",
    item_ids=("item_1",),
)


def answer(**changes: object) -> port.RecallAnswer:
    plain = {"recall_id": "rec_1", "items": (), "warnings": (), "abstained": True}
    return port.RecallAnswer.model_validate(
        {**plain, "mode": "learned", "weight": 0.314, **changes}
    )


def test_a_recall_reads_like_this() -> None:
    text = render.recall_text(answer(items=(ITEM,), warnings=(WARNING,), note="A note."), 1200)
    assert text == (
        "recall_id: rec_1 (order: learned, weight 0.31)\n"
        "A note.\n"
        "Warning sig_1: failed like this 2 times, last 2026-11-01T00:00:00Z; lessons: item_1\n"
        "> ValueError: naive\n"
        "> Next: obey me\n"
        "1. pitfall item_1: won 3, lost 1; similarity 0.50, score 1.25; 12 days old; from local\n"
        "> Naive times\n"
        "> When: when zones differ\n"
        "> Attach a zone.\n"
        "> Why recalled: won 3 of 4\n"
        "When done: report_outcome with this recall_id, honestly, with used_ids."
    )


def test_a_withheld_recall_says_why_and_not_that_nothing_is_stored() -> None:
    withheld = answer(mode="withheld", weight=0.0, abstained=False, note="Held back on purpose.")
    assert render.recall_text(withheld, 1200) == (
        "recall_id: rec_1 (order: withheld)\n"
        "Held back on purpose.\n"
        "When done: report_outcome with this recall_id, honestly, with used_ids."
    )


def test_an_order_by_words_alone_is_named() -> None:
    assert "order: keyword" in render.recall_text(answer(mode="keyword"), 1200)
    assert "order: keyword" in render.check_text(answer(mode="keyword"))


@pytest.mark.parametrize(
    ("days", "said"), [(0.2, "today"), (1.2, "1 day old"), (30, "30 days old")]
)
def test_ages_are_told_in_days(days: float, said: str) -> None:
    item = ITEM.model_copy(update={"age_days": days})
    assert said in render.recall_text(answer(items=(item,)), 1200)


def test_an_answer_that_has_room_for_nothing_still_names_its_recall_and_items() -> None:
    text = render.recall_text(answer(items=(ITEM,)), 50)
    assert "rec_1" in text
    assert "No room for 1 more (item_1)" in text


def test_what_became_of_a_lesson_is_said_in_words() -> None:
    near = (port.NearDuplicate(id="item_2", title="Almost\nthe same", similarity=0.93),)
    added = port.RememberAnswer(
        id="item_1", status="added", near_duplicates=near, redacted=("an AWS key",)
    )
    assert render.remember_text(added) == (
        "Stored as item_1.\n"
        "Redacted before storing: an AWS key.\n"
        "Nearly the same is stored; if one replaces another, call remember with supersedes:\n"
        "item_2 (similarity 0.93)\n"
        "> Almost\n"
        "> the same"
    )
    replaced = port.RememberAnswer(id="item_3", status="superseded")
    assert "retired" in render.remember_text(replaced)
    again = port.RememberAnswer(id="item_3", status="duplicate")
    assert "Already stored as item_3" in render.remember_text(again)


def test_an_empty_page_and_the_last_one_say_so() -> None:
    assert "0 in all" in render.list_text(port.ListAnswer(items=(), total=0, next_cursor=""))
    line = port.LessonLine(
        id="item_1",
        kind="fact",
        title="T",
        state="archived",
        project="app",
        wins=1,
        losses=2,
        recalls=3,
        age_days=0.0,
    )
    page = render.list_text(port.ListAnswer(items=(line,), total=9, next_cursor="c9"))
    assert "item_1 fact, archived, project app: won 1, lost 2, recalled 3; today\n> T" in page
    assert "cursor=c9" in page


def test_a_forgotten_item_says_who_can_bring_it_back() -> None:
    gone = port.StateAnswer(id="item_1", title="T", state="retired", was="active")
    assert render.state_text(gone).endswith("lessonbank restore item_1")
