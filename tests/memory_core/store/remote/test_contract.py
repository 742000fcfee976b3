"""The contract of `Store`, over a store whose truth is elsewhere.

In a bucket on a real S3 server, or in a database of LanceDB's remote service, of which there is a
stand-in only (see `db_server`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_core.ports import Store
from memory_core.store.lance_store import LanceStore
from memory_core.store.remote.sharing import Sharing
from tests.memory_core.store.contract import StoreContract
from tests.memory_core.store.making import EMBEDDER


class TestBucketStore(StoreContract):
    """One machine, its working folder kept over restarts."""

    @pytest.fixture
    def url(self, bucket_url: str) -> str:
        return bucket_url

    @pytest.fixture
    def store(self, tmp_path: Path, url: str) -> Iterator[Store]:
        self._url, self._folders = url, (tmp_path / str(n) for n in range(9))
        opened = LanceStore.open(next(self._folders), sharing=Sharing(url))
        opened.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        self._opened = [opened]
        yield opened
        for each in self._opened:
            each.close()

    def folder(self, store: LanceStore) -> Path:
        return store.path

    def again(self, store: Store) -> Store:
        assert isinstance(store, LanceStore)
        store.close()
        self._opened.append(LanceStore.open(self.folder(store), sharing=Sharing(self._url)))
        return self._opened[-1]


class TestBucketStoreOnAnotherMachine(TestBucketStore):
    """Each restart is another machine with an empty working folder: the bucket holds it all."""

    def folder(self, store: LanceStore) -> Path:
        return next(self._folders)


class TestDatabaseStoreOnAnotherMachine(TestBucketStoreOnAnotherMachine):
    """Each restart is another machine: the database holds it all."""

    @pytest.fixture
    def url(self, database_url: str) -> str:
        return database_url
