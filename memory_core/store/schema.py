"""The columns of the four kinds of records and the way from records to rows and back.

A row is a dictionary of plain values (what JSON and Arrow both take) plus its
vectors. The log keeps rows as JSON, LanceDB as Arrow; both come back
through the same codec. This module knows no files and no engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import repeat
from typing import Any, Generic, Literal, TypeVar, cast

import numpy as np
import pyarrow as pa
from pydantic_core import from_json, to_json

from memory_core.model import Credit, Event, Item, OutcomeRecord, RecallRecord, Served
from memory_core.ports import StoredItem, StoredOutcome, StoredRecall, Vector
from memory_core.spelling import composed
from memory_core.store.columns import plain_values, vector_array, vectors_of
from memory_core.words import terms

TableName = Literal["items", "recalls", "outcomes", "events"]
TABLES: tuple[TableName, ...] = ("items", "recalls", "outcomes", "events")
LOGS: tuple[TableName, ...] = ("recalls", "outcomes", "events")
Row = dict[str, Any]
T = TypeVar("T")

_TEXT = pa.string()
_TEXTS = pa.list_(pa.string())
_REAL = pa.float64()
_WHOLE = pa.int64()
_SERVED = pa.struct(
    [
        ("item_id", _TEXT),
        ("position", _WHOLE),
        ("score", _REAL),
        ("similarity", _REAL),
        ("experts", pa.list_(_REAL)),
        ("evidence_mass", _REAL),
        ("propensity", _REAL),
        ("place", _WHOLE),
    ]
)
_CREDIT = pa.struct([("item_id", _TEXT), ("value", _REAL), ("weight", _REAL)])

_ITEM_COLUMNS = {
    **dict.fromkeys(("id", "project", "kind", "title", "content", "description", "task"), _TEXT),
    "tags": _TEXTS,
    "evidence": _TEXT,
    "source": _TEXT,
    "trust": _REAL,
    "supersedes": _TEXT,
    "derived_from": _TEXTS,
    "outcome_id": _TEXT,
    "content_hash": _TEXT,
    "created_at": _REAL,
    "embedder": _TEXT,
    "state": _TEXT,
    "search_text": _TEXT,
}
_RECALL_COLUMNS = {
    **dict.fromkeys(("id", "project", "task"), _TEXT),
    "at": _REAL,
    **dict.fromkeys(("context", "error", "session", "source", "door"), _TEXT),
    "candidates": pa.list_(_SERVED),
    "mode": _TEXT,
    "weight": _REAL,
    "scorer_version": _TEXT,
    "holdout": _REAL,
    "facts": _TEXT,
}
_OUTCOME_COLUMNS = {
    **dict.fromkeys(("id", "project", "outcome", "reported"), _TEXT),
    **dict.fromkeys(("reward", "strength", "at"), _REAL),
    **dict.fromkeys(("recall_id", "task", "session", "source", "why"), _TEXT),
    **dict.fromkeys(("used", "helpful", "harmful"), _TEXTS),
    "credits": pa.list_(_CREDIT),
    **dict.fromkeys(("error", "error_normalised", "error_class", "fingerprint"), _TEXT),
    **dict.fromkeys(("signature_id", "evidence"), _TEXT),
    "steps": _TEXTS,
    **dict.fromkeys(("attempt_group", "report_id", "supersedes"), _TEXT),
    "trust": _REAL,
    "held_out": pa.bool_(),
}
_EVENT_COLUMNS = {
    **dict.fromkeys(("id", "kind", "item_id"), _TEXT),
    "at": _REAL,
    **dict.fromkeys(("reason", "source", "detail"), _TEXT),
}


TERMS = "\x1e"
"""What a search text begins with that is made of terms; older rows hold the text itself."""


def search_text(item: Item) -> str:
    """Give what an item is found by: title, description, content, tags, task."""
    parts = (item.title, item.description, item.content, " ".join(item.tags), item.task)
    return composed("\n".join(part for part in parts if part))


@lru_cache(maxsize=64)
def search_terms(text: str) -> tuple[str, ...]:
    """Give the terms of a column's search text, written as terms or as it was."""
    return tuple(text[1:].split()) if text.startswith(TERMS) else terms(text)


