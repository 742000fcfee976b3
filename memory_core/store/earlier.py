"""Stores of schema version 1 and 2, read into the log once, at opening.

They kept four LanceDB tables and a journal of what was not synced in those yet
(`journal.db`, deleted row by row). All of it is written to a log beside them and compared
before the first of their files goes; interrupted anywhere, the next opening begins again.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa

from memory_core.errors import StoreUnavailable
from memory_core.store import disk, log_files
from memory_core.store import log as logs
from memory_core.store.item_table import FOLDER, table_name
from memory_core.store.log import Log
from memory_core.store.log_files import QUARANTINE, readable
from memory_core.store.meta import SCHEMA_VERSION, Meta
from memory_core.store.schema import CODECS, TABLES, Entry, TableName, entry_from, entry_of

JOURNAL = "journal.db"
DRAFT = "log.db.part"
FIRST_LOG = 3
"""The schema version from which on a store has a log."""
_SLICE = 1024
_NEWEST = 2**64 - 1
_MAGIC = b"LANC"
_LOG = logging.getLogger(__name__)


def upgraded(folder: Path, known: Meta) -> Meta:
    """Give an earlier store its log, and its new meta; any other store is left as it is.

    Raises:
        StoreUnavailable: It cannot be read whole; nothing of it was changed.
    """
    if not 0 < known.schema_version < FIRST_LOG:
        return known
    target = folder / logs.FILE
    if not target.exists():
        _LOG.info("store %s: its records are being written to %s", folder, target)
        _write_log(folder, known, target)
    meta = dataclasses.replace(
        known, schema_version=SCHEMA_VERSION, shadow_embedder="", shadow_dimension=0
    )
    meta.save(folder)
    return meta


def remove(folder: Path, generation: int) -> None:
    """Delete the files that the log replaced, and indexes of other vectors than the store's."""
    keep = table_name("items", generation)
    for path in (folder / FOLDER).glob("*.lance"):
        if path.stem != keep:
            shutil.rmtree(path, ignore_errors=True)
    for path in log_files.files_of(folder / JOURNAL):
        path.unlink(missing_ok=True)


def _write_log(folder: Path, known: Meta, target: Path) -> None:
    draft = folder / DRAFT
    for path in log_files.files_of(draft):
        path.unlink()
    journal, settled = read_journal(folder / JOURNAL)
    for table in sorted((folder / FOLDER).glob("*.lance")):
        go_back(folder, table, settled.get(table.stem))
    place = lancedb.connect(str(folder / FOLDER))
    stored = {name: table_name(name, known.generation) for name in TABLES}
    there = {n for n, its in stored.items() if (folder / FOLDER / f"{its}.lance").exists()}
    log = Log(draft, known.generation, known.embedder)
    try:
        expected: dict[tuple[str, str], int] = {}
        for name in TABLES:
            newer = {entry.seq: entry for entry in journal if entry.table == name}
            if name in there:
                for part in _rows(place.open_table(stored[name]), name):
                    log.append([e for e in part if e.seq not in newer], durable=False)
                    expected.update(((name, entry.id), entry.seq) for entry in part)
            log.append(list(newer.values()))
            expected.update(((name, entry.id), entry.seq) for entry in newer.values())
        _compare(folder, log, expected)
        items = stored["items"]
        if "items" in there and place.open_table(items).version == settled.get(items):
            log.mark(items, settled[items])
        log.truncate()
    finally:
        log.close()
    draft.replace(target)
    disk.sync_folder(folder)


def _rows(table: Any, name: TableName) -> Iterator[list[Entry]]:
    """Give a table's entries, some at a time."""
    for batch in table.search().limit(None).to_batches(batch_size=_SLICE):
        pairs = CODECS[name].read(pa.Table.from_batches([batch]))
        yield [entry_of(seq, name, stored) for seq, stored in pairs]


def _compare(folder: Path, log: Log, expected: Mapping[tuple[str, str], int]) -> None:
    """Refuse to go on unless the log gives every record at its place, whole."""
    held = {(each.name, each.id): each.seq for each in log.examined() if each.entry is not None}
    lost = [seq for record, seq in expected.items() if held.get(record) != seq]
    if lost:
        raise StoreUnavailable(
            f"{len(lost)} records of the store {folder} did not reach its log, the first at place"
            f" {lost[0]}: the store is left as it was. Open it with the version of lessonbank that"
            " wrote it."
        )


# -- the journal


def read_journal(path: Path) -> tuple[list[Entry], Mapping[str, int]]:
    """Give (what waited in the journal, in order; each table's version that was synced last)."""
    if not path.exists():
        return [], {}
    found: dict[int, Entry] = {}
    for order in ("ASC", "DESC"):  # from both ends to the damage, if there is one
        for row in readable(path, f"SELECT * FROM entries ORDER BY seq {order}"):
            entry = None if row[0] in found else _entry(row)
            if entry is not None:
                found[entry.seq] = entry
    settled = dict(readable(path, "SELECT name, version FROM settled"))
    return [found[seq] for seq in sorted(found)], settled


def checksum(name: str, payload: bytes, first: bytes | None, second: bytes | None) -> int:
    """Give the checksum of a journal's row."""
    return zlib.crc32(b"\0".join((name.encode(), payload, first or b"", second or b"")))


def _entry(row: tuple[int, TableName, bytes, bytes | None, bytes | None, int]) -> Entry | None:
    seq, name, payload, first, second, crc = row
    try:
        if checksum(name, payload, first, second) != crc:
            raise ValueError("its checksum differs")
        return entry_from(seq, name, payload, (first, second))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _LOG.error("journal entry %s of %s is damaged and left out: %s", seq, name, error)
        return None


# -- tables after a power cut: LanceDB synced nothing, the journal has what was newer


def go_back(folder: Path, table: Path, settled: int | None) -> None:
    """Move a table's versions aside that are newer than the one that was synced last.

    Raises:
        StoreUnavailable: It was synced once and no version of it is whole.
    """
    found = {
        _NEWEST - int(path.stem): path
        for path in sorted((table / "_versions").glob("*.manifest"))
        if path.stem.isdigit()
    }
    whole = [version for version, path in found.items() if _is_whole(path)]
    safe = settled if settled in whole else max(whole, default=None)
    unsafe = [path for version, path in found.items() if safe is None or version > safe]
    if not unsafe and safe is not None:
        return
    if safe is None and settled is not None:
        raise StoreUnavailable(
            f"The table {table.stem} of the store {folder} is damaged beyond repair: none of its"
            f" {len(found)} versions can be read. Restore {table} from a backup, or move it away"
            " to go on without what it held."
        )
    aside = folder / QUARANTINE / f"{table.stem}-{time.time_ns()}"
    aside.mkdir(parents=True)
    _LOG.warning("store %s: what of table %s is unsafe goes to %s", folder, table.stem, aside)
    if safe is None:
        table.replace(aside / table.name)
        return
    (table / "_versions" / "latest_version_hint.json").unlink(missing_ok=True)
    for path in unsafe:
        path.replace(aside / path.name)


def _is_whole(manifest: Path) -> bool:
    """Tell whether a manifest ends as LanceDB ends them."""
    content = manifest.read_bytes()
    return len(content) > 2 * len(_MAGIC) and content.endswith(_MAGIC)
