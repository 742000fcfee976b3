"""Re-embedding stops anywhere, goes on, and never mixes two models."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.ports import Embedder, Matrix, Probe, StoredOutcome, Vector
from memory_core.store import reembedding
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import Log
from memory_core.store.meta import Meta
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.store.making import (
    EMBEDDER,
    EVERYTHING,
    P,
    abandon,
    event,
    item,
    outcome,
    probe,
    recall,
    same,
    waiting,
)

OTHER = HashEmbedder(24, "other")


class Watched(HashEmbedder):
    """Counts what it embeds and calls `before` ahead of each batch."""

    def __init__(self, dimension: int = 24, name: str = "other") -> None:
        super().__init__(dimension, name)
        self.texts: list[str] = []
        self.calls = 0

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        self.before()
        self.calls += 1
        self.texts += texts
        return super().embed_documents(texts)

    def before(self) -> None:
        """To be replaced."""


class Failing(Watched):
    """Fails at the given call."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def before(self) -> None:
        if self.calls == self.at:
            raise RuntimeError("the model stopped")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reembedding, "BATCH", 4)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    made = LanceStore.open(tmp_path / "store", maintain=False)
    made.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    made.add_items([item(n, f"text {n}") for n in range(12)])
    made.add_event(event(0, "retire", 3))
    made.add_recall(recall(1))
    made.add_outcome(outcome(1, failed=True))
    yield made
    made.close()


def assert_rewritten(store: LanceStore, items: int, embedder: Embedder = OTHER) -> None:
    assert (store.embedder_name, store.dimension) == (embedder.name, embedder.dimension)
    found = list(store.scan_items(EVERYTHING))
    assert len(found) == items
    for stored in found:
        assert stored.item.embedder == embedder.name
        assert stored.vector is not None
        assert (stored.vector == embedder.embed_documents([stored.item.text])[0]).all()
    assert store.count_waiting() == 0
    writer = store._writer
    assert writer.log.generations() == [writer.log.generation]
    assert writer.table.names() == [writer.table.name]
    assert writer.table.count() == items


def test_stopped_half_way_the_store_is_as_it_was_and_the_next_call_goes_on(
    store: LanceStore,
) -> None:
    before = list(store.scan_items(EVERYTHING))
    with pytest.raises(StoreUnavailable, match="the model stopped"):
        store.reembed(Failing(at=2))
    assert store.embedder_name == EMBEDDER.name
    assert all(same(a, b) for a, b in zip(before, store.scan_items(EVERYTHING), strict=True))
    assert store.search([probe("text 5")], P, 3)[0].stored.item.id == "item_0005"
    going_on = Watched()
    assert store.reembed(going_on) == (4, 8)
    assert [t for t in going_on.texts if t.startswith("title")] == [
        f"title {n}\ntext {n}" for n in range(8, 12)
    ]
    assert_rewritten(store, 12)
    assert store.get_items(["item_0003"])["item_0003"].state == "retired"


def test_killed_half_way_it_goes_on_after_a_restart(store: LanceStore) -> None:
    with pytest.raises(StoreUnavailable):
        store.reembed(Failing(at=2))
    store.add_items([item(20)])
    store.add_event(event(1, "archive", 5))
    abandon(store)
    again = LanceStore.open(store.path, maintain=False)
    assert again.embedder_name == EMBEDDER.name
    assert len(list(again.scan_items(EVERYTHING))) == 13
    assert again.reembed(OTHER) == (5, 8)
    assert_rewritten(again, 13)
    assert again.get_items(["item_0005"])["item_0005"].state == "archived"
    found = again.search([Probe("", OTHER.embed_query("title 5\ntext 5"))], P, 20)
    assert "item_0005" not in [c.stored.item.id for c in found]
    again.close()


def test_another_model_begins_anew(store: LanceStore) -> None:
    with pytest.raises(StoreUnavailable):
        store.reembed(Failing(at=2))
    third = Watched(8, "third")
    assert store.reembed(third) == (12, 0)
    assert_rewritten(store, 12, HashEmbedder(8, "third"))


