"""Rows of an SQLite file, read page by page: what is left where its trees are torn.

A query ends where a page above the rows is damaged, though the rows below it are whole.
Here every page that is a leaf of a table is read for itself. Format:
https://www.sqlite.org/fileformat2.html, sections 1.6 (pages) and 2.1 (records).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

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


def rows(path: Path, page: int) -> Iterator[tuple[int, list[Value]]]:
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
