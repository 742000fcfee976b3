"""Checks of a store's folder from outside: nothing in it is changed or opened for writing.

Each check stands alone, so that a store that is broken in one place is still
examined in the others.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from memory_core.doctor.results import Check, failed, failed_with, not_checked, passed, warned
from memory_core.errors import LessonbankError, StoreUnavailable
from memory_core.store import disk
from memory_core.store.earlier import JOURNAL
from memory_core.store.log import FILE as LOG
from memory_core.store.log import reading
from memory_core.store.meta import FILE as META
from memory_core.store.meta import SCHEMA_VERSION, Meta, load_meta
from memory_core.store.schema import TABLES

_ELSEWHERE = "set LESSONBANK_STORE to another folder"
_TABLE_SECONDS = 120


def check_folder(folder: Path) -> Check:
    """Check that the store's folder is there, or can be made, and can be written."""
    name = "store folder"
    if not folder.exists():
        return _future_folder(name, folder)
    if not folder.is_dir():
        return failed(name, f"{folder} is not a folder.", f"Remove it, or {_ELSEWHERE}.")
    probe = folder / f".doctor.{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        why = error.strerror or type(error).__name__
        if (folder / "meta.json").exists():
            return warned(
                name,
                f"{folder} cannot be written ({why}): recall works, nothing is learned.",
                f"Give this user write permission, or {_ELSEWHERE}.",
            )
        move = f"Give this user write permission, or {_ELSEWHERE}."
        return failed(name, f"{folder} cannot be written ({why}).", move)
    return passed(name, f"{folder} can be written.")


def _future_folder(name: str, folder: Path) -> Check:
    """Check a folder that the first start will make."""
    parent = next((one for one in folder.parents if one.exists()), Path("/"))
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return passed(name, f"{folder} does not exist yet; the first start makes it.")
    return failed(
        name,
        f"{folder} does not exist and cannot be made in {parent}.",
        f"Make it for this user, or {_ELSEWHERE}.",
    )


def check_hard_links(folder: Path) -> Check:
    """Check that the file system has hard links, with which LanceDB commits."""
    name = "hard links"
    if not folder.is_dir():
        return not_checked(name, "There is no store folder yet.")
    try:
        disk.require_hard_links(folder)
    except StoreUnavailable as error:
        return failed_with(name, error)
    except OSError as error:
        return not_checked(name, f"The folder cannot be written ({error.strerror}).")
    return passed(name, "The file system has hard links.")


def check_owner(folder: Path) -> Check:
    """Say which process owns the store, if one does."""
    name = "owner"
    path = folder / "lock"
    if not path.exists():
        return passed(name, "No process owns the store.")
    lock = FileLock(str(path), timeout=0)
    try:
        with lock:
            return passed(name, "No process owns the store.")
    except Timeout:
        pid = _pid(path)
        return passed(name, f"A lessonbank process (pid {pid}) owns the store: it is in use.")
    except OSError as error:
        return not_checked(name, f"The lock cannot be tried ({error.strerror}).")


def _pid(path: Path) -> str:
    try:
        written = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        written = ""
    return written if written.isdigit() else "unknown"


def check_meta(folder: Path, embedder: str) -> tuple[Check, Meta | None]:
    """Check the schema version, and that the model in use wrote the store's vectors.

    Args:
        folder: The store's folder.
        embedder: Name of the model in use, "" when it could not be found.
    """
    name = "store version"
    try:
        meta = load_meta(folder)
    except LessonbankError as error:
        return failed_with(name, error), None
    except OSError as error:
        return failed(
            name, f"meta.json cannot be read ({error.strerror}).", "Make it readable for this user."
        ), None
    if meta is None:
        return _without_meta(name, folder), None
    schema = f"schema {meta.schema_version} of {SCHEMA_VERSION}"
    if meta.embedder and embedder and meta.embedder != embedder:
        return failed(
            name,
            f"The store's vectors are of {meta.embedder}, the model in use is {embedder}.",
            "Run: lessonbank reembed, or set LESSONBANK_MODEL to the store's model.",
        ), meta
    model = f"vectors of {meta.embedder}" if meta.embedder else "no vectors yet"
    return passed(name, f"{schema}, {model}."), meta


