"""What crashes and power cuts leave behind is repaired at the next opening."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import lancedb
import pytest

from memory_core.errors import StoreUnavailable
from memory_core.store import heal, journal
from memory_core.store.lance_store import LanceStore
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
)

TEARS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(b"\x00garbage" * 40),
}


def filled(folder: Path, numbers: range = range(6)) -> LanceStore:
    store = LanceStore.open(folder, maintain=False)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    for n in numbers:
        store.add_items([item(n, f"alpha {n}")])
        store.add_recall(recall(n))
        store.add_outcome(outcome(n))
    store.add_event(event(0, "retire", 1))
    return store


def newest_manifest(folder: Path, table: str) -> Path:
    return next(iter(heal.manifests(folder / "lance" / f"{table}.lance").values()))


def assert_whole(store: LanceStore, numbers: range = range(6)) -> None:
    wanted = [f"item_{n:04d}" for n in numbers]
    assert [s.item.id for s in store.scan_items(EVERYTHING)] == wanted
    assert [r.record.id for r in store.recalls()] == [f"recall_{n:04d}" for n in numbers]
    assert [o.record.id for o in store.outcomes()] == [f"out_{n:04d}" for n in numbers]
    assert store.get_items(["item_0001"])["item_0001"].state == "retired"
    assert store.search([probe("alpha 3")], EVERYTHING, 3)[0].stored.item.id == "item_0003"


@pytest.mark.parametrize("tear", TEARS)
def test_torn_newest_manifests_after_a_crash_lose_nothing(tear: str, tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store._writer.drain()
    for n in range(6, 9):
        store.add_items([item(n)])
        store.add_recall(recall(n))
        store.add_outcome(outcome(n))
    settled = store._writer.journal.settled()
    abandon(store)
    torn = 0
    for table in ("items", "recalls", "outcomes"):
        for version, path in heal.manifests(store.path / "lance" / f"{table}.lance").items():
            if version > settled[table]:
                TEARS[tear](path)
                torn += 1
    assert torn >= 3
    store = LanceStore.open(store.path, maintain=False)
    assert_whole(store, range(9))
    store.close()


@pytest.mark.parametrize("tear", TEARS)
@pytest.mark.parametrize("table", ["items", "recalls", "outcomes", "events"])
def test_a_torn_newest_manifest_goes_back_to_the_version_before(
    table: str, tear: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = filled(tmp_path / "store")
    store.close()
    torn = newest_manifest(store.path, table)
    TEARS[tear](torn)
    with caplog.at_level(logging.WARNING):
        store = LanceStore.open(store.path, maintain=False)
    assert table in caplog.text
    assert "goes back" in caplog.text
    store.add_items([item(50)])
    store.add_recall(recall(50))
    store.add_outcome(outcome(50))
    store.add_event(event(50, "retire", 50))
    store.close()
    store = LanceStore.open(store.path, maintain=False)
    assert "item_0050" in store.get_items(["item_0050"])
    assert [r.record.id for r in store.recalls()][-1] == "recall_0050"
    assert [o.record.id for o in store.outcomes()][-1] == "out_0050"
    assert list(store.events())[-1] == event(50, "retire", 50)
    assert list((store.path / "quarantine").rglob(torn.name))
    store.close()


def test_a_table_that_was_being_created_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    abandon(LanceStore.open(folder, maintain=False))
    with closing(sqlite3.connect(folder / journal.FILE)) as db, db:
        db.execute("DELETE FROM settled WHERE name = 'recalls'")
    for path in heal.manifests(folder / "lance" / "recalls.lance").values():
        path.write_bytes(b"")
    store = LanceStore.open(folder, maintain=False)
    store.add_recall(recall(1, with_vector=False))
    assert store.get_recall("recall_0001") is not None
    store.close()


def test_a_table_beyond_repair_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store.close()
    for path in heal.manifests(store.path / "lance" / "items.lance").values():
        path.write_bytes(b"")
    with pytest.raises(StoreUnavailable, match=r"items.*beyond repair.*backup"):
        LanceStore.open(store.path)
    assert list((store.path / "lance" / "items.lance" / "data").iterdir())


def test_quarantine_keeps_a_bounded_number_of_sets(tmp_path: Path) -> None:
    for n in range(heal.KEPT + 5):
        (tmp_path / heal.QUARANTINE / f"items-{n:04d}").mkdir(parents=True)
    heal.heal(tmp_path, tmp_path / "lance", {})
    kept = sorted(path.name for path in (tmp_path / heal.QUARANTINE).iterdir())
    assert kept == [f"items-{n:04d}" for n in range(5, heal.KEPT + 5)]


def test_a_journal_that_is_no_database_is_moved_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = filled(tmp_path / "store")
    store.close()
    (store.path / journal.FILE).write_bytes(b"this is no database" * 100)
    store = LanceStore.open(store.path, maintain=False)
    assert "damaged" in caplog.text
    assert_whole(store)
    store.add_outcome(outcome(99))
    assert [o.record.id for o in store.outcomes()][-1] == "out_0099"
    store.close()
    assert list((store.path / "quarantine").rglob(journal.FILE))


def test_what_is_readable_of_a_damaged_journal_is_carried_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "store"
    abandon(filled(folder, range(120)))
    path = folder / journal.FILE
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")
    content = bytearray(path.read_bytes())
    page = 4096
    middle = len(content) // page // 2 * page
    content[middle : middle + page] = b"\xff" * page
    path.write_bytes(content)
    store = LanceStore.open(folder, maintain=False)
    assert "damaged" in caplog.text
    assert "carried over" in caplog.text
    survivors = list(store.outcomes())
    assert 20 < len(survivors) < 120 or len(list(store.recalls())) < 120
    for stored in survivors:
        assert same(stored, outcome(int(stored.record.id[4:])))
    store.close()


def test_a_journal_entry_with_flipped_bits_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "store"
    abandon(filled(folder))
    with closing(sqlite3.connect(folder / journal.FILE)) as db, db:
        query = "UPDATE entries SET payload = replace(payload, 'task 3', 'task 4') WHERE name = ?"
        db.execute(query.replace("payload, ", "CAST(payload AS TEXT), "), ("recalls",))
    store = LanceStore.open(folder, maintain=False)
    assert "recall_0003" not in [r.record.id for r in store.recalls()]
    assert "damaged and left out" in caplog.text
    store.close()


def test_states_are_what_the_events_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = filled(tmp_path / "store")
    store.add_event(event(1, "archive", 2))
    store.close()
    table = lancedb.connect(str(store.path / "lance")).open_table("items")
    table.update(where="id = 'item_0002'", values={"state": "active"})
    with closing(sqlite3.connect(store.path / journal.FILE)) as db, db:
        db.execute("DELETE FROM settled")
    store = LanceStore.open(store.path, maintain=False)
    assert store.get_items(["item_0002"])["item_0002"].state == "archived"
    assert "corrected" in caplog.text
    rows = store._writer.tables.scan("items", ["id", "state"]).to_pylist()
    assert {row["id"]: row["state"] for row in rows}["item_0002"] == "archived"
    store.close()


def test_a_replay_of_what_is_there_already_doubles_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    entries = store._writer.journal.entries()
    store._writer.drain()
    store._writer.journal.append(entries, durable=True)
    abandon(store)
    store = LanceStore.open(store.path, maintain=False)
    assert_whole(store)
    store._writer.drain()
    assert store._writer.journal.count() == 0
    assert store._writer.tables.count("items") == 6
    assert store._writer.tables.count("recalls") == 6
    store.close()


def test_numbers_of_the_log_are_never_used_twice(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store.close()
    for path in journal.files_of(store.path / journal.FILE):
        path.unlink()
    store = LanceStore.open(store.path, maintain=False)
    store.add_outcome(outcome(70))
    seqs = [seq for seq, _ in store._reader.log("outcomes")]
    assert seqs == sorted(set(seqs))
    assert max(seqs) == seqs[-1] > 18
    store.close()
