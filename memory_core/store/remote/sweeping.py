"""Rows in the bucket that its writer did not put there: taken in, and taken out.

They are of an earlier holder of the lease whose append landed after its time.
Their records go to the end of the log, as new ones do, and only when they stand
there in the bucket too are the late rows deleted.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from memory_core.store.remote import copying
from memory_core.store.remote.bucket import BucketTables
from memory_core.store.schema import Entry, TableName
from memory_core.store.writer import Writer

_LOG = logging.getLogger(__name__)


class Sweeper:
    """Compares a table's rows with what the writer knows.

    Args:
        writer: Of the open store.
        require_lease: Raises StoreUnavailable unless the lease is surely held.
        waits: Tells whether the record at a place is still to be uploaded.
        arrived: Takes in entries that the writer does not know.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        require_lease: Callable[[], None],
        waits: Callable[[TableName, int], bool],
        arrived: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._writer, self._require_lease = writer, require_lease
        self._waits, self._arrived = waits, arrived

    def sweep(self, bucket: BucketTables, name: TableName) -> bool:
        """Put the table in order; False when it must be looked at again, after the next upload.

        It must after every change: more rows may have landed while this one was made.
        """
        bucket.refresh(name)
        places = bucket.places(name)
        here = self._writer.log.places(name)
        strays = {seq: i for seq, i in places if here.get(seq) != i}
        doubled = [seq for seq, count in Counter(s for s, _ in places).items() if count > 1]
        if strays or doubled:
            said = "%s: %d rows of table %s are not this writer's, %d stand twice"
            _LOG.warning(said, bucket.url, len(strays), name, len(doubled))
        if doubled:
            self._require_lease()
            bucket.drop_doubles(name)
        self._take_in(bucket, name, strays)
        return not strays and not doubled

    def _take_in(self, bucket: BucketTables, name: TableName, strays: dict[int, str]) -> None:
        """Take in unknown records; delete rows whose records stand elsewhere by now."""
        unknown = [seq for seq, i in strays.items() if self._writer.place(name, i) is None]
        found = sorted(copying.rows_at(bucket, name, unknown), key=lambda entry: entry.seq)
        if found:
            self._arrived(found)
        gone = [seq for seq, record_id in strays.items() if self._is_there(name, record_id)]
        for start in range(0, len(gone), copying.SLICE):
            self._require_lease()
            bucket.delete(name, gone[start : start + copying.SLICE])

    def _is_there(self, name: TableName, record_id: str) -> bool:
        place = self._writer.place(name, record_id)
        return place is not None and not self._waits(name, place)
