"""Checks of a store's log and of its index: nothing of either is changed.

Loads LanceDB, so it is imported once the packages were found well. An index is opened in a
process of its own, which a damaged one may end.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from memory_core.doctor.results import Check, failed, not_checked, passed, warned
from memory_core.errors import StoreUnavailable
from memory_core.store.earlier import FIRST_LOG
from memory_core.store.item_table import table_name
from memory_core.store.log import FILE as LOG
from memory_core.store.log_files import borrowed_log, files_of, reading
from memory_core.store.meta import Meta
from memory_core.store.schema import TABLES

_TABLE_SECONDS = 120
_ANEW = "Nothing to do: the next start puts the index right from the log."


def check_log(folder: Path, known: Meta | None) -> Check:
    """Say what the log holds, and whether it can be read.

    Args:
        folder: Of the store.
        known: Its meta, None when there is none or it cannot be read.
    """
    name = "log"
    path = folder / LOG
    if not path.exists():
        return _without_log(name, folder, known)
    try:
        problem, rows = _looked_at(path)
    except sqlite3.OperationalError as error:
        return not_checked(name, f"The log cannot be opened now ({error}).")
    except StoreUnavailable as error:
        return not_checked(name, str(error))
    except sqlite3.DatabaseError as error:
        problem, rows = str(error), {}
    if problem != "ok":
        return warned(
            name,
            f"The log is damaged ({problem}).",
            "Start once: it is moved to quarantine, what is readable is carried over, and items"
            " come back from the index.",
        )
    counts = ", ".join(f"{kind} {rows.get(kind, 0):,}" for kind in TABLES)
    size = sum(file.stat().st_size for file in files_of(path))
    return passed(name, f"{counts}; {size / 1e6:,.1f} MB.")


def _without_log(name: str, folder: Path, known: Meta | None) -> Check:
    if known is None or known.schema_version == 0:
        return passed(name, "There is no log yet.")
    if known.schema_version < FIRST_LOG:
        return passed(name, "The store is of an earlier version; the next start gives it one.")
    return failed(
        name,
        f"{folder} has no {LOG}, which holds all its records.",
        "Restore this one file from a backup, or move the folder away to begin anew.",
    )


def _looked_at(path: Path) -> tuple[str, dict[str, int]]:
    """Give ("ok" or what is wrong with the file, records by kind)."""
    if path.with_name(f"{LOG}-wal").exists() and not path.with_name(f"{LOG}-shm").exists():
        log = borrowed_log(path, 1, "")  # SQLite would leave a file beside it
        try:
            problem = "it cannot be read to its end" if log.salvaged else log.integrity()
            return problem, {kind: log.count(kind) for kind in TABLES}
        finally:
            log.close()
    with closing(reading(path)) as db:
        problem = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        return problem, dict(db.execute("SELECT name, count(*) FROM records GROUP BY name"))


_PROGRAM = """
import json, sys, lancedb
place, names = sys.argv[1], sys.argv[2:]
database = lancedb.connect(place)
for name in names:
    try:
        rows = database.open_table(name).search().select(["seq", "id"]).limit(None).to_arrow()
        print(json.dumps([name, *(rows[one].to_pylist() for one in ("seq", "id"))]), flush=True)
    except Exception as error:
        print(json.dumps([name, None, f"{type(error).__name__}: {error}"[:200]]), flush=True)
"""


def check_index(folder: Path, known: Meta | None, index: str = "") -> Check:
    """Check that LanceDB opens the index, in a process of its own, and has the log's items.

    Args:
        folder: Of the store.
        known: Its meta, None when there is none or it cannot be read.
        index: Where it is when not in there.
    """
    name = "index"
    if "://" in index:
        return not_checked(name, f"It is at {index}: see `lessonbank verify`.")
    place = Path(index) if index else folder / "lance"
    if known is None or not (folder / LOG).exists():
        return not_checked(name, "There is no log to compare it with.")
    table = table_name("items", known.generation)
    if not (place / f"{table}.lance").exists():
        return passed(name, "There is none yet: the next start makes it from the log.")
    command = [sys.executable, "-c", _PROGRAM, str(place), table]
    try:
        done = subprocess.run(  # noqa: S603 (our own program in our own interpreter)
            command, capture_output=True, text=True, timeout=_TABLE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return not_checked(name, f"LanceDB did not answer within {_TABLE_SECONDS} s.")
    read = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    if not read:
        return warned(
            name,
            f"LanceDB ended while it opened {table} (exit code {done.returncode}).",
            f"See what the processor and packages checks say; when they are well, move {place}"
            " away: the next start makes the index anew from the log.",
        )
    ((_, seqs, ids),) = read
    if seqs is None:
        return warned(name, f"The table {table} does not open ({ids}).", _ANEW)
    return _compared(name, folder / LOG, set(zip(seqs, ids, strict=True)), len(ids))


def _compared(name: str, path: Path, there: set[tuple[int, str]], rows: int) -> Check:
    """Compare the index's (place, id) of each row, read first, with the log's items."""
    try:
        with closing(reading(path)) as log:
            held = set(log.execute("SELECT seq, id FROM records WHERE name = 'items'"))
    except sqlite3.DatabaseError:
        return passed(name, f"{rows:,} items; the log cannot be compared with it now.")
    lacks = len(held - there)
    extra = rows - len(held & there)
    if extra:
        return warned(name, f"It has {extra:,} rows too many and lacks {lacks:,} items.", _ANEW)
    late = f"; {lacks:,} more are being added, or at the next start" if lacks else ""
    return passed(name, f"{rows:,} items{late}.")
