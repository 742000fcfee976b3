"""The shared log: one LanceDB table that is only appended to, at URL/lance.

Its rows are the lines of a machine's log, as they stand there, with their checksums. It
has no index: every machine searches its own. A handle keeps the version that it saw
last, so that an append costs one listing and not five; `refresh` looks for a newer
one. Only the holder of the lease writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

import lancedb
import pyarrow as pa

from memory_core.errors import StoreUnavailable
from memory_core.store import faults
from memory_core.store.item_table import FOLDER, at_places
from memory_core.store.log import RECORD, Line
from memory_core.store.remote.objects import BucketUnavailable, sentence
from memory_core.store.schema import TableName

KEEP = timedelta(hours=24)
"""Old versions stay so long: somebody else may read the table, slowly."""
STORAGE_OPTIONS = {
    "timeout": "30s",
    "connect_timeout": "3s",
    "client_max_retries": "2",
    "client_retry_timeout": "20",
}
BATCH = 2048
"""Rows that are read at a time."""
SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        *((name, pa.string()) for name in ("name", "id", "project", "session")),
        ("at", pa.float64()),
        *((name, pa.string()) for name in ("kind", "state", "hash")),
        ("payload", pa.binary()),
        ("crc", pa.int64()),
        ("first", pa.binary()),
        ("second", pa.binary()),
        ("vectors_crc", pa.int64()),
    ]
)
"""A line's columns, in their order: those of the log's records, then of its vectors."""
FAULTS = (*faults.FAULTS, ValueError)
Place = tuple[int, TableName, str]
"""A record's place in the log, its kind and its id."""
_CACHE = 16 * 2**20


def table_of(lines: Sequence[Line]) -> Any:
    """Give lines as an Arrow table."""
    columns = zip(*lines, strict=True) if lines else [()] * len(SCHEMA)
    arrays = [pa.array(values, each.type) for values, each in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def log_name(generation: int) -> str:
    """Give the table's name: the vectors of another model come with a table of their own."""
    return "log" if generation == 1 else f"log_g{generation}"


class LineSource(Protocol):
    """What a copy is made of: the shared log, or what an earlier version kept in its place."""

    generation: int

    def refresh(self) -> int:
        """Look for the newest version and give it."""

    def version(self) -> int:
        """Give the version that is seen."""

    def count(self) -> int:
        """Give how many lines there are."""

    def places(self, where: str = "") -> list[Place]:
        """Give the place of every line that `where` keeps, in no special order."""

    def lines(self, where: str, *, vectors: bool = True) -> Iterator[list[Line]]:
        """Give the lines that `where` keeps, some at a time, in no special order."""


class SharedLog:
    """The log with the vectors of one generation, under a URL. For one thread at a time.

    Args:
        url: Of the bucket and the prefix, or of the database.
        generation: Of the vectors.
    """

    def __init__(self, url: str, generation: int) -> None:
        self.url, self.generation = url, generation
        self.name = log_name(generation)
        self._db = self._connected()
        self._table: Any = None

    def _connected(self) -> Any:
        return lancedb.connect(
            f"{self.url}/{FOLDER}",
            storage_options=STORAGE_OPTIONS,
            session=lancedb.Session(_CACHE, _CACHE),
        )

    def names(self) -> list[str]:
        """Give the names of all tables that stand there, of every generation."""
        return sorted(self._db.list_tables().tables)

    def create(self) -> None:
        """Make the table if it is not there."""
        if self.name not in self.names():
            self._db.create_table(self.name, schema=SCHEMA)

    def drop(self, name: str) -> None:
        """Drop the table with this name, if it is there."""
        if name == self.name:
            self._table = None
        if name in self.names():
            self._db.drop_table(name)

    def opened(self, name: str) -> Any:
        """Give the handle of another table there."""
        return self._db.open_table(name)

    def _open(self) -> Any:
        if self._table is None:
            self._table = self._db.open_table(self.name)
        return self._table

    # -- writing

    def add(self, lines: Sequence[Line]) -> None:
        """Append lines, in one commit."""
        self._open().add(table_of(lines))

    def replace(self, lines: Sequence[Line]) -> None:
        """Put lines in place of those at the same places, in one commit; new places are added."""
        self.refresh()
        merge = self._open().merge_insert("seq")
        merge.when_matched_update_all().when_not_matched_insert_all().execute(table_of(lines))

    def delete(self, seqs: Iterable[int]) -> None:
        """Delete the lines at these places."""
        self._open().delete(at_places(seqs))

    def drop_doubles(self) -> None:
        """Delete all but one of the lines that stand at the same place."""
        found = self._open().search().select(["seq"]).with_row_id(True).limit(None).to_arrow()
        seen: set[int] = set()
        gone = []
        for seq, row in zip(*found.select(["seq", "_rowid"]).to_pydict().values(), strict=True):
            if seq in seen:
                gone.append(row)
            seen.add(seq)
        if gone:
            self._open().delete(f"_rowid IN ({', '.join(map(str, gone))})")

    def compact(self) -> None:
        """Merge the table's fragments and drop versions that are older than `KEEP`."""
        self._open().optimize(cleanup_older_than=KEEP)

    # -- reading

    def refresh(self) -> int:
        """Look for the newest version of the table and give it."""
        self._open().checkout_latest()
        return self.version()

    def version(self) -> int:
        """Give the version that this handle sees."""
        return int(self._open().version)

    def fragments(self) -> int:
        """Give of how many fragments the table consists."""
        return int(self._open().stats()["fragment_stats"]["num_fragments"])

    def count(self) -> int:
        """Give how many lines there are."""
        return int(self._open().count_rows())

    def places(self, where: str = "") -> list[Place]:
        """Give the place of every line that `where` keeps, in no special order."""
        columns = ["seq", "name", "id"]
        query = self._open().search().select(columns)
        rows = (query.where(where) if where else query).limit(None).to_arrow()
        return list(zip(*rows.select(columns).to_pydict().values(), strict=True))

    def lines(self, where: str, *, vectors: bool = True) -> Iterator[list[Line]]:
        """Give the lines that `where` keeps, some at a time, in no special order.

        Args:
            where: A filter.
            vectors: Whether to read their vectors.
        """
        names = SCHEMA.names if vectors else list(RECORD)
        query = self._open().search().select(names).where(where).limit(None)
        for batch in query.to_batches(batch_size=BATCH):
            columns = [batch.column(name).to_pylist() for name in names]
            none = [[None] * batch.num_rows] * (len(SCHEMA) - len(names))
            yield list(zip(*columns, *none, strict=True))


@contextmanager
def bucket_faults(url: str) -> Iterator[None]:
    """Turn what LanceDB raises for a bucket's faults into BucketUnavailable; the rest passes."""
    try:
        yield
    except StoreUnavailable:
        raise
    except FAULTS as error:
        raise BucketUnavailable(sentence(url, error)) from error
