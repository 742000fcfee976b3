"""What people read fits their terminal: 60, 80 and many columns."""

from __future__ import annotations

import pytest

from server.cli import hosting
from server.cli.terminal import Page, width_of
from tests.server.cli.harness import Shell

LONG = "Open CSV files that Excel wrote with utf-8-sig, for it writes a byte order mark"


def _widest(text: str) -> int:
    return max(width_of(line) for line in text.splitlines())


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_every_page_fits_the_terminal_and_titles_keep_their_room(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    item_id = shell.remembered(LONG, source="a source with a rather long name", tag="csv")
    recall_id = shell.json("recall", "Excel")["recall_id"]
    for argv in (
        ("lessons",),
        ("recall", "Excel"),
        ("recalls",),
        ("show", item_id),
        ("outcome", "failure", "--recall-id", recall_id, "--used", item_id, "--error", "E: " * 40),
        ("stats",),
        ("proof",),
    ):
        assert shell.run(*argv) == 0
        commands = [line for line in shell.out.splitlines() if "lessonbank " in line]
        rest = "\n".join(line for line in shell.out.splitlines() if line not in commands)
        assert _widest(rest) <= columns, (argv, rest)
    shell.run("lessons")
    assert LONG[:28] in shell.out
    assert item_id in shell.out


def test_a_table_without_room_for_its_titles_takes_two_lines_a_row() -> None:
    page = Page(width=60)
    page.table(("id", "title", "won"), [("i" * 36, LONG, "3")], flexible=1)
    first, second = page.text().splitlines()
    assert first.startswith("Open CSV files that Excel wrote")
    assert second == f"  {'i' * 36}, won 3"


def test_a_host_says_times_in_units_of_people() -> None:
    page = Page(width=80)
    status = hosting.HostStatus(
        running=True, store="/s", said="The host runs.", stage="ready", up=90_000.0, idle=150.0
    )
    hosting.show(page, status)
    assert "up 25 h" in page.text()
    assert "2 min" in page.text()
    assert "lines" not in status.model_dump()


@pytest.mark.parametrize("columns", [60, 80])
def test_help_fits_the_terminal(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ("recall", "outcome", "serve", "lessons"):
        shell.run(command, "--help")
        options = shell.out.partition("examples:")[0].partition("example:")[0]
        assert _widest(options) <= max(columns, 74)
