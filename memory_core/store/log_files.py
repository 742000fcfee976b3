"""A log's files: opened by their owner, borrowed beside him, and what is left of damaged ones.

A query ends where a page above the rows is damaged, though the rows below it are whole.
So every page that is a leaf of a table is read for itself as well. Format:
https://www.sqlite.org/fileformat2.html, sections 1.6 (pages) and 2.1 (records).
"""

from __future__ import annotations

import logging
import mmap
import shutil
import sqlite3
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from memory_core.errors import StoreUnavailable
from memory_core.store import disk
from memory_core.store.log import PAGE, RECORD, SLICE, Log, LogDamagedError
from memory_core.store.schema import Entry

QUARANTINE = "quarantine"
"""Where a damaged log is moved to."""
KEPT = 16
"""So many quarantined sets are kept, the newest."""
_COPIES = 20
"""Attempts to copy the files between two writes of their owner."""
_VECTOR_COLUMNS = 4
_LOG = logging.getLogger(__name__)


def files_of(path: Path) -> list[Path]:
    """Give the log's files that exist: the database, its write-ahead log, its shared memory."""
    names = (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))
    return [name for name in names if name.exists()]


def open_log(path: Path, quarantine: Path, generation: int, embedder: str) -> Log:
    """Open the log; a damaged one is moved aside and what is readable is carried over."""
    try:
        return Log(path, generation, embedder)
    except LogDamagedError as error:
        moved = _move_aside(path, quarantine)
        log = Log(path, generation, embedder)
        carried = salvage(moved, log)
        log.salvaged = True
        _LOG.error(
            "the log %s is damaged (%s): moved to %s, %d readable records carried over",
            path,
            error,
            moved,
            carried,
        )
        return log


def borrowed_log(path: Path, generation: int, embedder: str) -> Log:
    """Open a log whose folder must stay as it is: beside its owner, or a copy of it.

    Raises:
        StoreUnavailable: It is being written all the time.
    """
    shared = beside_its_owner(path, generation, embedder)
    if shared is not None:
        return shared
    borrowed = tempfile.TemporaryDirectory(prefix="lessonbank-")
    copy = Path(borrowed.name) / path.name
    with ExitStack() as undo:
        undo.callback(borrowed.cleanup)
        _copy_unchanged(path, copy.parent)
        log = open_log(copy, copy.parent / QUARANTINE, generation, embedder)
        log.after_close = undo.pop_all().close
    return log


def beside_its_owner(path: Path, generation: int, embedder: str) -> Log | None:
    """Read a log that somebody has open; None where nobody has, or that is not possible."""
    if not path.with_name(f"{path.name}-shm").exists():
        return None
    with suppress(sqlite3.Error, LogDamagedError):
        return Log(path, generation, embedder, read_only=True)
    return None


def reading(path: Path) -> sqlite3.Connection:
    """Connect to a log for a short look that leaves no file behind.

    Raises:
        sqlite3.OperationalError: It cannot be opened.
    """
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=2)


def _copy_unchanged(path: Path, target: Path) -> None:
    """Copy the files as they were at one moment: again while their owner writes."""
    for _ in range(_COPIES):
        files = [file for file in files_of(path) if not file.name.endswith("-shm")]
        before = [(file.stat().st_mtime_ns, file.stat().st_size) for file in files]
        for file in files:
            shutil.copyfile(file, target / file.name)
        again = [file for file in files_of(path) if not file.name.endswith("-shm")]
        after = [(file.stat().st_mtime_ns, file.stat().st_size) for file in again]
        if (files, before) == (again, after):
            return
    raise StoreUnavailable(f"The store {path.parent} is being written all the time. Try again.")


