"""From a folder to a store in memory: lock, heal, migrate, load, replay."""

from __future__ import annotations

import errno
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memory_core.errors import StoreMismatch, StoreUnavailable
from memory_core.store import disk, faults, heal, journal, meta, tables
from memory_core.store.catalog import Head, states_after
from memory_core.store.faults import translated
from memory_core.store.journal import Journal
from memory_core.store.meta import Meta
from memory_core.store.migrations import migrate
from memory_core.store.ownership import Ownership
from memory_core.store.reader import Reader
from memory_core.store.remote.sharing import Shared, Sharing
from memory_core.store.schema import LOGS, TABLES, Entry
from memory_core.store.settling import Settlement
from memory_core.store.standing import Standing
from memory_core.store.tables import Tables
from memory_core.store.writer import Writer

_COPIES = 20
"""Attempts to copy the journal between two writes of its owner."""
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Opened:
    """An open store's parts."""

    meta: Meta
    writer: Writer
    ownership: Ownership | None
    shared: Shared | None = None


def claim(folder: Path) -> Ownership | None:
    """Own the folder for writing; None when it exists and can only be read.

    Raises:
        StoreUnavailable: Another process owns it, or it cannot be a store's folder.
    """
    with translated(folder), ExitStack() as undo:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ownership = Ownership(folder)
            undo.callback(ownership.release)
            disk.require_hard_links(folder)
        except OSError as error:
            if faults.is_read_only(error) and (folder / meta.FILE).exists():
                _LOG.warning("store %s cannot be written, opened read-only: %s", folder, error)
                return None
            if error.errno in (errno.ENOTDIR, errno.EEXIST):
                raise StoreUnavailable(
                    f"{folder} is not a folder. Set LESSONBANK_STORE to a folder."
                ) from error
            raise
        undo.pop_all()
        return ownership


def open_parts(
    folder: Path,
    clock: Callable[[], float] = time.monotonic,
    *,
    read_only: bool = False,
    sharing: Sharing | None = None,
) -> Opened:
    """Open the store in `folder`, healed and with its journal replayed.

    With `read_only` nothing in the folder is changed, and another process may own it.
    With `sharing` the folder is a bucket's working copy.

    Raises:
        StoreUnavailable: It cannot be opened.
        StoreMismatch: A newer lessonbank wrote it.
    """
    ownership = None if read_only else claim(folder)
    with ExitStack() as undo:
        if ownership is not None:
            undo.callback(ownership.release)
        with translated(folder):
            if ownership is None:
                opened = _open_read_only(folder, clock)
            else:
                opened = _open_writable(
                    folder, ownership, clock, sharing.begun(folder) if sharing else None
                )
        undo.pop_all()
        return opened


def _open_writable(
    folder: Path, ownership: Ownership, clock: Callable[[], float], shared: Shared | None
) -> Opened:
    known = meta.load_meta(folder)
    lance = folder / tables.FOLDER
    if known is None:
        _refuse_orphans(folder)
        known = meta.new_meta(tables.VERSION)
    lance.mkdir(exist_ok=True)
    log = journal.open_journal(folder / journal.FILE, folder / heal.QUARANTINE)
    with ExitStack() as undo:
        undo.callback(log.close)
        heal.heal(folder, lance, log.settled())
        if shared is not None:
            undo.callback(shared.close)
            known = shared.begin(known, log)
        opened = Tables(folder, known.generation, known.dimension)
        _drop_left_over(opened, known)
        known = migrate(folder, known, opened, partial(Settlement().settle, opened, log))
        for name in TABLES:
            opened.create(name)
        if not known.dimension:
            opened.drop_vector_columns()
        _require_columns(folder, opened)
        if shared is not None:
            shared.join(known, opened, log)
        writer = Writer(Standing(folder, read_only=False), log, opened, clock)
        with writer.lance:
            writer.settlement.adopt(opened, log.settled())
            load(writer, log.entries())
            _correct_states(writer)
            writer.apply()
            if len(writer.catalog) and not opened.has_text_index():
                writer.refresh_text()
            writer.text_stale = bool(opened.unindexed("search_text"))
            writer.settle()
        undo.pop_all()
        return Opened(known, writer, ownership, shared)


def _refuse_orphans(folder: Path) -> None:
    """Refuse tables without their meta: nobody could say which model wrote them."""
    lance = folder / tables.FOLDER
    for table in lance.glob("*.lance"):
        if any((table / "data").glob("*")):
            raise StoreUnavailable(
                f"The store {folder} has tables but no {meta.FILE}."
                " Restore this one file from a backup, or move the folder away to begin anew."
            )


