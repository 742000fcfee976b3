"""The store: one folder, one writer process, durable when acknowledged.

    meta.json    what the store is: schema version, model, generation
    lock         held by the one process that writes
    log.db       everything that was acknowledged, in its order (SQLite)
    lance/       the index to search items by (LanceDB): made anew when in doubt
    quarantine/  a damaged log that was moved aside

`LanceStore` implements `memory_core.ports.Store`; the work is done by the
modules beside it. It knows no embedding model and no learning.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from memory_core.errors import StoreMismatch, StoreUnavailable, shown
from memory_core.model import Event, Kind, RecallRecord, State
from memory_core.ports import (
    Candidate,
    Embedder,
    LogKind,
    Matrix,
    Probe,
    Scope,
    StoredItem,
    StoredOutcome,
    StoredRecall,
    StoreSizes,
)
from memory_core.store import disk
from memory_core.store.columns import checked_rows, checked_vector
from memory_core.store.faults import translated
from memory_core.store.maintenance import Keeper, Maintainer
from memory_core.store.meta import Meta
from memory_core.store.opening import Opened, open_parts
from memory_core.store.parts import PartTable
from memory_core.store.reader import Reader
from memory_core.store.reembedding import (
    Conditions,
    Reembedding,
    embed_waiting,
    plain_conditions,
)
from memory_core.store.remote.identity import require_no_copy
from memory_core.store.remote.sharing import Sharing
from memory_core.store.search import Searcher
from memory_core.store.standing import Ownership

CLOSE_SECONDS = 2.0
"""`close` waits at most so long for what is under way."""
_LEGS = 4
_LOG = logging.getLogger(__name__)


class LanceStore:
    """One store folder, open. Thread-safe; use `LanceStore.open`."""

    def __init__(
        self,
        opened: Opened,
        *,
        maintain: bool,
        clock: Callable[[], float],
        conditions: Conditions,
    ) -> None:
        self._meta: Meta = opened.meta
        self._ownership: Ownership | None = opened.ownership
        self._shared = opened.shared
        self._writer = writer = opened.writer
        self._standing = writer.standing
        self._closing = threading.Lock()
        self._conditions = conditions
        self._reader = Reader(writer)
        self._pool = ThreadPoolExecutor(_LEGS, thread_name_prefix="lessonbank-search")
        self._keeper = Keeper(writer, clock)
        self._parts = PartTable()
        self._searcher = Searcher(
            catalog=writer.catalog,
            table=writer.table,
            fetch=self._reader.items,
            vectors=lambda: writer.vectors,
            words=lambda: writer.words,
            late=writer.index.late,
            pool=self._pool,
            parts=self._parts,
        )
        keeps = maintain and not self._standing.read_only
        self._maintainer = Maintainer(self._keeper, writer) if keeps else None
        if self._shared is not None:
            self._shared.start(writer, lambda: self._meta)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        maintain: bool = True,
        conditions: Conditions = plain_conditions,
        clock: Callable[[], float] = time.monotonic,
        read_only: bool = False,
        sharing: Sharing | None = None,
        index: str = "",
    ) -> LanceStore:
        """Open the store in the folder `path`, created when there is none.

        Works without knowing the model that wrote it (see `bind_embedder`). A
        folder that cannot be written is opened read-only when it holds a store.

        Args:
            path: The store's folder.
            conditions: How `reembed` embeds the conditions of recalls and failures.
            maintain: Tidy in a thread of its own; without it only `compact` and `close` do.
            clock: Monotonic seconds.
            read_only: Change nothing, whoever owns the folder; it must hold a store.
            sharing: The bucket that holds the store; `path` is then this machine's
                working copy. Its writer waits for the bucket's lease.
            index: Where the items are searched by LanceDB, when not in the folder: another
                folder, or a place at s3://, gs://, az:// or db://, this store's alone.

        Raises:
            StoreUnavailable: It cannot be opened; the sentence says why and what to do.
            StoreMismatch: A newer lessonbank wrote it.
        """
        folder = path.expanduser().absolute()
        if sharing is None and not read_only:
            require_no_copy(folder)
        shared = None if read_only else sharing
        opened = open_parts(folder, clock, read_only=read_only, sharing=shared, index=index)
        return cls(opened, maintain=maintain, clock=clock, conditions=conditions)

    def listen(self, arrivals: Callable[[Sequence[Any]], None] | None = None) -> None:
        """Let records that another machine acknowledged come in while the store is open.

        Args:
            arrivals: Gets them (stored items, recalls, outcomes, events) in order, on a
                thread of the store's, and gives each to `adopt`; by default that is all.
        """
        if self._shared is not None:
            self._shared.listen(arrivals or self._adopt_all)

    def adopt(self, record: StoredItem | StoredRecall | StoredOutcome | Event) -> bool:
        """Add a record that came so; tell whether it is new to this process."""
        return self._shared is not None and self._shared.adopt(record)

    def _adopt_all(self, records: Sequence[Any]) -> None:
        for record in records:
            self.adopt(record)

    @property
    def path(self) -> Path:
        """The store's folder."""
        return self._standing.folder

    @property
    def read_only(self) -> bool:
        """Whether the folder can only be read: every write raises StoreUnavailable."""
        return self._standing.read_only

    @property
    def embedder_name(self) -> str:
        return self._meta.embedder

    @property
    def dimension(self) -> int:
        return self._meta.dimension

    def bind_embedder(self, name: str, dimension: int) -> None:
        """Say which model's vectors will come: fixes it for a store without any.

        Raises:
            StoreMismatch: The store holds another model's vectors.
        """
        if (name, dimension) == (self._meta.embedder, self._meta.dimension):
            return
        if not name or dimension < 1:
            raise ValueError(f"a model needs a name and a dimension, not {name!r}, {dimension}")
        writer = self._writer
        with writer.lance, translated(self.path):
            self._standing.require_writable()
            if self._meta.embedder and self._has_records():
                raise StoreMismatch(
                    f"The store {self.path} holds vectors of the model {shown(self._meta.embedder)}"
                    f" ({self._meta.dimension} dimensions); this process has"
                    f" {shown(name)} ({dimension} dimensions). Run `lessonbank reembed` to rewrite"
                    " them with the new model, or set LESSONBANK_MODEL back to the old one."
                )
            writer.admit()
            with writer.order:
                self._commit(dataclasses.replace(self._meta, embedder=name, dimension=dimension))
                writer.log.embedder = name
                writer.index.switch(self._meta.generation, dimension)
                writer.load_vectors()

    def _has_records(self) -> bool:
        return bool(self._writer.log.newest())

    def count_waiting(self) -> int:
        self._standing.require_open()
        return self._writer.catalog.count_waiting()

    def embed_waiting(self, embedder: Embedder) -> None:
        self._standing.require_writable()
        if embedder.name != self.embedder_name:
            raise ValueError(f"the store is bound to {self.embedder_name!r}, not {embedder.name!r}")
        embed_waiting(self._writer, self._reader, embedder)

    # -- items

    def add_items(self, items: Sequence[StoredItem]) -> None:
        self._writer.append("items", items, check=self._checked)

    def _checked(self, stored: StoredItem) -> StoredItem:
        what = f"a vector of item {shown(stored.item.id)}"
        vector = checked_vector(stored.vector, self.dimension, what)
        task_vector = checked_vector(stored.task_vector, self.dimension, what)
        present = vector is not None or task_vector is not None
        if present and stored.item.embedder != self.embedder_name:
            raise ValueError(
                f"item {shown(stored.item.id)} has vectors of {shown(stored.item.embedder)},"
                f" the store holds those of {shown(self.embedder_name)}"
            )
        item = dataclasses.replace(stored.item, embedder=self.embedder_name if present else "")
        return StoredItem(item, stored.state, vector, task_vector)

    def get_items(self, ids: Iterable[str]) -> dict[str, StoredItem]:
        self._standing.require_open()
        return self._reader.items(ids)

    def find_hash(self, project: str, content_hash: str) -> StoredItem | None:
        self._standing.require_open()
        found = self._writer.catalog.find_hash(project, content_hash)
        return None if found is None else self._reader.items([found]).get(found)

    def add_parts(self, item_id: str, parts: Matrix) -> bool:
        row = self._writer.catalog.row(item_id)
        return row is not None and self._parts.put(row, checked_rows(parts, self.dimension))

    def scan_items(self, scope: Scope) -> Iterator[StoredItem]:
        self._standing.require_open()
        return self._reader.scan_items(scope)

    def count_items(self) -> Mapping[tuple[str, Kind, State], int]:
        self._standing.require_open()
        return self._writer.catalog.counts()

    def search(self, probes: Sequence[Probe], scope: Scope, limit: int) -> list[Candidate]:
        self._standing.require_open()
        checked = [
            Probe(
                probe.text,
                checked_vector(probe.vector, self.dimension, "a probe's vector"),
                tuple(
                    (vector, weight)
                    for given, weight in probe.further
                    if (vector := checked_vector(given, self.dimension, "a window's vector"))
                    is not None
                ),
                probe.said,
            )
            for probe in probes
        ]
        with translated(self.path):
            return self._searcher.search(checked, scope, limit)

    def most_held(self, asked: Sequence[Mapping[str, float]], scope: Scope) -> list[float]:
        self._standing.require_open()
        return self._searcher.most_held(asked, scope)

    # -- log

    def add_recall(self, recall: StoredRecall, *, durable: bool = False) -> None:
        self._standing.require_open()
        if self._shared is not None and self._shared.serve(recall):
            return

        def check(stored: StoredRecall) -> StoredRecall:
            vector = checked_vector(stored.vector, self.dimension, "a recall's vector")
            return StoredRecall(stored.record, vector)

        self._writer.append("recalls", [recall], check=check, durable=durable)

    def get_recall(self, recall_id: str) -> StoredRecall | None:
        self._standing.require_open()
        found: StoredRecall | None = self._reader.record("recalls", recall_id)
        if found is None and self._shared is not None:
            return self._shared.served(recall_id)
        return found

    def recall_ids(self) -> list[str]:
        self._standing.require_open()
        with translated(self.path):
            return self._writer.log.ids("recalls")

    def newest_recalls(
        self,
        projects: Collection[str],
        session: str = "",
        *,
        since: float = 0.0,
        before: str = "",
        limit: int,
    ) -> list[RecallRecord]:
        self._standing.require_open()
        return self._reader.newest_recalls(projects, session, since, before, limit)

    def add_outcome(self, outcome: StoredOutcome) -> None:
        def check(stored: StoredOutcome) -> StoredOutcome:
            signature = checked_vector(stored.signature, self.dimension, "a signature")
            return StoredOutcome(stored.record, signature)

        self._writer.append("outcomes", [outcome], check=check)

    def add_event(self, event: Event) -> None:
        self._writer.append("events", [event])

    def log(self, *kinds: LogKind) -> Iterator[tuple[int, StoredRecall | StoredOutcome | Event]]:
        self._standing.require_open()
        return self._reader.log(*kinds)

    def recalls(self) -> Iterator[StoredRecall]:
        self._standing.require_open()
        return (record for _, record in self._reader.log("recalls"))

    def get_outcome(self, outcome_id: str) -> StoredOutcome | None:
        self._standing.require_open()
        return cast("StoredOutcome | None", self._reader.record("outcomes", outcome_id))

    def outcomes(self) -> Iterator[StoredOutcome]:
        self._standing.require_open()
        return (record for _, record in self._reader.log("outcomes"))

    def events(self) -> Iterator[Event]:
        self._standing.require_open()
        return (record for _, record in self._reader.log("events"))

    # -- keeping

    def sizes(self) -> StoreSizes:
        self._standing.require_open()
        with translated(self.path):
            fragments = self._writer.table.fragments()
            waiting = self._writer.index.waiting()
            shared = None if self._shared is None else self._shared.state()
            return StoreSizes(disk.bytes_under(self.path), fragments, waiting, shared)

    def compact(self) -> None:
        with self._writer.lance:
            self._standing.require_writable()
            self._keeper.compact(keep=timedelta(0), segments=1)

    def reembed(
        self, embedder: Embedder, progress: Callable[[int, int], None] | None = None
    ) -> tuple[int, int]:
        with self._writer.lance, translated(self.path):
            self._standing.require_writable()
            self._writer.admit()
            work = Reembedding(self._writer, self._meta, embedder, self._conditions)
            done = work.run(progress, self._commit)
            self._parts.clear()
            return done

    def _commit(self, meta: Meta) -> None:
        meta.save(self.path)
        self._meta = meta

    def close(self) -> None:
        with self._closing:
            if self._standing.closed:
                return
            began = time.monotonic()
            self._standing.ending = True
            if self._maintainer is not None:
                self._maintainer.stop(CLOSE_SECONDS)
            left = max(0.0, CLOSE_SECONDS - (time.monotonic() - began))
            self._last_drain(left)
            if self._shared is not None:
                self._shared.close()
            self._standing.closed = True
            self._pool.shutdown(wait=False)
            self._writer.table.close()
            self._writer.log.close()
            if self._ownership is not None:
                self._ownership.release()

    def _last_drain(self, patience: float) -> None:
        """Bring the index up to date if LanceDB is free and the disk takes it."""
        if self.read_only or not self._writer.lance.acquire(timeout=patience):
            return
        try:
            self._writer.drain()
        except StoreUnavailable as error:
            _LOG.warning("closed with an index that is not up to date: %s", error)
        finally:
            self._writer.lance.release()
