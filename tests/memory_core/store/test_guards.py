"""Bad places and bad moments: one clear sentence, nothing half-written, and the store goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import lancedb
import pytest
from filelock import FileLock

from memory_core.errors import MemoryUnavailable, StoreMismatch, StoreUnavailable
from memory_core.store import disk, meta, standing
from memory_core.store.item_table import ItemTable
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import Log
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


def opened(folder: Path) -> LanceStore:
    store = LanceStore.open(folder, maintain=False)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    made = opened(tmp_path / "store")
    made.add_items([item(n, f"alpha {n}") for n in range(5)])
    made.add_recall(recall(1))
    yield made
    made.close()


def writes(store: LanceStore) -> dict[str, Any]:
    return {
        "add_items": lambda: store.add_items([item(90)]),
        "add_recall": lambda: store.add_recall(recall(90)),
        "add_outcome": lambda: store.add_outcome(outcome(90)),
        "add_event": lambda: store.add_event(event(90, "retire", 0)),
        "bind_embedder": lambda: store.bind_embedder("other", 8),
        "compact": store.compact,
        "embed_waiting": lambda: store.embed_waiting(EMBEDDER),
        "reembed": lambda: store.reembed(EMBEDDER),
    }


# -- one owner


def test_a_second_opening_is_told_who_owns_the_store(store: LanceStore) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        LanceStore.open(store.path)
    assert f"pid {os.getpid()}" in str(caught.value)
    assert str(store.path) in str(caught.value)
    assert "Stop that process" in str(caught.value)


def test_another_process_is_told_who_owns_the_store(store: LanceStore, repository: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from memory_core.store.standing import Ownership\n"
        "from memory_core.errors import StoreUnavailable\n"
        "try: Ownership(Path(sys.argv[1]))\n"
        "except StoreUnavailable as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(store.path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"pid {os.getpid()}" in done.stdout


def test_a_lock_file_without_a_pid_is_still_a_clear_sentence(store: LanceStore) -> None:
    (store.path / standing.LOCK).write_text("")
    with pytest.raises(StoreUnavailable, match="pid unknown"):
        LanceStore.open(store.path)


def test_a_failed_opening_lets_the_lock_go(tmp_path: Path) -> None:
    opened(tmp_path / "store").close()
    path = tmp_path / "store" / meta.FILE
    kept = path.read_bytes()
    path.write_bytes(b"{nonsense")
    with pytest.raises(StoreUnavailable, match=r"meta\.json is damaged"):
        LanceStore.open(tmp_path / "store")
    path.write_bytes(kept)
    LanceStore.open(tmp_path / "store", maintain=False).close()


def test_a_forked_child_is_refused(store: LanceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    with pytest.raises(StoreUnavailable, match="fork"):
        store.get_items(["item_0001"])
    with pytest.raises(StoreUnavailable, match="spawn"):
        store.add_items([item(9)])
    monkeypatch.undo()


# -- the place


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    for folder in (path, path / "below"):
        with pytest.raises(StoreUnavailable, match="LESSONBANK_STORE"):
            LanceStore.open(folder)


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_a_file_system_without_hard_links_is_refused(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: object, target: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(StoreUnavailable, match=r"no hard links.*local disk"):
        LanceStore.open(tmp_path / "store")
    monkeypatch.undo()
    LanceStore.open(tmp_path / "store", maintain=False).close()


def test_a_newer_schema_is_refused(store: LanceStore) -> None:
    store.close()
    path = store.path / meta.FILE
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "schema_version": 99, "colour": "blue"}))
    with pytest.raises(StoreMismatch, match=r"99.*Upgrade lessonbank"):
        LanceStore.open(store.path)


def test_an_index_of_another_build_is_made_anew(store: LanceStore) -> None:
    store.close()
    table = lancedb.connect(str(store.path / "lance")).open_table("items")
    table.drop_columns(["search_text"])
    with closing(sqlite3.connect(store.path / "log.db")) as db, db:
        db.execute("UPDATE marks SET version = ?", (table.version,))
    again = LanceStore.open(store.path, maintain=False)
    assert again.search([probe("alpha 3")], P, 3)[0].stored.item.id == "item_0003"
    assert again._writer.table.count() == 5
    again.close()


def test_records_without_their_meta_are_refused_and_left_alone(store: LanceStore) -> None:
    store.close()
    (store.path / meta.FILE).unlink()
    with pytest.raises(StoreUnavailable, match=r"no meta\.json.*backup"):
        LanceStore.open(store.path)
    assert not (store.path / meta.FILE).exists()


def test_an_opening_that_crashed_before_its_meta_begins_anew(tmp_path: Path) -> None:
    abandon(LanceStore.open(tmp_path / "store", maintain=False))
    (tmp_path / "store" / meta.FILE).unlink()
    store = opened(tmp_path / "store")
    store.add_items([item(1)])
    store.close()


def test_an_opening_that_crashed_while_binding_can_be_bound_to_another_model(
    tmp_path: Path,
) -> None:
    store = opened(tmp_path / "store")
    store.close()
    path = tmp_path / "store" / meta.FILE
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "embedder": "", "dimension": 0}))
    store = LanceStore.open(tmp_path / "store", maintain=False)
    store.add_items([waiting(1)])
    store.bind_embedder("other", 5)
    assert store.count_waiting() == 1
    store.close()


# -- read-only


def make_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the operating system does: whoever runs the tests may write everywhere."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)


def test_a_store_that_cannot_be_written_is_read_with_what_its_index_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path / "store")
    store.add_items([item(n, f"alpha {n}") for n in range(4)])
    store._writer.drain()
    store.add_items([item(7, "only in the log")])
    store.add_event(event(1, "retire", 2))
    store.add_outcome(outcome(1))
    abandon(store)
    before = {p: p.read_bytes() for p in store.path.rglob("*") if p.is_file()}
    make_read_only(monkeypatch)
    reading = LanceStore.open(store.path)
    assert reading.read_only
    assert same(reading.get_items(["item_0007"])["item_0007"], item(7, "only in the log"))
    assert reading.get_items(["item_0002"])["item_0002"].state == "retired"
    assert [o.record.id for o in reading.outcomes()] == ["out_0001"]
    found = reading.search([probe("alpha 3")], P, 3)
    assert found[0].stored.item.id == "item_0003"
    assert found[0].keyword > 0
    assert reading.sizes().bytes > 0
    for write in writes(reading).values():
        with pytest.raises(StoreUnavailable, match=r"read-only.*permission"):
            write()
    reading.close()
    assert {p: p.read_bytes() for p in store.path.rglob("*") if p.is_file()} == before


def test_an_old_schema_that_cannot_be_migrated_is_said(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    path = store.path / meta.FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 0}))
    make_read_only(monkeypatch)
    with pytest.raises(StoreUnavailable, match="write permission"):
        LanceStore.open(store.path)


def test_a_folder_without_a_store_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_read_only(monkeypatch)
    with pytest.raises(StoreUnavailable, match=r"cannot be written.*permission"):
        LanceStore.open(tmp_path / "store")


# -- deleted underneath


@pytest.mark.parametrize("what", ["", "lance", "log.db"])
def test_a_store_deleted_underneath_says_so_and_is_not_made_again(
    what: str, store: LanceStore
) -> None:
    target = store.path / what
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    for write in writes(store).values():
        with pytest.raises(MemoryUnavailable, match="deleted or replaced"):
            write()
    with pytest.raises(StoreUnavailable, match="deleted or replaced"):
        store.search([probe("alpha")], P, 3)
    with pytest.raises(StoreUnavailable, match="deleted or replaced"):
        store.get_recall("recall_0001")
    store.close()
    assert not target.exists()


def test_a_store_replaced_underneath_is_not_written_to(store: LanceStore) -> None:
    store.path.rename(store.path.with_name("moved"))
    other = opened(store.path)
    with pytest.raises(StoreUnavailable, match="replaced"):
        store.add_outcome(outcome(5))
    assert list(other.outcomes()) == []
    other.close()


# -- a full disk


class FullDisk:
    """The disk is full where the two engines write; one switch for both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqlite = self.lance = False
        transact, add = Log._transact, ItemTable.add

        def full_transact(log: Log, *steps: Any) -> None:
            if self.sqlite:
                raise sqlite3.OperationalError("database or disk is full")
            transact(log, *steps)

        def full_add(table: ItemTable, rows: Any) -> None:
            if self.lance:
                raise RuntimeError(
                    "lance error: LanceError(IO): No space left on device (os error 28)"
                )
            add(table, rows)

        monkeypatch.setattr(Log, "_transact", full_transact)
        monkeypatch.setattr(ItemTable, "add", full_add)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch)


