"""New vectors for old records: items that waited for a model, and a whole store for another.

A whole store's new vectors are the log's next generation, beside the old one, which
serves until one atomic step (`meta.json`) replaces it. What the next generation has
already is not done again, so the work may stop anywhere. No record changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from memory_core.errors import StoreUnavailable
from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.ports import Embedder, StoredItem, StoredOutcome, StoredRecall, Vector
from memory_core.store.faults import translated
from memory_core.store.meta import Meta
from memory_core.store.reader import Reader
from memory_core.store.schema import Entry, TableName, entry_of
from memory_core.store.writer import Writer

BATCH = 64
"""Records per call of the model, and per step that a stop can lose."""
REWRITTEN: tuple[TableName, ...] = ("items", "recalls", "outcomes")
Progress = Callable[[int, int], None]


class Conditions(Protocol):
    """How a query's or a failure's conditions become vectors."""

    def __call__(
        self, embedder: Embedder, task: str, context: str, error: str
    ) -> tuple[Vector | None, Vector | None]:
        """Give (the conditions' vector, the failure's signature: None without an error)."""


def plain_conditions(
    embedder: Embedder, task: str, context: str, error: str
) -> tuple[Vector | None, Vector | None]:
    """Embed the parts as one text; the signature is the error's own vector."""
    text = "\n".join(part for part in (task, context, error) if part.strip())
    vector = embedder.embed_query(text) if text else None
    return vector, embedder.embed_query(error) if error.strip() else None


def with_vectors(items: Sequence[StoredItem], embedder: Embedder) -> list[StoredItem]:
    """Give the items with the vectors of this model, in one call of it."""
    tasks = [stored.item.task for stored in items]
    texts = [stored.item.text for stored in items] + [task for task in tasks if task.strip()]
    rows = iter(embedder.embed_documents(texts))
    vectors = [next(rows) for _ in items]
    return [
        StoredItem(
            dataclasses.replace(stored.item, embedder=embedder.name),
            stored.state,
            vector,
            next(rows) if task.strip() else None,
        )
        for stored, vector, task in zip(items, vectors, tasks, strict=True)
    ]


def embed_waiting(writer: Writer, reader: Reader, embedder: Embedder) -> None:
    """Give vectors to the items that have none, in batches, each durable."""
    for part in _parts(writer.catalog.waiting()):
        _stop_when_closing(writer)
        items = list(reader.items(part, keep=False).values())
        refill(writer, with_vectors(items, embedder))


def refill(writer: Writer, items: Sequence[StoredItem]) -> None:
    """Give these items their vectors, durably; their records stay as they are."""
    with writer.lance, translated(writer.standing.folder):
        rows = writer.catalog.rows(stored.item.id for stored in items).tolist()
        items = [
            dataclasses.replace(stored, state=writer.catalog.state(row))
            for row, stored in zip(rows, items, strict=True)
        ]
        entries = [
            entry_of(writer.catalog.seq(row), "items", stored)
            for row, stored in zip(rows, items, strict=True)
        ]
        with writer.order:
            writer.log.put_vectors(entries, writer.log.generation)
            writer.cache.put(items)
            for row, entry in zip(rows, entries, strict=True):
                if writer.vectors is not None:
                    writer.vectors.put(row, entry.vectors)
            writer.catalog.embedded(rows)
        writer.rewritten(entries)
        writer.index.replace(entries)
        writer.index.settle()


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))


def _stop_when_closing(writer: Writer) -> None:
    if writer.standing.ending:
        raise StoreUnavailable(
            f"The store {writer.standing.folder} was closed while its vectors were rewritten."
            " Run `lessonbank reembed` again: it goes on where it stopped."
        )


