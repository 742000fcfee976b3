"""LanceDB's table of the items: vectors, words and states to search by.

It follows the log and may be thrown away at any time: whatever it lacks is read
from there, and where its files are in doubt it is made anew. `lance` is held while it is
changed. LanceDB itself syncs nothing, so a version counts only when its files were
synced here and the log has marked it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from memory_core.model import State
from memory_core.store import faults
from memory_core.store.catalog import Catalog, one_of
from memory_core.store.faults import translated
from memory_core.store.item_table import ItemTable
from memory_core.store.log import Log
from memory_core.store.schema import CODECS, Entry, entry_of
from memory_core.store.standing import Standing

BATCH = 2048
"""Rows of one append."""
UNUSABLE = (*faults.FAULTS, ValueError)
"""What LanceDB raises for a table whose files are torn, gone, or another's."""
_LOG = logging.getLogger(__name__)


@contextmanager
def _lancedb(folder: Path) -> Iterator[None]:
    """Turn what LanceDB raises, also for a table that is gone, into StoreUnavailable."""
    with translated(folder):
        try:
            yield
        except ValueError as error:
            raise RuntimeError(str(error)) from error


class Index:
    """What LanceDB has of the items, what it lacks, and the way there. Thread-safe.

    Args:
        standing: Of the store.
        table: LanceDB's.
        log: Where what it lacks is read from.
        catalog: Knows each item's place and present state.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        standing: Standing,
        table: ItemTable,
        log: Log,
        catalog: Catalog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._standing, self.table, self._log, self._catalog = standing, table, log, catalog
        self._clock, self._since = clock, 0.0
        self.lance = threading.RLock()
        self.text_stale = False
        self.commits = 0
        self._lock = threading.Lock()
        self._late: dict[int, str] = {}
        self._flipped: dict[str, None] = {}
        self._doubtful = False
        self._unread = False
        self._marked: int | None = None

    # -- what it lacks

    def want(self, items: Iterable[Entry], flipped: Iterable[str] = ()) -> None:
        """Let these items be added and the states of those be written."""
        with self._lock:
            if not self._late and not self._flipped:
                self._since = self._clock()
            self._late.update((entry.seq, entry.id) for entry in items)
            self._flipped.update(dict.fromkeys(flipped))

    def late(self) -> list[str]:
        """Give the ids of the items that it has not got yet, in the order of the log."""
        with self._lock:
            return [self._late[seq] for seq in sorted(self._late)]

    def waiting(self) -> int:
        """Give how many items and states it lacks."""
        return len(self._late) + len(self._flipped)

    def age(self) -> float:
        """Give for how many seconds the oldest of it has waited, 0 when nothing does."""
        return self._clock() - self._since if self.waiting() else 0.0

    # -- opening

    def open(self) -> None:
        """Take over what is there as far as it can be trusted; want the rest."""
        try:
            self._take_over()
        except UNUSABLE as error:
            if self.table.elsewhere:  # it does not answer: it is asked again when it is due
                _LOG.warning("store %s: its index waits: %s", self._standing.folder, error)
                self._unread = True
                self._want_all()
                return
            _LOG.warning("store %s: its index is made anew: %s", self._standing.folder, error)
            self.discard()

    def _take_over(self) -> None:
        if self._trusted():
            self._compare()
        else:
            self.discard()
        self._unread = False

    def _want_all(self) -> None:
        with self._lock:
            self._flipped.clear()
            self._late = {seq: item_id for item_id, seq, _ in self._catalog.states()}

    def read(self) -> None:
        """Take over what is on the disk and change nothing."""
        try:
            here = self._here()
        except UNUSABLE as error:
            _LOG.warning("store %s: its index cannot be read: %s", self._standing.folder, error)
            here = {}
        self._late = {seq: i for i, seq, _ in self._catalog.states() if seq not in here}

    def _trusted(self) -> bool:
        """Go back to the version whose files were synced last; False when there is none."""
        marked = self._log.marked(self.table.name)
        if marked is None or self.table.name not in self.table.names():
            return False
        if self.table.missing_columns():
            return False
        if self.table.version() == marked:
            self._marked = marked
            self.table.trust()
        else:
            self.table.go_back(marked)
        return True

    def _here(self) -> dict[int, tuple[str, str]]:
        """Give (id, state) of its rows by their places."""
        rows = self.table.scan(["seq", "id", "state"])
        columns = (rows[name].to_pylist() for name in ("seq", "id", "state"))
        return {seq: (item_id, state) for seq, item_id, state in zip(*columns, strict=True)}

    def _compare(self) -> None:
        """Compare its rows with the catalog: places, states, and whether there are vectors."""
        before = set(self._late)
        here = self._here()
        bare: set[str] = set()
        if self.table.dimension:
            bare = set(self.table.scan(["id"], "vector IS NULL")["id"].to_pylist())
            bare.difference_update(self._catalog.waiting())
        late: list[tuple[int, str]] = []
        for item_id, seq, state in self._catalog.states():
            if here.get(seq, ("",))[0] != item_id or item_id in bare:
                late.append((seq, item_id))
            elif here.pop(seq)[1] != state:
                self._flipped[item_id] = None
        if here:  # rows of another store's items, or of items whose vectors came later
            self.table.delete(sorted(here))
        with self._lock:  # with what came while this was looked at
            came = {seq: item_id for seq, item_id in self._late.items() if seq not in before}
            self._late = {**dict(late), **came}
        self.text_stale = bool(self.table.unindexed("search_text"))

    def texts(self) -> dict[int, str]:
        """Give the search texts that it has, by place; none where it cannot be read now."""
        try:
            rows = self.table.scan(["seq", "search_text"])
        except UNUSABLE:
            return {}
        texts = zip(rows["seq"].to_pylist(), rows["search_text"].to_pylist(), strict=True)
        return {seq: text or "" for seq, text in texts}

    def discard(self) -> None:
        """Throw the files away: all items are wanted again. `lance` must be held."""
        self._log.mark(self.table.name, None)
        self.table.wipe()
        self._marked, self._doubtful = None, False
        self.table.create()
        self._want_all()

    # -- following

    def apply(self, keep_on: Callable[[], bool] = lambda: True) -> None:
        """Add what it lacks. `lance` must be held.

        Args:
            keep_on: Asked after each batch.

        Raises:
            StoreUnavailable: LanceDB refused; all of it waits on.
        """
        if not self.waiting():
            return
        with _lancedb(self._standing.folder):
            if self._unread:
                self._take_over()
            while self._late:
                with self._lock:
                    part = sorted(self._late)[:BATCH]
                self._add(part)
                if not keep_on():
                    break
            self._write_states()
            if len(self._catalog) and not self.table.has_text_index():
                self.refresh_text()

    def _add(self, seqs: Sequence[int]) -> None:
        """Append rows, each once: after a failure, what did arrive is left out."""
        todo = set(seqs)
        if self._doubtful:
            rows = self.table.scan(["seq"], f"seq >= {seqs[0]} AND seq <= {seqs[-1]}")
            todo -= set(rows["seq"].to_pylist())
        self._doubtful = True
        entries = [self.presented(entry) for entry in self._log.at(sorted(todo))]
        if entries:
            rows = CODECS["items"].table_of(entries, self.table.dimension)
            self.table.add(rows)
            self.commits += 1
            self.text_stale = True
        self._doubtful = False
        with self._lock:
            for seq in seqs:
                self._late.pop(seq, None)

    def presented(self, entry: Entry) -> Entry:
        """Give an item's entry in its present state."""
        row = self._catalog.row(entry.id)
        if row is not None:
            entry.row["state"] = self._catalog.state(row)
        return entry

    def _write_states(self) -> None:
        with self._lock:
            flipped = list(self._flipped)
        states: dict[str, State] = {}
        for item_id in flipped:
            row = self._catalog.row(item_id)
            if row is not None:
                states[item_id] = self._catalog.state(row)
        if states:
            self.table.set_states(states)
            self.commits += 1
            self.text_stale = True
        with self._lock:
            for item_id in flipped:
                self._flipped.pop(item_id, None)

    def replace(self, entries: Sequence[Entry]) -> None:
        """Put items in place of themselves. `lance` must be held."""
        self.table.delete([entry.seq for entry in entries])
        self.want(entries)
        self.apply()

    def refresh_text(self) -> None:
        """Build the full-text index anew. `lance` must be held."""
        with _lancedb(self._standing.folder):
            self.table.build_text_index()
        self.commits += 1
        self.text_stale = False

    def settle(self) -> None:
        """Sync its files and mark the version that they are. `lance` must be held."""
        with _lancedb(self._standing.folder):
            version = self.table.version()
            if version != self._marked:
                self.table.sync()
                self._log.mark(self.table.name, version)
                self._marked = version

    def compact(self, keep: timedelta) -> None:
        """Merge, sync, and only then delete what is old. `lance` must be held.

        Clean-up deletes the files of the version that was synced last, so the new one
        must be synced first.
        """
        with _lancedb(self._standing.folder):
            self.table.merge()
            self.settle()
            self.table.clean(keep)
            self.settle()
        self.commits = 0

    def switch(self, generation: int, dimension: int) -> None:
        """Be another generation's: all is wanted again. `lance` must be held."""
        self._log.mark(self.table.name, None)
        self.table.switch(generation, dimension)
        self.open()


def copies(table: ItemTable, item_ids: Sequence[str] | None = None) -> list[Entry]:
    """Give an index's copies of these items (None: all), none where it cannot be read."""
    where = "" if item_ids is None else one_of("id", item_ids)
    try:
        rows = CODECS["items"].read(table.scan(CODECS["items"].read_columns(), where))
    except UNUSABLE as error:
        _LOG.warning("the index %s cannot be read: %s", table.root, error)
        return []
    return [entry_of(seq, "items", stored) for seq, stored in rows]
