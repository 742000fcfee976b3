"""A shared store as it was before it held a log: followed as it is, moved by its next writer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import StoreMismatch
from memory_core.store.lance_store import LanceStore
from memory_core.store.meta import FILE
from memory_core.store.packing import unpacked
from memory_core.store.remote import candidate
from memory_core.store.remote.bucket import SharedLog
from memory_core.store.remote.reaching import objects_at
from memory_core.store.remote.shared_meta import VERSION, SharedMeta
from memory_core.store.remote.sharing import Sharing
from memory_core.store.schema import CODECS, TABLES, Entry, entry_from, entry_of
from tests.memory_core.store.making import EMBEDDER, event, item, outcome, recall, waiting
from tests.memory_core.store.remote.bucket import lance_at, lines, names, rows, until


def opened(folder: Path, url: str, **more: Any) -> LanceStore:
    store = LanceStore.open(folder, sharing=Sharing(url, **more))
    store.listen()
    return store


def settled(store: LanceStore) -> None:
    until(lambda: store._shared is not None and store._shared.state().waiting == 0)


def written(url: str, folder: Path) -> None:
    """A store with records of each kind, one whose state has changed, one without vectors."""
    store = opened(folder, url)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    for number in range(1, 6):
        store.add_items([item(number, task="t" * (number - 1))])
        store.add_recall(recall(number), durable=True)
        store.add_outcome(outcome(number, failed=number == 2))
    store.add_event(event(1, "retire", 3))
    store.add_items([waiting(6)])
    settled(store)
    store.close()


def entry(line: dict[str, Any]) -> Entry:
    blobs = line["first"], line["second"]
    payload = unpacked(line["payload"])
    return entry_from(line["seq"], line["name"], payload, blobs, EMBEDDER.name)


def put_meta(url: str, version: int) -> None:
    objects = objects_at(url)
    found = objects.get(FILE)
    assert found is not None
    told = {**json.loads(found.content), "schema_version": version}
    objects.put(FILE, json.dumps(told).encode())


def age(url: str, version: int) -> None:
    """Make it what an earlier version wrote: four tables, items in their present state."""
    place = lance_at(url)
    found = [entry(line) for line in lines(url)]
    retired = {e.stored.item_id for e in found if e.table == "events"}
    for name in TABLES:
        own = [each for each in found if each.table == name]
        for each in own:
            if each.id in retired:
                each.row["state"] = "retired"
        table = CODECS[name].table_of(own, EMBEDDER.dimension)
        if version == 1 and name == "recalls":
            table = table.drop_columns(["facts"])  # no recall named what it logged
        place.create_table(name, schema=table.schema).add(table)
    place.drop_table("log")
    objects_at(url).delete("head.json")
    put_meta(url, version)


def contents(store: LanceStore) -> dict[str, Any]:
    """What a store knows, by what its readers see."""
    items = store.get_items([f"item_{n:04d}" for n in range(1, 7)])
    return {
        "items": {i: (s.item.content, s.state, s.vector is None) for i, s in items.items()},
        "recalls": [(r.record.id, r.record.facts, r.vector is None) for r in store.recalls()],
        "outcomes": [(o.record.id, o.record.outcome) for o in store.outcomes()],
        "events": [(e.kind, e.item_id) for e in store.events()],
    }


@pytest.mark.parametrize("version", [1, 3])
def test_it_is_followed_as_it_is_and_becomes_a_log_when_its_next_writer_comes(
    tmp_path: Path, shared_url: str, version: int
) -> None:
    written(shared_url, tmp_path / "first")
    before = sorted(line["seq"] for line in lines(shared_url))
    known = opened(tmp_path / "first", shared_url)
    said = contents(known)
    known.close()
    age(shared_url, version)
    follows = opened(tmp_path / "follower", shared_url, follow=True)
    assert contents(follows) == said
    follows.close()
    assert "log" not in names(shared_url)
    writer = opened(tmp_path / "second", shared_url)
    assert contents(writer) == said
    assert sorted(line["seq"] for line in lines(shared_url)) == before
    writer.add_outcome(outcome(9))
    settled(writer)
    writer.close()
    assert names(shared_url) == ["log"]
    known_now = SharedMeta(objects_at(shared_url)).read()
    assert known_now is not None
    assert known_now.schema_version == VERSION
    back = opened(tmp_path / "first", shared_url)  # its copy stays: no record is copied anew
    assert contents(back)["outcomes"] == [*said["outcomes"], ("out_0009", "success")]
    back.close()


def test_a_follower_of_an_earlier_writer_takes_what_that_one_appends(
    tmp_path: Path, bucket_url: str
) -> None:
    """Items first, then recalls, outcomes last, as earlier writers did: not by their places."""
    written(bucket_url, tmp_path / "first")
    age(bucket_url, 3)
    follows = opened(tmp_path / "follower", bucket_url, follow=True)
    place = lance_at(bucket_url)
    top = max(row["seq"] for row in place.open_table("items").search().to_arrow().to_pylist())

    def append(seq: int, stored: Any, name: Any) -> None:
        row = CODECS[name].table_of([entry_of(seq, name, stored)], EMBEDDER.dimension)
        place.open_table(name).add(row)
        objects_at(bucket_url).put("head.json", json.dumps({"beat": seq}).encode())

    append(top + 9, item(9), "items")
    until(lambda: "item_0009" in follows.get_items(["item_0009"]))
    append(top + 5, outcome(8), "outcomes")
    until(lambda: "out_0008" in [o.record.id for o in follows.outcomes()])
    follows.close()


def test_a_follower_that_sees_a_newer_writer_come_is_opened_anew(
    tmp_path: Path, bucket_url: str
) -> None:
    written(bucket_url, tmp_path / "first")
    age(bucket_url, 3)
    told: list[str] = []
    follows = opened(tmp_path / "follower", bucket_url, follow=True, lost=told.append)
    writer = opened(tmp_path / "first", bucket_url)
    until(lambda: told)
    assert "newer lessonbank" in told[0]
    follows.close()
    again = opened(tmp_path / "follower", bucket_url, follow=True)
    assert contents(again) == contents(writer)
    again.close()
    writer.close()


class Cut(BaseException):
    """The process ends here."""


def ends(step: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    def ending(*args: Any, **more: Any) -> Any:
        if not before:
            step(*args, **more)
        raise Cut

    return ending


STEPS = [(SharedLog, "create"), (SharedLog, "add"), (SharedMeta, "write"), (SharedLog, "drop")]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_cut_off_anywhere_it_begins_again_and_nothing_is_lost_or_doubled(
    tmp_path: Path,
    bucket_url: str,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[type, str],
    before: bool,
) -> None:
    owner, name = step
    monkeypatch.setattr(candidate, "ALIVE", 0)
    written(bucket_url, tmp_path / "first")
    wanted = sorted((line["seq"], line["name"], line["id"]) for line in lines(bucket_url))
    age(bucket_url, 3)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, ends(getattr(owner, name), before=before))
        with pytest.raises(Cut):
            LanceStore.open(tmp_path / "second", sharing=Sharing(bucket_url))
    free(bucket_url)
    third = opened(tmp_path / "third", bucket_url)
    third.close()
    found = sorted((line["seq"], line["name"], line["id"]) for line in lines(bucket_url))
    assert found == wanted
    assert names(bucket_url) == ["log"]


def free(url: str) -> None:
    """Let the lease of a process that ended be as if it had run out."""
    objects_at(url).delete("lease.json")


def test_a_store_of_a_later_version_is_refused(tmp_path: Path, bucket_url: str) -> None:
    written(bucket_url, tmp_path / "first")
    put_meta(bucket_url, VERSION + 1)
    with pytest.raises(StoreMismatch, match=f"schema version {VERSION + 1}.* up to {VERSION}"):
        LanceStore.open(tmp_path / "first", sharing=Sharing(bucket_url))


def test_a_damaged_line_is_named_and_all_others_come(
    tmp_path: Path, bucket_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    written(bucket_url, tmp_path / "first")
    (seq,) = [row["seq"] for row in rows(bucket_url, "items") if row["id"] == "item_0002"]
    lance_at(bucket_url).open_table("log").update(where=f"seq = {seq}", values={"crc": 1})
    told: list[str] = []
    other = opened(tmp_path / "other", bucket_url, follow=True, lost=told.append)
    assert f"record {seq} of items is damaged" in caplog.text
    found = contents(other)
    assert sorted(found["items"]) == [f"item_{n:04d}" for n in (1, 3, 4, 5, 6)]
    assert len(found["outcomes"]) == 5
    assert told == []
    other.close()
