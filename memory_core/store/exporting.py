"""A store as plain LanceDB tables that anybody can open: items, recalls, outcomes, events.

Read from the log beside whoever owns it; items are in their present state. The terms that
only a search of lessonbank's asks for are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa

from memory_core.errors import InvalidInput, shown
from memory_core.store.faults import translated
from memory_core.store.opening import open_parts
from memory_core.store.schema import CODECS, TABLES, Entry, TableName
from memory_core.store.writer import Writer

ROWS = 1024
"""Rows in memory at a time."""
_INTERNAL = "search_text"


def export_tables(folder: Path, target: Path) -> dict[TableName, int]:
    """Write the tables of the store in `folder` to the folder `target`; give their rows.

    Raises:
        InvalidInput: There is something at `target`.
        StoreUnavailable: There is no store, it cannot be read, or `target` cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidInput(
            "--lance",
            f"= {shown(str(target))} is not empty",
            "Name a folder that is not there yet.",
        )
    writer = open_parts(folder, read_only=True).writer
    try:
        with translated(target):
            target.mkdir(parents=True, exist_ok=True)
            place = lancedb.connect(str(target))
            return {name: _written(place, writer, name) for name in TABLES}
    finally:
        writer.log.close()


def _written(place: Any, writer: Writer, name: TableName) -> int:
    dimension = writer.table.dimension
    schema = CODECS[name].schema(dimension)
    columns = [column for column in schema.names if column != _INTERNAL]
    table = place.create_table(name, schema=pa.schema([schema.field(c) for c in columns]))
    for part in _parts(writer, name):
        table.add(CODECS[name].table_of(part, dimension).select(columns))
    return int(table.count_rows())


def _parts(writer: Writer, name: TableName) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    for entry in writer.log.scan(name):
        part.append(writer.index.presented(entry) if name == "items" else entry)
        if len(part) == ROWS:
            yield part
            part = []
    if part:
        yield part
