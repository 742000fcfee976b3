"""The databases of the intercode stream in memory: executes SQL and says how it ended.

The queries were written for MySQL. SQLite takes its backquotes and its double
quotes as they are; text compares without case, as MySQL's default collation
does. Every answer is kept, and a query is stopped after a fixed number of steps
of the engine, so that an answer never depends on the clock.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STEPS_A_CALL, MOST_CALLS = 10_000, 400
"""4 million steps of SQLite's virtual machine, a second or two; no gold query takes 1 % of it."""
MOST_ROWS = 5_000
PLACES = 6
"""Digits behind the point that count."""
_START = "-- database: "
_TEXT_COLUMN = re.compile(r'(" TEXT)([,)])')
_MISSING = re.compile(r"no such (?P<kind>table|column): (?:[^.\s]+\.)*(?P<name>\S+)", re.IGNORECASE)
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How a query ended: its rows in any order, or what SQLite complained of.

    `missing` is ("table" | "column", name in lower case) where a name was
    unknown, None otherwise; `rows` is None when the query failed.
    """

    rows: Rows | None
    error: str = ""
    missing: tuple[str, str] | None = None


def _cell(value: object) -> str:
    return f"{round(float(value), PLACES):g}" if isinstance(value, int | float) else str(value)


class Databases:
    """All databases of one dump. Thread-safe; nothing that is executed may change them."""

    def __init__(self, dump: Path) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Result] = {}
        self._open: dict[str, sqlite3.Connection] = {}
        for part in dump.read_text(encoding="utf-8").split(_START)[1:]:
            name, _, body = part.partition("\n")
            held = sqlite3.connect(":memory:", check_same_thread=False)
            held.executescript(_TEXT_COLUMN.sub(r"\1 COLLATE NOCASE\2", body))
            held.execute("PRAGMA query_only = ON")
            self._open[name.strip()] = held

    def run(self, database: str, sql: str) -> Result:
        """Execute one query; what failed is told, not raised."""
        with self._lock:
            key = (database, sql)
            if key not in self._known:
                self._known[key] = self._run(self._open[database], sql)
            return self._known[key]

    @staticmethod
    def _run(held: sqlite3.Connection, sql: str) -> Result:
        calls = 0

        def enough() -> bool:
            nonlocal calls
            calls += 1
            return calls > MOST_CALLS

        held.set_progress_handler(enough, STEPS_A_CALL)
        try:
            found = held.execute(sql).fetchmany(MOST_ROWS)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            missing = _MISSING.match(str(error))
            named = (missing["kind"].lower(), missing["name"].lower()) if missing else None
            return Result(None, str(error), named)
        return Result(tuple(sorted(tuple(_cell(value) for value in row) for row in found)))


@cache
def databases(dump: Path) -> Databases:
    """The databases of a dump, opened once a process."""
    return Databases(dump)
