"""Brings what the working folder acknowledged into the bucket's tables, in batches.

An append happens only while the lease is surely held. One that lands later all
the same (the process slept between looking and writing) is found by the next
holder, which did not make that version of the table: `sweep`. Rows are known by
id and seq, so nothing is uploaded twice after a failure in between.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence

import pyarrow as pa

from memory_core.errors import StoreUnavailable
from memory_core.model import FLIPS, State
from memory_core.store.faults import translated
from memory_core.store.meta import Meta
from memory_core.store.reembedding import REWRITTEN
from memory_core.store.remote.bucket import BucketTables, bucket_faults
from memory_core.store.remote.lease import Lease
from memory_core.store.remote.objects import HEAD, Objects
from memory_core.store.remote.reaching import tables_at
from memory_core.store.remote.shared_meta import SharedMeta
from memory_core.store.remote.sweeping import Sweeper
from memory_core.store.schema import CODECS, TABLES, Entry, TableName
from memory_core.store.tables import table_name
from memory_core.store.writer import Writer

SECONDS = 1.0
"""An acknowledged record is uploaded at most so much later, while the bucket answers."""
ROWS = 256
"""So many waiting records are uploaded at once."""
MOST_ROWS = 2048
"""Rows of one append."""
BACKLOG = 20_000
"""Records that may wait for the bucket; with more, nothing new is taken."""
COMPACT_COMMITS = 64
COMPACT_SECONDS = 60.0
HELD = 0.35
"""Share of the lease's length that must be left when an append begins."""
RETRY_SECONDS = (0.5, 8.0)
"""The first pause after a failure, and the longest."""
ORDER: tuple[TableName, ...] = ("items", "recalls", "events", "outcomes")
"""Outcomes last: who reads one finds what it speaks of."""
_LOG = logging.getLogger(__name__)


