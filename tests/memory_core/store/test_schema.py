"""Rows: every field has its column, and every record comes back through both codecs."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_core.model import (
    KINDS,
    STATES,
    Credit,
    Event,
    Item,
    OutcomeRecord,
    RecallRecord,
    Served,
)
from memory_core.ports import StoredItem, StoredOutcome, StoredRecall
from memory_core.store.columns import checked_vector
from memory_core.store.schema import CODECS, TABLES, TableName, entry_from, entry_of, search_text
from tests.memory_core.store.making import item, same

D = 3
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
REAL = st.floats(allow_nan=False)
VECTOR = st.none() | st.lists(st.floats(-1, 1, width=32), min_size=D, max_size=D).map(
    lambda values: np.array(values, dtype=np.float32)
)
SERVED = st.builds(
    Served,
    item_id=TEXT,
    position=st.integers(-1, 50),
    score=REAL,
    similarity=REAL,
    experts=st.lists(REAL, max_size=3).map(tuple),
    evidence_mass=REAL,
    propensity=REAL,
    place=st.integers(-1, 50),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXT,
    "float": REAL,
    "bool": st.booleans(),
    "tuple[str, ...]": TEXTS,
    "tuple[str, ...] | None": st.none() | TEXTS,
    "Kind": st.sampled_from(KINDS),
    "Outcome": st.sampled_from(["success", "failure"]),
    "Mode": st.sampled_from(["learned", "keyword"]),
    "EventKind": st.sampled_from(["retire", "reembed"]),
    "Door": st.sampled_from(["recall", "prompt", "check"]),
    "tuple[Served, ...]": st.lists(SERVED, max_size=3).map(tuple),
    "tuple[Credit, ...]": st.lists(st.builds(Credit, TEXT, REAL, REAL), max_size=3).map(tuple),
}


def records(kind: type) -> st.SearchStrategy[Any]:
    names = {f.name: str(f.type).replace('"', "'") for f in dataclasses.fields(kind)}
    return st.builds(kind, **{name: FIELDS[typed] for name, typed in names.items()})


def named(record: RecallRecord) -> RecallRecord:
    """A recall as it is written: one that logged values names them."""
    logged = any(candidate.experts for candidate in record.candidates)
    return dataclasses.replace(record, facts=record.facts or "fused") if logged else record


STORED: dict[TableName, st.SearchStrategy[Any]] = {
    "items": st.builds(StoredItem, records(Item), st.sampled_from(STATES), VECTOR, VECTOR),
    "recalls": st.builds(StoredRecall, records(RecallRecord).map(named), VECTOR),
    "outcomes": st.builds(StoredOutcome, records(OutcomeRecord), VECTOR),
    "events": records(Event),
}


def equal(one: Any, other: Any) -> bool:
    return bool(one == other) if isinstance(one, Event) else same(one, other)


@pytest.mark.parametrize("table", TABLES)
def test_every_field_of_a_record_has_its_column_in_order(table: TableName) -> None:
    codec = CODECS[table]
    columns = [name for name in codec.columns if name not in ("state", "search_text")]
    assert columns == [f.name for f in dataclasses.fields(codec.record)]
    for name, nested in codec.nested.items():
        inner = [f.name for f in codec.columns[name].value_type]
        assert inner == [f.name for f in dataclasses.fields(nested)]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), table=st.sampled_from(TABLES))
def test_every_record_comes_back_from_the_journal_and_from_the_table(
    data: st.DataObject, table: TableName
) -> None:
    stored = data.draw(st.lists(STORED[table], min_size=1, max_size=3))
    entries = [entry_of(number, table, each) for number, each in enumerate(stored, start=1)]
    for entry, each in zip(entries, stored, strict=True):
        blobs = [None if v is None else v.tobytes() for v in entry.vectors]
        back = entry_from(entry.seq, table, entry.payload(), blobs)
        assert equal(back.stored, each)
    rows = CODECS[table].table_of(entries, D)
    assert rows.schema == CODECS[table].schema(D)
    read = CODECS[table].read(rows)
    assert [seq for seq, _ in read] == [entry.seq for entry in entries]
    assert all(equal(one, other) for (_, one), other in zip(read, stored, strict=True))
    pieces = CODECS[table].read(pa.concat_tables([rows.slice(0, 1), rows.slice(1)]))
    assert all(equal(one, other) for (_, one), other in zip(pieces, stored, strict=True))


def test_a_store_without_a_model_has_no_vector_columns() -> None:
    entry = entry_of(1, "items", StoredItem(item(1).item, "active", None, None))
    rows = CODECS["items"].table_of([entry], 0)
    assert "vector" not in rows.column_names
    ((_, back),) = CODECS["items"].read(rows)
    assert back.vector is None


def test_the_searched_text_is_all_that_a_person_wrote() -> None:
    made = Item("i", "p", "fact", "Title", "Body", description="When", task="Task", tags=("a", "b"))
    assert search_text(made) == "Title\nWhen\nBody\na b\nTask"
    assert search_text(Item("i", "p", "fact", "Title", "Body")) == "Title\nBody"


def test_a_vector_is_copied_checked_and_sealed() -> None:
    given_vector = np.array([1.0, 0.0, 0.0])
    kept = checked_vector(given_vector.astype(np.float32), 3, "v")
    assert kept is not None
    given_vector[0] = 5.0
    assert kept.tolist() == [1.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 2.0
    with pytest.raises(ValueError, match="not finite"):
        checked_vector(np.array([math.nan, 0, 0], dtype=np.float32), 3, "v")
    assert checked_vector(None, 3, "v") is None


def test_numbers_of_numpy_are_taken_and_other_objects_refused() -> None:
    record = RecallRecord("r", "p", "t", 1.0, weight=np.float32(0.5))  # type: ignore[arg-type]
    payload = entry_of(1, "recalls", StoredRecall(record, None)).payload()
    assert entry_from(1, "recalls", payload, (None, None)).stored.record.weight == 0.5
    odd = RecallRecord("r", "p", "t", 1.0, context=object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="object"):
        entry_of(1, "recalls", StoredRecall(odd, None)).payload()
