"""What people read fits their terminal: 60, 80 and many columns."""

from __future__ import annotations

import re

import pytest

from memory_core.doctor import Check, Report
from server.cli import hosting
from server.cli.arguments import COMMAND_NAMES
from server.cli.render_apart import doctor
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
        ("projects",),
        ("recall", "nothing of the kind"),
        ("lessons", "--tag", "none"),
        ("remember", LONG, "It takes the mark off."),
        ("edit", item_id, "--content", f"{LONG} and more"),
        ("forget", "--last", "--reason", "not needed"),
    ):
        assert shell.run(*argv) == 0
        commands = [line for line in shell.out.splitlines() if "lessonbank " in line]
        rest = "\n".join(line for line in shell.out.splitlines() if line not in commands)
        assert _widest(rest) <= columns, (argv, rest)
    shell.run("lessons", "--state", "retired")
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
    for command in COMMAND_NAMES:
        shell.run(command, "--help")
        options = shell.out.partition("examples:")[0].partition("example:")[0]
        assert _widest(options) <= 80


@pytest.mark.parametrize("columns", [60, 80])
def test_what_the_doctor_found_fits_the_terminal(columns: int) -> None:
    page = Page(width=columns)
    doctor(
        page,
        Report(ok=True, checks=(Check(name="packages", status="warn", found=LONG * 3, move=LONG),)),
    )
    assert _widest(page.text()) <= columns
    assert "-> Open CSV files" in page.text()


def test_a_name_with_hyphens_is_never_broken() -> None:
    page = Page(width=60)
    page.block("Nothing is stored in project 'x'; 4 items lie in the one called shop-bbb4471f.", "")
    assert "shop-bbb4471f" in page.text()


def test_a_count_of_one_has_a_singular_noun(shell: Shell) -> None:
    shell.remembered()
    recall_id = shell.json("recall", "Excel")["recall_id"]
    shell.json("outcome", "success", "--recall-id", recall_id)
    for argv in (("stats",), ("proof",), ("recalls",), ("lessons",), ("compact",)):
        assert shell.run(*argv) == 0
        assert not re.search(r"(?<![\d,.])1 (?!of|won|lost)\w+s\b", shell.out), (argv, shell.out)
