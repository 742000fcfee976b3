"""Many threads at once: every acknowledged record once, in the order of each thread."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memory_core.store import maintenance
from memory_core.store.lance_store import LanceStore
from tests.memory_core.store.making import (
    EMBEDDER,
    EVERYTHING,
    P,
    event,
    item,
    outcome,
    probe,
    recall,
    waiting,
)

THREADS, EACH = 4, 12


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LanceStore]:
    monkeypatch.setattr(maintenance, "DRAIN_ROWS", 5)
    monkeypatch.setattr(maintenance, "TEXT_QUIET_SECONDS", 0.0)
    monkeypatch.setattr(maintenance, "COMPACT_FRAGMENTS", 4)
    monkeypatch.setattr(maintenance, "COMPACT_SECONDS", 0.0)
    monkeypatch.setattr(maintenance, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(maintenance, "TICK_SECONDS", 0.001)
    made = LanceStore.open(tmp_path / "store")
    made.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    yield made
    made.close()


def numbers(thread: int) -> range:
    return range(100 * thread, 100 * thread + EACH)


def test_threads_that_write_and_read_lose_and_double_nothing(store: LanceStore) -> None:
    def work(thread: int) -> None:
        for number in numbers(thread):
            make = waiting if number % 5 == 0 else item
            store.add_items([make(number, f"alpha {number}"), item(5000, "the same for all")])
            store.add_recall(recall(number))
            found = store.get_recall(f"recall_{number:04d}")
            assert found is not None
            store.add_outcome(outcome(number))
            if number % 3 == 0:
                store.add_event(event(number, "retire", number))
            shown = store.search([probe(f"alpha {number}")], P, 100)
            assert (f"item_{number:04d}" in [c.stored.item.id for c in shown]) == bool(number % 3)
            if number % 6 == 0:
                store.embed_waiting(EMBEDDER)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, thread) for thread in range(THREADS)]:
            done.result()
    store.embed_waiting(EMBEDDER)
    store.close()
    again = LanceStore.open(store.path, maintain=False)
    expected = sorted(n for thread in range(THREADS) for n in numbers(thread))
    items = [s.item.id for s in again.scan_items(EVERYTHING)]
    assert sorted(items) == [f"item_{n:04d}" for n in [*expected, 5000]]
    assert again._writer.table.count() == len(expected) + 1
    assert again.count_waiting() == 0
    for thread in range(THREADS):
        mine = [int(o.record.id[4:]) for o in again.outcomes()]
        assert [n for n in mine if n in numbers(thread)] == list(numbers(thread))
    assert sorted(int(r.record.id[7:]) for r in again.recalls()) == expected
    retired = {s.item.id for s in again.scan_items(EVERYTHING) if s.state == "retired"}
    assert retired == {f"item_{n:04d}" for n in expected if n % 3 == 0}
    rows = again._writer.table.scan(["id", "state"]).to_pylist()
    assert {row["id"] for row in rows if row["state"] == "retired"} == retired
    again.close()