def _require_columns(folder: Path, opened: Tables) -> None:
    """Refuse tables that this version could not write to, before anything is written."""
    for name in TABLES:
        missing = opened.missing_columns(name)
        if missing:
            raise StoreMismatch(
                f"The table {name} of the store {folder} has no column {', '.join(missing)}:"
                " another build of lessonbank wrote it. Use that build, or set LESSONBANK_STORE"
                " to another folder."
            )


def _drop_left_over(opened: Tables, known: Meta) -> None:
    """Drop the tables that a finished re-embedding had no time to drop."""
    generations = [known.generation, known.generation + 1][: 2 if known.shadow_embedder else 1]
    keep = {tables.table_name(name, g) for name in TABLES for g in generations}
    for name in opened.names():
        if name not in keep:
            opened.drop(name)


def _open_read_only(folder: Path, clock: Callable[[], float]) -> Opened:
    known = meta.load_meta(folder)
    if known is None:
        raise StoreUnavailable(f"{folder} holds no store. Set LESSONBANK_STORE to one that does.")
    if known.schema_version < meta.SCHEMA_VERSION:
        raise StoreUnavailable(
            f"The store {folder} has schema version {known.schema_version} and must be brought to"
            f" {meta.SCHEMA_VERSION}, but it cannot be written. Give this user write permission."
        )
    writer = Writer(
        Standing(folder, read_only=True),
        None,
        Tables(folder, known.generation, known.dimension),
        clock,
    )
    load(writer, _borrowed_entries(folder / journal.FILE))
    return Opened(known, writer, None)


def _borrowed_entries(path: Path) -> list[Entry]:
    """Read a journal in a folder that cannot be written: SQLite needs a copy it can."""
    with tempfile.TemporaryDirectory(prefix="lessonbank-") as borrowed:
        _copy_unchanged(path, Path(borrowed))
        copy = Path(borrowed) / path.name
        if not copy.exists():
            return []
        log = Journal(copy)
        try:
            return log.entries()
        finally:
            log.close()


def _copy_unchanged(path: Path, target: Path) -> None:
    """Copy the journal's files as they were at one moment: again while their owner writes."""
    for _ in range(_COPIES):
        files = [file for file in journal.files_of(path) if not file.name.endswith("-shm")]
        before = [(file.stat().st_mtime_ns, file.stat().st_size) for file in files]
        for file in files:
            shutil.copyfile(file, target / file.name)
        again = [file for file in journal.files_of(path) if not file.name.endswith("-shm")]
        after = [(file.stat().st_mtime_ns, file.stat().st_size) for file in again]
        if (files, before) == (again, after):
            return
    raise StoreUnavailable(f"The store {path.parent} is being written all the time. Try again.")


def load(writer: Writer, entries: list[Entry]) -> None:
    """Read what LanceDB has into memory, then what only the journal has."""
    columns = ["id", "seq", "project", "kind", "state", "content_hash", "created_at"]
    rows = writer.tables.scan("items", columns).sort_by("seq").to_pylist()
    waiting = _without_vectors(writer)
    writer.catalog.add([Head(**row, waiting=row["id"] in waiting) for row in rows])
    newest = [row["seq"] for row in rows[-1:]]
    for name in LOGS:
        pairs = writer.tables.scan(name, ["id", "seq"]).to_pydict()
        writer.tail.load(name, zip(pairs["id"], pairs["seq"], strict=True))
        newest += pairs["seq"]
    writer.start_after(max(newest, default=0))
    writer.load_vectors()
    writer.load_words()
    there = [entry for entry in entries if writer.knows(entry.table, entry.id)]
    replayed = [entry for entry in entries if not writer.knows(entry.table, entry.id)]
    writer.backlog.owe(there)
    writer.start_after(max((entry.seq for entry in there), default=0))
    writer.take(replayed)
    if replayed:
        _LOG.info("store %s: %d journal entries replayed", writer.standing.folder, len(replayed))


def _without_vectors(writer: Writer) -> set[str]:
    where = "vector IS NULL" if writer.tables.dimension else ""
    return set(writer.tables.scan("items", ["id"], where)["id"].to_pylist())


def _correct_states(writer: Writer) -> None:
    """Make the states what the events say: the column is only their copy."""
    present = {item_id: (seq, state) for item_id, seq, state in writer.catalog.states()}
    seqs = {item_id: seq for item_id, (seq, _) in present.items()}
    flipped = states_after(Reader(writer).log("events"), seqs)
    differs = [i for i, state in flipped.items() if present[i][1] != state]
    for item_id in differs:
        writer.catalog.flip(item_id, flipped[item_id])
    if differs:
        folder = writer.standing.folder
        _LOG.warning("store %s: %d states corrected from the events", folder, len(differs))
        writer.apply()
        writer.write_states(differs)
