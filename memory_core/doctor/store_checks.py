"""Checks of a store's folder from outside: nothing in it is changed or opened for writing.

Each check stands alone, so that a store that is broken in one place is still
examined in the others.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from memory_core.doctor.results import Check, failed, failed_with, not_checked, passed, warned
from memory_core.errors import LessonbankError, StoreUnavailable
from memory_core.store import disk
from memory_core.store.meta import FILE as META
from memory_core.store.meta import SCHEMA_VERSION, Meta, load_meta

_ELSEWHERE = "set LESSONBANK_STORE to another folder"


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
    if _has_records(folder / "log.db") or (tables.is_dir() and any(tables.glob("*.lance/data/*"))):
        return failed(
            name,
            f"{folder} has records but no {META}.",
            "Restore this one file from a backup, or move the folder away to begin anew.",
        )
    return passed(name, "The store is empty.")


def _has_records(path: Path) -> bool:
    """Whether a log has any; one that cannot be read may have."""
    if not path.exists():
        return False
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as log:
            return log.execute("SELECT 1 FROM records LIMIT 1").fetchone() is not None
    except sqlite3.DatabaseError as error:
        return "no such table" not in str(error)


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