class Reembedding:
    """One run of `LanceStore.reembed`; the writer's `lance` lock must be held throughout."""

    def __init__(
        self, writer: Writer, meta: Meta, embedder: Embedder, conditions: Conditions
    ) -> None:
        self._writer, self._log = writer, writer.log
        self._meta = meta
        self._embedder = embedder
        self._conditions = conditions
        self._same = (meta.embedder, meta.dimension) == (embedder.name, embedder.dimension)
        self._next = meta.generation + 1
        self._rewritten = 0

    def run(self, progress: Progress | None, save: Callable[[Meta], None]) -> tuple[int, int]:
        """Rewrite everything and go over to it; see `memory_core.ports.Store.reembed`."""
        if self._same and not self._missing():
            return 0, len(self._writer.catalog)
        self._begin(save)
        done = total = 0
        while left := self._left():
            total = max(total, done + sum(map(len, left.values())))
            for name, seqs in left.items():
                for part in _parts(seqs):
                    _stop_when_closing(self._writer)
                    self._fill(name, part)
                    done += len(part)
                    if progress is not None:
                        progress(done, total)
        self._go_over(save)
        return self._rewritten, len(self._writer.catalog) - self._rewritten

    def _missing(self) -> bool:
        """Tell whether any record still lacks what this model would give it."""
        if self._writer.catalog.count_waiting():
            return True
        generation = self._log.generation
        if self._log.lacking("recalls", generation):
            return True
        return any(
            entry.stored.record.outcome == "failure"
            for seqs in _parts(self._log.lacking("outcomes", generation))
            for entry in self._log.at(seqs)
        )

    def _begin(self, save: Callable[[Meta], None]) -> None:
        """Make room for the next generation, anew when another model began one."""
        target = (self._embedder.name, self._embedder.dimension)
        if (self._meta.shadow_embedder, self._meta.shadow_dimension) != target:
            self._log.drop(self._next)
            self._meta = dataclasses.replace(
                self._meta, shadow_embedder=target[0], shadow_dimension=target[1]
            )
            save(self._meta)
        self._log.begin(self._next)

    def _left(self) -> dict[TableName, list[int]]:
        """Give the places that have no vectors of the next generation yet, by kind."""
        found = {name: self._log.lacking(name, self._next) for name in REWRITTEN}
        return {name: seqs for name, seqs in found.items() if seqs}

    def _fill(self, name: TableName, seqs: Sequence[int]) -> None:
        """Make one batch's vectors, on the disk when this returns."""
        entries = [entry for entry in self._log.at(seqs) if entry.table == name]
        self._log.put_vectors(self._new(entries), self._next)

    def _go_over(self, save: Callable[[Meta], None]) -> None:
        """Make the last vectors, then let the next generation be the store's."""
        writer = self._writer
        done = dataclasses.replace(
            self._meta,
            embedder=self._embedder.name,
            dimension=self._embedder.dimension,
            generation=self._next,
            shadow_embedder="",
            shadow_dimension=0,
        )
        with writer.order:
            for name, seqs in self._left().items():  # what came since the last look
                for part in _parts(seqs):
                    self._fill(name, part)
            save(done)
            self._log.turn(self._next, self._embedder.name)
            writer.index.switch(self._next, self._embedder.dimension)
            writer.cache.clear()
            writer.catalog.embedded(range(len(writer.catalog)))
            writer.load_vectors()
        writer.drain()

    # -- records

    def _new(self, entries: Sequence[Entry]) -> list[Entry]:
        """Give the entries of one table with this model's vectors."""
        name = entries[0].table
        stored = [entry.stored for entry in entries]
        new: Sequence[Any]
        if name == "items":
            new = self._items(stored)
        elif name == "recalls":
            new = [self._recall(each) for each in stored]
        else:
            new = [self._outcome(each) for each in stored]
        return [entry_of(entry.seq, name, each) for entry, each in zip(entries, new, strict=True)]

    def _items(self, items: Sequence[StoredItem]) -> list[StoredItem]:
        kept = {s.item.id: s for s in items if self._same and s.vector is not None}
        todo = [s for s in items if s.item.id not in kept]
        self._rewritten += len(todo)
        fresh = {s.item.id: s for s in with_vectors(todo, self._embedder)} if todo else {}
        return [kept.get(s.item.id) or fresh[s.item.id] for s in items]

    def _recall(self, stored: StoredRecall) -> StoredRecall:
        if self._same and stored.vector is not None:
            return stored
        record: RecallRecord = stored.record
        vector, _ = self._conditions(self._embedder, record.task, record.context, record.error)
        return StoredRecall(record, vector)

    def _outcome(self, stored: StoredOutcome) -> StoredOutcome:
        record: OutcomeRecord = stored.record
        failed = stored.signature is not None or record.outcome == "failure"
        if not failed or (self._same and stored.signature is not None):
            return stored
        recall = self._log.find("recalls", record.recall_id) if record.recall_id else None
        context = recall.stored.record.context if recall is not None else ""
        vector, signature = self._conditions(self._embedder, record.task, context, record.error)
        return StoredOutcome(record, vector if signature is None else signature)
