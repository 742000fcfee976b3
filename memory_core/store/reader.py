"""Reading back: items by id and by scope, recalls by id, the log in its order."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from memory_core.model import RecallRecord
from memory_core.ports import Scope, StoredItem
from memory_core.store.faults import translated
from memory_core.store.index import copies
from memory_core.store.log import SLICE
from memory_core.store.schema import TableName
from memory_core.store.writer import Writer

_NO_END = 2**62


class Reader:
    """Reads the log, and of items what is in memory. Thread-safe."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._log = writer.log
        self._folder = writer.standing.folder

    def items(self, ids: Iterable[str], *, keep: bool = True) -> dict[str, StoredItem]:
        """Give the items that exist, in the order of `ids`; `keep` them in the cache."""
        catalog = self._writer.catalog
        wanted = [item_id for item_id in dict.fromkeys(ids) if item_id in catalog]
        found = self._writer.cache.get(wanted)
        missing = [item_id for item_id in wanted if item_id not in found]
        if missing:
            places = [catalog.seq(row) for row in catalog.rows(missing).tolist()]
            with translated(self._folder):
                fetched = [entry.stored for entry in self._log.at(places)]
            if len(fetched) < len(missing):
                fetched += self._taken_back(set(missing) - {s.item.id for s in fetched})
            found |= {stored.item.id: stored for stored in fetched}
            if keep:
                self._writer.cache.put(fetched)
        return {i: self._present(found[i]) for i in wanted if i in found}

    def _taken_back(self, lost: set[str]) -> list[StoredItem]:
        """Give items whose records are damaged as the index has them, and log those again."""
        entries = copies(self._writer.table, sorted(lost))
        if entries and not self._writer.standing.read_only:
            self._log.append(entries)
        return [entry.stored for entry in entries]

    def _present(self, stored: StoredItem) -> StoredItem:
        """Give the item in the state that the catalog knows."""
        row = self._writer.catalog.row(stored.item.id)
        state = stored.state if row is None else self._writer.catalog.state(row)
        return stored if state == stored.state else dataclasses.replace(stored, state=state)

    def scan_items(self, scope: Scope) -> Iterator[StoredItem]:
        """Give all items in scope, oldest first."""
        ids = self._writer.catalog.oldest_first(scope)
        for start in range(0, len(ids), SLICE):
            self._writer.standing.require_open()
            yield from self.items(ids[start : start + SLICE], keep=False).values()

    def record(self, name: TableName, record_id: str) -> Any:
        """Give the record with this id, None when there is none."""
        with translated(self._folder):
            found = self._log.find(name, record_id)
        return None if found is None else found.stored

    def newest_recalls(
        self, projects: Collection[str], session: str, since: float, before: str, limit: int
    ) -> list[RecallRecord]:
        """Give the newest recalls that are wanted, at most `limit`, newest first."""
        with translated(self._folder):
            place = self._log.place("recalls", before) if before else _NO_END
            if place is None:
                return []
            found = self._log.newest_recalls(projects, session, since, place, limit)
        return [entry.stored.record for entry in found]

    def log(self, *names: TableName) -> Iterator[tuple[int, Any]]:
        """Give (place, record) of these kinds in log order, as it is at the first step."""
        with translated(self._folder):
            for entry in self._log.scan(*names):
                self._writer.standing.require_open()
                yield entry.seq, entry.stored
