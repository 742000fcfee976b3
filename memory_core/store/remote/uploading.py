"""Brings what the working folder acknowledged into the shared log, in batches.

An append happens only while the lease is surely held. One that lands later all
the same (the process slept between looking and writing) is found by the next
holder, which did not make that version of the table: `sweep`. Records are known by
their places, so nothing is uploaded twice after a failure in between.

Lines that the writer did not put there are of an earlier holder of the lease, whose append landed
after its time (`Sweeper`). Their records go to the end of the log, as new ones do, and only when
they stand there in the bucket too are the late lines deleted.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from memory_core.errors import StoreUnavailable
from memory_core.store.faults import translated
from memory_core.store.log import Line
from memory_core.store.meta import Meta
from memory_core.store.remote import copying
from memory_core.store.remote.bucket import SharedLog, bucket_faults
from memory_core.store.remote.lease import Lease
from memory_core.store.remote.objects import HEAD, Objects
from memory_core.store.remote.reaching import log_at
from memory_core.store.remote.shared_meta import VERSION, SharedMeta
from memory_core.store.schema import Entry, TableName
from memory_core.store.writer import Writer

# -- what others left


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


# -- what is ours

SECONDS = 1.0
"""An acknowledged record is uploaded at most so much later, while the bucket answers."""
ROWS = 256
"""So many waiting records are uploaded at once."""
MOST_ROWS = 2048
"""Records of one append."""
BACKLOG = 20_000
"""Records that may wait for the bucket; with more, nothing new is taken."""
COMPACT_COMMITS = 64
COMPACT_SECONDS = 60.0
HELD = 0.35
"""Share of the lease's length that must be left when an append begins."""
RETRY_SECONDS = (0.5, 8.0)
"""The first pause after a failure, and the longest."""
_LOG = logging.getLogger(__name__)


