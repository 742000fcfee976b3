"""The durable journal: what was acknowledged and is not in synced LanceDB files yet.

An append returns when its commit is synced (`synchronous=FULL`); a volatile one
when it is written, and the next durable commit syncs it too, because both end
in the same write-ahead log. Beside the entries the journal remembers, for each
table, the last version whose files were synced (`settled`): whatever LanceDB
holds beyond that version is here as well, so opening may always go back to it.

This module knows rows and versions, no LanceDB and no meaning.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from memory_core.store import disk
from memory_core.store.schema import CODECS, Entry, entry_from

FILE = "journal.db"
_LOG = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    payload BLOB NOT NULL,
    first BLOB,
    second BLOB,
    crc INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS settled (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
"""
_Stored = tuple[int, str, bytes, bytes | None, bytes | None, int]


class JournalDamagedError(Exception):
    """SQLite calls the file corrupt, or it is no database at all."""


def _crc(name: str, payload: bytes, first: bytes | None, second: bytes | None) -> int:
    return zlib.crc32(b"\0".join((name.encode(), payload, first or b"", second or b"")))


def _stored(entry: Entry) -> _Stored:
    blobs = [None if v is None else v.tobytes() for v in entry.vectors]
    first, second = (*blobs, None, None)[:2]
    payload = entry.payload()
    return entry.seq, entry.table, payload, first, second, _crc(entry.table, payload, first, second)


def _entry(row: _Stored) -> Entry | None:
    """Give the entry of a stored row, None (and a log line) when it is damaged."""
    seq, name, payload, first, second, crc = row
    try:
        if _crc(name, payload, first, second) != crc or name not in CODECS:
            raise ValueError("its checksum differs")
        return entry_from(seq, name, payload, (first, second))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _LOG.error("journal entry %s of %s is damaged and left out: %s", seq, name, error)
        return None


class Journal:
    """One SQLite database in WAL mode. Thread-safe.

    Raises:
        JournalDamagedError: The file cannot be used (see `salvage`).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        created = not path.exists()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise JournalDamagedError(str(verdict))
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise JournalDamagedError(str(error)) from error
        except JournalDamagedError:
            self._db.close()
            raise
        if created:
            disk.sync_folder(path.parent)

    def append(self, entries: Sequence[Entry], *, durable: bool) -> None:
        """Add the entries in one transaction, all of them or none; an old seq is replaced."""
        rows = [_stored(entry) for entry in entries]
        with self._lock:
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._transact(
                ("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows),
            )

    def settle(self, seqs: Iterable[int], versions: Mapping[str, int]) -> None:
        """Forget these entries and remember the versions whose synced files hold them now."""
        with self._lock:
            self._db.execute("PRAGMA synchronous=FULL")
            self._transact(
                ("DELETE FROM entries WHERE seq = ?", [(seq,) for seq in seqs]),
                ("INSERT OR REPLACE INTO settled VALUES (?, ?)", list(versions.items())),
            )

    def forget_settled(self, names: Iterable[str]) -> None:
        """Forget the settled versions of tables that are no more."""
        with self._lock:
            self._transact(("DELETE FROM settled WHERE name = ?", [(name,) for name in names]))

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

    def entries(self) -> list[Entry]:
        """Give all entries in log order; a damaged one is left out and logged."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM entries ORDER BY seq").fetchall()
        return [entry for row in rows if (entry := _entry(row)) is not None]

    def settled(self) -> dict[str, int]:
        """Give, for each table, the last version whose files are all on the disk."""
        with self._lock:
            return dict(self._db.execute("SELECT name, version FROM settled").fetchall())

    def count(self) -> int:
        """Give how many entries wait."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM entries").fetchone()[0])

    def truncate(self) -> None:
        """Move the write-ahead log into the database file and give its space back."""
        with self._lock:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the database; safe to call again."""
        with self._lock:
            self._db.close()


def files_of(path: Path) -> list[Path]:
    """Give the journal's files that exist: the database, its log and its shared memory."""
    names = (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))
    return [name for name in names if name.exists()]


def open_journal(path: Path, quarantine: Path) -> Journal:
    """Open the journal; a damaged one is moved aside and what is readable is carried over."""
    try:
        return Journal(path)
    except JournalDamagedError as error:
        moved = _move_aside(path, quarantine)
        entries = salvage(moved)
        _LOG.error(
            "the journal %s is damaged (%s): moved to %s, %d readable entries carried over",
            path,
            error,
            moved,
            len(entries),
        )
        journal = Journal(path)
        if entries:
            journal.append(entries, durable=True)
        return journal


def _move_aside(path: Path, quarantine: Path) -> Path:
    target = quarantine / f"journal-{time.time_ns()}"
    target.mkdir(parents=True)
    for file in files_of(path):
        file.replace(target / file.name)
    disk.sync_folder(target)
    disk.sync_folder(path.parent)
    return target / path.name


def salvage(path: Path) -> list[Entry]:
    """Give the entries that can still be read from a damaged journal, in log order.

    Reads forward to the damage and backward from the end to it.
    """
    found: dict[int, Entry] = {}
    for order in ("ASC", "DESC"):
        try:
            with closing(sqlite3.connect(path)) as db:
                for row in db.execute(f"SELECT * FROM entries ORDER BY seq {order}"):
                    entry = _entry(row)
                    if entry is not None:
                        found[entry.seq] = entry
        except (sqlite3.Error, TypeError, ValueError):
            continue
    return [found[seq] for seq in sorted(found)]
