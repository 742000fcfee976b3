"""Records for tests of the store: short to write, different from one another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from memory_core.model import Credit, Event, EventKind, Item, OutcomeRecord, RecallRecord, Served
from memory_core.ports import Probe, Record, Scope, StoredItem, StoredOutcome, StoredRecall, Vector
from memory_core.store.lance_store import LanceStore
from tests.memory_core.hash_embedder import HashEmbedder

DIMENSION = 16
EMBEDDER = HashEmbedder(DIMENSION, "hash-16")
EVERYTHING = Scope(("p", "q", "global"), states=("active", "retired", "archived"))
P = Scope(("p",))


def vector(text: str) -> Vector:
    return EMBEDDER.embed_query(text)


def item(number: int, text: str = "", **fields: Any) -> StoredItem:
    """An item with both vectors (the task's only when it has a task)."""
    state = fields.pop("state", "active")
    made = Item(
        **{
            "id": f"item_{number:04d}",
            "project": "p",
            "kind": "strategy",
            "title": f"title {number}",
            "content": text or f"content number{number}",
            "content_hash": f"hash {number}",
            "created_at": 1000.0 + number,
            "embedder": EMBEDDER.name,
            **fields,
        }
    )
    return StoredItem(made, state, vector(made.text), vector(made.task) if made.task else None)


def waiting(number: int, text: str = "", **fields: Any) -> StoredItem:
    """An item that waits for a model."""
    made = item(number, text, **fields)
    return StoredItem(replace(made.item, embedder=""), made.state, None, None)


def recall(number: int, *, candidates: int = 2, with_vector: bool = True) -> StoredRecall:
    served = tuple(
        Served(f"item_{n:04d}", n or -1, 0.5 + n, 0.25, (0.1, -0.5), 1.5, 0.75)
        for n in range(candidates)
    )
    record = RecallRecord(
        f"recall_{number:04d}",
        "p",
        f"task {number}",
        5.0 + number,
        candidates=served,
        weight=0.5,
        facts="fused dense" if served else "",
    )
    return StoredRecall(record, vector(record.task) if with_vector else None)


def outcome(number: int, *, failed: bool = False, **fields: Any) -> StoredOutcome:
    verdict = "failure" if failed else "success"
    made: dict[str, Any] = {
        "id": f"out_{number:04d}",
        "project": "p",
        "outcome": verdict,
        "reported": verdict,
        "reward": 0.0 if failed else 1.0,
        "strength": 0.5,
        "at": 9.0 + number,
        "recall_id": f"recall_{number:04d}",
        "used": () if number % 2 else None,
        "credits": (Credit("item_0000", -0.25, 1.0), Credit("item_0001", 0.5, 0.5)),
        "error": "KeyError: 'x'" if failed else "",
        "steps": ("one", "two"),
        **fields,
    }
    return StoredOutcome(OutcomeRecord(**made), vector("KeyError") if failed else None)


def event(number: int, kind: EventKind, item_number: int) -> Event:
    return Event(f"event_{number:04d}", kind, f"item_{item_number:04d}", 7.0 + number, "why", "me")


def probe(text: str) -> Probe:
    return Probe(text, vector(text))


def abandon(store: LanceStore) -> None:
    """Drop an open store as a killed process does: nothing is drained, only the lock is free."""
    if store._maintainer is not None:
        store._maintainer.stop(5.0)
    store._standing.closed = True
    store._pool.shutdown(wait=True)
    store._writer.log.close()
    assert store._ownership is not None
    store._ownership.release()


def same(one: Record, other: object) -> bool:
    """Whether two stored records are equal, vectors bit for bit."""
    if type(one) is not type(other):
        return False
    for name in one.__slots__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if hasattr(mine, "tobytes") and hasattr(theirs, "tobytes"):
            mine, theirs = mine.tobytes(), theirs.tobytes()
        if mine != theirs:
            return False
    return True