def _move_aside(path: Path, quarantine: Path) -> Path:
    if quarantine.is_dir():
        by_age = sorted(quarantine.iterdir(), key=lambda each: each.name.rpartition("-")[2])
        for old in by_age[: 1 - KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    target = quarantine / f"log-{time.time_ns()}"
    target.mkdir(parents=True)
    for file in files_of(path):
        file.replace(target / file.name)
    disk.sync_folder(target)
    disk.sync_folder(path.parent)
    return target / path.name


def salvage(path: Path, log: Log) -> int:
    """Copy what can still be read of a damaged log into `log`; give how many records.

    By queries forward to the damage and backward from the end to it, then page by page.
    """
    torn = list(_torn(path))
    vectors = _vectors_left(path, log.generation, torn)
    found: dict[int, Entry] = {}
    for row in _from_both_ends(path, "SELECT seq, name, id, payload, crc FROM records"):
        _carry(found, log, row, vectors)
    for seq, values in torn:
        if len(values) == len(RECORD) and seq not in found:
            _, name, record_id, *_, payload, crc = values
            _carry(found, log, (seq, name, record_id, payload, crc), vectors)
    places = sorted(found)
    for start in range(0, len(places), SLICE):
        log.append([found[seq] for seq in places[start : start + SLICE]])
    return len(found)


def _from_both_ends(path: Path, statement: str) -> Iterator[Any]:
    for order in ("ASC", "DESC"):
        yield from readable(path, f"{statement} ORDER BY seq {order}")


def _vectors_left(
    path: Path, generation: int, torn: Iterable[tuple[int, list[Any]]]
) -> dict[int, Any]:
    """Give (first, second, crc) of a generation's vectors by place, as far as they are left."""
    found = {
        row[0]: row[1:] for row in _from_both_ends(path, f"SELECT * FROM vectors_{generation}")
    }
    others = readable(path, "SELECT name FROM sqlite_master WHERE name LIKE 'vectors%'")
    if len(list(others)) < 2:  # a row of a page does not say which table it is of
        for seq, values in torn:
            if len(values) == _VECTOR_COLUMNS:
                found.setdefault(seq, values[1:])
    return found


def _torn(path: Path) -> Iterator[tuple[int, list[Any]]]:
    """Give the rows of a damaged file's pages, whatever they are of."""
    with suppress(OSError):
        yield from page_rows(path, PAGE)


def _carry(found: dict[int, Entry], log: Log, row: Any, vectors: Mapping[int, Any]) -> None:
    """Take a row that is whole, with its vectors if those are."""
    try:
        entry = log.examine((*row, *vectors.get(row[0], (None, None, None)))).entry
    except (TypeError, AttributeError):  # a page of nonsense that looks like a row
        return
    if entry is not None:
        found[entry.seq] = entry


def readable(path: Path, statement: str) -> Iterator[Any]:
    """Give the rows of a query up to the first damage; none where there is no file."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as db:
            yield from db.execute(statement)
    except (sqlite3.Error, TypeError, ValueError):
        return


# -- page by page


Value = int | float | str | bytes | None

_MAGIC = b"SQLite format 3\x00"
_HEADER = 100
_LEAF = 0x0D
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer by its serial type."""


class _File:
    """The pages of one file.

    Args:
        content: The whole file.
        page: Bytes of a page, where the file's head does not say it any more.
    """

    def __init__(self, content: mmap.mmap, page: int) -> None:
        self._content = content
        reserved = 0
        if content[: len(_MAGIC)] == _MAGIC:
            size = int.from_bytes(content[16:18], "big")
            page, reserved = 65536 if size == 1 else size, content[20]
        self.size, self.usable = page, page - reserved
        self.count = len(content) // page

    def page(self, number: int) -> bytes:
        """Give a page; the first is 1."""
        if not 1 <= number <= self.count:
            raise ValueError(f"there is no page {number}")
        return self._content[(number - 1) * self.size : number * self.size]

    def free(self) -> set[int]:
        """Give the pages that hold nothing any more, as far as the file can tell."""
        found: set[int] = set()
        trunk = int.from_bytes(self._content[32:36], "big")
        while trunk and trunk not in found and trunk <= self.count:
            found.add(trunk)
            page = self.page(trunk)
            trunk, count = struct.unpack(">II", page[:8])
            leaves = min(count, (self.usable - 8) // 4)
            found.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]))
        return found


def page_rows(path: Path, page: int) -> Iterator[tuple[int, list[Value]]]:
    """Give (row id, values of the columns) of every row that can be read, of any table.

    Args:
        path: The file; nobody may write to it.
        page: Bytes of a page, where the file's head is damaged.
    """
    with path.open("rb") as file:
        if path.stat().st_size < _HEADER:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = _File(content, page)
            free = found.free()
            for number in range(1, found.count + 1):
                if number not in free:
                    yield from _leaf(found, number)


def _leaf(file: _File, number: int) -> Iterator[tuple[int, list[Value]]]:
    page = file.page(number)
    start = _HEADER if number == 1 else 0
    if page[start] != _LEAF:
        return
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    for each in range(count):
        place = start + 8 + 2 * each
        try:
            yield _cell(file, page, int.from_bytes(page[place : place + 2], "big"))
        except (ValueError, IndexError, struct.error):
            continue


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Give (the number at this place, the place after it)."""
    value = 0
    for count in range(8):
        byte = data[place + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + count + 1
    return value << 8 | data[place + 8], place + 9


def _cell(file: _File, page: bytes, place: int) -> tuple[int, list[Value]]:
    length, place = _varint(page, place)
    row_id, place = _varint(page, place)
    most, least = file.usable - 35, (file.usable - 12) * 32 // 255 - 23
    here = length
    if length > most:  # the rest stands in a chain of pages of its own
        here = least + (length - least) % (file.usable - 4)
        here = least if here > most else here
    data = page[place : place + here]
    following = int.from_bytes(page[place + here : place + here + 4], "big")
    while len(data) < length:
        further = file.page(following)
        following = int.from_bytes(further[:4], "big")
        data += further[4 : min(file.usable, 4 + length - len(data))]
    return row_id - ((row_id >> 63) << 64), _record(data)  # two's complement


def _record(data: bytes) -> list[Value]:
    end, place = _varint(data, 0)
    kinds = []
    while place < end:
        kind, place = _varint(data, place)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        value, place = _value(data, kind, place)
        values.append(value)
    if place > len(data):
        raise ValueError("a row ends before its last value")
    return values


def _value(data: bytes, kind: int, place: int) -> tuple[Value, int]:
    """Give (the value of this serial type, the place after it)."""
    if kind == 0:
        return None, place
    if kind in _INTEGERS:
        after = place + _INTEGERS[kind]
        return int.from_bytes(data[place:after], "big", signed=True), after
    if kind == 7:
        return struct.unpack(">d", data[place : place + 8])[0], place + 8
    if kind in (8, 9):
        return kind - 8, place
    if kind < 12:
        raise ValueError(f"{kind} is no type of a value")
    after = place + (kind - 12) // 2
    part = data[place:after]
    return (part.decode("utf-8") if kind % 2 else part), after
