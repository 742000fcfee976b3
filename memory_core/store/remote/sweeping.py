"""Lines of the shared log that its writer did not put there: taken in, and taken out.

They are of an earlier holder of the lease whose append landed after its time.
Their records go to the end of the log, as new ones do, and only when they stand
there in the bucket too are the late lines deleted.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from operator import itemgetter

from memory_core.store.remote import copying
from memory_core.store.remote.bucket import SharedLog
from memory_core.store.schema import Entry, TableName
from memory_core.store.writer import Writer

_LOG = logging.getLogger(__name__)


class Sweeper:
    """Compares the shared log with what the writer knows.

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
        waits: Callable[[int], bool],
        arrived: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._writer, self._require_lease = writer, require_lease
        self._waits, self._arrived = waits, arrived

    def sweep(self, shared: SharedLog) -> bool:
        """Put the log in order; False when it must be looked at again, after the next upload.

        It must after every change: more lines may have landed while this one was made.
        """
        shared.refresh()
        places = shared.places()
        here = self._writer.log.places()
        strays = {seq: (name, i) for seq, name, i in places if here.get(seq) != (name, i)}
        counts = Counter(seq for seq, *_ in places)
        doubled = [seq for seq, count in counts.items() if count > 1]
        if strays or doubled:
            said = "%s: %d lines of the log are not this writer's, %d stand twice"
            _LOG.warning(said, shared.url, len(strays), len(doubled))
        if doubled:
            self._require_lease()
            shared.drop_doubles()
        damaged = self._take_in(shared, strays)
        return len(strays) == damaged and not doubled

    def _take_in(self, shared: SharedLog, strays: dict[int, tuple[TableName, str]]) -> int:
        """Take in unknown records; delete lines whose records stand elsewhere by now.

        Returns:
            How many lines are damaged and stay.
        """
        writer = self._writer
        unknown = [seq for seq, record in strays.items() if writer.place(*record) is None]
        lines = sorted(copying.lines_at(shared, unknown), key=itemgetter(0))
        found = [entry for line in lines if (entry := writer.log.entry_at(line)) is not None]
        if found:
            self._arrived(found)
        gone = [seq for seq, record in strays.items() if self._is_there(*record)]
        for start in range(0, len(gone), copying.SLICE):
            self._require_lease()
            shared.delete(gone[start : start + copying.SLICE])
        return len(lines) - len(found)

    def _is_there(self, name: TableName, record_id: str) -> bool:
        place = self._writer.place(name, record_id)
        return place is not None and not self._waits(place)
