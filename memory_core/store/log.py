"""The log: every record that was ever acknowledged, in its order, for good.

One SQLite file. An append returns when its commit is synced (`synchronous=FULL`);
a volatile one when it is written, and the next durable commit syncs it too, because
both end in the same write-ahead log. A record is its row as it was said (JSON,
compressed) beside what is asked for without reading it; its vectors stand apart,
by generation, because another model makes others. Everything else that the store
holds can be made from this file again.

This module knows rows, vectors and marks; no LanceDB and no meaning.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from memory_core.store import disk
from memory_core.store.packing import packed, unpacked
from memory_core.store.schema import CODECS, Entry, TableName, entry_from

FILE = "log.db"
SLICE = 512
"""Records that a scan reads at a time."""
PATIENCE = 5.0
"""Seconds to wait for somebody else's lock on the file."""
PAGE = 16384
"""Bytes of a page: ten vectors of 384 numbers, or five pairs, fill it; two would leave a quarter of
4096 empty."""
LOOKED_AT = 128 * 2**20
"""A file of fewer bytes is looked at as a whole at each opening, some milliseconds for 10 MB."""
Line = tuple[Any, ...]
"""A record as it stands in the file, unread: the columns of `records`, then `first`, `second` and
`crc` of its vectors (all None without any)."""
RECORD = (
    *("seq", "name", "id", "project", "session", "at", "kind", "state", "hash"),
    *("payload", "crc"),
)
"""The columns of `records`, in their order."""
_NO_VECTORS = (None, None, None)
_WHOLE = "whole"
"""The mark of a file that was closed in order."""
_MOST_VALUES = 500
_NO_END = 2**63 - 1
_LOG = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    project TEXT NOT NULL,
    session TEXT NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    hash TEXT NOT NULL,
    payload BLOB NOT NULL,
    crc INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS record_ids ON records (name, id);
