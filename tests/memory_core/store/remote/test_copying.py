"""What crosses between a machine's log and the shared one is the same on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import FILE, RECORD, Line, Log
from memory_core.store.remote import uploading
from memory_core.store.remote.session import Session
from memory_core.store.remote.sharing import Sharing
from memory_core.store.remote.uploading import Uploader
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.store.making import EMBEDDER, event, item, outcome, recall, waiting
from tests.memory_core.store.remote.bucket import lance_at, lines, until

OTHER = HashEmbedder(24, "other")
NEVER = 10_000.0
FIRST = len(RECORD)
"""Where a line has its first vector."""
WRITTEN = {"items": 4, "recalls": 2, "outcomes": 2, "events": 3}


def opened(folder: Path, url: str, **more: Any) -> LanceStore:
    store = LanceStore.open(folder, sharing=Sharing(url, **more))
    store.listen()
    return store


def settled(store: LanceStore) -> None:
    def nothing_waits() -> bool:
        assert store._shared is not None
        return store._shared.state().waiting == 0

    until(nothing_waits)


def lines_of(store: LanceStore) -> list[Line]:
    """All lines of a store's log."""
    log = store._writer.log
    return log.lines(list(log.places()))


def lines_there(url: str, generation: int = 1) -> list[Line]:
    """All lines of the shared log, by their place."""
    return [tuple(line.values()) for line in lines(url, generation)]


def written(store: LanceStore) -> None:
    """Two of each kind, an item that waits for a model, a state that went and came back."""
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    for number in (1, 2):
        store.add_items([item(number, task="t" * (number - 1), tags=("a", "b"))])
        store.add_recall(recall(number), durable=True)
        store.add_outcome(outcome(number, failed=number == 2))
        store.add_event(event(number, "retire", number))
    store.add_event(event(3, "restore", 2))
    store.add_items([waiting(3), item(4, state="archived")])


@pytest.mark.parametrize("follow", [False, True])
def test_every_row_is_the_same_here_there_and_on_another_machine(
    tmp_path: Path, shared_url: str, follow: bool
) -> None:
    first = opened(tmp_path / "first", shared_url)
    written(first)
    settled(first)
    here = lines_of(first)
    if not follow:
        first.close()
    copy = opened(tmp_path / "copy", shared_url, follow=follow)
    assert lines_of(copy) == here == lines_there(shared_url)
    assert Counter(line[1] for line in lines_of(copy)) == WRITTEN
    copy.close()
    first.close()
    again = opened(tmp_path / "copy", shared_url)
    found = again.get_items([f"item_{number:04d}" for number in (1, 2, 3, 4)])
    assert [each.state for each in found.values()] == ["retired", "active", "active", "archived"]
    assert again.count_waiting() == 1
    again.close()


def test_a_copy_of_another_model_is_read_anew_once_and_what_only_it_had_comes_back(
    tmp_path: Path, bucket_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = opened(tmp_path / "first", bucket_url)
    written(first)
    settled(first)
    first.close()
    second = opened(tmp_path / "second", bucket_url)
    second.reembed(OTHER)
    second.close()
    alone = tmp_path / "first"
    (alone / "remote.json").rename(tmp_path / "remote.json")  # the bucket is not there meanwhile
    apart = LanceStore.open(alone)
    apart.add_outcome(outcome(5, failed=True))
    apart.close()
    (tmp_path / "remote.json").rename(alone / "remote.json")
    with caplog.at_level("INFO"):
        back = opened(alone, bucket_url)
    assert "1 records brought to the inbox" in caplog.text
    assert back.embedder_name == OTHER.name
    until(lambda: len(list(back.outcomes())) == 3)
    found = back.get_items(["item_0001"])["item_0001"].vector
    assert found is not None
    assert len(found) == OTHER.dimension
    assert back._writer.log.generations() == [2]
    settled(back)
    back.close()
    caplog.clear()
    with caplog.at_level("INFO"):
        last = opened(alone, bucket_url)
    assert "rows copied" not in caplog.text
    assert [o.record.id for o in last.outcomes()] == ["out_0001", "out_0002", "out_0005"]
    last.close()


def test_rows_that_were_read_while_the_model_changed_go_there_with_its_vectors(
    tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "SECONDS", NEVER)
    store = opened(tmp_path / "store", bucket_url)
    written(store)
    assert isinstance(store._shared, Session)
    uploader = store._shared._uploader
    assert uploader is not None
    read = Log.lines

    def changed(log: Log, seqs: Sequence[int]) -> list[Line]:
        monkeypatch.setattr(Log, "lines", read)
        store.reembed(OTHER)
        return read(log, seqs)

    monkeypatch.setattr(Log, "lines", changed)
    with pytest.raises(StoreUnavailable, match="vectors have changed"):
        uploader.step()
    assert uploader.step()
    here = lines_of(store)
    assert all(line[FIRST] is not None for line in here if line[1] == "items")
    assert here == lines_there(bucket_url, 2)
    store.close()


def test_a_copy_whose_log_is_destroyed_gets_it_from_the_bucket(
    tmp_path: Path, bucket_url: str
) -> None:
    store = opened(tmp_path / "store", bucket_url)
    written(store)
    settled(store)
    store.close()
    (tmp_path / "store" / FILE).write_bytes(b"this is no database" * 100)
    again = opened(tmp_path / "store", bucket_url)
    assert lines_of(again) == lines_there(bucket_url)
    assert Counter(line[1] for line in lines_of(again)) == WRITTEN
    again.close()


def test_new_vectors_of_a_copy_whose_log_is_destroyed_take_no_record_from_the_bucket(
    tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the bucket alone has is read back before its log gives way to the new one."""
    store = opened(tmp_path / "store", bucket_url)
    written(store)
    settled(store)
    with monkeypatch.context() as patch:
        patch.setattr(Uploader, "step", lambda _: False)
        store.reembed(OTHER)
        store.close()
    (tmp_path / "store" / FILE).write_bytes(b"this is no database" * 100)
    again = opened(tmp_path / "store", bucket_url)
    until(lambda: lance_at(bucket_url).list_tables().tables == ["log_g2"])
    settled(again)
    assert lines_of(again) == lines_there(bucket_url, 2)
    assert Counter(line[1] for line in lines_of(again)) == WRITTEN
    assert again.get_items(["item_0001"])["item_0001"].vector is not None
    again.close()
