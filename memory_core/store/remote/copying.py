"""Brings a working folder and the bucket together, before the store is loaded.

A record is known by its id, its place in the log by its seq. What the folder
has and the bucket has not was acknowledged here and never uploaded: it goes to
the inbox, unless nobody else wrote meanwhile. What the bucket has and the
folder has not is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from memory_core.store.log import Log
from memory_core.store.remote.bucket import BucketTables
from memory_core.store.schema import CODECS, TABLES, Entry, TableName, entry_of
from memory_core.store.tables import at_places

SLICE = 500
Places = dict[int, str]
"""The id at each seq of one table."""


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


def differences(log: Log, bucket: BucketTables) -> dict[TableName, Difference]:
    """Compare the log with each table of the bucket."""
    return {name: compared(log.places(name), dict(bucket.places(name))) for name in TABLES}


def rows_at(bucket: BucketTables, name: TableName, seqs: Sequence[int]) -> Iterator[Entry]:
    """Give the entries of a table's rows at these places."""
    for start in range(0, len(seqs), SLICE):
        rows = bucket.scan(name, None, at_places(seqs[start : start + SLICE]))
        yield from entries_of(name, rows)


def entries_of(name: TableName, rows: pa.Table) -> Iterator[Entry]:
    """Give the entries of a table's rows, in their order."""
    for seq, stored in CODECS[name].read(rows):
        yield entry_of(seq, name, stored)


def pull(bucket: BucketTables, log: Log, missing: dict[TableName, list[int]]) -> int:
    """Copy the bucket's rows at these places into the log; give how many came.

    Vectors of another generation than the log's stay where they are.
    """
    copied, same = 0, bucket.generation == log.generation
    for name, seqs in missing.items():
        if not seqs:
            continue
        codec, wanted = CODECS[name], set(seqs)
        columns = [each for each in codec.read_columns() if same or each not in codec.vectors]
        for batch in bucket.batches(name, columns, f"seq >= {seqs[0]} AND seq <= {seqs[-1]}"):
            rows = pa.Table.from_batches([_taken_once(batch, wanted)])
            log.append(list(entries_of(name, rows)), durable=False)
            copied += rows.num_rows
    if copied:
        log.truncate()
    return copied


def _taken_once(batch: pa.RecordBatch, wanted: set[int]) -> pa.RecordBatch:
    """Give the rows at these places and take the places out: a second row of one is left out."""
    keep = []
    for seq in batch["seq"].to_pylist():
        keep.append(seq in wanted)
        wanted.discard(seq)
    return batch.filter(pa.array(keep, type=pa.bool_()))
