"""What each scope may do in its own project, in another one and with global items.

The table that these tests measure on a real server is docs/authorisation.md. To write
it anew: `python -m tests.server.web.test_matrix`.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.web.served import Server

SCOPES = ("read", "write", "admin")
PLACES = ("own", "other", "global", "all")
TABLE = Path(__file__).parents[3] / "docs" / "authorisation.md"
SECRET = "quokkas"


class World:
    """A server with two projects and global items, written by its owner, and tokens."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder, LESSONBANK_TOKEN="the-owner-of-these-tests")
        self.owner = "the-owner-of-these-tests"
        self.tokens = {
            (scope, whole): self.server.token(
                f"{scope}-{'all' if whole else 'own'}", scope, *(() if whole else ("own",))
            )
            for scope in SCOPES
            for whole in (False, True)
        }
        self.count = itertools.count()

    def stored(self, project: str, token: str = "") -> str:
        """Store an item, and give its id."""
        number = next(self.count)
        title = f"{SECRET if project == 'other' else 'herons'} {number}"
        ok, said = self.server.call(
            token or self.owner, "remember", title=title, content=f"of {project}", project=project
        )
        assert ok, said
        return str(said["id"])

    def recalled(self, project: str) -> str:
        """Recall as the owner, and give the recall's id."""
        ok, said = self.server.call(self.owner, "recall", task="herons quokkas", project=project)
        assert ok, said
        return str(said["recall_id"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.server.end()


ROWS = (
    "recall",
    "check",
    "list_lessons",
    "read the item",
    "read the brief",
    "remember",
    "report_outcome on a task",
    "report_outcome on a recall",
    "forget what it wrote",
    "forget what another wrote",
    "supersede what another wrote",
)


def tried(world: World, row: str, token: str, project: str) -> bool:
    """Whether a token may do what a row says in a project."""
    call, given = world.server.call, {"project": project}
    lesson = {"title": f"lesson {next(world.count)}", "content": "c", **given}
    if row == "read the item":
        return world.server.read(token, f"memory://lessons/{world.stored(project)}")[0]
    if row == "read the brief":
        return world.server.read(token, f"memory://projects/{project}/brief")[0]
    if row.startswith("forget"):
        made, said = call(token, "remember", **lesson) if "it wrote" in row else (False, {})
        found = said["id"] if made else world.stored(project)
        return call(token, "forget", item_id=found, reason="tried", **given)[0]
    report = {"outcome": "success"}
    calls: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "recall": ("recall", lambda: {"task": "herons", **given}),
        "check": ("check", lambda: {"action": "herons", **given}),
        "list_lessons": ("list_lessons", lambda: given),
        "remember": ("remember", lambda: lesson),
        "report_outcome on a task": ("report_outcome", lambda: {"task": "t", **report, **given}),
        "report_outcome on a recall": (
            "report_outcome",
            lambda: {"recall_id": world.recalled(project), **report},
        ),
        "supersede what another wrote": (
            "remember",
            lambda: {**lesson, "supersedes": world.stored(project)},
        ),
    }
    tool, arguments = calls[row]
    return call(token, tool, **arguments())[0]


def measured(world: World) -> str:
    """The whole table as Markdown."""
    heads = [f"{scope}, {place}" for scope in SCOPES for place in PLACES]
    lines = [f"| what | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for row in ROWS:
        cells = []
        for scope in SCOPES:
            for place in PLACES:
                token = world.tokens[scope, place == "all"]
                project = "other" if place == "all" else place
                cells.append("yes" if tried(world, row, token, project) else "no")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def document(table: str) -> str:
    return f"""# What a token may do

Measured on a real server by `tests/server/web/test_matrix.py`, which fails when this page
is not what it measures. "own": a token of project `own` calls for that project; "other":
the same token calls for another project; "global": for the items that every project
sees; "all": a token of all projects calls for another one's.

{table}

- A token that is limited to some projects reads global items and does not write them.
- Whatever a token may not do in a project it is told in the same words, whether the
  project, the item or the recall exists or not.
- `memory://mistakes` and a call that names no project are about the token's first project;
  `memory://stats`, `memory://scorer`, completions, notifications and `/metrics` show its
  projects only, and so do the wins, losses and recalls of global items.
"""


def test_the_table_of_the_documentation_is_what_a_server_does(world: World) -> None:
    assert TABLE.read_text(encoding="utf-8") == document(measured(world))


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("scope", SCOPES)
def test_no_scope_reaches_another_project(world: World, scope: str, row: str) -> None:
    assert not tried(world, row, world.tokens[scope, False], "other")


@pytest.mark.parametrize("row", [row for row in ROWS if "outcome" in row or "rem" in row])
def test_the_scope_read_changes_nothing(world: World, row: str) -> None:
    for project, whole in (("own", False), ("own", True), ("global", True)):
        assert not tried(world, row, world.tokens["read", whole], project)


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_that_a_token_reads_tells_of_another_project(world: World, scope: str) -> None:
    """Titles, ids, names and counts: of every list, resource, completion, error and metric."""
    hidden, seen = world.stored("other"), world.stored("own")
    recall = world.recalled("other")
    world.server.call(
        world.owner, "report_outcome", recall_id=recall, outcome="failure", error=f"{SECRET}Error"
    )
    token = world.tokens[scope, False]
    said: list[Any] = [
        world.server.call(token, "recall", task=f"{SECRET} herons", k=20),
        world.server.call(token, "check", action=SECRET, error=f"{SECRET}Error"),
        world.server.call(token, "list_lessons", limit=100),
        world.server.call(token, "list_lessons", query=SECRET),
        world.server.metrics(token),
    ]
    said += [
        world.server.read(token, f"memory://{name}") for name in ("mistakes", "scorer", "stats")
    ]
    for name in ("project", "id"):
        reference = {"type": "ref/resource", "uri": f"memory://lessons/{{{name}}}"}
        params = {"ref": reference, "argument": {"name": name, "value": ""}}
        said.append(world.server.ask(token, "completion/complete", params))
    text = str(said)
    assert seen in text
    for secret in (hidden, recall, "other", "Error'"):
        assert secret not in text.replace(f"{SECRET}Error", "").replace("another", ""), secret
    assert SECRET not in str(said[2:])


@pytest.mark.parametrize("scope", SCOPES)
def test_what_exists_elsewhere_is_refused_like_what_does_not_exist(
    world: World, scope: str
) -> None:
    token = world.tokens[scope, False]
    hidden = world.stored("other")
    nowhere = f"item_{'0' * 28}"[: len(hidden)]
    for real, made_up in (
        (
            world.server.read(token, f"memory://lessons/{hidden}"),
            world.server.read(token, f"memory://lessons/{nowhere}"),
        ),
        (
            world.server.read(token, "memory://projects/other/brief"),
            world.server.read(token, "memory://projects/madeup/brief"),
        ),
        (
            world.server.call(token, "forget", item_id=hidden, reason="r"),
            world.server.call(token, "forget", item_id=nowhere, reason="r"),
        ),
        (
            world.server.call(token, "recall", task="t", project="other"),
            world.server.call(token, "recall", task="t", project="madeup"),
        ),
    ):
        assert not real[0]
        known = real[1].replace(hidden, nowhere).replace("other", "madeup")
        assert known == made_up[1].replace("other", "madeup")


def test_counts_are_those_of_the_tokens_projects(world: World) -> None:
    token = world.tokens["admin", False]
    before = world.server.read(token, "memory://stats")
    metrics = world.server.metrics(token)
    world.stored("other")
    world.recalled("other")
    world.server.call(world.owner, "report_outcome", task="t", outcome="success", project="other")
    assert world.server.read(token, "memory://stats") == before
    assert world.server.metrics(token) == metrics


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = World(Path(folder))
        try:
            TABLE.write_text(document(measured(made)), encoding="utf-8")
        finally:
            made.server.end()
    sys.stdout.write(TABLE.read_text(encoding="utf-8"))
