"""The contract of `Store`, over the fake and over LanceDB in its several ways of working."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_core.ports import Store
from memory_core.store import writer
from memory_core.store.lance_store import LanceStore
from tests.memory_core.store.contract import StoreContract
from tests.memory_core.store.fake_store import FakeStore
from tests.memory_core.store.making import EMBEDDER, abandon


class TestFakeStore(StoreContract):
    """The fake keeps the contract, so it may stand for the store elsewhere."""

    @pytest.fixture
    def store(self) -> Store:
        return FakeStore(EMBEDDER.name, EMBEDDER.dimension)


class TestLanceStore(StoreContract):
    """The store as it is opened, vectors of a small store in memory."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        opened = LanceStore.open(tmp_path / "store")
        opened.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        self._opened = [opened]
        yield opened
        for each in self._opened:
            each.close()

    def again(self, store: Store) -> Store:
        assert isinstance(store, LanceStore)
        store.close()
        self._opened.append(LanceStore.open(store.path))
        return self._opened[-1]


class TestLanceStoreWithoutVectorsInMemory(TestLanceStore):
    """A large store: LanceDB proposes by vector and by words, the latter by an index that lags."""

    @pytest.fixture(autouse=True)
    def _no_vectors_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writer, "EXACT_ROWS", 0)

    def catch_up(self, store: Store) -> None:
        store.compact()


class TestLanceStoreKilled(TestLanceStore):
    """A store that is not closed but dropped, and replays its journal."""

    def again(self, store: Store) -> Store:
        assert isinstance(store, LanceStore)
        abandon(store)
        self._opened.append(LanceStore.open(store.path))
        return self._opened[-1]
