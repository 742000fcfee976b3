"""The LanceDB tables in the bucket: plain tables that anybody can open at URL/lance.

They have no indexes: every machine searches its own copy. A handle keeps the
version that it saw last, so that an append costs one listing and not five;
`refresh` looks for a newer one. Only the holder of the lease writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb

from memory_core.errors import StoreUnavailable
from memory_core.store import faults
from memory_core.store.remote.objects import BucketUnavailable
from memory_core.store.remote.sentences import sentence
from memory_core.store.schema import TableName
from memory_core.store.tables import FOLDER, Tables, table_name

KEEP = timedelta(hours=24)
"""Old versions stay so long: somebody else may read the tables, slowly."""
STORAGE_OPTIONS = {
    "timeout": "30s",
    "connect_timeout": "3s",
    "client_max_retries": "2",
    "client_retry_timeout": "20",
}
_CACHE = 16 * 2**20
FAULTS = (*faults.FAULTS, ValueError)


class BucketTables(Tables):
    """The four tables of one generation under a bucket's URL. For one thread at a time."""

    def __init__(self, url: str, generation: int, dimension: int) -> None:
        self.url = url
        super().__init__(Path(), generation, dimension)

    def _connected(self) -> Any:
        return lancedb.connect(
            f"{self.url}/{FOLDER}",
            storage_options=STORAGE_OPTIONS,
            session=lancedb.Session(_CACHE, _CACHE),
        )

    def names(self) -> list[str]:
        return sorted(self._db.list_tables().tables)

    def path(self, name: TableName) -> Path:
        raise NotImplementedError("a table in a bucket has no path")

    def _exists(self, name: TableName) -> bool:
        return table_name(name, self.generation) in self.names()

    def refresh(self, name: TableName) -> int:
        """Look for the newest version of the table and give it."""
        table = self.open(name)
        table.checkout_latest()
        return int(table.version)

    def batches(
        self, name: TableName, columns: Sequence[str] | None, where: str = ""
    ) -> Iterator[Any]:
        """Give the rows as Arrow record batches, in no special order."""
        query = self.open(name).search()
        if columns is not None:
            present = self.open(name).schema.names
            query = query.select([column for column in columns if column in present])
        if where:
            query = query.where(where)
        yield from query.limit(None).to_batches(batch_size=2048)

    def places(self, name: TableName) -> list[tuple[int, str]]:
        """Give (seq, id) of every row."""
        rows = self.scan(name, ["seq", "id"]).to_pydict()
        return list(zip(rows["seq"], rows["id"], strict=True))

    def replace(self, name: TableName, rows: Any) -> None:
        """Put rows in place of those at the same places, in one commit; new places are added."""
        self.refresh(name)
        merge = self.open(name).merge_insert("seq")
        merge = merge.when_matched_update_all().when_not_matched_insert_all()
        merge.execute(rows, on_bad_vectors="null")  # a missing vector counts as a bad one there

    def drop_doubles(self, name: TableName) -> None:
        """Delete all but one of the rows that stand at the same place."""
        found = self.open(name).search().select(["seq"]).with_row_id(True).limit(None).to_arrow()
        seen: set[int] = set()
        gone = []
        for seq, row in zip(*found.select(["seq", "_rowid"]).to_pydict().values(), strict=True):
            if seq in seen:
                gone.append(row)
            seen.add(seq)
        if gone:
            self.open(name).delete(f"_rowid IN ({', '.join(map(str, gone))})")

    def compact(self, name: TableName) -> None:
        """Merge the table's fragments and drop versions that are older than `KEEP`."""
        self.open(name).optimize(cleanup_older_than=KEEP)


@contextmanager
def bucket_faults(url: str) -> Iterator[None]:
    """Turn what LanceDB raises for a bucket's faults into BucketUnavailable; the rest passes."""
    try:
        yield
    except StoreUnavailable:
        raise
    except FAULTS as error:
        raise BucketUnavailable(sentence(url, error)) from error
