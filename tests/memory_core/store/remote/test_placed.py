"""The index elsewhere: another folder, a bucket, LanceDB's service. The log never leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory_core.doctor import verify
from memory_core.ports import Probe
from memory_core.store import writer
from memory_core.store.lance_store import LanceStore
from memory_core.store.remote.placed import PlacedTable
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.store.making import (
    EMBEDDER,
    EVERYTHING,
    P,
    event,
    item,
    probe,
    vector,
)

Open = Callable[..., LanceStore]


@pytest.fixture(params=["folder", "bucket", "database"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the index is, an address that nobody has used."""
    if request.param == "folder":
        return str(tmp_path / "elsewhere")
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def open_store(tmp_path: Path, place: str) -> Open:
    def opened(**more: Any) -> LanceStore:
        store = LanceStore.open(tmp_path / "store", maintain=False, index=place, **more)
        store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        return store

    return opened


def found(store: LanceStore, asked: Probe) -> list[str]:
    return [each.stored.item.id for each in store.search([asked], P, 3)]


def test_a_large_store_is_searched_there(
    open_store: Open, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By words, by vectors, in the present state; opened again, nothing is sent once more."""
    monkeypatch.setattr(writer, "EXACT_ROWS", 0)
    store = open_store()
    store.add_items([item(n, f"filler {n}", task="t" if n % 2 else "") for n in range(30)])
    store.add_items([item(77, "zebra crossing")])
    store.compact()
    assert store._writer.vectors is None
    assert found(store, Probe("zebra", None)) == ["item_0077"]
    assert found(store, Probe("", vector("title 7\nfiller 7")))[0] == "item_0007"
    store.add_event(event(1, "retire", 77))
    assert found(store, Probe("zebra", None)) == []
    assert not (tmp_path / "store" / "lance").exists()
    store.close()
    again = open_store()
    assert again._writer.index.waiting() == 0
    assert again._writer.table.count() == 31
    assert found(again, Probe("zebra", None)) == []
    again.close()
    report = {check.name: check for check in verify(tmp_path / "store", place).checks}
    assert report["index"].found == "31 items, as the log has them."


def test_what_stands_there_may_be_thrown_away(open_store: Open) -> None:
    store = open_store()
    store.add_items([item(n, f"text {n}") for n in range(5)])
    store.close()
    store = open_store()
    store._writer.table.drop("items")
    store.close()
    again = open_store()
    assert found(again, probe("text 3"))[0] == "item_0003"
    assert again._writer.table.count() == 5
    again.close()


def test_new_vectors_take_the_place_of_the_old_ones_there(open_store: Open) -> None:
    store = open_store()
    store.add_items([item(n, f"text {n}") for n in range(5)])
    store.compact()
    store.reembed(HashEmbedder(24, "other"))
    assert store._writer.table.names() == ["items_g2"]
    assert store._writer.table.count() == 5
    store.close()


def test_a_place_that_does_not_answer_stops_nothing(
    tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said meanwhile is found, and is there when the place is."""
    store = LanceStore.open(tmp_path / "store", maintain=False, index=bucket_url)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    store.add_items([item(n, f"text {n}") for n in range(5)])
    store.close()

    def silent(*_: Any) -> Any:
        raise RuntimeError("error sending request: connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(PlacedTable, "names", silent)
        patch.setattr(PlacedTable, "open", silent)
        store = LanceStore.open(tmp_path / "store", maintain=False, index=bucket_url)
        store.add_items([item(7, "zebra")])
        store.add_event(event(1, "retire", 2))
        assert found(store, probe("zebra"))[0] == "item_0007"
        assert store.sizes().unindexed > 0
    store._writer.drain()
    rows = store._writer.table.scan(["id", "state"]).to_pylist()
    assert {row["id"]: row["state"] for row in rows} == {
        stored.item.id: stored.state for stored in store.scan_items(EVERYTHING)
    }
    assert len(rows) == 6
    store.close()