def _without_meta(name: str, folder: Path) -> Check:
    tables = folder / "lance"
    if (folder / LOG).exists() or (tables.is_dir() and any(tables.glob("*.lance/data/*"))):
        return failed(
            name,
            f"{folder} has records but no {META}.",
            "Restore this one file from a backup, or move the folder away to begin anew.",
        )
    return passed(name, "The store is empty.")


def check_log(folder: Path) -> Check:
    """Say what the log holds, and whether it can be read."""
    name = "log"
    path = folder / LOG
    earlier = folder / JOURNAL
    if not path.exists():
        if earlier.exists():
            return passed(name, "The store is of an earlier version; the next start gives it one.")
        if (folder / META).exists():
            return failed(
                name,
                f"{folder} has no {LOG}, which holds all its records.",
                "Restore this one file from a backup, or move the folder away to begin anew.",
            )
        return passed(name, "There is no log yet.")
    try:
        with closing(reading(path)) as log:
            problem = str(log.execute("PRAGMA quick_check(1)").fetchone()[0])
            rows = dict(log.execute("SELECT name, count(*) FROM records GROUP BY name").fetchall())
    except sqlite3.OperationalError as error:
        return not_checked(name, f"The log cannot be opened now ({error}).")
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
    return passed(name, f"{counts}; {path.stat().st_size / 1e6:,.1f} MB.")


_PROGRAM = """
import json, sys, lancedb
place, names = sys.argv[1], sys.argv[2:]
database = lancedb.connect(place)
for name in names:
    try:
        print(json.dumps([name, database.open_table(name).count_rows(), ""]), flush=True)
    except Exception as error:
        print(json.dumps([name, -1, f"{type(error).__name__}: {error}"[:200]]), flush=True)
"""


def check_index(folder: Path, index: str = "") -> Check:
    """Check that LanceDB opens the index, in a process of its own.

    Args:
        folder: Of the store.
        index: Where it is when not in there.
    """
    name = "index"
    if "://" in index:
        return not_checked(name, f"It is at {index}: see `lessonbank verify`.")
    place = Path(index) if index else folder / "lance"
    names = sorted(path.name.removesuffix(".lance") for path in place.glob("*.lance"))
    if not names:
        return passed(name, "There is no index yet.")
    command = [sys.executable, "-c", _PROGRAM, str(place), *names]
    try:
        done = subprocess.run(  # noqa: S603 (our own program in our own interpreter)
            command, capture_output=True, text=True, timeout=_TABLE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return not_checked(name, f"LanceDB did not answer within {_TABLE_SECONDS} s.")
    read = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    torn = [(table, what) for table, rows, what in read if rows < 0]
    if torn:
        return warned(
            name,
            f"The table {torn[0][0]} does not open ({torn[0][1]}).",
            "Nothing to do: the next start makes the index anew from the log.",
        )
    if len(read) < len(names):
        return failed(
            name,
            f"LanceDB ended while it opened {names[len(read)]} (exit code {done.returncode}).",
            "See what the processor and packages checks say.",
        )
    counted = ", ".join(f"{table} {rows:,}" for table, rows, _ in read)
    return passed(name, f"Rows of the index: {counted}.")


def check_quarantine(folder: Path) -> Check:
    """Say whether healing ever moved something aside."""
    name = "quarantine"
    place = folder / "quarantine"
    kept = sorted(place.iterdir()) if place.is_dir() else []
    if not kept:
        return passed(name, "Nothing was ever moved aside.")
    return warned(
        name,
        f"{len(kept)} damaged files were moved to {place}, the last is {kept[-1].name}.",
        "Look whether something is missing in `lessonbank stats`; delete them when nothing is.",
    )


def check_learner(folder: Path) -> Check:
    """Check that the newest checkpoint of the learner can be read."""
    name = "learner"
    files = sorted((folder / "learner").glob("checkpoint-*.safetensors"))
    if not files:
        return passed(name, "No checkpoint yet: the outcome log says everything.")
    move = "Nothing to do: the next start learns the outcome log again."
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        return not_checked(name, "safetensors cannot be imported.")
    try:
        with safe_open(files[-1], framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("lessonbank", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        found = f"{files[-1].name} cannot be read ({type(error).__name__})."
        return warned(name, found, move)
    reports = header.get("reports")
    if not isinstance(reports, int):
        return warned(name, f"{files[-1].name} is no checkpoint of this learner.", move)
    return passed(name, f"The newest checkpoint stands at {reports:,} reports.")
