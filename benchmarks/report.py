"""What a benchmark found: tables and budgets, for people and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Cell = str | float | int | None
PACKAGES = (
    "lessonbank",
    "lancedb",
    "mcp",
    "numpy",
    "pyarrow",
    "sentence-transformers",
    "torch",
    "transformers",
)
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under columns; None means that this machine cannot tell."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit from the design. A firm one does not depend on the machine's mood."""

    what: str
    value: float | None
    limit: float
    unit: str
    firm: bool = False

    @property
    def kept(self) -> bool | None:
        return None if self.value is None else self.value <= self.limit

    def line(self) -> str:
        """One line: within or over, the value and the limit."""
        if self.value is None:
            return f"  {NOT_MEASURED:<12}  {self.what} (at most {_told(self.limit)} {self.unit})"
        verdict = "within" if self.kept else "OVER"
        said = f"{_told(self.value)} {self.unit}, at most {_told(self.limit)}"
        return f"  {verdict:<12}  {self.what}: {said}"


@dataclass(slots=True)
class Report:
    """Everything that one command found."""

    name: str
    claim: str
    quick: bool = False
    tables: list[Table] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)

    @property
    def broken(self) -> tuple[Budget, ...]:
        """Firm budgets that are not kept."""
        return tuple(one for one in self.budgets if one.firm and one.kept is False)

    def text(self) -> str:
        """The report as people read it."""
        parts = [f"{self.name}: {self.claim}", *(drawn(table) for table in self.tables)]
        if self.budgets:
            parts.append("\n".join(["budgets", *(one.line() for one in self.budgets)]))
        return "\n\n".join(parts)

    def data(self, load: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The report as programs read it."""
        return {
            "benchmark": self.name,
            "claim": self.claim,
            "quick": self.quick,
            "environment": {**environment(), **(load or {})},
            "tables": [
                {
                    "title": table.title,
                    "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
                    "note": table.note,
                }
                for table in self.tables
            ],
            "budgets": [
                {
                    "what": one.what,
                    "value": one.value,
                    "limit": one.limit,
                    "unit": one.unit,
                    "kept": one.kept,
                }
                for one in self.budgets
            ],
        }


# -- drawing ---------------------------------------------------------------------


def _told(value: Cell) -> str:
    if value is None:
        return NOT_MEASURED
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else value


def drawn(table: Table) -> str:
    """Give a table as text: the first column to the left, numbers to the right."""
    lines = [table.columns, *(tuple(_told(cell) for cell in row) for row in table.rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    drawn_lines = [_row(line, widths) for line in lines]
    drawn_lines.insert(1, "  " + "  ".join("-" * width for width in widths))
    note = [f"  {table.note}"] if table.note else []
    return "\n".join([table.title, *drawn_lines, *note])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  " + "  ".join([first, *rest]).rstrip()


# -- the machine -----------------------------------------------------------------


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def environment() -> dict[str, Any]:
    """What the figures depend on: Python, system, processors and package versions."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def load_average() -> float | None:
    """How many processes wanted a processor over the last minute; None where not told."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