def test_killed_between_the_switch_and_the_clean_up_nothing_is_lost(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(Log, "turn", killed)
    with pytest.raises(StoreUnavailable):
        store.reembed(OTHER)
    monkeypatch.undo()
    abandon(store)
    again = LanceStore.open(store.path, maintain=False)
    assert_rewritten(again, 12)
    assert [o.record.id for o in again.outcomes()] == ["out_0001"]
    again.close()


def test_killed_before_the_switch_is_durable_nothing_is_lost(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Meta.save

    def killed(self: Meta, folder: Path) -> None:
        if self.generation == 2:
            raise RuntimeError("killed")
        save(self, folder)

    monkeypatch.setattr(Meta, "save", killed)
    store.add_outcome(outcome(2))
    with pytest.raises(StoreUnavailable):
        store.reembed(OTHER)
    monkeypatch.undo()
    assert [o.record.id for o in store.outcomes()] == ["out_0001", "out_0002"]
    abandon(store)
    again = LanceStore.open(store.path, maintain=False)
    assert again.embedder_name == EMBEDDER.name
    assert [o.record.id for o in again.outcomes()] == ["out_0001", "out_0002"]
    assert again.reembed(OTHER) == (0, 12)
    assert_rewritten(again, 12)
    again.close()


def test_what_is_written_meanwhile_is_kept_and_rewritten_too(store: LanceStore) -> None:
    embedder = Watched()

    def write() -> None:
        number = 100 + embedder.calls
        store.add_items([item(number, f"meanwhile {number}")])
        store.add_recall(recall(number))
        store.add_outcome(outcome(number, failed=True))
        store.add_event(event(number, "retire", embedder.calls))

    def beside() -> None:
        if embedder.calls < 3:
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()

    embedder.before = beside  # type: ignore[method-assign]
    assert store.reembed(embedder) == (15, 0)
    assert_rewritten(store, 15)
    assert [o.record.id for o in store.outcomes()][-1] == "out_0102"
    assert all(r.vector is not None and r.vector.shape == (24,) for r in store.recalls())
    assert store.get_items(["item_0001"])["item_0001"].state == "retired"
    store.close()
    again = LanceStore.open(store.path, maintain=False)
    assert_rewritten(again, 15)
    assert again.get_items(["item_0001"])["item_0001"].state == "retired"
    assert len(list(again.events())) == 4
    again.close()


def test_the_same_model_only_fills_what_is_missing(store: LanceStore) -> None:
    store.add_items([waiting(30, "waits")])
    store.add_recall(recall(30, with_vector=False))
    before = store.get_items(["item_0001"])["item_0001"]
    embedder = Watched(EMBEDDER.dimension, EMBEDDER.name)
    assert store.reembed(embedder) == (1, 12)
    assert [t for t in embedder.texts if t.startswith("title")] == ["title 30\nwaits"]
    assert same(store.get_items(["item_0001"])["item_0001"], before)
    assert_rewritten(store, 13, EMBEDDER)
    assert all(recall.vector is not None for recall in store.recalls())
    assert store.reembed(embedder) == (0, 13)


def test_closing_stops_it_between_two_batches(store: LanceStore) -> None:
    embedder = Watched()

    def close() -> None:
        if embedder.calls == 1:
            store._standing.ending = True

    embedder.before = close  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match=r"closed while.*goes on where it stopped"):
        store.reembed(embedder)
    assert embedder.calls == 2
    assert store.embedder_name == EMBEDDER.name


def test_conditions_are_embedded_as_the_owner_of_the_store_says(tmp_path: Path) -> None:
    asked: list[tuple[str, str, str]] = []

    def conditions(
        embedder: Embedder, task: str, context: str, error: str
    ) -> tuple[Vector | None, Vector | None]:
        asked.append((task, context, error))
        return embedder.embed_query(task), embedder.embed_query(error) if error else None

    store = LanceStore.open(tmp_path / "own", maintain=False, conditions=conditions)
    store.add_recall(recall(1, with_vector=False))
    store.add_outcome(StoredOutcome(outcome(1, failed=True, task="tried").record, None))
    store.reembed(OTHER)
    assert asked == [("task 1", "", ""), ("tried", "", "KeyError: 'x'")]
    (failure,) = store.outcomes()
    assert failure.signature is not None
    assert (failure.signature == OTHER.embed_query("KeyError: 'x'")).all()
    store.close()


def test_waiting_items_are_embedded_in_batches_and_only_by_the_store_s_own_model(
    store: LanceStore,
) -> None:
    store.add_items([waiting(n, f"waits {n}") for n in range(40, 50)])
    embedder = Watched(EMBEDDER.dimension, EMBEDDER.name)
    with pytest.raises(ValueError, match="bound to"):
        store.embed_waiting(OTHER)
    store.embed_waiting(embedder)
    assert embedder.calls == 3
    assert store.count_waiting() == 0
    assert_rewritten(store, 22, EMBEDDER)


def test_killed_while_waiting_items_are_embedded_none_is_lost(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_items([waiting(40, "waits")])
    monkeypatch.setattr(store._writer.index, "apply", lambda *_: None)
    store.embed_waiting(EMBEDDER)
    assert store.get_items(["item_0040"])["item_0040"].vector is not None
    monkeypatch.undo()
    abandon(store)
    again = LanceStore.open(store.path, maintain=False)
    assert "item_0040" in again.get_items(["item_0040"])
    again.embed_waiting(EMBEDDER)
    assert_rewritten(again, 13, EMBEDDER)
    assert again._writer.table.count() == 13
    again.close()
