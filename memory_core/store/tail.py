"""The logs' tail in memory: which ids exist, and the entries that LanceDB has not got yet."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from memory_core.ports import StoredRecall
from memory_core.store.schema import LOGS, Entry, TableName

RECENT_RECALLS = 2048
"""So many recalls are kept whole: outcomes mostly follow soon."""


class LogTail:
    """All ids of the three logs (about 150 bytes each) and their waiting entries. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._seq: dict[TableName, dict[str, int]] = {name: {} for name in LOGS}
        self._waiting: dict[TableName, dict[int, Entry]] = {name: {} for name in LOGS}
        self._recent: OrderedDict[str, StoredRecall] = OrderedDict()
        self._since = 0.0

    def load(self, name: TableName, pairs: Iterable[tuple[str, int]]) -> None:
        """Take over the (id, seq) of rows that LanceDB has."""
        with self._lock:
            self._seq[name].update(pairs)

    def known(self, name: TableName, record_id: str) -> bool:
        return record_id in self._seq[name]

    def place(self, name: TableName, record_id: str) -> int | None:
        """Give the record's place in the log, None for an unknown id."""
        return self._seq[name].get(record_id)

    def newest(self, name: TableName) -> int:
        """Give the log's last place, 0 when it is empty."""
        with self._lock:
            return max(self._seq[name].values(), default=0)

    def ids(self, name: TableName) -> list[str]:
        """Give all ids of a log."""
        with self._lock:
            return list(self._seq[name])

    def count(self, name: TableName) -> int:
        """Give how many records the log has."""
        return len(self._seq[name])

    def put(self, entry: Entry) -> None:
        """Add an entry that was journalled."""
        with self._lock:
            if not any(self._waiting.values()):
                self._since = self._clock()
            self._seq[entry.table][entry.id] = entry.seq
            self._waiting[entry.table][entry.seq] = entry
            if entry.table == "recalls":
                self._keep(entry.id, entry.stored)

    def _keep(self, recall_id: str, recall: StoredRecall) -> None:
        self._recent[recall_id] = recall
        while len(self._recent) > RECENT_RECALLS:
            self._recent.popitem(last=False)

    def record(self, name: TableName, record_id: str) -> Any:
        """Give the record, or its seq when only LanceDB has it, or None when nobody has."""
        with self._lock:
            seq = self._seq[name].get(record_id)
            if seq is None:
                return None
            waiting = self._waiting[name].get(seq)
            if waiting is not None:
                return waiting.stored
            return self._recent.get(record_id, seq) if name == "recalls" else seq

    def waiting(self) -> dict[TableName, list[Entry]]:
        """Give the waiting entries of each log, in log order."""
        with self._lock:
            return {name: list(entries.values()) for name, entries in self._waiting.items()}

    def drained(self, entries: Sequence[Entry]) -> None:
        """Let go of entries that LanceDB has."""
        with self._lock:
            for entry in entries:
                self._waiting[entry.table].pop(entry.seq, None)

    def split(self, name: TableName) -> tuple[list[int], list[Entry]]:
        """Give (seqs that only LanceDB has, waiting entries), both in log order."""
        with self._lock:
            waiting = self._waiting[name]
            seqs = sorted(seq for seq in self._seq[name].values() if seq not in waiting)
            return seqs, list(waiting.values())

    def size(self) -> int:
        """Give how many entries wait."""
        with self._lock:
            return sum(len(entries) for entries in self._waiting.values())

    def age(self) -> float:
        """Give for how many seconds the oldest entry has waited, 0 when none does."""
        with self._lock:
            return self._clock() - self._since if any(self._waiting.values()) else 0.0

    def forget_recent(self) -> None:
        """Drop whole recalls: their vectors were rewritten."""
        with self._lock:
            self._recent.clear()
