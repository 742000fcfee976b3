"""The port's answers for people. This module calls nothing and decides nothing."""

from __future__ import annotations

from server.cli.terminal import Page
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memory_core.answers import (
        ItemDetail,
        ListAnswer,
        OutcomeAnswer,
        RecallAnswer,
        RecalledItem,
        RememberAnswer,
        StateAnswer,
    )
    from memory_core.model import Outcome, State
    from server.cli.terminal import Style

_OUTCOMES: dict[Outcome, Style] = {
    "success": "green", "partial": "yellow", "failure": "red", "unknown": "dim",
}  # fmt: skip
_STATES: dict[State, Style] = {"active": "green", "retired": "yellow", "archived": "yellow"}


def _age(days: float) -> str:
    if days < 1:
        return "today"
    return f"{days:,.0f} d" if days < 365 else f"{days / 365:,.1f} y"


def counted(number: int, what: str) -> str:
    """Give a count with its noun: "1 item", "1,200 items"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _record(wins: int, losses: int) -> str:
    return f"{wins} won, {losses} lost" if wins or losses else "untried"


_ORDERS = {
    "learned": "in the order that your outcomes taught",
    "similarity": "in the order of similarity",
    "keyword": "in the order of words in common; the model is not there",
}


def recall(page: Page, answer: RecallAnswer) -> None:
    """Show a recall: warnings first, then the items, then what to do next."""
    found(page, answer)
    page.line()
    if answer.items or answer.warnings or answer.mode == "withheld":
        page.line("When done (or partial, failure, unknown; --used ID):", "dim")
        page.line(f"  lessonbank outcome success --recall-id {one_line(answer.recall_id)}", "dim")
    else:
        page.block(f"Nothing stored helps with this task{_where(answer)}.", "")
        page.line("Keep what you learn: lessonbank remember TITLE CONTENT", "dim")
        _see_others(page, answer)


def check(page: Page, answer: RecallAnswer) -> None:
    """Show failures seen before, then the items that warn or that help."""
    found(page, answer)
    page.line()
    if answer.items or answer.warnings:
        page.line("When done (success, partial, failure or unknown):", "dim")
        page.line(f"  lessonbank outcome success --recall-id {one_line(answer.recall_id)}", "dim")
    else:
        page.block(f"{one_line(answer.next).partition(':')[0]}{_where(answer)}.", "")
        _see_others(page, answer)


def found(page: Page, answer: RecallAnswer) -> None:
    """Show what is known: how it was found, warnings, items."""
    of = f"; project {one_line(answer.project)}" if answer.project else ""
    order = f"  ({_ORDERS.get(answer.mode, answer.mode)}{of})" if answer.items else ""
    page.block(f"{one_line(answer.recall_id)}{order}", "", "dim")
    _noted(page, answer.note)
    for warning in answer.warnings:
        times = _times(warning.seen)
        page.line()
        page.block(f"! failed like this {times}, last {one_line(warning.last_seen)}", "", "red")
        page.block(warning.summary, "    ")
    for number, item in enumerate(answer.items, start=1):
        page.line()
        _recalled(page, number, item)


def _where(answer: RecallAnswer | ListAnswer) -> str:
    """The project that was looked in, and what lies in others; "" where the note says it."""
    if not answer.project or f"{answer.project}'; " in answer.note:
        return ""
    others = f"; {counted(answer.elsewhere, 'item')} in other projects" if answer.elsewhere else ""
    return f" (project {one_line(answer.project)}{others})"


def _see_others(page: Page, answer: RecallAnswer | ListAnswer) -> None:
    if answer.elsewhere:
        page.line("See the others: lessonbank projects", "dim")


def _recalled(page: Page, number: int, item: RecalledItem) -> None:
    page.block(f"{number}. {one_line(item.title)}", "", "bold")
    facts = (item.kind, _record(item.wins, item.losses), _age(item.age_days), one_line(item.id))
    page.block(", ".join(facts), "   ", "dim")
    if item.description:
        page.block(item.description, "   ")
    page.block(item.content, "     ")
    if item.why:
        page.block(f"why: {one_line(item.why)}", "   ")


def _noted(page: Page, note: str) -> None:
    if note:
        page.block(one_line(note), "", "yellow")


def remembered(page: Page, answer: RememberAnswer) -> None:
    """Show what became of an item to be stored."""
    done = {
        "added": "Stored as",
        "duplicate": "Known already as",
        "superseded": "Stored, in the place of the old one, as",
    }
    page.line(f"{done[answer.status]} {page.styled(one_line(answer.id), 'bold')}.")
    _noted(page, answer.note)
    if answer.redacted:
        page.block(f"Secrets were taken out first: {', '.join(answer.redacted)}.", "", "yellow")
    if answer.near_duplicates:
        page.line("Nearly the same:")
        rows = [(near.id, f"{near.similarity:.2f}", near.title) for near in answer.near_duplicates]
        page.table(("id", "similar (1: the same)", "title"), rows, flexible=2)


def outcome(page: Page, answer: OutcomeAnswer) -> None:
    """Show how a report was read and what it changed."""
    judged = answer.judged
    page.line(
        f"{answer.status.capitalize()}: {page.styled(judged.outcome, _OUTCOMES[judged.outcome])}, "
        f"strength {judged.strength:.2f} of 1"
    )
    page.block(judged.why)
    if answer.credited:
        page.line()
        rows = [(c.id, f"{c.credit:+.2f}", str(c.wins), str(c.losses)) for c in answer.credited]
        page.table(("item", "credit ±1", "won", "lost"), rows, flexible=0)
    page.line()
    page.pairs(
        [
            ("outcome", answer.outcome_id),
            ("signature", answer.signature),
            ("learned from", counted(answer.learning.reports, "report")),
            ("proof", answer.learning.proof),
        ]
    )
    page.line()
    kept = f"--outcome-id {one_line(answer.outcome_id)}"
    page.line(f"Keep a lesson of it: lessonbank remember TITLE CONTENT {kept}", "dim")


def lessons(page: Page, answer: ListAnswer) -> None:
    """Show one page of items as a table."""
    if not answer.items:
        page.block(f"Nothing is stored that fits{_where(answer)}.", "")
        _noted(page, answer.note)
        _see_others(page, answer)
        return
    rows = [
        (
            i.id,
            i.kind,
            i.title,
            str(i.wins),
            str(i.losses),
            str(i.recalls),
            _age(i.age_days),
            i.state,
        )
        for i in answer.items
    ]
    head = ("id", "kind", "title", "won", "lost", "shown", "age", "state")
    page.table(head, rows, flexible=2)
    page.line()
    page.block(f"{len(answer.items)} of {answer.total:,}{_whose(answer)}.", "", "dim")
    _noted(page, answer.note)
    _see_others(page, answer)
    if answer.next_cursor:
        page.line(f"Next page: the same with --cursor {one_line(answer.next_cursor)}", "dim")


def _whose(answer: ListAnswer) -> str:
    """The project of a page of items, and how many of them every project sees."""
    shared = sum(one.project != answer.project for one in answer.items)
    of = f"; {shared:,} of them seen from every project" if shared else ""
    return f" (project {one_line(answer.project)}{of})" if answer.project else ""


def state(page: Page, answer: StateAnswer) -> None:
    """Show an item's state after it was changed."""
    now = page.styled(answer.state, _STATES[answer.state])
    page.block(one_line(answer.title), "", "bold")
    page.line(f"  {now} (was {answer.was})")
    _noted(page, answer.note)
    if answer.state == "retired":
        page.line(f"Bring it back with: lessonbank restore {one_line(answer.id)}", "dim")


