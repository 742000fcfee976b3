"""What LanceDB has not got yet, and what the journal need not keep any longer. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from memory_core.ports import StoredItem
from memory_core.store.schema import Entry


class Backlog:
    """Items and state flips on their way to LanceDB.

    `owed` holds the places in the log of entries that LanceDB has, synced or
    not: the journal forgets them once they are synced.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._owed: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """Let these wait: items to be added, events whose flip is to be written."""
        with self._lock:
            self._entries = [*self._entries, *entries]

    def waiting(self) -> list[Entry]:
        """Give what waits, in log order."""
        return self._entries

    def items(self) -> list[Entry]:
        """Give the items that wait."""
        return [entry for entry in self._entries if entry.table == "items"]

    def late(self) -> dict[str, StoredItem]:
        """Give the items that wait, by id."""
        return {entry.id: entry.stored for entry in self.items()}

    def arrived(self, entries: Sequence[Entry]) -> None:
        """Let go of what LanceDB has now; an event's row is another matter than its flip."""
        gone = {entry.seq for entry in entries}
        with self._lock:
            self._owed += [e.seq for e in self._entries if e.table == "items" and e.seq in gone]
            self._entries = [entry for entry in self._entries if entry.seq not in gone]

    def owe(self, entries: Iterable[Entry]) -> None:
        """Note that LanceDB has the rows of these entries."""
        with self._lock:
            self._owed += [entry.seq for entry in entries]

    def owed(self) -> list[int]:
        """Give the places in the log that the journal may forget after the next sync."""
        with self._lock:
            return list(self._owed)

    def paid(self, seqs: Iterable[int]) -> None:
        """Note that the journal forgot these, or must keep them after all."""
        gone = set(seqs)
        with self._lock:
            self._owed = [seq for seq in self._owed if seq not in gone]