class Uploader:
    """What waits for the bucket, and the steps that bring it there.

    `note` and `room` may be called from any thread, everything else from one.

    Args:
        writer: Of the open store.
        shared: The bucket's meta, as `told` was read from it.
        meta: Gives the store's present meta.
        arrived: Takes in entries that somebody else left in the log.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        objects: Objects,
        log: SharedLog,
        lease: Lease,
        shared: SharedMeta,
        told: Meta,
        meta: Callable[[], Meta],
        arrived: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._writer, self._objects, self._log = writer, objects, log
        self._lease, self._shared, self._told, self.meta = lease, shared, told, meta
        self._lock = threading.Lock()
        self._pending: dict[int, None] = {}
        self._rewritten: dict[int, None] = {}
        self._doubtful, self._suspect = True, False
        self._version, self._commits = log.version(), log.fragments()
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

    def note(self, entries: Iterable[Entry]) -> None:
        """Let these wait for the bucket."""
        self.owe(entry.seq for entry in entries)

    def owe(self, seqs: Iterable[int]) -> None:
        """Let the records at these places wait for the bucket."""
        with self._lock:
            self._pending.update(dict.fromkeys(seqs))
        self.wake()

    def rewrite(self, entries: Iterable[Entry]) -> None:
        """Let records that got their vectors late replace those of the bucket."""
        with self._lock:
            self._rewritten.update(dict.fromkeys(entry.seq for entry in entries))
        self.wake()

    def waiting(self) -> int:
        """Give how many records wait."""
        with self._lock:
            return len(self._pending) + len(self._rewritten)

    def waits(self, seq: int) -> bool:
        """Tell whether the record at this place waits."""
        with self._lock:
            return seq in self._pending

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
            if self._suspect:
                self.sweep()
            with self._lock:
                seqs, rewritten = sorted(self._pending), list(self._rewritten)
            for start in range(0, len(seqs), MOST_ROWS):
                if not self._append(seqs[start : start + MOST_ROWS]):
                    return False
            done = self._replace(rewritten)
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
            "version": VERSION,
        }
        return json.dumps(head).encode()

    def _may(self) -> bool:
        return self._lease.held(HELD * self._lease.length)

    def _agree(self) -> None:
        """Let the bucket say of itself what the store says now."""
        meta = self.meta()
        if meta == self._told:
            return
        if meta.generation != self._log.generation:
            self._next_generation(meta)
            return
        self._shared.write(meta)
        self._told, self._changed = meta, True

    def _next_generation(self, meta: Meta) -> None:
        """Upload the whole log with new vectors, then the meta; then the old one goes."""
        old, new = self._log, log_at(self._objects.url, meta.generation)
        self._require_lease()
        new.create()
        there = {seq for seq, *_ in new.places()}
        todo = [seq for seq in self._writer.log.places() if seq not in there]
        for start in range(0, len(todo), MOST_ROWS):
            lines = self._lines(todo[start : start + MOST_ROWS], meta)
            self._require_lease()
            new.add(lines)
        self._require_lease()
        self._shared.write(meta)
        self._log, self._told, self._changed = new, meta, True
        self._version, self._doubtful = new.version(), True
        new.drop(old.name)

    def _lines(self, seqs: Sequence[int], meta: Meta) -> list[Line]:
        """Give the log's lines at these places.

        Raises:
            StoreUnavailable: The store is not what this meta says any more.
        """
        with translated(self._writer.standing.folder):
            lines = self._writer.log.lines(seqs)
        if self.meta() != meta:
            raise StoreUnavailable("the store's vectors have changed; this is done later")
        return lines

    def _append(self, seqs: Sequence[int]) -> bool:
        """Append records, each once: after a failure, what did arrive is left out."""
        todo = self._not_there(seqs)
        if todo:
            lines = self._lines(todo, self._told)
            if not self._may():
                return False
            self._doubtful = True
            self._log.add(lines)
            self._commits += 1
            self._changed = True
            self._expect(self._log.version(), 1)
        self._doubtful = False
        with self._lock:
            for seq in seqs:
                self._pending.pop(seq, None)
        return True

    def _not_there(self, seqs: Sequence[int]) -> list[int]:
        if not self._doubtful or not seqs:
            return list(seqs)
        version = self._log.refresh()
        there = {seq for seq, *_ in self._log.places(f"seq >= {seqs[0]} AND seq <= {seqs[-1]}")}
        self._expect(version, int(bool(there)))
        return [seq for seq in seqs if seq not in there]

    def _expect(self, version: int, own: int) -> None:
        """Suspect the log when it has more versions than this store made."""
        self._suspect = self._suspect or version > self._version + own
        self._version = version

    def look(self) -> None:
        """Look whether somebody else changed the log.

        Raises:
            BucketUnavailable: The bucket did not answer.
        """
        with bucket_faults(self._objects.url):
            self._expect(self._log.refresh(), 0)

    def _replace(self, seqs: Sequence[int]) -> bool:
        """Put records in place of the bucket's, in one commit: none is ever missing."""
        if not seqs:
            return True
        if not self._may():
            return False
        self._expect(self._log.refresh(), 0)
        self._log.replace(self._lines(seqs, self._told))
        self._expect(self._log.version(), 1)
        self._changed = True
        self._commits += 1
        with self._lock:
            for seq in seqs:
                self._rewritten.pop(seq, None)
        return True

    # -- what others left

    def sweep(self) -> None:
        """Put the log in order that somebody else changed; see `sweeping`."""
        clean = self._sweeper.sweep(self._log)
        self._version = self._log.version()
        self._suspect = not clean

    def _require_lease(self) -> None:
        if not self._may():
            raise StoreUnavailable("the lease runs out; this is done later")

    # -- keeping

    def compact(self) -> None:
        """Merge the log's fragments when there are many, seldom, and look at all its lines.

        Raises:
            BucketUnavailable: Not now.
        """
        soon = time.monotonic() - self._compacted < COMPACT_SECONDS
        if self._commits < COMPACT_COMMITS or soon or not self._may():
            return
        self._compacted = time.monotonic()
        with bucket_faults(self._objects.url):
            self._log.refresh()
            self._log.compact()
            self._commits = 0
            self.sweep()


def pause_after(failures: int, chance: random.Random) -> float:
    """Give the seconds to wait after so many failures in a row: doubling, with full jitter."""
    least, most = RETRY_SECONDS
    return least + chance.random() * min(most - least, least * 2.0 ** min(failures, 16))
