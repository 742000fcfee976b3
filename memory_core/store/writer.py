"""The one serialised path of every change.

Order of things: log (synced: acknowledged) -> memory -> the index. What the log
has taken is stored; LanceDB only follows, on a thread of its own, and a search finds
meanwhile what it lacks.

Locks: `lance` is held while LanceDB is changed; `order` while a seq is given,
logged and put in memory (a few milliseconds at most). Whoever needs both
takes `lance` first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from memory_core.allocator import fit_allocator
from memory_core.errors import StoreUnavailable
from memory_core.model import FLIPS
from memory_core.ports import StoredItem
from memory_core.store.catalog import Catalog, Head, states_after
from memory_core.store.faults import translated
from memory_core.store.index import BATCH, Index
from memory_core.store.item_table import ItemTable
from memory_core.store.log import Log
from memory_core.store.postings import TermTable
from memory_core.store.schema import (
    CODECS,
    Entry,
    TableName,
    entry_of,
    search_terms,
    search_text,
    vector_from,
)
from memory_core.store.standing import Standing
from memory_core.store.vectors import ItemCache, VectorTable

EXACT_ROWS = 20_000
"""Below so many items all vectors (61 MB) and search terms are in memory and searched exactly;
at most twice that, while the index that takes over is built."""
PATIENCE = 0.05
"""Seconds that a write waits for LanceDB where searches ask it."""
CACHED_ITEMS = 10_000
"""Whole items in memory, some 8 kB each."""


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


_LOG = logging.getLogger(__name__)


class Writer:
    """Owns the order of the log, and what of it is kept in memory."""

    def __init__(
        self,
        standing: Standing,
        log: Log,
        table: ItemTable,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.standing = standing
        self.log = log
        self.catalog = Catalog()
        self.index = Index(standing, table, log, self.catalog, clock)
        self.table = table
        self.cache = ItemCache(CACHED_ITEMS)
        self.vectors: VectorTable | None = None
        self.words: TermTable | None = None
        self.lance = self.index.lance
        self.order = threading.Lock()
        self.last_write = clock()
        self.wake: Callable[[], None] = lambda: None
        self.admit: Callable[[], None] = lambda: None
        """Raises StoreUnavailable when nothing new may be taken."""
        self.taken: Callable[[Sequence[Entry]], None] = lambda _: None
        """Told of entries that are acknowledged from now on."""
        self.rewritten: Callable[[Sequence[Entry]], None] = lambda _: None
        """Told of items that were put in place of themselves."""
        self._clock = clock
        self._seq = 0

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
        self.admit()
        with self.order:
            self.standing.require_writable()
            entries = self._fresh(table, [check(record) for record in records])
            if not entries:
                return
            CODECS[table].table_of(entries, self.table.dimension)
            with translated(self.standing.folder):
                self.log.append(entries, durable=durable)
            self.standing.require_open()
            self.take(entries)
            self.taken(entries)
        self._follow_up()

    def _follow_up(self) -> None:
        self.last_write = self._clock()
        if self.words is None and 0 < self.index.waiting() <= BATCH:
            self._catch_up()
        self.wake()

    def _catch_up(self) -> None:
        """Let a search of a large store find what was just written, unless LanceDB is busy."""
        if not self.lance.acquire(timeout=PATIENCE):
            return
        try:
            self.index.apply()
        except StoreUnavailable as error:
            _LOG.warning("the index follows later: %s", error)
        finally:
            self.lance.release()

    def copy(self, entries: Sequence[Entry]) -> None:
        """Take entries that stand safely elsewhere, at their places; a power cut may lose them."""
        with self.order, translated(self.standing.folder):
            self.log.append(entries, durable=False)
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
        return self.place(table, record_id) is not None

    def place(self, table: TableName, record_id: str) -> int | None:
        """Give the record's place in the log, None when it was never acknowledged."""
        if table != "items":
            with translated(self.standing.folder):
                return self.log.place(table, record_id)
        row = self.catalog.row(record_id)
        return None if row is None else self.catalog.seq(row)

    def take(self, entries: Sequence[Entry]) -> None:
        """Put logged entries in memory. `order` must be held, or nobody else be there yet."""
        items = [entry for entry in entries if entry.table == "items"]
        self.catalog.add([head_of(entry.seq, entry.stored) for entry in items])
        self.cache.put(entry.stored for entry in items)
        if self.vectors is not None:
            self.vectors.append([entry.vectors for entry in items])
            if self._is_large(2 * EXACT_ROWS):
                self.vectors = None
        if self.words is not None:
            self.words.append([search_terms(search_text(entry.stored.item)) for entry in items])
            if len(self.catalog) >= 2 * EXACT_ROWS:
                self.words = None
        flipped = [e.stored.item_id for e in entries if e.table == "events" and self._flips(e)]
        self.index.want(items, flipped)
        self.start_after(max((entry.seq for entry in entries), default=0))

    def _flips(self, entry: Entry) -> bool:
        """Apply an event's state to its item, if the item was there before it."""
        item_id, state = entry.stored.item_id, FLIPS.get(entry.stored.kind)
        row = self.catalog.row(item_id)
        if state is None or row is None or self.catalog.seq(row) > entry.seq:
            return False
        return self.catalog.flip(item_id, state)

    def start_after(self, seq: int) -> None:
        """Give the next entries numbers above `seq`."""
        self._seq = max(self._seq, seq)

    # -- LanceDB follows

    def drain(self) -> None:
        """Bring the index up to date and on the disk.

        Raises:
            StoreUnavailable: It lacks on what it lacks.
        """
        with self.lance:
            self.standing.require_writable()
            self.index.apply(lambda: not self.standing.ending)
            self.index.settle()

    # -- loading

    def load(self) -> None:
        """Read what the log has into memory. Nobody else may be there yet."""
        heads = [Head(*row) for row in self.log.heads()]
        self.catalog.add(heads)
        places = {head.id: head.seq for head in heads}
        events = ((entry.seq, entry.stored) for entry in self.log.scan("events"))
        for item_id, state in states_after(events, places).items():
            self.catalog.flip(item_id, state)
        self.start_after(self.log.newest())

    # -- vectors and terms in memory

    def load_vectors(self) -> None:
        """Read all vectors of a small store into memory. `order` must be held, or nobody be there.

        A large store has an index, and none of this.
        """
        dimension = self.table.dimension
        self.vectors = None
        fit_allocator(len(self.catalog))
        if self._is_large(EXACT_ROWS):
            self.table.expect_large()
            return
        if not dimension:
            return
        kept = VectorTable(dimension)
        kept.append([(None, None)] * len(self.catalog))
        rows = {self.catalog.seq(row): row for row in range(len(self.catalog))}
        for seq, *pair in self.log.vectors():
            kept.put(rows[seq], tuple(map(vector_from, pair)))
            if pair[0] is None:  # damaged: they are made again as soon as there is a model
                self.catalog.lost_vectors(rows[seq])
        self.vectors = kept

    def _is_large(self, rows: int) -> bool:
        """Tell whether there are so many items, and LanceDB has them to search among."""
        return len(self.catalog) >= rows and self.index.waiting() < BATCH

    def load_words(self) -> None:
        """Read the terms of a small store's items into memory, as `load_vectors` does vectors."""
        self.words = None
        if len(self.catalog) >= EXACT_ROWS:
            return
        texts = self.index.texts()
        kept = TermTable()
        lacking = {self.catalog.seq(r) for r in range(len(self.catalog))} - set(texts)
        for entry in self.log.at(sorted(lacking)):
            texts[entry.seq] = search_text(entry.stored.item)
        kept.append(
            search_terms(texts.get(self.catalog.seq(row), "")) for row in range(len(self.catalog))
        )
        self.words = kept
