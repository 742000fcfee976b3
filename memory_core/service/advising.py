"""What a caller should do now: `next` of each answer, one sentence that is right for its state.

Written for models: many clients show a model the data of an answer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from memory_core.answers import RememberAnswer
from memory_core.errors import shown
from memory_core.model import Mode, Outcome, State
from memory_core.requests import ROOM_FOR_ONE

Reported = Literal["recall_id", "task", ""]
"""How what was recalled can be reported: by its recall_id, by task (it was not logged), not at all
(the caller may only read)."""


def _call(by: Reported, more: str = "") -> str:
    named = "this recall_id" if by == "recall_id" else "the task"
    return f"call report_outcome with {named}{more}"


def after_recall(
    *,
    items: int,
    cramped: bool,
    warnings: int,
    mode: Mode,
    loading: bool,
    reported: Reported,
) -> str:
    """What to do with an answer of recall.

    Args:
        items: Items served.
        cramped: Whether the answer has room for no item but a title.
        warnings: Warnings served.
        mode: How the answer was found.
        loading: Whether the search by meaning is still on its way.
        reported: How the outcome can be reported.
    """
    if mode == "withheld":
        then = f", then {_call(reported)} as always" if reported else ""
        return f"Do the task without notes{then}."
    if items and cramped:
        return f"Ask again with max_tokens of {ROOM_FOR_ONE} or more: what fits has no room here."
    if items:
        used = ", the outcome and used_ids ([] if you followed none)"
        then = f", then {_call(reported, used)}" if reported else ""
        return f"Follow what fits this task{then}."
    if warnings:
        then = f", then {_call(reported, ' and the outcome')}" if reported else ""
        return f"No lesson fits: avoid what the warnings describe{then}."
    then = f", and {_call(reported)} when it ends" if reported else ""
    if loading:
        return (
            f"Nothing was found by words alone: go on without{then}; a recall in a few seconds "
            "searches by meaning, too."
        )
    return f"Nothing stored helps with this task: go on without{then}."


def after_check(
    *,
    items: int,
    against: int,
    failed: bool,
    others: bool,
    mode: Mode,
    loading: bool,
    reported: Reported,
) -> str:
    """What to do with an answer of check.

    Args:
        items: Items served.
        against: Warnings and pitfalls served.
        failed: Whether it asked with an error.
        others: Whether items fit, served or not.
        mode: How the answer was found.
        loading: Whether the search by meaning is still on its way.
        reported: How the outcome can be reported.
    """
    used = ", the outcome and used_ids ([] if you followed none)"
    if items and (failed or not against):
        then = f", then {_call(reported, used)}" if reported else ""
        return f"Follow what fits this {'error' if failed else 'step'}{then}."
    if against:
        then = f", then {_call(reported)} to say how it ended" if reported else ""
        if failed:
            return f"No lesson fits: take another way than the one that the warnings tell of{then}."
        return f"Change the step or make sure that this cannot happen{then}."
    if mode == "keyword" and loading:
        return (
            "Nothing was found by words alone: go on with care, or call check again in a few "
            "seconds, when the search by meaning is ready."
        )
    if failed:
        more = ", the outcome and the error, so that it is known next time"
        then = f", then {_call(reported, more)}" if reported else ""
        return f"Nothing stored fits this error: solve it{then}."
    if others:
        return (
            "Nothing known against it: no like failure is stored, so go on; call recall with the "
            "task for a lesson that fits this step."
        )
    return "Nothing known against it: no like failure is stored, so go on."


def after_report(
    *,
    outcome: Outcome,
    failed: bool,
    outcome_id: str,
    recall_id: str,
    group: str,
    lessons: Sequence[RememberAnswer],
) -> str:
    """What to do after a report, whose `lessons` are those that came with it.

    Args:
        outcome: As it was judged.
        failed: Whether it teaches that something failed.
        outcome_id: Of this report.
        recall_id: Of the recall that was reported, "" for a report by task.
        group: The attempts that belong together, else "".
        lessons: What became of the lessons that came with it.
    """
    if lessons:
        near = [one.id for one in lessons if one.near_duplicates]
        if near:
            return (
                f"The lessons are stored; look at the near duplicates of {', '.join(near)}, and "
                "where the new one replaces an old one, call remember with its text and supersedes."
            )
        return "Nothing: the lessons are stored and the next recall knows this outcome."
    each = f"each with outcome_id {outcome_id}"
    if outcome == "unknown":
        named = "this recall_id" if recall_id else "the task"
        return f"Report {named} again once you know how it ended; unknown teaches nothing."
    if failed:
        return (
            "Find out which assumption was wrong and what would have shown it earlier, then call "
            "remember for up to 3 general lessons (kind pitfall, or strategy for the way that "
            f"works), {each}."
        )
    if group:
        return (
            f"Compare the attempts of group {shown(group)}: what the good ones share and the bad "
            f"ones lack, then call remember for up to 5 lessons, {each}."
        )
    return (
        "If something here was new, call remember for up to 3 general lessons (when to use it, "
        f"when not, what to do), {each}; else nothing more is needed."
    )


def after_remember(*, stored: bool, replaceable: str, near: bool) -> str:
    """What to do after a lesson was taken in.

    Args:
        stored: Whether it is new in the memory.
        replaceable: An item of its project that says nearly the same, "" for none.
        near: Whether there are items that say nearly the same, of whatever project.
    """
    if replaceable:
        return (
            "Compare it with its near duplicates: if it replaces one, call remember again with "
            f"the same text and that one's id as supersedes (e.g. {replaceable})."
        )
    if near:
        return "Nothing: a global item says nearly the same, and both can stay."
    if stored:
        return "Nothing: it can be recalled from now on."
    return "Nothing: it was stored before, word for word."


def after_state(*, item_id: str, state: State, was: State) -> str:
    """What to do after an item was retired or brought back."""
    if state == was:
        return f"Nothing: it was {was} before."
    if state == "active":
        return "Nothing: it can be recalled again."
    return f"Nothing: the user can bring it back with `lessonbank restore {item_id}`."


def after_listing(*, shown_items: int, total: int, cursor: str, filtered: bool) -> str:
    """What to do after one page of a listing."""
    if cursor:
        return f"For the next page repeat this call with cursor {cursor}."
    if total and not shown_items:
        return "Nothing is on this page: leave out cursor to begin again."
    if total:
        return "Read one whole as memory://lessons/{id}, or correct one with remember(supersedes)."
    if filtered:
        return "Nothing fits: leave out query, kind or state, or name another project."
    return "Nothing is stored here yet: name another project, or store a lesson with remember."