CREATE INDEX IF NOT EXISTS recalls_of_sessions ON records (session, seq)
    WHERE name = 'recalls' AND session <> '';
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
"""
_VECTORS = """
CREATE TABLE IF NOT EXISTS vectors_{} (
    seq INTEGER PRIMARY KEY, first BLOB, second BLOB, crc INTEGER NOT NULL
);
"""
_INSERT = f"INSERT OR REPLACE INTO records VALUES ({', '.join('?' * len(RECORD))})"
_INSERT_VECTORS = "INSERT OR REPLACE INTO vectors_{} VALUES (?, ?, ?, ?)"
_HEADS = ("project", "session", "at", "kind", "state", "content_hash")
"""What of a row stands beside it; a record that has none of one has its zero."""
_ZEROS = ("", "", 0.0, "", "", "")


class LogDamagedError(Exception):
    """SQLite calls the file corrupt, or it is no database at all."""


def _crc(*parts: bytes | None) -> int:
    return zlib.crc32(b"\0".join(part or b"" for part in parts))


def line_of(entry: Entry) -> Line:
    """Give the line of an entry."""
    _, *vectors = _blobs(entry)
    return (*_record(entry), *(vectors if _has_vectors(entry) else _NO_VECTORS))


def _has_vectors(entry: Entry) -> bool:
    return any(vector is not None for vector in entry.vectors)


def _record(entry: Entry) -> tuple[object, ...]:
    row = {**entry.row, "at": entry.row.get("at", entry.row.get("created_at"))}
    heads = [row.get(name) or zero for name, zero in zip(_HEADS, _ZEROS, strict=True)]
    payload = packed(entry.payload())
    crc = _crc(entry.table.encode(), entry.id.encode(), payload)
    return (entry.seq, entry.table, entry.id, *heads, payload, crc)


def _blobs(entry: Entry) -> tuple[object, ...]:
    first, second = (*(None if v is None else v.tobytes() for v in entry.vectors), None, None)[:2]
    return entry.seq, first, second, _crc(first, second)


def _whole(line: Line) -> Line | None:
    """Give the line, without damaged vectors; None when the record is damaged. Both are said."""
    seq, name, record_id, *_, payload, crc = line[: len(RECORD)]
    if _crc(name.encode(), record_id.encode(), payload) != crc:
        _LOG.error("record %s of %s is damaged and left out", seq, name)
        return None
    first, second, vectors_crc = line[len(RECORD) :]
    if vectors_crc is not None and _crc(first, second) != vectors_crc:
        _LOG.error("the vectors of record %s of %s are damaged and left out", seq, name)
        return (*line[: len(RECORD)], *_NO_VECTORS)
    return line


@dataclass(frozen=True, slots=True)
class Examined:
    """A record as it was found; `entry`: None when it is damaged."""

    seq: int
    name: str
    id: str
    entry: Entry | None
    vectors_damaged: bool


class Log:
    """One SQLite database in WAL mode. Thread-safe: one connection writes, one reads.

    Args:
        path: The file; created when there is none.
        generation: Whose vectors are given and taken (see `turn`).
        embedder: The model that made them.
        read_only: Read what is there, and what its owner adds meanwhile.

    Raises:
        LogDamagedError: The file cannot be used (see `salvage`).
        sqlite3.OperationalError: It cannot be opened in this folder.
    """

    def __init__(
        self, path: Path, generation: int = 1, embedder: str = "", *, read_only: bool = False
    ) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self.generation, self.embedder = generation, embedder
        self._closed = False
        self.read_only = read_only
        """Whether somebody else writes it."""
        self.damaged = False
        """Whether a read met damage: the next opening looks at the whole file."""
        self.salvaged = False
        """Whether this one was begun with what could be read of a damaged one."""
        self.after_close: Callable[[], None] = lambda: None
        created = not path.exists()
        self._db = _connected(path, read_only=read_only)
        self._reader = self._db  # until the file is known to be whole, nothing is written to it
        try:
            if not created:
                self._check()
            if not read_only:
                self._db.execute(f"PRAGMA page_size={PAGE}")
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.executescript(_SCHEMA + _VECTORS.format(int(generation)))
                self.mark(_WHOLE, None)
            self._reader = _connected(path, read_only=read_only)
        except sqlite3.DatabaseError as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise LogDamagedError(str(error)) from error
        except LogDamagedError:
            self._db.close()
            raise
        if created:
            disk.sync_folder(path.parent)

    def _check(self) -> None:
        """Look at the whole file, unless it is large and was closed in order.

        Raises:
            LogDamagedError: It is damaged.
        """
        if self._path.stat().st_size >= LOOKED_AT:
            with suppress(sqlite3.OperationalError):  # a log that was never begun has no marks
                if self.marked(_WHOLE) is not None:
                    return
        (verdict,) = self._ask("PRAGMA quick_check(1)")[0]
        if verdict != "ok":
            raise LogDamagedError(str(verdict))

    # -- writing

    def append(self, entries: Sequence[Entry], *, durable: bool = True) -> None:
        """Add the entries in one transaction, all of them or none; an old place is written over."""
        with self._lock:
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._transact(
                (_INSERT, [_record(entry) for entry in entries]),
                (
                    _INSERT_VECTORS.format(self.generation),
                    [_blobs(entry) for entry in entries if _has_vectors(entry)],
                ),
            )

    def put_vectors(self, entries: Sequence[Entry], generation: int) -> None:
        """Keep these entries' vectors of a generation, none too, on the disk when this returns."""
        with self._lock:
            self._db.execute("PRAGMA synchronous=FULL")
            held = [_blobs(entry) for entry in entries]
            self._transact((_INSERT_VECTORS.format(generation), held))

    def put(self, lines: Iterable[Line]) -> int:
        """Take lines of another log as they are, not synced; give how many were whole."""
        whole = [line for each in lines if (line := _whole(each)) is not None]
        vectors = [(line[0], *line[len(RECORD) :]) for line in whole if line[-1] is not None]
        with self._lock:
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._transact(
                (_INSERT, [line[: len(RECORD)] for line in whole]),
                (_INSERT_VECTORS.format(self.generation), vectors),
            )
        return len(whole)

    def delete(self, seqs: Iterable[int]) -> None:
        """Take records out: a working copy that is put in order. Nothing else ever does."""
        gone = [(seq,) for seq in seqs]
        tables = ["records", *(f"vectors_{each}" for each in self.generations())]
        with self._lock:
            self._db.execute("PRAGMA synchronous=FULL")
            self._transact(*((f"DELETE FROM {table} WHERE seq = ?", gone) for table in tables))

    def clear(self) -> None:
        """Forget all records and marks: a working copy that is made anew."""
        tables = ["records", "marks", *(f"vectors_{each}" for each in self.generations())]
        with self._lock:
            self._db.execute("PRAGMA synchronous=FULL")
            self._transact(*((f"DELETE FROM {table}", [()]) for table in tables))
        self.salvaged = False

    def _transact(self, *steps: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in steps:
                self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # -- generations of vectors, marks

    def generations(self) -> list[int]:
        """Give the generations that have a table of vectors."""
        found = self._ask("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [str(name) for (name,) in found]
        return sorted(int(n[len("vectors_") :]) for n in names if n.startswith("vectors_"))

    def begin(self, generation: int) -> None:
        """Make room for a generation's vectors; what it has is kept."""
        with self._lock:
            self._db.executescript(_VECTORS.format(int(generation)))

    def drop(self, generation: int) -> None:
        """Forget a generation's vectors."""
        with self._lock:
            self._db.execute(f"DROP TABLE IF EXISTS vectors_{int(generation)}")

    def turn(self, generation: int, embedder: str, keep: Collection[int] = ()) -> None:
        """Give and take the vectors of this generation from now on; others are dropped.

        Args:
            generation: Of the vectors.
            embedder: The model that makes them.
            keep: Generations that are not dropped.
        """
        self.begin(generation)
        self.generation, self.embedder = generation, embedder
        for other in set(self.generations()).difference(keep, (generation,)):
            self.drop(other)

    def marked(self, name: str) -> int | None:
        """Give the version that was noted under this name, None without one."""
        rows = self._ask("SELECT version FROM marks WHERE name = ?", name)
        return int(rows[0][0]) if rows else None

    def mark(self, name: str, version: int | None) -> None:
        """Note a version under this name, or (None) that there is none any more."""
        with self._lock:
            self._db.execute("PRAGMA synchronous=FULL")
            if version is None:
                self._db.execute("DELETE FROM marks WHERE name = ?", (name,))
            else:
                self._db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, version))

    # -- reading

    def _ask(self, statement: str, *values: object) -> list[Any]:
        try:
            with self._reading:
                return self._reader.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            self.damaged = self.damaged or not isinstance(error, sqlite3.OperationalError)
            raise

    def _rows(self, where: str, *values: object) -> list[Any]:
        return self._ask(
            "SELECT r.seq, r.name, r.id, r.payload, r.crc, v.first, v.second, v.crc FROM records r"
            f" LEFT JOIN vectors_{self.generation} v ON v.seq = r.seq WHERE {where}",
            *values,
        )

    def _read(self, rows: Iterable[Any]) -> list[Entry]:
        """Give whole entries; a damaged one is left out, with a line in the process's log."""
        return [entry for row in rows if (entry := self.entry_of(row)) is not None]

    def entry_of(self, row: Any) -> Entry | None:
        """Give the entry of (seq, name, id, payload, crc, first, second, crc of both).

        Damaged vectors are left out of it; of a damaged record there is None. Both are said.
        """
        found = self.examine(row)
        if found.vectors_damaged:
            _LOG.error("the vectors of record %s of %s are damaged and left out", *row[:2])
        if found.entry is None:
            _LOG.error("record %s of %s is damaged and left out", *row[:2])
        return found.entry

    def examine(self, row: Any) -> Examined:
        """Give what is whole of such a row, and say nothing."""
        seq, name, record_id, payload, crc, first, second, vectors_crc = row
        damaged = vectors_crc is not None and _crc(first, second) != vectors_crc
        blobs = (None, None) if damaged else (first, second)
        entry = None
        try:
            if _crc(name.encode(), record_id.encode(), payload) == crc and name in CODECS:
                entry = entry_from(seq, name, unpacked(payload), blobs, self.embedder)
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
            entry = None
        return Examined(seq, name, record_id, entry, damaged)

    def examined(self) -> Iterator[Examined]:
        """Give every record in the order of the log, also what is damaged."""
        after = 0
        while rows := self._rows(f"r.seq > ? ORDER BY r.seq LIMIT {SLICE}", after):
            yield from map(self.examine, rows)
            after = rows[-1][0]

    def integrity(self) -> str:
        """Give "ok", or what SQLite finds wrong with its file first."""
        return str(self._ask("PRAGMA integrity_check(1)")[0][0])

    def find(self, name: TableName, record_id: str) -> Entry | None:
        """Give the record with this id, None when there is none."""
        found = self._read(self._rows("r.name = ? AND r.id = ?", name, record_id))
        return found[0] if found else None

    def at(self, seqs: Sequence[int]) -> list[Entry]:
        """Give the records at these places, in the order of the log."""
        found: list[Entry] = []
        for start in range(0, len(seqs), _MOST_VALUES):
            part = seqs[start : start + _MOST_VALUES]
            found += self._read(self._rows(f"r.seq IN ({', '.join('?' * len(part))})", *part))
        return sorted(found, key=lambda entry: entry.seq)

    def lines(self, seqs: Sequence[int]) -> list[Line]:
        """Give the lines at these places, in the order of the log; damaged ones are left out."""
        columns = ", ".join(f"r.{name}" for name in RECORD)
        found: list[Line] = []
        for start in range(0, len(seqs), _MOST_VALUES):
            part = seqs[start : start + _MOST_VALUES]
            rows = self._ask(
                f"SELECT {columns}, v.first, v.second, v.crc FROM records r LEFT JOIN"
                f" vectors_{self.generation} v ON v.seq = r.seq"
                f" WHERE r.seq IN ({', '.join('?' * len(part))})",
                *part,
            )
            found += [line for row in rows if (line := _whole(row)) is not None]
        return sorted(found, key=itemgetter(0))

    def entry_at(self, line: Line) -> Entry | None:
        """Give the entry of a line, as `at` would give it once it is taken."""
        return self.entry_of((*line[:3], *line[len(RECORD) - 2 :]))

    def scan(self, *names: TableName, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """Give the records of these kinds in the order of the log, as it is at the first step.

        Args:
            names: Of the kinds.
            after: Only places above this one.
            until: Only places up to this one; None: the newest at the first step.
        """
        last = self.newest() if until is None else until
        if len(names) == 1:  # by the index of ids, not past all that is of other kinds
            between = "name = ? AND seq > ? AND seq <= ? ORDER BY +seq"
            rows = self._ask(f"SELECT seq FROM records WHERE {between}", names[0], after, last)
            seqs = [int(seq) for (seq,) in rows]
            for start in range(0, len(seqs), SLICE):
                yield from self.at(seqs[start : start + SLICE])
            return
        wanted = f"+r.name IN ({', '.join('?' * len(names))}) AND r.seq > ? AND r.seq <= ?"
        while after < last:  # the plus keeps SQLite to the order of places
            rows = self._rows(f"{wanted} ORDER BY r.seq LIMIT {SLICE}", *names, after, last)
            yield from self._read(rows)
            after = rows[-1][0] if len(rows) == SLICE else last

    def place(self, name: TableName, record_id: str) -> int | None:
        """Give the record's place, None for an unknown id."""
        rows = self._ask("SELECT seq FROM records WHERE name = ? AND id = ?", name, record_id)
        return int(rows[0][0]) if rows else None

    def places(self) -> dict[int, tuple[TableName, str]]:
        """Give the kind and the id of the record at each place."""
        rows = self._ask("SELECT seq, name, id FROM records ORDER BY seq")
        return {seq: (name, record_id) for seq, name, record_id in rows}

    def ids(self, name: TableName) -> list[str]:
        """Give the ids of one kind of record, in the order of the log."""
        rows = self._ask("SELECT id FROM records WHERE name = ? ORDER BY seq", name)
        return [record_id for (record_id,) in rows]

    def count(self, name: TableName | None = None) -> int:
        """Give how many records of a kind (None: of all) there are."""
        if name is None:
            return int(self._ask("SELECT count(*) FROM records")[0][0])
        return int(self._ask("SELECT count(*) FROM records WHERE name = ?", name)[0][0])

    def newest(self, name: TableName | None = None) -> int:
        """Give the last place of a record of this kind (None: of any), 0 without any."""
        if name is None:
            return int(self._ask("SELECT coalesce(max(seq), 0) FROM records")[0][0])
        rows = self._ask("SELECT coalesce(max(seq), 0) FROM records WHERE name = ?", name)
        return int(rows[0][0])

    def heads(self) -> list[Any]:
        """Give (id, seq, project, kind, state, content_hash, created_at, waiting) of all items."""
        rows = self._ask(
            "SELECT r.id, r.seq, r.project, r.kind, r.state, r.hash, r.at, v.first IS NULL"
            f" FROM records r LEFT JOIN vectors_{self.generation} v ON v.seq = r.seq"
            " WHERE r.name = 'items' ORDER BY +r.seq"  # by the index of ids, not past every recall
        )
        return [(*row[:-1], bool(row[-1])) for row in rows]

    def vectors(self) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """Give (seq, first, second) of the items that have vectors, in the order of the log.

        Damaged ones are None.
        """
        after = 0
        while True:
            rows = self._ask(
                f"SELECT v.seq, v.first, v.second, v.crc FROM vectors_{self.generation} v"
                " JOIN records r ON r.seq = v.seq WHERE r.name = 'items' AND v.seq > ?"
                " ORDER BY v.seq LIMIT 2048",
                after,
            )
            if not rows:
                return
            for seq, first, second, crc in rows:
                whole = _crc(first, second) == crc
                yield (seq, first, second) if whole else (seq, None, None)
            after = rows[-1][0]

    def lacking(self, name: TableName, generation: int) -> list[int]:
        """Give the places of this kind's records without vectors of a generation."""
        rows = self._ask(
            "SELECT seq FROM records WHERE name = ? AND seq NOT IN"
            f" (SELECT seq FROM vectors_{generation}) ORDER BY seq",
            name,
        )
        return [int(seq) for (seq,) in rows]

    def newest_recalls(
        self, projects: Collection[str], session: str, since: float, before: int, limit: int
    ) -> list[Entry]:
        """Give the newest recalls of these projects before a place, newest first."""
        where = f"r.project IN ({', '.join('?' * len(projects))})"
        values: list[object] = [*projects]
        if session:
            where += " AND r.name = 'recalls' AND r.session = ? AND r.session <> ''"
            values.append(session)
        else:  # backwards from the newest: the plus keeps SQLite to the order of places
            where += " AND +r.name = 'recalls'"
        where += f" AND r.at >= ? AND r.seq < ? ORDER BY r.seq DESC LIMIT {int(limit)}"
        return self._read(self._rows(where, *values, since, min(before, _NO_END)))

    # -- keeping

    def truncate(self) -> None:
        """Move the write-ahead log into the database file and give its space back."""
        with self._lock:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the database; safe to call again."""
        if self._closed:
            return
        self._closed = True
        if not (self.read_only or self.damaged):
            with suppress(sqlite3.Error):
                self.mark(_WHOLE, 1)
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()
        self.after_close()


def _connected(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=PATIENCE
    )