class Uploader:
    """What waits for the bucket, and the steps that bring it there.

    `note` and `room` may be called from any thread, everything else from one.

    Args:
        writer: Of the open store.
        shared: The bucket's meta, as `told` was read from it.
        meta: Gives the store's present meta.
        arrived: Takes in entries that somebody else left in the tables.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        objects: Objects,
        bucket: BucketTables,
        lease: Lease,
        shared: SharedMeta,
        told: Meta,
        meta: Callable[[], Meta],
        arrived: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._writer, self._objects, self._bucket = writer, objects, bucket
        self._lease, self._shared, self._told, self.meta = lease, shared, told, meta
        self._lock = threading.Lock()
        self._pending: dict[TableName, dict[int, None]] = {name: {} for name in TABLES}
        self._rewritten: dict[int, None] = {}
        self._flipped: dict[str, None] = {}
        self._doubtful: set[TableName] = set(TABLES)
        self._suspect: set[TableName] = set()
        self._versions = {name: bucket.version(name) for name in TABLES}
        self._commits = Counter({name: bucket.fragments(name) for name in TABLES})
        self._changed = True
        self._compacted = time.monotonic()
        self._sweeper = Sweeper(
            writer,
            require_lease=self._require_lease,
            waits=self.waits,
            arrived=arrived,
        )
        self.wake: Callable[[], None] = lambda: None

    # -- what waits

    def note(self, entries: Sequence[Entry]) -> None:
        """Let these wait for the bucket."""
        with self._lock:
            for entry in entries:
                self._pending[entry.table][entry.seq] = None
        self.wake()

    def owe(self, places: dict[TableName, list[int]]) -> None:
        """Let the records at these places wait for the bucket."""
        with self._lock:
            for name, seqs in places.items():
                self._pending[name].update(dict.fromkeys(seqs))
        self.wake()

    def rewrite(self, entries: Sequence[Entry]) -> None:
        """Let items that were rewritten in place replace those of the bucket."""
        with self._lock:
            self._rewritten.update(dict.fromkeys(entry.seq for entry in entries))
        self.wake()

    def waiting(self) -> int:
        """Give how many records wait."""
        with self._lock:
            return sum(map(len, self._pending.values())) + len(self._rewritten)

    def waits(self, name: TableName, seq: int) -> bool:
        """Tell whether the record at this place waits."""
        with self._lock:
            return seq in self._pending[name]

    def room(self) -> None:
        """Raise StoreUnavailable when too much waits."""
        if self.waiting() >= BACKLOG:
            raise StoreUnavailable(
                f"{BACKLOG} records wait for {self._objects.url}; nothing new is taken until it has"
                " some of them. Check the network and the keys."
            )

    # -- bringing it there

    def step(self) -> bool:
        """Upload what waits now; False when the lease does not allow it.

        Raises:
            BucketUnavailable, StoreUnavailable: It waits on.
        """
        if not self._may():
            return False
        with bucket_faults(self._objects.url):
            self._agree()
            for name in list(self._suspect):
                self.sweep(name)
            with self._lock:
                cut = {name: sorted(self._pending[name]) for name in ORDER}
                rewritten = list(self._rewritten)
            for name, seqs in cut.items():
                for start in range(0, len(seqs), MOST_ROWS):
                    if not self._append(name, seqs[start : start + MOST_ROWS]):
                        return False
            done = self._replace(rewritten) and self._flip()
            if self._changed and self._may():
                self._changed = False
                self._objects.put(HEAD, self._head())
            return done

    def _head(self) -> bytes:
        """Give what followers look at, to know that there is something new and of what kind."""
        told = self._told
        head = {
            "epoch": self._lease.epoch,
            "beat": uuid.uuid4().hex[:12],
            "generation": told.generation,
            "embedder": told.embedder,
        }
        return json.dumps(head).encode()

    def _may(self) -> bool:
        return self._lease.held(HELD * self._lease.length)

    def _agree(self) -> None:
        """Give the bucket's tables the columns and the generation that the store has now."""
        meta = self.meta()
        if meta == self._told:
            return
        if meta.generation != self._bucket.generation:
            self._next_generation(meta)
            return
        if meta.dimension != self._bucket.dimension or meta.embedder != self._told.embedder:
            for name in TABLES:
                self._bucket.refresh(name)
            self._bucket.drop_vector_columns()
            if meta.dimension:
                self._bucket.add_vector_columns(meta.dimension)
            self._versions = {name: self._bucket.version(name) for name in TABLES}
        self._shared.write(meta)
        self._told, self._changed = meta, True

    def _next_generation(self, meta: Meta) -> None:
        """Upload a finished re-embedding: all its rows, then the meta, then the old tables go."""
        old = [table_name(name, self._bucket.generation) for name in REWRITTEN]
        new = tables_at(self._objects.url, meta.generation, meta.dimension)
        for name in REWRITTEN:
            self._require_lease()
            new.create(name)
            there = {seq for seq, _ in new.places(name)}
            todo = [seq for seq in self._writer.log.places(name) if seq not in there]
            for start in range(0, len(todo), MOST_ROWS):
                rows = self._rows(name, todo[start : start + MOST_ROWS], meta)
                self._require_lease()
                new.add(name, rows)
        self._require_lease()
        self._shared.write(meta)
        self._bucket, self._told, self._changed = new, meta, True
        self._versions = {name: new.version(name) for name in TABLES}
        self._doubtful = set(TABLES)
        for gone in old:
            new.drop(gone)

    def _rows(self, name: TableName, seqs: Sequence[int], meta: Meta) -> pa.Table:
        """Give the rows at these places as the log has them, items in their present state.

        Raises:
            StoreUnavailable: The store is not what this meta says any more.
        """
        writer = self._writer
        with translated(writer.standing.folder):
            entries = writer.log.at(seqs)
        if self.meta() != meta:
            raise StoreUnavailable("the store's vectors have changed; this is done later")
        if name == "items":
            entries = [writer.index.presented(entry) for entry in entries]
        return CODECS[name].table_of(entries, meta.dimension)

    def _append(self, name: TableName, seqs: Sequence[int]) -> bool:
        """Append rows, each once: after a failure, what did arrive is left out."""
        todo = self._not_there(name, seqs)
        if todo:
            rows = self._rows(name, todo, self._told)
            if not self._may():
                return False
            self._doubtful.add(name)
            self._bucket.add(name, rows)
            self._commits[name] += 1
            self._changed = True
            self._expect(name, self._bucket.version(name), 1)
        self._doubtful.discard(name)
        if name == "events":
            self._note_flips(seqs)
        with self._lock:
            for seq in seqs:
                self._pending[name].pop(seq, None)
        return True

    def _not_there(self, name: TableName, seqs: Sequence[int]) -> list[int]:
        if name not in self._doubtful or not seqs:
            return list(seqs)
        version = self._bucket.refresh(name)
        where = f"seq >= {seqs[0]} AND seq <= {seqs[-1]}"
        there = set(self._bucket.scan(name, ["seq"], where)["seq"].to_pylist())
        self._expect(name, version, int(bool(there)))
        return [seq for seq in seqs if seq not in there]

    def _expect(self, name: TableName, version: int, own: int) -> None:
        """Suspect a table that has more versions than this store made."""
        before = self._versions.get(name)
        if before is not None and version > before + own:
            self._suspect.add(name)
        self._versions[name] = version

    def look(self) -> None:
        """Look whether somebody else changed the tables.

        Raises:
            BucketUnavailable: The bucket did not answer.
        """
        with bucket_faults(self._objects.url):
            for name in TABLES:
                self._expect(name, self._bucket.refresh(name), 0)

    def _note_flips(self, seqs: Sequence[int]) -> None:
        for entry in self._writer.log.at(seqs):
            if entry.stored.kind in FLIPS:
                self._flipped[entry.stored.item_id] = None

    def _replace(self, seqs: Sequence[int]) -> bool:
        """Put rewritten items in place of the bucket's, in one commit: none is ever missing."""
        if not seqs:
            return True
        if not self._may():
            return False
        self._expect("items", self._bucket.refresh("items"), 0)
        self._bucket.replace("items", self._rows("items", seqs, self._told))
        self._expect("items", self._bucket.version("items"), 1)
        self._changed = True
        self._commits["items"] += 1
        with self._lock:
            for seq in seqs:
                self._rewritten.pop(seq, None)
        return True

    def _flip(self) -> bool:
        """Write the states of items whose events are there now."""
        if not self._flipped:
            return True
        if not self._may():
            return False
        states: dict[str, State] = {}
        for item_id in self._flipped:
            row = self._writer.catalog.row(item_id)
            if row is not None:
                states[item_id] = self._writer.catalog.state(row)
        self._expect("items", self._bucket.refresh("items"), 0)
        commits = self._bucket.set_states(states)
        self._expect("items", self._bucket.version("items"), commits)
        self._commits["items"] += 1
        self._flipped.clear()
        return True

    # -- what others left

    def sweep(self, name: TableName) -> None:
        """Put a table in order that somebody else changed; see `sweeping`."""
        clean = self._sweeper.sweep(self._bucket, name)
        self._versions[name] = self._bucket.version(name)
        if clean:
            self._suspect.discard(name)
        else:
            self._suspect.add(name)

    def _require_lease(self) -> None:
        if not self._may():
            raise StoreUnavailable("the lease runs out; this is done later")

    # -- keeping

    def compact(self) -> None:
        """Merge fragments of tables with many commits, seldom, and look at all their rows.

        Raises:
            BucketUnavailable: Not now.
        """
        due = [name for name in TABLES if self._commits[name] >= COMPACT_COMMITS]
        if not due or time.monotonic() - self._compacted < COMPACT_SECONDS or not self._may():
            return
        self._compacted = time.monotonic()
        with bucket_faults(self._objects.url):
            for name in due:
                self._bucket.refresh(name)
                self._bucket.compact(name)
                self._commits[name] = 0
                self.sweep(name)


def pause_after(failures: int, chance: random.Random) -> float:
    """Give the seconds to wait after so many failures in a row: doubling, with full jitter."""
    least, most = RETRY_SECONDS
    return least + chance.random() * min(most - least, least * 2.0 ** min(failures, 16))
