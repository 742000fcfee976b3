"""Tidying: what is due when, and that it changes nothing that is seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from memory_core.errors import StoreUnavailable
from memory_core.ports import Probe, StoredItem
from memory_core.store import maintenance, writer
from memory_core.store.lance_store import LanceStore
from memory_core.store.maintenance import Job, Maintainer, Measured, due
from tests.memory_core.store.making import (
    EMBEDDER,
    EVERYTHING,
    P,
    item,
    outcome,
    probe,
    recall,
    waiting,
)
from tests.patience import PATIENCE


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[LanceStore]:
    made = LanceStore.open(tmp_path / "store", maintain=False, clock=clock)
    made.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    yield made
    made.close()


def has_vectors_in_memory(store: LanceStore) -> bool:
    return store._writer.vectors is not None


# -- the policy


@pytest.mark.parametrize(
    ("measured", "job"),
    [
        (Measured(), None),
        (Measured(waiting=255, age=4.9), None),
        (Measured(waiting=256), "drain"),
        (Measured(waiting=1, age=5.0), "drain"),
        (Measured(waiting=1, age=5.0, since={"drain": 1.0}, took={"drain": 1.0}), None),
        (Measured(text_stale=True, quiet=0.1), None),
        (Measured(text_stale=True, quiet=0.2), "text"),
        (Measured(text_stale=True, quiet=9.0, since={"text": 5.0}, took={"text": 0.5}), None),
        (Measured(fragments=50, quiet=1.0), None),
        (Measured(fragments=50, quiet=2.0), "compact"),
        (Measured(commits=200, quiet=2.0), "compact"),
        (Measured(fragments=149), None),
        (Measured(fragments=150), "compact"),
        (Measured(fragments=50, quiet=9.0, since={"compact": 59.0}), None),
        (Measured(fragments=50, quiet=9.0, since={"compact": 61.0}), "compact"),
        (Measured(fragments=50, quiet=9.0, since={"compact": 61.0}, took={"compact": 10.0}), None),
        (Measured(vectors_stale=True, quiet=2.0), "vectors"),
        (Measured(vectors_stale=True, quiet=1.0), None),
    ],
)
def test_what_is_due(measured: Measured, job: Job | None) -> None:
    assert due(measured) == job


def test_a_store_at_rest_has_nothing_due(store: LanceStore, clock: Clock) -> None:
    clock.now += 1e6
    assert due(store._keeper.measure()) is None


def test_what_the_index_lacks_is_added_after_five_seconds(store: LanceStore, clock: Clock) -> None:
    store.add_items([item(1)])
    clock.now += 4.9
    assert due(store._keeper.measure()) is None
    clock.now += 0.2
    assert due(store._keeper.measure()) == "drain"
    store._keeper.run("drain")
    assert store._writer.index.waiting() == 0
    assert store._writer.table.count() == 1
    store.add_outcome(outcome(1))  # in the log, and the index has no place for it
    clock.now += 6.0
    assert due(store._keeper.measure()) is None


def test_many_small_writes_are_merged_when_it_is_quiet(store: LanceStore, clock: Clock) -> None:
    for n in range(maintenance.COMPACT_FRAGMENTS):
        store.add_items([item(n)])
        store._keeper.run("drain")
    store._keeper.run("text")
    assert due(store._keeper.measure()) is None
    clock.now += 2.0
    assert due(store._keeper.measure()) == "compact"
    store._keeper.run("compact")
    assert store._writer.table.fragments() == 1
    assert due(store._keeper.measure()) is None


# -- the jobs


def test_compaction_gives_back_the_space_of_old_versions(store: LanceStore) -> None:
    for n in range(30):
        store.add_items([item(n)])
        store.add_outcome(outcome(n))
        store._writer.drain()
    before = store.sizes()
    store.compact()
    after = store.sizes()
    assert after.fragments == 1
    assert after.bytes < before.bytes / 2
    assert after.unindexed == 0
    assert len(list(store.outcomes())) == 30


def test_old_versions_are_kept_for_a_while_in_the_background(store: LanceStore) -> None:
    for n in range(3):
        store.add_items([item(n)])
        store._writer.drain()
    store._keeper.run("compact")
    versions = list((store._writer.table.path() / "_versions").glob("*.manifest"))
    assert len(versions) > 3
    assert timedelta(minutes=10) == maintenance.KEEP


def test_a_search_of_a_small_store_scores_new_items_like_old_ones(store: LanceStore) -> None:
    for n in range(12):
        store.add_items([item(n, f"alpha beta{n % 3} {'gamma ' * (n % 5)}")])
    first = {c.stored.item.id: c.keyword for c in store.search([probe("alpha gamma")], P, 20)}
    store.compact()
    second = {c.stored.item.id: c.keyword for c in store.search([probe("alpha gamma")], P, 20)}
    assert first == second
    assert all(score > 0 for score in first.values())


def test_rows_that_the_text_index_missed_before_a_restart_are_indexed_after_it(
    store: LanceStore,
) -> None:
    for n in range(12):
        store.add_items([item(n, f"alpha beta{n % 3} {'gamma ' * (n % 5)}")])
        store._writer.drain()
    assert store._writer.index.text_stale
    store.close()
    again = LanceStore.open(store.path, maintain=False)
    scores = []
    for _ in range(2):
        found = again.search([probe("alpha gamma")], P, 20)
        scores.append({c.stored.item.id: c.keyword for c in found})
        again.compact()
    assert scores[0] == scores[1]
    again.close()


@contextmanager
def ended(event: threading.Event) -> Iterator[None]:
    """Set the event that threads wait for, whatever happens: a failure must not become a hang."""
    try:
        yield
    finally:
        event.set()


def unit(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    values = np.random.default_rng(seed).standard_normal(EMBEDDER.dimension).astype(np.float32)
    return values / np.linalg.norm(values)


def test_a_large_store_gets_vector_indexes_and_answers_from_them(
    store: LanceStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "VECTOR_INDEX_ROWS", 400)
    monkeypatch.setattr(maintenance, "SCALAR_INDEX_ROWS", 400)
    items = [
        StoredItem(item(n, task="t" if n % 2 else "").item, "active", unit(n), None)
        for n in range(599)
    ]
    items = [
        StoredItem(s.item, s.state, s.vector, unit(5000 + n) if s.item.task else None)
        for n, s in enumerate(items)
    ]
    store.add_items([*items, waiting(599)])
    exact = store.search([Probe("", unit(3))], P, 10)
    clock.now += 2.0
    store._writer.drain()
    store._writer.index.text_stale = False
    assert store._keeper.measure().vectors_stale
    store._keeper.run("vectors")
    table = store._writer.table
    assert table.unindexed("vector") == 0
    assert table.unindexed("task_vector") is None
    assert not store._keeper.measure().vectors_stale
    assert has_vectors_in_memory(store)
    monkeypatch.setattr(maintenance, "EXACT_ROWS", 500)
    store._keeper.run("compact")
    assert not has_vectors_in_memory(store)
    assert table.unindexed("project") == table.unindexed("state") == 0
    store._writer.cache.clear()
    indexed = store.search([Probe("", unit(3))], P, 10)
    assert indexed[0].stored.item.id == "item_0003"
    known = {c.stored.item.id: c.similarity for c in exact}
    shared = [c for c in indexed if c.stored.item.id in known]
    assert len(shared) >= 8
    assert all(c.similarity == known[c.stored.item.id] for c in shared)
    assert len(list(store.scan_items(EVERYTHING))) == 600


def test_vectors_leave_memory_when_a_store_outgrows_it(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "EXACT_ROWS", 5)
    store.add_items([item(n) for n in range(9)])
    assert has_vectors_in_memory(store)
    store.add_items([item(9)])
    assert not has_vectors_in_memory(store)
    assert store.search([probe("number7")], P, 3)[0].stored.item.id == "item_0007"


# -- the thread


def test_the_thread_does_what_is_due_and_stops_when_told(store: LanceStore, clock: Clock) -> None:
    store.add_items([item(1)])
    clock.now += 6.0
    drained = threading.Event()
    real = store._writer.index.settle

    def watched() -> None:
        real()
        drained.set()

    store._writer.index.settle = watched  # type: ignore[method-assign]
    maintainer = Maintainer(store._keeper, store._writer)
    assert drained.wait(PATIENCE)
    maintainer.stop(30)
    assert not maintainer._thread.is_alive()
    assert store._writer.index.waiting() == 0


def test_the_thread_survives_what_it_cannot_do(
    store: LanceStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    maintainer = Maintainer(store._keeper, store._writer)
    maintainer.stop(30)
    store.add_items([item(1)])
    clock.now += 6.0
    for error in (StoreUnavailable("The disk is full."), ZeroDivisionError("a surprise")):

        def refuse(job: object, error: Exception = error) -> None:
            raise error

        store._keeper.run = refuse  # type: ignore[method-assign]
        assert maintainer.step()
    assert "not tidied now: The disk is full." in caplog.text
    assert "a surprise" in caplog.text


def test_closing_brings_the_index_up_to_date_and_ends_the_thread(tmp_path: Path) -> None:
    store = LanceStore.open(tmp_path / "store")
    store.add_items([waiting(1)])
    store.add_recall(recall(1, with_vector=False))
    store.close()
    assert store._maintainer is not None
    assert not store._maintainer._thread.is_alive()
    again = LanceStore.open(store.path, maintain=False)
    assert again.sizes().unindexed == 0
    assert again._writer.table.count() == 1
    assert len(list(again.recalls())) == 1
    again.close()


def test_reads_while_everything_is_compacted_see_everything(store: LanceStore) -> None:
    for n in range(20):
        store.add_items([item(n, f"alpha {n}")])
        store.add_recall(recall(n))
    store._writer.drain()
    stop = threading.Event()

    def read() -> int:
        rounds = 0
        while not stop.is_set():
            rounds += 1
            store._writer.cache.clear()
            assert len(store.search([probe("alpha 7")], P, 5)) == 5
            assert store.get_recall("recall_0007") is not None
            assert len(store.get_items(f"item_{n:04d}" for n in range(20))) == 20
        return rounds

    with ThreadPoolExecutor(2) as pool, ended(stop):
        readers = [pool.submit(read) for _ in range(2)]
        for n in range(20, 26):
            store.add_items([item(n)])
            store.compact()
    assert all(reader.result() > 0 for reader in readers)


def test_a_search_scores_items_by_their_words_that_still_waited_for_lancedb(
    store: LanceStore,
) -> None:
    store.add_items([item(1, "alpha")])
    with store._writer.lance:
        adding = threading.Thread(target=store.add_items, args=([item(2, "alpha beta")],))
        adding.start()
        adding.join(PATIENCE)
        assert store._writer.index.waiting()
    (found, _) = store.search([probe("beta")], P, 5)
    assert found.stored.item.id == "item_0002"
    assert found.keyword > 0