def _lineage(item_id: str, kept: bool) -> str:
    return f"{item_id} (the record passed on)" if item_id and kept else item_id


def item(page: Page, detail: ItemDetail) -> None:
    """Show a whole item and the outcomes that touched it."""
    page.block(one_line(detail.title), "", "bold")
    page.line()
    page.pairs(
        [
            ("id", detail.id),
            ("kind", f"{detail.kind}, {detail.state}"),
            ("project", detail.project),
            ("record", f"{_record(detail.wins, detail.losses)}, shown {_times(detail.recalls)}"),
            ("created", detail.created_at),
            ("source", f"{detail.source} (trusted {detail.trust:.0%})"),
            ("tags", ", ".join(detail.tags)),
            ("task", detail.task),
            ("evidence", detail.evidence),
            ("supersedes", _lineage(detail.supersedes, detail.supersedes in detail.earlier)),
            ("superseded by", _lineage(detail.superseded_by, bool(detail.latest))),
            ("learned from", detail.outcome_id),
            ("pair", " and ".join(detail.pair)),
            ("vectors of", detail.embedder or "none yet"),
        ]
    )
    for heading, text in (("When", detail.description), ("What", detail.content)):
        if text:
            page.line()
            page.line(heading, "dim")
            page.block(text)
    if detail.outcomes:
        page.line()
        rows = [(o.at, o.outcome, f"{o.credit:+.2f}", o.error or o.task) for o in detail.outcomes]
        page.table(("at", "outcome", "credit ±1", "error or task"), rows, flexible=3)
