"""The log of what was served, for people."""

from __future__ import annotations

from server.cli.render import counted
from server.cli.terminal import Page
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memory_core.answers import OpenRecall, RecallsAnswer


def shown(page: Page, answer: RecallsAnswer) -> None:
    """Show recalls, two lines each: when and how they ended, and the task."""
    if not answer.recalls:
        page.line("No recall that fits.")
        return
    for one in answer.recalls:
        ended = _ended(one)
        session = f", session {one_line(one.session)}" if one.session else ""
        items = counted(one.items, "item")
        page.line(f"{one_line(one.recall_id)}  {page.styled(ended, 'bold')}")
        page.block(f"{one_line(one.at)}, {one.door}, {items}{session}", "  ", "dim")
        page.block(one_line(one.task), "  ")
        for item in one.served:
            page.block(f"{one_line(item.id)} {one_line(item.title)}", "    - ", "dim")
    page.line()
    page.line(f"{len(answer.recalls)} shown; {answer.open:,} without an outcome.", "dim")
    if answer.before:
        page.line(f"Older: lessonbank recalls --before {one_line(answer.before)}", "dim")
    for one in answer.recalls:
        if _ended(one) in _UNREPORTED:
            told = f"lessonbank outcome success --recall-id {one_line(one.recall_id)}"
            page.line(f"Report the newest open one: {told}", "dim")
            return


_UNREPORTED = ("open", "withheld")


def _ended(one: OpenRecall) -> str:
    return one.outcome or ("withheld" if one.withheld else "open" if one.items else "-")
