"""Lineage: which item is a later wording of which. A fold over the events, in log order.

A correction that keeps the meaning passes the record on. What outcomes and recalls say stays
written under the id that they name; who reads an item's record reads that of its earlier
wordings too. Restoring an earlier wording takes its part back.
"""

from __future__ import annotations

from memory_core.model import Event
from memory_core.ports import Record
from memory_core.service.fold import LogPlace


class Lineage:
    """Links of wordings. Written under the service's lock, read without it."""

    def __init__(self) -> None:
        self._earlier: dict[str, str] = {}
        self._later: dict[str, str] = {}

    def take(self, _place: LogPlace, record: Record) -> None:
        """A correction links two items, a restored item stands for itself."""
        if not isinstance(record, Event):
            return
        old = record.item_id
        if record.kind == "correct" or (record.kind == "restore" and old in self._later):
            self._earlier.pop(self._later.pop(old, ""), None)
        if record.kind == "correct":
            self._earlier[record.detail], self._later[old] = old, record.detail

    def earlier(self, item_id: str) -> tuple[str, ...]:
        """The earlier wordings whose record an item has, the last one first."""
        found: tuple[str, ...] = ()
        while (item_id := self._earlier.get(item_id, "")) and item_id not in found:
            found += (item_id,)
        return found

    def latest(self, item_id: str) -> str:
        """The item that has this one's record now: itself, or its last wording."""
        seen = {item_id}
        while (later := self._later.get(item_id, "")) and later not in seen:
            seen.add(later)
            item_id = later
        return item_id
