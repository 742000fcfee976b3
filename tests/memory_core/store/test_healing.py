"""What crashes, power cuts and flipped bits leave behind is repaired at the next opening."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import lancedb
import pytest

from memory_core.errors import StoreUnavailable
from memory_core.ports import Probe
from memory_core.store import index, log_files, opening, writer
from memory_core.store import log as logs
from memory_core.store.lance_store import LanceStore
from memory_core.store.log_files import open_log
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


def indexed(store: LanceStore) -> dict[str, str]:
    """The ids and states that the index holds, each once."""
    rows = store._writer.table.scan(["id", "state"]).to_pylist()
    found = {row["id"]: row["state"] for row in rows}
    assert len(found) == len(rows)
    return found


def assert_whole(store: LanceStore, numbers: range = range(6)) -> None:
    wanted = [f"item_{n:04d}" for n in numbers]
    assert [s.item.id for s in store.scan_items(EVERYTHING)] == wanted
    assert [r.record.id for r in store.recalls()] == [f"recall_{n:04d}" for n in numbers]
    assert [o.record.id for o in store.outcomes()] == [f"out_{n:04d}" for n in numbers]
    assert store.get_items(["item_0001"])["item_0001"].state == "retired"
    assert store.search([probe("alpha 3")], EVERYTHING, 3)[0].stored.item.id == "item_0003"
    states = {s.item.id: s.state for s in store.scan_items(EVERYTHING)}
    assert indexed(store) == states


# -- the index may be anything


@pytest.mark.parametrize("tear", TEARS)
@pytest.mark.parametrize("what", ["newest version", "every version", "data", "words"])
def test_a_torn_file_of_the_index_costs_nothing(what: str, tear: str, tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store._writer.drain()
    store.add_items([item(6, "alpha 6")])
    store._writer.drain()
    table = store._writer.table.path()
    store.close()
    torn = {
        "newest version": sorted((table / "_versions").glob("*.manifest"))[:1],
        "every version": list((table / "_versions").glob("*.manifest")),
        "data": list((table / "data").glob("*")),
        "words": [p for p in (table / "_indices").rglob("*") if p.is_file()],
    }[what]
    assert torn
    for path in torn:
        TEARS[tear](path)
    store = LanceStore.open(store.path, maintain=False)
    assert [r.record.id for r in store.recalls()][-1] == "recall_0005"
    assert store.search([probe("alpha 6")], EVERYTHING, 3)[0].stored.item.id == "item_0006"
    store.add_items([item(50)])
    store.compact()
    assert set(indexed(store)) == {f"item_{n:04d}" for n in (*range(7), 50)}
    store.close()


@pytest.mark.parametrize("gone", ["lance", "lance/items.lance", "lance/items.lance/_versions"])
def test_an_index_that_is_gone_is_made_anew(gone: str, tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store.close()
    shutil.rmtree(store.path / gone)
    store = LanceStore.open(store.path, maintain=False)
    assert_whole(store)
    store.close()


def test_a_large_store_answers_while_its_index_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its vectors, from the log; then by words too, and from the index."""
    monkeypatch.setattr(writer, "EXACT_ROWS", 5)
    for module in (index, opening, writer):
        monkeypatch.setattr(module, "BATCH", 4)
    store = filled(tmp_path / "store", range(30))
    store.compact()
    store.close()
    shutil.rmtree(store.path / "lance")
    store = LanceStore.open(store.path, maintain=False)
    assert store.sizes().unindexed == 30
    asked = probe("title 17\nalpha 17")
    assert store.search([asked], EVERYTHING, 3)[0].stored.item.id == "item_0017"
    store.add_items([item(50, "zebra")])
    assert store.search([probe("title 50\nzebra")], EVERYTHING, 3)[0].stored.item.id == "item_0050"
    store._keeper.run("drain")
    assert store.sizes().unindexed == 0
    found = store.search([Probe("zebra", None)], EVERYTHING, 3)
    assert [(each.stored.item.id, each.keyword > 0) for each in found] == [("item_0050", True)]
    assert set(indexed(store)) == {f"item_{n:04d}" for n in (*range(30), 50)}
    store.close()


