"""Brings a working folder and the bucket together, before the store is loaded.

A record is known by its id, its place in the log by its seq. What the folder
has and the bucket has not was acknowledged here and never uploaded: it goes to
the inbox, unless nobody else wrote meanwhile. What the bucket has and the
folder has not is copied.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from memory_core.store.journal import Journal
from memory_core.store.remote.bucket import BucketTables
from memory_core.store.schema import CODECS, TABLES, Entry, TableName
from memory_core.store.tables import Tables, at_places

SLICE = 500
ROWS = 4096
"""Rows that are added to the working folder at a time."""
Places = dict[int, str]
"""The id at each seq of one table."""
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Difference:
    """One table's two sides: seqs that only the folder has, that only the bucket has.

    `extra`: ids that the bucket has not at all; `moved`: ids that it has in another place;
    `doubled`: seqs in the bucket whose id stands there again, later.
    """

    extra: list[int] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)


def compared(local: Places, there: Places) -> Difference:
    """Compare one table's places."""
    last: dict[str, int] = {}
    doubled = []
    for seq in sorted(there):
        if there[seq] in last:
            doubled.append(last[there[seq]])
        last[there[seq]] = seq
    found = Difference(doubled=sorted(doubled))
    for seq, record_id in sorted(local.items()):
        if last.get(record_id) != seq:
            (found.moved if record_id in last else found.extra).append(seq)
    found.missing = sorted(seq for seq in last.values() if local.get(seq) != there[seq])
    return found


def local_places(tables: Tables, entries: Sequence[Entry]) -> dict[TableName, Places]:
    """Give what a working folder holds: its tables and its journal."""
    places: dict[TableName, Places] = {}
    for name in TABLES:
        rows = tables.scan(name, ["seq", "id"]).to_pydict()
        places[name] = dict(zip(rows["seq"], rows["id"], strict=True))
    for entry in entries:
        places[entry.table][entry.seq] = entry.id
    return places


def entries_at(
    tables: Tables, journal: Sequence[Entry], wanted: dict[TableName, list[int]]
) -> list[Entry]:
    """Give the folder's entries at these places; the journal's are the newer ones."""
    newest = {(entry.table, entry.seq): entry for entry in journal}
    found = [
        newest[name, seq] for name, seqs in wanted.items() for seq in seqs if (name, seq) in newest
    ]
    for name, seqs in wanted.items():
        rest = [seq for seq in seqs if (name, seq) not in newest]
        found += rows_at(tables, name, rest)
    return sorted(found, key=lambda entry: entry.seq)


def rows_at(tables: Tables, name: TableName, seqs: Sequence[int]) -> Iterator[Entry]:
    """Give the entries of a table's rows at these places."""
    codec = CODECS[name]
    for start in range(0, len(seqs), SLICE):
        for seq, stored in codec.read(
            tables.scan(name, None, at_places(seqs[start : start + SLICE]))
        ):
            row, vectors = codec.row(stored)
            yield Entry(seq, name, row["id"], row, vectors, stored)


def drop(tables: Tables, journal: Journal, gone: dict[TableName, list[int]]) -> None:
    """Take rows out of the working folder: out of its tables and its journal."""
    for name, seqs in gone.items():
        for start in range(0, len(seqs), SLICE):
            tables.delete(name, seqs[start : start + SLICE])
    journal.settle([seq for seqs in gone.values() for seq in seqs], {})


def pull(bucket: BucketTables, tables: Tables, missing: dict[TableName, list[int]]) -> int:
    """Copy the bucket's rows at these places into the working folder; give how many came."""
    copied = 0
    for name, seqs in missing.items():
        if not seqs:
            continue
        schema = CODECS[name].schema(tables.dimension)
        wanted = set(seqs)
        kept: list[pa.RecordBatch] = []
        for batch in bucket.batches(name, schema.names, f"seq >= {seqs[0]} AND seq <= {seqs[-1]}"):
            kept.append(_taken_once(batch, wanted))
            if sum(part.num_rows for part in kept) >= ROWS:
                copied += _added(tables, name, kept, schema)
                kept = []
        copied += _added(tables, name, kept, schema)
    return copied


def _taken_once(batch: pa.RecordBatch, wanted: set[int]) -> pa.RecordBatch:
    """Give the rows at these places and take the places out: a second row of one is left out."""
    keep = []
    for seq in batch["seq"].to_pylist():
        keep.append(seq in wanted)
        wanted.discard(seq)
    return batch.filter(pa.array(keep, type=pa.bool_()))


def _added(
    tables: Tables, name: TableName, parts: Sequence[pa.RecordBatch], schema: pa.Schema
) -> int:
    count = sum(int(part.num_rows) for part in parts)
    if not count:
        return 0
    rows = pa.Table.from_batches(parts)
    for each in schema:
        if each.name not in rows.column_names:
            rows = rows.append_column(each, pa.nulls(count, each.type))
    tables.add(name, rows.select(schema.names).cast(schema))
    return count
