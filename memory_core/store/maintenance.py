"""When LanceDB is tidied, and the thread that does it.

`due` is the whole policy, a pure function of what is measured; `Keeper` does
the work under the writer's lock; `Maintainer` is only the loop around both.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from memory_core.allocator import fit_allocator
from memory_core.errors import StoreUnavailable
from memory_core.store.faults import translated
from memory_core.store.schema import ITEMS
from memory_core.store.writer import EXACT_ROWS, Writer

Job = Literal["drain", "text", "compact", "vectors"]
DRAIN_ROWS = 256
DRAIN_SECONDS = 5.0
TEXT_QUIET_SECONDS = 0.2
COMPACT_FRAGMENTS = 50
COMPACT_COMMITS = 200
COMPACT_FRAGMENTS_BUSY = 150
"""So many fragments are merged even while writes go on."""
IDLE_SECONDS = 2.0
COMPACT_SECONDS = 60.0
PATIENCE_FACTOR = 20.0
"""A job is not repeated within this many times the time it took."""
KEEP = timedelta(minutes=10)
"""Old versions are kept so long: a read that began before still finds its files."""
MAX_SEGMENTS = 8
SCALAR_INDEX_ROWS = 5_000
VECTOR_INDEX_ROWS = 10_000
"""From so many rows a vector column is indexed: well before the store outgrows memory."""
TICK_SECONDS = 0.2
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Measured:
    """What the policy looks at; times in seconds, `since` = since the job's last end.

    `asked`: searches ask the index, so that what it lacks should be there soon.
    """

    waiting: int = 0
    age: float = 0.0
    asked: bool = False
    quiet: float = 0.0
    text_stale: bool = False
    fragments: int = 0
    commits: int = 0
    vectors_stale: bool = False
    since: dict[Job, float] = field(default_factory=dict)
    took: dict[Job, float] = field(default_factory=dict)


def _rested(m: Measured, job: Job, least: float) -> bool:
    return m.since.get(job, float("inf")) >= max(least, PATIENCE_FACTOR * m.took.get(job, 0.0))


def due(m: Measured) -> Job | None:
    """Give the job that is due now, the most urgent first."""
    if m.waiting >= DRAIN_ROWS or (m.waiting and (m.asked or m.age >= DRAIN_SECONDS)):
        return "drain" if _rested(m, "drain", 0.0) else None
    if m.text_stale and m.quiet >= TEXT_QUIET_SECONDS and _rested(m, "text", 0.0):
        return "text"
    if m.vectors_stale and m.quiet >= IDLE_SECONDS and _rested(m, "vectors", COMPACT_SECONDS):
        return "vectors"
    full = m.fragments >= COMPACT_FRAGMENTS or m.commits >= COMPACT_COMMITS
    calm = m.quiet >= IDLE_SECONDS or m.fragments >= COMPACT_FRAGMENTS_BUSY
    return "compact" if full and calm and _rested(m, "compact", COMPACT_SECONDS) else None


class Keeper:
    """Does the jobs. Every one takes the writer's LanceDB lock."""

    def __init__(self, writer: Writer, clock: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._clock = clock
        self._ended: dict[Job, float] = {}
        self._took: dict[Job, float] = {}

    def measure(self) -> Measured:
        """Look at the store."""
        writer, now = self._writer, self._clock()
        return Measured(
            waiting=writer.index.waiting(),
            age=writer.index.age(),
            asked=writer.words is None,
            quiet=now - writer.last_write,
            text_stale=writer.index.text_stale,
            fragments=self._fragments(),
            commits=writer.index.commits,
            vectors_stale=self._vectors_stale(),
            since={job: now - ended for job, ended in self._ended.items()},
            took=dict(self._took),
        )

    def _fragments(self) -> int:
        with translated(self._writer.standing.folder):
            return self._writer.table.fragments()

    def _stale_columns(self, segments: int = MAX_SEGMENTS) -> list[str]:
        """Give the vector columns whose index is missing, old or in more than so many parts."""
        writer = self._writer
        if len(writer.catalog) < VECTOR_INDEX_ROWS or not writer.table.dimension:
            return []
        stale = []
        with translated(writer.standing.folder):
            for column in ITEMS.vectors:
                unindexed = writer.table.unindexed(column)
                if unindexed is None:
                    rows = writer.table.count(f"{column} IS NOT NULL")
                    missing = rows >= VECTOR_INDEX_ROWS
                else:
                    missing = unindexed > max(1000, len(writer.catalog) // 10)
                    missing = missing or writer.table.segments(column) > segments
                if missing:
                    stale.append(column)
        return stale

    def _vectors_stale(self) -> bool:
        return bool(self._stale_columns())

    def run(self, job: Job) -> None:
        """Do one job and remember when and how long."""
        began = self._clock()
        try:
            with self._writer.lance:
                self._writer.standing.require_writable()
                {
                    "drain": self._writer.drain,
                    "text": self._writer.index.refresh_text,
                    "compact": self.compact,
                    "vectors": self.index_vectors,
                }[job]()
        finally:
            self._ended[job] = self._clock()
            self._took[job] = self._ended[job] - began

    def index_vectors(self, segments: int = MAX_SEGMENTS) -> None:
        """Build the vector indexes that are stale; `lance` must be held."""
        for column in self._stale_columns(segments):
            with translated(self._writer.standing.folder):
                self._writer.table.build_vector_index(column)
        fit_allocator(len(self._writer.catalog))
        if len(self._writer.catalog) >= EXACT_ROWS:
            self._writer.vectors = None
            self._writer.words = None
            self._writer.table.expect_large()

    def _index_scalars(self) -> None:
        """Build the indexes of what is filtered by, once there are many rows."""
        if len(self._writer.catalog) >= SCALAR_INDEX_ROWS:
            self._writer.table.build_filter_indexes()

    def compact(self, keep: timedelta = KEEP, segments: int = MAX_SEGMENTS) -> None:
        """Bring the index up to date and merge its files; `lance` must be held.

        The order matters: fragments merge only when the same indexes hold them.

        Args:
            keep: Younger versions stay, for reads that began before.
            segments: A vector index of more parts is built anew.
        """
        index = self._writer.index
        self._writer.drain()
        self.index_vectors(segments)
        with translated(self._writer.standing.folder):
            self._index_scalars()
            if index.text_stale and self._writer.table.has_text_index():
                index.refresh_text()
            index.compact(keep)
            self._writer.log.truncate()


class Maintainer:
    """Runs the keeper in a thread of its own until stopped."""

    def __init__(self, keeper: Keeper, writer: Writer) -> None:
        self._keeper = keeper
        self._writer = writer
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="lessonbank-keeper", daemon=True)
        writer.wake = self._wake.set
        self._thread.start()

    def _restless(self) -> bool:
        """Tell whether anything may become due by time alone."""
        writer = self._writer
        return writer.index.text_stale or writer.index.waiting() > 0

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(TICK_SECONDS if self._busy else None)
            self._wake.clear()
            if not self._stopped.is_set():
                self._busy = self.step()

    _busy = True

    def step(self) -> bool:
        """Do what is due; tell whether to look again soon."""
        try:
            measured = self._keeper.measure()
            job = due(measured)
            if job is not None:
                self._keeper.run(job)
        except StoreUnavailable as error:
            _LOG.warning("the store is not tidied now: %s", error)
            return not self._writer.standing.closed
        except Exception:  # noqa: BLE001 - a surprise must not end the tidying for good
            _LOG.exception("tidying the store failed")
            return True
        full = measured.commits >= COMPACT_COMMITS or measured.fragments >= COMPACT_FRAGMENTS
        return job is not None or self._restless() or measured.vectors_stale or full

    def stop(self, timeout: float) -> None:
        """Ask the thread to end and wait for it, at most `timeout` seconds."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout)
