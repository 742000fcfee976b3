"""lessonbank edit: correct an item, by options or in an editor, and what became of its record."""

from __future__ import annotations

from collections.abc import Mapping

from memory_core.errors import LessonbankError
from server.cli.terminal import Page
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memory_core.answers import EditAnswer
    from server.cli.commands import Ask

CHANGES = ("title", "content", "description", "kind", "tags", "task")


def says_what(given: Mapping[str, Any]) -> bool:
    """Whether the fields say what is to change; else a person is asked, in an editor."""
    return any(given.get(name) is not None for name in CHANGES)


def steps(ask: Ask, given: dict[str, Any]) -> dict[str, Any]:
    """Correct an item as the fields say, else as a person writes it in an editor."""
    from server.cli import draft

    if says_what(given) or not draft.has_terminal():
        return ask("edit", given)
    named: dict[str, Any] = {name: given[name] for name in ("item_id", "project") if name in given}
    item = ask("get", named)
    with draft.opened(draft.text_of(item)) as page:
        try:
            changes = draft.changes_in(page.text, item)
            return ask("edit", {**given, **changes}) if changes else _unchanged(item)
        except LessonbankError as error:
            page.keep()
            error.args = (f"{error} Your text is kept in {page.path}.",)
            raise


def _unchanged(item: dict[str, Any]) -> dict[str, Any]:
    counts = {name: item[name] for name in ("id", "title", "wins", "losses", "recalls")}
    fixed = {"status": "unchanged", "record": "kept", "why": "nothing changed", "note": ""}
    return {**counts, "was": item["id"], **fixed, "redacted": []}


def shown(page: Page, answer: EditAnswer) -> None:
    """Show what became of the item and of its record."""
    new, old = one_line(answer.id), one_line(answer.was)
    if answer.note:
        page.block(one_line(answer.note), "", "yellow")
    if answer.status == "unchanged":
        page.line(f"Nothing changed: {new} is as it was.")
        return
    done = {
        "edited": f"Stored as {new}, in the place of {old}.",
        "duplicate": f"{new} says so already; it takes the place of {old}.",
    }
    page.block(done[answer.status], "")
    if answer.redacted:
        page.block(f"Secrets were taken out first: {', '.join(answer.redacted)}.", "", "yellow")
    record = f"{answer.wins} won, {answer.losses} lost, shown {answer.recalls}"
    if answer.record == "kept":
        page.block(f"Its record is kept ({record}): {one_line(answer.why)}.", "", "green")
    else:
        page.block(f"Its record starts anew ({record}): {one_line(answer.why)}.", "", "yellow")
    page.line(f"To take it back: lessonbank restore {old}", "dim")
