"""New vectors for old records: items that waited for a model, and a whole store for another.

A whole store is rewritten into the tables of the next generation, beside the
old ones, which serve until one atomic step (`meta.json`) replaces them. What
the next generation has already is not done again, so the work may stop anywhere.
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
from memory_core.store.schema import CODECS, Entry, TableName, entry_of
from memory_core.store.tables import Tables, table_name
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
    """Put items in place of themselves, with vectors now, durably.

    Rows are deleted and added again, and are in the journal meanwhile. A crash
    in between may bring back the items as they were, still waiting.
    """
    with writer.lance, translated(writer.standing.folder):
        writer.apply()
        rows = writer.catalog.rows(stored.item.id for stored in items).tolist()
        items = [
            dataclasses.replace(stored, state=writer.catalog.state(row))
            for row, stored in zip(rows, items, strict=True)
        ]
        entries = [
            entry_of(writer.catalog.seq(row), "items", stored)
            for row, stored in zip(rows, items, strict=True)
        ]
        writer.journal.append(entries, durable=True)
        writer.backlog.paid(entry.seq for entry in entries)
        writer.cache.put(items)
        for row, entry in zip(rows, entries, strict=True):
            if writer.vectors is not None:
                writer.vectors.put(row, entry.vectors)
        writer.catalog.embedded(rows)
        writer.tables.delete("items", [entry.seq for entry in entries])
        writer.backlog.add(entries)
        writer.rewritten(entries)
        writer.apply()
        writer.settle()


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
        self._writer = writer
        self._old = writer.tables
        self._meta = meta
        self._embedder = embedder
        self._conditions = conditions
        self._same = (meta.embedder, meta.dimension) == (embedder.name, embedder.dimension)
        self._rewritten = 0

    def run(self, progress: Progress | None, save: Callable[[Meta], None]) -> tuple[int, int]:
        """Rewrite everything and go over to it; see `memory_core.ports.Store.reembed`."""
        self._writer.drain()
        if self._same and not self._missing():
            return 0, len(self._writer.catalog)
        shadow = self._shadow(save)
        done = total = 0
        while todo := {name: self._todo(name, shadow) for name in REWRITTEN}:
            left = sum(map(len, todo.values()))
            total = max(total, done + left)
            if not left:
                break
            for name, seqs in todo.items():
                for part in _parts(seqs):
                    _stop_when_closing(self._writer)
                    self._copy(name, part, shadow)
                    done += len(part)
                    if progress is not None:
                        progress(done, total)
            self._writer.drain()
        if len(self._writer.catalog):
            shadow.build_text_index()
        self._go_over(shadow, save)
        self._drop_old()
        return self._rewritten, len(self._writer.catalog) - self._rewritten

    def _missing(self) -> bool:
        """Tell whether any record still lacks what this model would give it."""
        if self._writer.catalog.count_waiting():
            return True
        recalls = self._old.count("recalls", "vector IS NULL")
        failures = self._old.count("outcomes", "signature IS NULL AND outcome = 'failure'")
        return bool(recalls or failures)

    def _shadow(self, save: Callable[[Meta], None]) -> Tables:
        """Give the next generation's tables, begun anew when another model or version made them."""
        folder, meta, embedder = self._writer.standing.folder, self._meta, self._embedder
        shadow = Tables(folder, meta.generation + 1, embedder.dimension)
        target = (embedder.name, embedder.dimension)
        names = [table_name(name, shadow.generation) for name in REWRITTEN]
        begun = (meta.shadow_embedder, meta.shadow_dimension) == target
        stored = shadow.names()
        there = [n for n in REWRITTEN if table_name(n, shadow.generation) in stored]
        if not begun or any(shadow.missing_columns(name) for name in there):
            for name in names:
                shadow.drop(name)
            self._writer.settlement.forget(self._writer.journal, names)
            meta = dataclasses.replace(meta, shadow_embedder=target[0], shadow_dimension=target[1])
            save(meta)
            self._meta = meta
        for table in REWRITTEN:
            shadow.create(table)
        return shadow

    def _todo(self, name: TableName, shadow: Tables) -> list[int]:
        there = set(shadow.scan(name, ["seq"])["seq"].to_pylist())
        return sorted(set(self._old.scan(name, ["seq"])["seq"].to_pylist()) - there)

    def _copy(self, name: TableName, seqs: Sequence[int], shadow: Tables) -> None:
        """Write one batch into the next generation, on the disk when this returns."""
        rows = self._old.scan(name, None, f"seq >= {seqs[0]} AND seq <= {seqs[-1]}")
        wanted = set(seqs)
        read = sorted(CODECS[name].read(rows), key=lambda pair: pair[0])
        entries = [entry_of(seq, name, stored) for seq, stored in read if seq in wanted]
        shadow.add(name, CODECS[name].table_of(self._new(entries), shadow.dimension))
        self._writer.settlement.settle(shadow, self._writer.journal)

    def _go_over(self, shadow: Tables, save: Callable[[Meta], None]) -> None:
        """Write what only the journal has, too, then make the next generation the store's."""
        writer = self._writer
        done = dataclasses.replace(
            self._meta,
            embedder=self._embedder.name,
            dimension=self._embedder.dimension,
            generation=shadow.generation,
            shadow_embedder="",
            shadow_dimension=0,
        )
        with writer.order:
            waiting = {**writer.tail.waiting(), "items": writer.backlog.items()}
            moved: list[Entry] = []
            for name in REWRITTEN:
                if waiting[name]:
                    rows = CODECS[name].table_of(self._new(waiting[name]), shadow.dimension)
                    shadow.add(name, rows)
                    moved += waiting[name]
            writer.settlement.settle(shadow, writer.journal)
            save(done)
            writer.tables.switch(shadow.generation, shadow.dimension)
            writer.backlog.arrived([entry for entry in moved if entry.table == "items"])
            logs = [entry for entry in moved if entry.table != "items"]
            writer.backlog.owe(logs)
            writer.tail.drained(logs)
            writer.tail.forget_recent()
            writer.cache.clear()
            writer.catalog.embedded(range(len(writer.catalog)))
            writer.load_vectors()
        self._align_states()
        writer.settle()

    def _align_states(self) -> None:
        """Bring the copied states up to date: a run may have begun long before its end."""
        catalog = self._writer.catalog
        rows = self._writer.tables.scan("items", ["id", "state"])
        pairs = zip(rows["id"].to_pylist(), rows["state"].to_pylist(), strict=True)
        present = {item_id: state for item_id, _, state in catalog.states()}
        self._writer.write_states(i for i, state in pairs if present.get(i) != state)

    def _drop_old(self) -> None:
        names = [table_name(name, self._meta.generation) for name in REWRITTEN]
        for name in names:
            self._old.drop(name)
        self._writer.settlement.forget(self._writer.journal, names)

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
        recall = Reader(self._writer).recall(record.recall_id) if record.recall_id else None
        context = recall.record.context if recall is not None else ""
        vector, signature = self._conditions(self._embedder, record.task, context, record.error)
        return StoredOutcome(record, vector if signature is None else signature)