def test_on_a_full_disk_nothing_is_stored_and_the_sentence_says_what_to_do(
    store: LanceStore, full: FullDisk
) -> None:
    full.sqlite = full.lance = True
    for name in ("add_items", "add_recall", "add_outcome", "add_event"):
        with pytest.raises(StoreUnavailable, match=r"full; nothing was stored.*Free some space"):
            writes(store)[name]()
    assert list(store.outcomes()) == []
    assert list(store.events()) == []
    assert "item_0090" not in store.get_items(["item_0090"])
    assert len(store.search([probe("alpha")], P, 10)) == 5
    full.sqlite = full.lance = False
    for name in ("add_items", "add_recall", "add_outcome", "add_event"):
        writes(store)[name]()
    assert store.get_items(["item_0000"])["item_0000"].state == "retired"


def test_what_the_log_took_is_kept_while_lancedb_has_no_room(
    store: LanceStore, full: FullDisk
) -> None:
    store._writer.drain()
    full.lance = True
    store.add_items([item(60, "zebra")])
    with pytest.raises(StoreUnavailable, match="full"):
        store.compact()
    assert same(store.get_items(["item_0060"])["item_0060"], item(60, "zebra"))
    assert store.search([probe("zebra")], P, 10)[0].stored.item.id == "item_0060"
    store.add_items([item(62)])
    full.lance = False
    store._writer.drain()
    assert store._writer.table.count() == 7
    assert store.search([probe("zebra")], P, 1)[0].keyword > 0
    store.close()
    again = LanceStore.open(store.path, maintain=False)
    assert [s.item.id for s in again.scan_items(EVERYTHING)][-2:] == ["item_0060", "item_0062"]
    again.close()