def test_an_index_of_another_store_is_put_right(tmp_path: Path) -> None:
    """A folder that was restored in parts: the log of one day, the index of another."""
    other = filled(tmp_path / "other", range(3, 9))
    other.close()
    store = filled(tmp_path / "store")
    store.close()
    shutil.rmtree(store.path / "lance")
    shutil.copytree(other.path / "lance", store.path / "lance")
    store = LanceStore.open(store.path, maintain=False)
    assert_whole(store)
    store.close()


def test_states_are_what_the_events_say(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store.add_event(event(1, "archive", 2))
    store.close()
    table = lancedb.connect(str(store.path / "lance")).open_table("items")
    table.update(where="id = 'item_0002'", values={"state": "active"})
    with closing(sqlite3.connect(store.path / logs.FILE)) as db, db:
        db.execute("UPDATE marks SET version = ?", (table.version,))
    store = LanceStore.open(store.path, maintain=False)
    assert store.get_items(["item_0002"])["item_0002"].state == "archived"
    assert indexed(store)["item_0002"] == "archived"
    store.close()


def test_rows_that_are_there_already_are_not_added_again(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store._writer.drain()
    store._writer.log.mark("items", None)
    abandon(store)
    store = LanceStore.open(store.path, maintain=False)
    assert_whole(store)
    store.close()


# -- the log is what there is


def test_a_log_that_is_no_database_is_moved_aside_and_items_come_back_from_the_index(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = filled(tmp_path / "store")
    store.close()
    (store.path / logs.FILE).write_bytes(b"this is no database" * 100)
    store = LanceStore.open(store.path, maintain=False)
    assert "damaged" in caplog.text
    assert [s.item.id for s in store.scan_items(EVERYTHING)] == [f"item_{n:04d}" for n in range(6)]
    assert same(store.get_items(["item_0003"])["item_0003"], item(3, "alpha 3"))
    assert store.get_items(["item_0001"])["item_0001"].state == "retired"
    assert store.search([probe("alpha 3")], EVERYTHING, 3)[0].stored.item.id == "item_0003"
    store.add_outcome(outcome(99))
    store.close()
    again = LanceStore.open(store.path, maintain=False)
    assert [o.record.id for o in again.outcomes()] == ["out_0099"]
    assert again.count_items() == store_counts(again)
    again.close()
    assert list((store.path / "quarantine").rglob(logs.FILE))


def store_counts(store: LanceStore) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for stored in store.scan_items(EVERYTHING):
        key = (stored.item.project, stored.item.kind, stored.state)
        found[key] = found.get(key, 0) + 1
    return found


def damage(path: Path, share: float) -> None:
    """Write nonsense over the beginning of a page of the database, where it says what it holds."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")
    content = bytearray(path.read_bytes())
    page = logs.PAGE
    place = int(len(content) * share) // page * page
    content[place : place + 512] = b"\xff" * 512
    path.write_bytes(content)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_what_is_readable_of_a_damaged_log_is_carried_over(
    share: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "store"
    filled(folder, range(120)).close()
    damage(folder / logs.FILE, share)
    store = LanceStore.open(folder, maintain=False)
    assert "damaged" in caplog.text
    assert "carried over" in caplog.text
    assert len(list(store.scan_items(EVERYTHING))) == 120
    survivors = list(store.outcomes())
    assert len(survivors) + sum(1 for _ in store.recalls()) > 100
    for stored in survivors:
        assert same(stored, outcome(int(stored.record.id[4:])))
    for found in store.scan_items(EVERYTHING):
        number = int(found.item.id[5:])
        assert found.item == item(number, f"alpha {number}").item
    store.close()


def test_damage_in_a_large_log_that_was_closed_in_order_is_mended_after_it_was_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a file is not looked at whole: the opening meets the damage, or a reading later."""
    monkeypatch.setattr(logs, "LOOKED_AT", 0)
    for share in range(1, 10):
        folder = tmp_path / str(share)
        filled(folder, range(60)).close()
        damage(folder / logs.FILE, share / 10)
        store = LanceStore.open(folder, maintain=False)
        try:
            for each in (store.scan_items(EVERYTHING), store.recalls(), store.outcomes()):
                list(each)
        except StoreUnavailable as error:
            assert "damaged. Restart" in str(error)  # noqa: PT017 - either is right
        store.close()
        store = LanceStore.open(folder, maintain=False)
        assert len(list(store.scan_items(EVERYTHING))) == 60
        assert len(list(store.outcomes())) + sum(1 for _ in store.recalls()) > 30
        store.close()


def test_a_record_with_flipped_bits_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "store"
    abandon(filled(folder))
    with closing(sqlite3.connect(folder / logs.FILE)) as db, db:
        (payload,) = db.execute("SELECT payload FROM records WHERE id = 'recall_0003'").fetchone()
        flipped = bytes([*payload[:-1], payload[-1] ^ 1])
        db.execute("UPDATE records SET payload = ? WHERE id = 'recall_0003'", (flipped,))
    store = LanceStore.open(folder, maintain=False)
    assert "recall_0003" not in [r.record.id for r in store.recalls()]
    assert store.get_recall("recall_0003") is None
    assert "damaged and left out" in caplog.text
    assert len(list(store.recalls())) == 5
    store.close()


def test_an_item_with_flipped_bits_is_taken_from_the_index(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    filled(folder).close()
    with closing(sqlite3.connect(folder / logs.FILE)) as db, db:
        db.execute("UPDATE records SET payload = x'00' WHERE id = 'item_0003'")
    store = LanceStore.open(folder, maintain=False)
    assert_whole(store)
    assert same(store.get_items(["item_0003"])["item_0003"], item(3, "alpha 3"))
    store.close()


def test_damaged_vectors_of_an_item_are_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    filled(folder).close()
    with closing(sqlite3.connect(folder / logs.FILE)) as db, db:
        place = "(SELECT seq FROM records WHERE id = 'item_0003')"
        db.execute(f"UPDATE vectors_1 SET first = zeroblob(64) WHERE seq = {place}")
    store = LanceStore.open(folder, maintain=False)
    assert store.count_waiting() == 1
    store.embed_waiting(EMBEDDER)
    assert same(store.get_items(["item_0003"])["item_0003"], item(3, "alpha 3"))
    store.close()
    again = LanceStore.open(folder, maintain=False)
    assert again.count_waiting() == 0
    assert_whole(again)
    again.close()


def test_quarantine_keeps_a_bounded_number_of_sets(tmp_path: Path) -> None:
    for n in range(log_files.KEPT + 5):
        (tmp_path / log_files.QUARANTINE / f"log-{n:04d}").mkdir(parents=True)
    (tmp_path / logs.FILE).write_bytes(b"nonsense" * 100)
    open_log(tmp_path / logs.FILE, tmp_path / log_files.QUARANTINE, 1, "").close()
    kept = sorted(path.name for path in (tmp_path / log_files.QUARANTINE).iterdir())
    assert kept[:-1] == [f"log-{n:04d}" for n in range(6, log_files.KEPT + 5)]
    assert (
        tmp_path / log_files.QUARANTINE / kept[-1] / logs.FILE
    ).read_bytes() == b"nonsense" * 100


def test_a_store_whose_log_was_taken_away_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store.close()
    for path in log_files.files_of(store.path / logs.FILE):
        path.unlink()
    for read_only in (False, True):
        with pytest.raises(StoreUnavailable, match=r"no log\.db.*backup"):
            LanceStore.open(store.path, read_only=read_only)
    assert list((store.path / "lance" / "items.lance" / "data").iterdir())
    assert not (store.path / logs.FILE).exists()


def test_places_in_the_log_are_never_used_twice(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    store.close()
    store = LanceStore.open(store.path, maintain=False)
    store.add_outcome(outcome(70))
    places = [place for place, _ in store._reader.log("items", "recalls", "outcomes", "events")]
    assert places == list(range(1, 21))
    store.close()


def test_a_log_that_somebody_else_has_locked_is_no_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the moment must not move a whole log aside."""
    store = filled(tmp_path / "store")
    store.close()
    with closing(sqlite3.connect(store.path / logs.FILE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(logs, "PATIENCE", 0.1)
        with pytest.raises(StoreUnavailable, match="locked"):
            LanceStore.open(store.path)
    store = LanceStore.open(store.path, maintain=False)
    assert_whole(store)
    store.close()
