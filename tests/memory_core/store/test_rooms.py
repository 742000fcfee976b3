"""The small rooms of the store: catalog, memory, disk, meta, sentences."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from memory_core.errors import InvalidInput, StoreUnavailable
from memory_core.model import Event
from memory_core.ports import Scope
from memory_core.store import disk, faults
from memory_core.store import log as logs
from memory_core.store.catalog import Catalog, Head, states_after
from memory_core.store.faults import sentence, translated
from memory_core.store.log import Log
from memory_core.store.meta import Meta, load_meta
from memory_core.store.packing import packed, unpacked
from memory_core.store.schema import TableName, entry_of
from memory_core.store.vectors import ItemCache, VectorTable
from tests.memory_core.store.making import EMBEDDER, event, item, outcome, recall, same


def head(number: int, **fields: object) -> Head:
    made = {
        "id": f"i{number}",
        "seq": number,
        "project": "p",
        "kind": "fact",
        "state": "active",
        "content_hash": "h",
        "created_at": 1.0,
        **fields,
    }
    return Head(**made)  # type: ignore[arg-type]


# -- catalog


def test_a_catalog_grows_past_its_first_size() -> None:
    catalog = Catalog()
    catalog.add([head(n) for n in range(5000)])
    catalog.add([head(n, project="q") for n in range(5000, 5003)])
    assert len(catalog) == 5003
    assert int(catalog.mask(Scope(("q",))).sum()) == 3
    assert catalog.rows(["i4999", "nobody", "i5002"]).tolist() == [4999, 5002]
    assert catalog.oldest_first(Scope(("q",))) == ["i5000", "i5001", "i5002"]


def test_a_flip_is_idempotent_and_of_known_items_only() -> None:
    catalog = Catalog()
    catalog.add([head(1)])
    assert catalog.flip("i1", "retired")
    assert not catalog.flip("i1", "retired")
    assert not catalog.flip("nobody", "retired")
    assert catalog.counts() == {("p", "fact", "retired"): 1}


def test_the_oldest_active_item_has_the_hash() -> None:
    catalog = Catalog()
    catalog.add([head(1), head(2), head(3, content_hash="other")])
    assert catalog.find_hash("p", "h") == "i1"
    catalog.flip("i1", "archived")
    assert catalog.find_hash("p", "h") == "i2"


def test_states_follow_the_last_event_after_the_item() -> None:
    events = [
        (1, Event("e1", "retire", "late", 0.0)),
        (3, Event("e2", "archive", "a", 0.0)),
        (4, Event("e3", "restore", "a", 0.0)),
        (5, Event("e4", "reembed", "b", 0.0)),
        (6, Event("e5", "supersede", "b", 0.0)),
        (7, Event("e6", "retire", "nobody", 0.0)),
    ]
    assert states_after(events, {"late": 2, "a": 1, "b": 2}) == {"a": "active", "b": "retired"}


# -- memory


def test_the_cache_lets_the_longest_unused_go() -> None:
    cache = ItemCache(limit=2)
    cache.put([item(1), item(2)])
    cache.get(["item_0001"])
    cache.put([item(3)])
    assert list(cache.get(["item_0001", "item_0002", "item_0003"])) == ["item_0001", "item_0003"]


def test_vectors_in_memory_grow_and_mark_what_is_missing() -> None:
    table = VectorTable(2)
    one = np.array([1.0, 0.0], dtype=np.float32)
    table.append([(one, None)] * 1500)
    table.append([(None, None)])
    table.put(1500, (None, one))
    content, there = table.view(0, 9999)
    assert content.shape == (1501, 2)
    assert there.sum() == 1500
    tasks, there = table.view(1, 1501)
    assert there.tolist()[-2:] == [False, True]
    assert tasks[1500].tolist() == [1.0, 0.0]
    assert table.view(0, 3)[0].shape == (3, 2)


# -- disk


def test_a_replacement_that_fails_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    disk.replace_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        disk.replace_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_sizes_count_every_file_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"12345")
    (tmp_path / "d").write_bytes(b"678")
    assert disk.bytes_under(tmp_path) == 8


# -- meta


def test_meta_comes_back_and_ignores_what_it_does_not_know(tmp_path: Path) -> None:
    known = Meta(1, "model", 384, 3, "next", 8, 12.5, "0.40.0")
    known.save(tmp_path)
    path = tmp_path / "meta.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    assert load_meta(tmp_path) == known
    assert load_meta(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"schema_version": "x"}', b"\xff"]
)
def test_a_damaged_meta_is_one_clear_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_bytes(content)
    with pytest.raises(StoreUnavailable, match="is damaged and cannot be read"):
        load_meta(tmp_path)


# -- log


def test_a_transaction_that_fails_stores_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path / logs.FILE)
    log.append([entry_of(1, "outcomes", outcome(1))])
    insert = "INSERT INTO marks VALUES (?, ?)"
    with pytest.raises(sqlite3.Error):
        log._transact((insert, [("a", 1)]), (insert, [("a", 2)]))
    assert log.marked("a") is None
    assert [entry.id for entry in log.scan("outcomes")] == ["out_0001"]
    log.close()
    log.close()


def test_a_record_comes_back_as_it_was_said_and_takes_little_room(tmp_path: Path) -> None:
    log = Log(tmp_path / logs.FILE, embedder=EMBEDDER.name)
    records = [item(1, task="t"), recall(2, candidates=12), outcome(3, failed=True)]
    kinds: list[TableName] = ["items", "recalls", "outcomes"]
    entries = [
        entry_of(n, kind, record)
        for n, (kind, record) in enumerate(zip(kinds, records, strict=True), 1)
    ]
    log.append(entries)
    log.append([entry_of(4, "events", event(4, "retire", 1))])
    assert all(
        same(found.stored, record) for found, record in zip(log.at([1, 2, 3]), records, strict=True)
    )
    (retired,) = log.scan("events")
    assert retired.stored == event(4, "retire", 1)
    for entry in entries:
        assert len(packed(entry.payload())) < 0.5 * len(entry.payload())
    log.close()


def test_a_scan_gives_kinds_in_one_order_as_the_log_was_at_its_first_step(tmp_path: Path) -> None:
    log = Log(tmp_path / logs.FILE)
    for n in range(1, 2 * logs.SLICE, 2):
        log.append(
            [entry_of(n, "outcomes", outcome(n)), entry_of(n + 1, "events", event(n, "retire", 1))],
            durable=False,
        )
    places = []
    for entry in log.scan("events", "outcomes", after=3):
        places.append(entry.seq)
        if len(places) == 1:
            log.append([entry_of(9_999, "outcomes", outcome(9_999))])
    assert places == list(range(4, 2 * logs.SLICE + 1))
    log.close()


def test_another_generation_of_vectors_stands_beside_the_first_until_it_takes_its_place(
    tmp_path: Path,
) -> None:
    log = Log(tmp_path / logs.FILE, embedder=EMBEDDER.name)
    entry = entry_of(1, "items", item(1))
    log.append([entry])
    log.begin(2)
    assert log.lacking("items", 2) == [1]
    log.put_vectors([entry], 2)
    assert log.lacking("items", 2) == []
    log.turn(2, "another")
    assert log.generations() == [2]
    assert log.at([1])[0].stored.item.embedder == "another"
    log.close()


# -- packing


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\x01", b"a" * 100_000, bytes(range(256))])
def test_what_is_packed_comes_back_and_is_never_much_longer(content: bytes) -> None:
    assert unpacked(packed(content)) == content
    assert len(packed(content)) <= len(content) + 1


def test_a_record_of_a_later_packing_is_said_to_be_one() -> None:
    with pytest.raises(ValueError, match="later lessonbank"):
        unpacked(b"\x09rest")


# -- sentences


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x"), "is full; nothing was stored. Free some space"),
        (OSError(errno.EDQUOT, "x"), "is full"),
        (RuntimeError("IO: No space left on device (os error 28)"), "is full"),
        (sqlite3.OperationalError("database or disk is full"), "is full"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "cannot be written"),
        (RuntimeError("Read-only file system (os error 30)"), "cannot be written"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written"),
        (RuntimeError("Not found: /a/b.lance"), "is missing"),
        (RuntimeError("Invalid range 0..0 for object of size 0 bytes"), "is damaged"),
        (RuntimeError("file size is too small"), "is damaged"),
        (RuntimeError("something new\nwith a trace"), "RuntimeError: something new. Run"),
    ],
)
def test_a_fault_is_one_sentence_with_the_next_move(error: Exception, said: str) -> None:
    text = sentence(error, Path("/the/store"))
    assert said in text
    assert "/the/store" in text
    assert "\n" not in text


def test_errors_of_our_own_and_of_the_programmer_pass_untouched() -> None:
    for error in (InvalidInput("a", "b", "c"), ValueError("x"), KeyError("y")):
        with pytest.raises(type(error)), translated(Path("/s")):
            raise error
    with pytest.raises(StoreUnavailable) as caught, translated(Path("/s")):
        raise OSError("broken")
    assert isinstance(caught.value.__cause__, OSError)
    assert not faults.is_gone(ValueError("x"))