def test_an_index_that_failed_half_way_gets_no_row_twice(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_event(event(1, "retire", 1))
    add = ItemTable.add

    def add_then_fail(table: ItemTable, rows: Any) -> None:
        add(table, rows)
        raise RuntimeError("IO: No space left on device (os error 28)")

    monkeypatch.setattr(ItemTable, "add", add_then_fail)
    with pytest.raises(StoreUnavailable, match="full"):
        store._writer.drain()
    monkeypatch.undo()
    store._writer.drain()
    rows = store._writer.table.scan(["id", "state"]).to_pylist()
    assert sorted(row["id"] for row in rows) == [f"item_{n:04d}" for n in range(5)]
    assert [row["id"] for row in rows if row["state"] == "retired"] == ["item_0001"]
    assert store._writer.index.waiting() == 0


def test_a_version_whose_sync_failed_does_not_count(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store._writer.drain()
    marked = store._writer.log.marked("items")
    store.add_items([item(7)])

    def broken(path: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, "sync_file", broken)
    with pytest.raises(StoreUnavailable, match="Input/output error"):
        store._writer.drain()
    assert store._writer.log.marked("items") == marked
    monkeypatch.setattr(disk, "sync_file", lambda path: None)
    store._writer.drain()
    assert store._writer.log.marked("items") == store._writer.table.version()


def test_a_closing_with_a_full_disk_keeps_all_that_was_acknowledged(
    tmp_path: Path, full: FullDisk
) -> None:
    store = opened(tmp_path / "store")
    store.add_items([item(1)])
    store.add_outcome(outcome(1))
    full.sqlite = full.lance = True
    store.close()
    full.sqlite = full.lance = False
    again = LanceStore.open(store.path, maintain=False)
    assert [o.record.id for o in again.outcomes()] == ["out_0001"]
    assert same(again.get_items(["item_0001"])["item_0001"], item(1))
    again.close()


# -- programmer errors


def test_a_record_that_no_column_can_hold_stores_nothing(store: LanceStore) -> None:
    for odd in (
        outcome(5, task="\ud800"),
        outcome(5, reward="much"),
        outcome(5, steps=(object(),)),
    ):
        with pytest.raises((ValueError, TypeError)):
            store.add_outcome(odd)
    assert list(store.outcomes()) == []
    store.add_outcome(outcome(5))
    store._writer.drain()
    assert len(list(store.outcomes())) == 1
