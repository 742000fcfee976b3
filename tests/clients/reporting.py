"""The table of a run, as a person reads it in a terminal and in docs/clients.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.clients.judging import TOOLS, Run

DOCUMENT = Path(__file__).parents[2] / "docs" / "clients.md"
_BEGIN, _END = "<!-- table: make clients -->", "<!-- end of the table -->"
_HEAD = (
    "client",
    "version",
    "transport",
    "tools in request 1",
    *TOOLS,
    "the model sees",
    "next step",
    "seconds",
)


def rows(runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """Give the table's rows, its head first."""
    return [_HEAD, *map(_row, runs)]


def _row(run: Run) -> tuple[str, ...]:
    calls = tuple(
        _yes(run.gave(tool)) if any(step.tool == tool for step in run.script.steps) else "-"
        for tool in TOOLS
    )
    seconds = "-" if run.seconds is None else f"{run.seconds:.1f}"
    client = run.client
    title = client.title + (f", {run.script.kind}" if run.script.kind else "")
    head = (title, client.version, run.transport, run.first)
    return (*head, *calls, run.sees, _yes(run.next_step) if run.gave("recall") else "-", seconds)


def _yes(whether: bool) -> str:
    return "yes" if whether else "no"


def plain(table: Sequence[Sequence[str]]) -> str:
    """Give the table with its columns in line."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown(table: Sequence[Sequence[str]]) -> str:
    """Give the table for the document."""
    head, *body = (f"| {' | '.join(row)} |" for row in table)
    return "\n".join([head, "|" + "---|" * len(table[0]), *body])


def with_table(document: str, table: str) -> str:
    """Give the document with this table in the place of the one that it has.

    Raises:
        ValueError: It has no place for a table.
    """
    before, begins, rest = document.partition(_BEGIN)
    _, ends, after = rest.partition(_END)
    if not (begins and ends):
        raise ValueError(f"no place for the table: {_BEGIN} ... {_END}")
    return f"{before}{_BEGIN}\n{table}\n{_END}{after}"
