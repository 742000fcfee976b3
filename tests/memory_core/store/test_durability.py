"""Acknowledged means synced: what is synced when, and what a power cut may take away."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from memory_core.store import disk
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import FILE, Log
from memory_core.store.log_files import readable
from tests.memory_core.store.making import (
    EMBEDDER,
    EVERYTHING,
    abandon,
    event,
    item,
    outcome,
    probe,
    recall,
    same,
    waiting,
)

Write = Callable[[LanceStore], None]
DURABLE: dict[str, Write] = {
    "items": lambda store: store.add_items([item(1)]),
    "outcome": lambda store: store.add_outcome(outcome(1)),
    "event": lambda store: store.add_event(event(1, "retire", 0)),
    "durable recall": lambda store: store.add_recall(recall(1), durable=True),
}


class Platter:
    """Watches syncs: which files are on the disk for certain, and in which order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: set[str] = set()
        self.order: list[str] = []
        real = disk.sync_file

        def sync_file(path: str | Path) -> None:
            real(path)
            self.order.append(os.path.relpath(path))
            if Path(path).is_file():
                self.synced.add(str(path))

        monkeypatch.setattr(disk, "sync_file", sync_file)

    def cut_power(self, folder: Path) -> int:
        """Empty every file of LanceDB's that was not synced; give how many those were."""
        lost = 0
        for path in sorted((folder / "lance").rglob("*")):
            if path.is_file() and str(path) not in self.synced:
                path.write_bytes(b"")
                lost += 1
        return lost


@pytest.fixture
def platter(monkeypatch: pytest.MonkeyPatch) -> Platter:
    return Platter(monkeypatch)


def opened(folder: Path) -> LanceStore:
    store = LanceStore.open(folder, maintain=False)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    return store


def statements(store: LanceStore, write: Write) -> list[str]:
    """Give the SQL that a write makes the log run."""
    seen: list[str] = []
    store._writer.log._db.set_trace_callback(seen.append)
    write(store)
    store._writer.log._db.set_trace_callback(None)
    return [statement.split("(")[0].strip() for statement in seen]


def test_the_name_of_a_new_log_is_on_the_disk_before_anything_is_acknowledged(
    tmp_path: Path, platter: Platter
) -> None:
    store = opened(tmp_path / "store")
    assert os.path.relpath(tmp_path / "store") in platter.order
    store.close()
    (tmp_path / "other").mkdir()
    del platter.order[:]
    Log(tmp_path / "other" / FILE).close()
    assert platter.order == [os.path.relpath(tmp_path / "other")]
    assert list(readable(tmp_path / "nowhere", "SELECT 1")) == []
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", DURABLE)
def test_a_record_is_acknowledged_after_a_synced_commit(name: str, tmp_path: Path) -> None:
    store = opened(tmp_path / "store")
    seen = statements(store, DURABLE[name])
    assert seen[0] == "PRAGMA synchronous=FULL"
    assert seen[1] == "BEGIN IMMEDIATE"
    assert seen[-1] == "COMMIT"
    store.close()


def test_a_volatile_recall_is_written_without_a_sync_and_synced_by_the_next_record(
    tmp_path: Path,
) -> None:
    store = opened(tmp_path / "store")
    assert statements(store, lambda s: s.add_recall(recall(1)))[0] == "PRAGMA synchronous=NORMAL"
    assert statements(store, DURABLE["outcome"])[0] == "PRAGMA synchronous=FULL"
    store.close()


def test_a_version_of_the_index_counts_only_after_every_file_and_folder_of_it_was_synced(
    tmp_path: Path, platter: Platter, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path / "store")
    before = disk.paths_under(tmp_path / "store" / "lance")
    for write in DURABLE.values():
        write(store)
    del platter.order[:]
    real = Log.mark

    def mark(log: Log, name: str, version: int | None) -> None:
        platter.order.append("MARK")
        real(log, name, version)

    monkeypatch.setattr(Log, "mark", mark)
    store._writer.drain()
    new = disk.paths_under(tmp_path / "store" / "lance") - before
    needed = {os.path.relpath(p) for p in new if p.endswith((".lance", ".manifest"))}
    marked = platter.order.index("MARK")
    assert needed
    assert needed <= set(platter.order[:marked])
    for path in needed:
        assert str(Path(path).parent) in platter.order[platter.order.index(path) : marked]
    store.close()


def test_old_versions_are_deleted_only_after_the_merged_one_was_synced(
    tmp_path: Path, platter: Platter, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path / "store")
    for n in range(4):
        store.add_items([item(n)])
        store._writer.drain()
    table = store._writer.table
    real = table.clean

    def clean(keep: timedelta) -> None:
        manifests = sorted((table.path() / "_versions").glob("*.manifest"))
        assert str(manifests[0]) in platter.synced
        real(keep)
        assert table.version() == store._writer.log.marked("items")

    monkeypatch.setattr(table, "clean", clean)
    store.compact()
    assert len(list((table.path() / "_versions").glob("*.manifest"))) == 1
    store.close()


def busy(store: LanceStore) -> None:
    """Write in all the ways there are, with the tidying between."""
    for n in range(6):
        store.add_items([item(n, f"alpha {n}", task="t" if n % 2 else "")])
    store.add_items([waiting(6, "alpha 6")])
    store.add_event(event(1, "retire", 1))
    store.add_recall(recall(1))
    store.add_outcome(outcome(1, failed=True))
    store._writer.drain()
    store.add_items([item(n) for n in range(10, 14)])
    store.search([probe("alpha")], EVERYTHING, 3)
    store.embed_waiting(EMBEDDER)
    store.add_event(event(2, "archive", 12))
    store.compact()
    store.add_items([item(20)])
    store.add_event(event(3, "restore", 1))
    store.add_outcome(outcome(2))


def test_a_power_cut_takes_nothing_that_was_acknowledged(tmp_path: Path, platter: Platter) -> None:
    store = opened(tmp_path / "store")
    busy(store)
    store._writer.index.apply()  # in LanceDB, and nothing of it synced
    items = list(store.scan_items(EVERYTHING))
    outcomes, events = list(store.outcomes()), list(store.events())
    abandon(store)
    assert platter.cut_power(store.path) > 0
    store = LanceStore.open(store.path, maintain=False)
    assert all(same(a, b) for a, b in zip(items, store.scan_items(EVERYTHING), strict=True))
    assert all(same(a, b) for a, b in zip(outcomes, store.outcomes(), strict=True))
    assert list(store.events()) == events
    assert store.search([probe("alpha 3")], EVERYTHING, 3)[0].stored.item.id == "item_0003"
    store.add_items([item(30)])
    store.compact()
    assert sum(1 for _ in store.scan_items(EVERYTHING)) == len(items) + 1
    store.close()


def test_a_power_cut_right_after_closing_takes_nothing(tmp_path: Path, platter: Platter) -> None:
    store = opened(tmp_path / "store")
    busy(store)
    items = list(store.scan_items(EVERYTHING))
    store.close()
    platter.cut_power(store.path)
    store = LanceStore.open(store.path, maintain=False)
    assert all(same(a, b) for a, b in zip(items, store.scan_items(EVERYTHING), strict=True))
    assert store.sizes().unindexed == 0
    store.close()
