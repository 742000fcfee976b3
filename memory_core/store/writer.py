"""The one serialised path of every change.

Order of things: journal (synced: acknowledged) -> memory -> LanceDB. What the
journal has taken is stored; LanceDB only follows. Items follow at once, so
that a search finds them, the logs in batches. When LanceDB cannot follow (it is
being compacted, the disk is full), the change waits in the backlog and in the
journal, and everybody reads it from memory.

Locks: `lance` is held while LanceDB is changed; `order` while a seq is given,
journalled and put in memory (a few milliseconds at most). Whoever needs both
takes `lance` first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from memory_core.allocator import fit_allocator
from memory_core.errors import StoreUnavailable
from memory_core.model import State
from memory_core.ports import StoredItem
from memory_core.store.backlog import Backlog
from memory_core.store.catalog import FLIPS, Catalog, Head
from memory_core.store.columns import vectors_of
from memory_core.store.faults import translated
from memory_core.store.journal import Journal
from memory_core.store.postings import TermTable
from memory_core.store.schema import (
    CODECS,
    ITEMS,
    TABLES,
    Entry,
    TableName,
    entry_of,
    search_terms,
    search_text,
)
from memory_core.store.settling import Settlement
from memory_core.store.standing import Standing
from memory_core.store.tables import Tables
from memory_core.store.tail import LogTail
from memory_core.store.vectors import ItemCache, VectorTable

EXACT_ROWS = 20_000
"""Below so many items all vectors (61 MB) and search terms are in memory and searched exactly;
at most twice that, while the index that takes over is built."""
CACHED_ITEMS = 10_000
"""Whole items in memory, some 8 kB each."""
BATCH = 2048
"""Rows per LanceDB append when the journal is drained."""
PATIENCE = 0.05
"""Seconds that a write waits for LanceDB before it leaves its items to the drainer."""
_LOG = logging.getLogger(__name__)


def head_of(seq: int, stored: StoredItem) -> Head:
    """Give what the catalog keeps of an item."""
    item = stored.item
    return Head(
        item.id,
        seq,
        item.project,
        item.kind,
        stored.state,
        item.content_hash,
        item.created_at,
        waiting=stored.vector is None,
    )


class Writer:
    """Owns the journal, the order of the log and every change of the tables."""

    def __init__(
        self,
        standing: Standing,
        journal: Journal | None,
        tables: Tables,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.standing = standing
        self.tables = tables
        self.catalog = Catalog()
        self.cache = ItemCache(CACHED_ITEMS)
        self.tail = LogTail(clock)
        self.backlog = Backlog()
        self.settlement = Settlement()
        self.vectors: VectorTable | None = None
        self.words: TermTable | None = None
        self.lance = threading.RLock()
        self.order = threading.Lock()
        self.text_stale = False
        self.commits = 0
        self.last_write = clock()
        self.wake: Callable[[], None] = lambda: None
        self.admit: Callable[[], None] = lambda: None
        """Raises StoreUnavailable when nothing new may be taken."""
        self.taken: Callable[[Sequence[Entry]], None] = lambda _: None
        """Told of entries that are acknowledged from now on."""
        self.rewritten: Callable[[Sequence[Entry]], None] = lambda _: None
        """Told of items that were put in place of themselves."""
        self._clock = clock
        self._journal = journal
        self._doubtful: set[TableName] = set(TABLES)
        self._failing = False
        self._seq = 0

    @property
    def journal(self) -> Journal:
        """The journal; a store that can only be read has none."""
        if self._journal is None:
            self.standing.require_writable()
            raise StoreUnavailable(f"The store {self.standing.folder} has no journal.")
        return self._journal

    # -- acknowledging

    def append(
        self,
        table: TableName,
        records: Sequence[Any],
        *,
        check: Callable[[Any], Any] = lambda record: record,
        durable: bool = True,
    ) -> None:
        """Store the records whose ids are new; return when they are acknowledged.

        Args:
            table: Where they belong.
            records: Stored records of that table.
            check: Gives the record to store or raises; the model cannot change under it.
            durable: Whether a power cut must keep them from now on.

        Raises:
            StoreUnavailable: Nothing was stored.
            ValueError, TypeError: A record that no column can hold; nothing was stored.
        """
        self._retry_failed()
        self.admit()
        with self.order:
            self.standing.require_writable()
            entries = self._fresh(table, [check(record) for record in records])
            if not entries:
                return
            CODECS[table].table_of(entries, self.tables.dimension)
            with translated(self.standing.folder):
                self.journal.append(entries, durable=durable)
            self.standing.require_open()
            self.take(entries)
            self.taken(entries)
        self._follow_up()

    def _follow_up(self) -> None:
        self.last_write = self._clock()
        if self.backlog:
            self._catch_up()
        self.wake()

    def copy(self, entries: Sequence[Entry]) -> None:
        """Take entries that stand safely elsewhere, at their places: nothing is journalled."""
        with self.order:
            self.take(entries)
        self._follow_up()

    def _fresh(self, table: TableName, records: Sequence[Any]) -> list[Entry]:
        entries: dict[str, Entry] = {}
        for record in records:
            entry = entry_of(self._seq + len(entries) + 1, table, record)
            if entry.id not in entries and not self.knows(table, entry.id):
                entries[entry.id] = entry
        return list(entries.values())

    def knows(self, table: TableName, record_id: str) -> bool:
        """Tell whether a record with this id was acknowledged."""
        if table == "items":
            return record_id in self.catalog
        return self.tail.known(table, record_id)

    def place(self, table: TableName, record_id: str) -> int | None:
        """Give the record's place in the log, None when it was never acknowledged."""
        if table != "items":
            return self.tail.place(table, record_id)
        row = self.catalog.row(record_id)
        return None if row is None else self.catalog.seq(row)

    def newest(self, table: TableName) -> int:
        """Give the last place in the log of a record of this table, 0 without any."""
        return self.catalog.newest() if table == "items" else self.tail.newest(table)

    def known(self, table: TableName) -> int:
        """Give how many records of this table were acknowledged."""
        return len(self.catalog) if table == "items" else self.tail.count(table)

    def _retry_failed(self) -> None:
        """Try what LanceDB refused before; while it still does, take nothing new."""
        if self._failing and self.lance.acquire(timeout=PATIENCE):
            try:
                self.apply()
            finally:
                self.lance.release()

    def take(self, entries: Sequence[Entry]) -> None:
        """Put journalled entries in memory. `order` must be held, or nobody else be there yet."""
        items = [entry for entry in entries if entry.table == "items"]
        self.catalog.add([head_of(entry.seq, entry.stored) for entry in items])
        self.cache.put(entry.stored for entry in items)
        if self.vectors is not None:
            self.vectors.append([entry.vectors for entry in items])
            if len(self.catalog) >= 2 * EXACT_ROWS:
                self.vectors = None
        if self.words is not None:
            self.words.append([search_terms(search_text(entry.stored.item)) for entry in items])
            if len(self.catalog) >= 2 * EXACT_ROWS:
                self.words = None
        self.backlog.add(items)
        for entry in entries:
            if entry.table != "items":
                self.tail.put(entry)
            if entry.table == "events":
                self._flip(entry)
        self.start_after(max((entry.seq for entry in entries), default=0))

    def _flip(self, entry: Entry) -> None:
        """Apply an event's state to its item, if the item was there before it."""
        item_id, state = entry.stored.item_id, FLIPS.get(entry.stored.kind)
        row = self.catalog.row(item_id)
        if state is None or row is None or self.catalog.seq(row) > entry.seq:
            return
        if self.catalog.flip(item_id, state):
            self.backlog.add([entry])

    def start_after(self, seq: int) -> None:
        """Give the next entries numbers above `seq`."""
        self._seq = max(self._seq, seq)

    # -- LanceDB follows

    def _catch_up(self) -> None:
        """Bring LanceDB up to date with the items, unless it is busy or failing."""
        if not self.lance.acquire(timeout=PATIENCE):
            return
        try:
            self.apply()
        except StoreUnavailable as error:
            _LOG.warning("items wait in the journal: %s", error)
        finally:
            self.lance.release()

    def apply(self) -> None:
        """Add the waiting items and state flips to LanceDB. `lance` must be held.

        Raises:
            StoreUnavailable: LanceDB refused; all of it waits on.
        """
        waiting = self.backlog.waiting()
        if not waiting:
            return
        items = [entry for entry in waiting if entry.table == "items"]
        flipped = [entry.stored.item_id for entry in waiting if entry.table == "events"]
        try:
            with translated(self.standing.folder):
                self._add("items", items)
                self.backlog.arrived(items)
                self.write_states(flipped)
                self.backlog.arrived(waiting)
                if len(self.catalog) and not self.tables.has_text_index():
                    self.refresh_text()
        except StoreUnavailable:
            self._failing = True
            raise
        self._failing = False

    def write_states(self, item_ids: Iterable[str]) -> None:
        """Write the present state of these items into LanceDB's column. `lance` must be held."""
        states: dict[str, State] = {}
        for item_id in item_ids:
            row = self.catalog.row(item_id)
            if row is not None:
                states[item_id] = self.catalog.state(row)
        if states:
            self.tables.set_states(states)
            self.commits += 1
            self.text_stale = True

    def _add(self, name: TableName, entries: Sequence[Entry]) -> None:
        """Append rows, each once: after a failure, what did arrive is left out."""
        if name in self._doubtful and entries:
            low, high = entries[0].seq, entries[-1].seq
            rows = self.tables.scan(name, ["seq"], f"seq >= {low} AND seq <= {high}")
            there = set(rows["seq"].to_pylist())
            entries = [entry for entry in entries if entry.seq not in there]
        self._doubtful.add(name)
        for start in range(0, len(entries), BATCH):
            part = entries[start : start + BATCH]
            self.tables.add(name, CODECS[name].table_of(part, self.tables.dimension))
            self.commits += 1
            self.text_stale = self.text_stale or name == "items"
        self._doubtful.discard(name)

    def refresh_text(self) -> None:
        """Build the full-text index anew. `lance` must be held."""
        with translated(self.standing.folder):
            self.tables.build_text_index()
        self.commits += 1
        self.text_stale = False

    def drain(self) -> None:
        """Write all that waits into LanceDB, sync it, then forget it in the journal.

        Raises:
            StoreUnavailable: It waits on, in the journal.
        """
        with self.lance:
            self.standing.require_writable()
            self.apply()
            with translated(self.standing.folder):
                for name, entries in self.tail.waiting().items():
                    self._add(name, entries)
                    self.backlog.owe(entries)
                    self.tail.drained(entries)
            self.settle()

    def settle(self) -> None:
        """Sync what LanceDB has and let the journal forget it. `lance` must be held."""
        seqs = self.backlog.owed()
        with translated(self.standing.folder):
            self.settlement.settle(self.tables, self.journal, seqs)
        self.backlog.paid(seqs)

    # -- vectors and terms in memory

    def load_vectors(self) -> None:
        """Read all vectors of a small store into memory. `order` must be held, or nobody be there.

        A large store has an index, and none of this.
        """
        dimension = self.tables.dimension
        self.vectors = None
        fit_allocator(len(self.catalog))
        if len(self.catalog) >= EXACT_ROWS:
            self.tables.expect_large()
            return
        if not dimension:
            return
        rows = self.tables.scan("items", ["seq", *ITEMS.vectors])
        columns = [vectors_of(rows, name) for name in ITEMS.vectors]
        pairs = dict(zip(rows["seq"].to_pylist(), zip(*columns, strict=True), strict=True))
        pairs.update({entry.seq: entry.vectors for entry in self.backlog.items()})
        kept = VectorTable(dimension)
        none = (None, None)
        kept.append([pairs.get(self.catalog.seq(row), none) for row in range(len(self.catalog))])
        self.vectors = kept

    def load_words(self) -> None:
        """Read the terms of a small store's items into memory, as `load_vectors` does vectors."""
        self.words = None
        if len(self.catalog) >= EXACT_ROWS:
            return
        rows = self.tables.scan("items", ["seq", "search_text"])
        texts = dict(zip(rows["seq"].to_pylist(), rows["search_text"].to_pylist(), strict=True))
        kept = TermTable()
        kept.append(
            search_terms(texts.get(self.catalog.seq(row)) or "") for row in range(len(self.catalog))
        )
        self.words = kept
