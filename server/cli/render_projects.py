"""What `lessonbank projects` shows. This module calls nothing and decides nothing."""

from __future__ import annotations

from server.cli.terminal import Page
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memory_core.answers import ProjectChanged, ProjectsAnswer

_WHAT = {
    "rename": "{project} is called {into} now; both names mean it.",
    "merge": "{project} belongs to {into} now, and its name means {into}.",
    "move": "{items} into {into}.",
}


def listed(page: Page, answer: ProjectsAnswer) -> None:
    """Show all projects."""
    if not answer.projects:
        page.line("No project holds anything yet.")
    else:
        rows = [
            (
                f"{one_line(one.name)}{' *' if one.name == answer.project else ''}",
                str(one.items),
                str(one.recalls),
                str(one.reports),
                ", ".join(map(one_line, one.aliases)),
            )
            for one in answer.projects
        ]
        page.table(("project", "items", "recalls", "reports", "also called"), rows, flexible=0)
        page.line()
    page.line(f"* calls from here that name none: {one_line(answer.project)}", "dim")


def changed(page: Page, answer: ProjectChanged) -> None:
    """Show what became of a project."""
    items = f"{answer.items} item{'' if answer.items == 1 else 's'} moved"
    text = _WHAT[answer.action].format(project=answer.project, into=answer.into, items=items)
    page.line(one_line(text))