def _plain(value: object) -> object:
    """Give numpy scalars as plain numbers; refuse everything else that JSON cannot hold."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no value of a record")


@cache
def _names(record: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cast("Any", record)))


def _shallow(record: Any) -> Row:
    return {name: getattr(record, name) for name in _names(record.__class__)}


def _lists(row: Row, nested: dict[str, type]) -> Row:
    for name, value in row.items():
        if isinstance(value, tuple):
            each = _shallow if name in nested else None
            row[name] = [each(v) for v in value] if each else list(value)
    return row


@dataclass(frozen=True)
class Codec(Generic[T]):
    """How one kind of record becomes a row.

    `nested` names the columns that hold records of their own; `vectors` the
    vector columns, in the order in which `split` gives them.
    """

    table: TableName
    record: type
    columns: dict[str, Any]
    nested: dict[str, type]
    vectors: tuple[str, ...]
    split: Callable[[T], tuple[Any, Row, tuple[Vector | None, ...]]]
    join: Callable[[Any, Row, tuple[Vector | None, ...]], T]

    def schema(self, dimension: int) -> Any:
        """Give the Arrow schema; without a model yet (dimension 0) it has no vector columns."""
        fields = [pa.field("seq", _WHOLE)]
        fields += [pa.field(name, kind) for name, kind in self.columns.items()]
        return pa.schema(fields + self.vector_fields(dimension))

    def vector_fields(self, dimension: int) -> list[Any]:
        """Give the nullable vector columns, none while the dimension is unknown."""
        names = self.vectors if dimension else ()
        return [pa.field(name, pa.list_(pa.float32(), dimension)) for name in names]

    def row(self, stored: T) -> tuple[Row, tuple[Vector | None, ...]]:
        """Give the plain values and the vectors of one stored record."""
        record, extra, vectors = self.split(stored)
        return {**_lists(_shallow(record), self.nested), **extra}, vectors

    def stored(self, row: Row, vectors: tuple[Vector | None, ...]) -> T:
        """Give the stored record back; columns that the record does not have are left out."""
        return self._joined({name: self._value(name, row[name]) for name in row}, vectors)

    def _joined(self, row: Row, vectors: tuple[Vector | None, ...]) -> T:
        values = {name: row[name] for name in _names(self.record) if name in row}
        return self.join(self.record(**values), row, vectors)

    def _value(self, name: str, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        inner = self.nested.get(name)
        if inner is None:
            return tuple(value)
        for each in value:
            for key, part in each.items():
                if part.__class__ is list:
                    each[key] = tuple(part)
        return tuple(inner(**each) for each in value)

    def table_of(self, entries: Sequence[Entry], dimension: int) -> Any:
        """Give the Arrow table of these entries, ready to add."""
        rows = [self._filled(entry) for entry in entries]
        arrays = [pa.array([row[f.name] for row in rows], type=f.type) for f in self.schema(0)]
        arrays += [
            vector_array([e.vectors[index] for e in entries], dimension)
            for index in range(len(self.vectors) if dimension else 0)
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema(dimension))

    def _filled(self, entry: Entry) -> Row:
        row = {"seq": entry.seq, **entry.row}
        if self.table == "items":
            found = search_terms(search_text(cast(StoredItem, entry.stored).item))
            row["search_text"] = TERMS + " ".join(found)
        return row

    def read(self, table: Any) -> list[tuple[int, T]]:
        """Give (seq, stored) for each row of an Arrow table, in its order."""
        names = [name for name in table.column_names if name not in self.vectors]
        columns = [self._column(name, table.column(name)) for name in names]
        vectors = zip(*(vectors_of(table, name) for name in self.vectors), strict=True)
        pairs = vectors if self.vectors else repeat((), table.num_rows)
        return [
            (int(row["seq"]), self._joined(row, each))
            for row, each in zip(
                (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)),
                pairs,
                strict=True,
            )
        ]

    def _column(self, name: str, column: Any) -> list[Any]:
        values = plain_values(column)
        return [self._value(name, v) for v in values] if pa.types.is_list(column.type) else values

    def read_columns(self) -> list[str]:
        """Give the columns that `read` needs: what only a search needs stays on the disk."""
        return ["seq", *(name for name in self.columns if name != "search_text"), *self.vectors]


def _split_item(stored: StoredItem) -> tuple[Item, Row, tuple[Vector | None, ...]]:
    return stored.item, {"state": stored.state}, (stored.vector, stored.task_vector)


_FACTS = (
    *("fused", "dense", "keyword", "consensus", "structure", "names"),
    *("evidence", "standing", "advice", "network", "pair"),
    *("relevance", "near", "agreement", "words", "rarest", "whole", "crowd"),
)
"""What schema version 1 logged of a candidate, in this order, and did not name; the first 11 of
it before relevance was known. Never changed: rows that were written so are read by it."""


def _join_recall(record: RecallRecord, _: Row, vectors: tuple[Vector | None, ...]) -> StoredRecall:
    if not record.facts:  # None in a row that was written before the column was there
        count = max((len(candidate.experts) for candidate in record.candidates), default=0)
        record = dataclasses.replace(record, facts=" ".join(_FACTS[:count]))
    return StoredRecall(record, vectors[0])


def _join_item(item: Item, row: Row, vectors: tuple[Vector | None, ...]) -> StoredItem:
    return StoredItem(item, row["state"], vectors[0], vectors[1])


ITEMS: Codec[StoredItem] = Codec(
    "items", Item, _ITEM_COLUMNS, {}, ("vector", "task_vector"), _split_item, _join_item
)
RECALLS: Codec[StoredRecall] = Codec(
    "recalls",
    RecallRecord,
    _RECALL_COLUMNS,
    {"candidates": Served},
    ("vector",),
    lambda stored: (stored.record, {}, (stored.vector,)),
    _join_recall,
)
OUTCOMES: Codec[StoredOutcome] = Codec(
    "outcomes",
    OutcomeRecord,
    _OUTCOME_COLUMNS,
    {"credits": Credit},
    ("signature",),
    lambda stored: (stored.record, {}, (stored.signature,)),
    lambda record, _, vectors: StoredOutcome(record, vectors[0]),
)
EVENTS: Codec[Event] = Codec(
    "events", Event, _EVENT_COLUMNS, {}, (), lambda e: (e, {}, ()), lambda e, _, __: cast(Event, e)
)
CODECS: dict[TableName, Codec[Any]] = {
    "items": ITEMS,
    "recalls": RECALLS,
    "outcomes": OUTCOMES,
    "events": EVENTS,
}


def table_of(record: StoredItem | StoredRecall | StoredOutcome | Event) -> TableName:
    """Give the table that a stored record belongs to."""
    if isinstance(record, StoredItem):
        return "items"
    if isinstance(record, StoredRecall):
        return "recalls"
    return "outcomes" if isinstance(record, StoredOutcome) else "events"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record on its way to the disk: its place in the log, its row and the record itself."""

    seq: int
    table: TableName
    id: str
    row: Row
    vectors: tuple[Vector | None, ...]
    stored: Any

    def payload(self) -> bytes:
        """Give the row as JSON.

        Raises:
            ValueError: A text that is no valid Unicode (a lone surrogate), or a value that no
                record holds.
        """
        return to_json(self.row, inf_nan_mode="constants", fallback=_plain)


def entry_of(seq: int, table: TableName, stored: Any) -> Entry:
    """Give the entry of a record that is about to be stored."""
    row, vectors = CODECS[table].row(stored)
    return Entry(seq, table, row["id"], row, vectors, stored)


def vector_from(blob: bytes | None) -> Vector | None:
    """Give the vector of these bytes, None without any."""
    return None if blob is None else np.frombuffer(blob, dtype=np.float32)


def entry_from(
    seq: int,
    table: TableName,
    payload: bytes,
    blobs: Sequence[bytes | None],
    embedder: str | None = None,
) -> Entry:
    """Give the entry that was kept as bytes.

    Args:
        seq: Its place in the log.
        table: Its kind.
        payload: What `Entry.payload` gave.
        blobs: The bytes of its vectors.
        embedder: The model that made them, which an item names; None: as it says.

    Raises:
        ValueError, KeyError, TypeError: The payload is damaged.
    """
    codec = CODECS[table]
    row = from_json(payload)
    if table == "items" and embedder is not None:
        row["embedder"] = embedder if any(blob is not None for blob in blobs) else ""
    vectors = tuple(map(vector_from, blobs[: len(codec.vectors)]))
    return Entry(seq, table, row["id"], row, vectors, codec.stored(row, vectors))
