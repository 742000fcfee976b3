"""What the doctor found, for people."""

from __future__ import annotations

from memory_core.doctor import Check, Report
from server.cli.render import counted
from server.cli.terminal import Page, wrapped
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from server.cli.terminal import Style

_MARKS: dict[str, tuple[str, Style]] = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
    "not checked": ("-", "dim"),
}


_INDENT = 21
"""Columns before what was found."""


def doctor(page: Page, report: Report) -> None:
    """Show every check, with the next move under what is not well."""
    for check in report.checks:
        _check(page, check)
    worst = sum(check.status == "fail" for check in report.checks)
    warnings = sum(check.status == "warn" for check in report.checks)
    page.line()
    if worst:
        page.line(f"{worst} of {len(report.checks)} checks failed.", "red", "bold")
    elif warnings:
        page.line(f"It works; {counted(warnings, 'warning')}.", "yellow")
    else:
        page.line("All is well.", "green")


def _check(page: Page, check: Check) -> None:
    mark, style = _MARKS[check.status]
    first, *rest = wrapped(one_line(check.found), page.width - _INDENT) or [""]
    page.line(f"{page.styled(mark.ljust(4), style)}  {check.name:<13}  {first}")
    for line in rest:
        page.line(f"{'':{_INDENT}}{line}")
    if check.move:
        page.block(f"-> {one_line(check.move)}", " " * _INDENT, "bold")
