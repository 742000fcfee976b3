"""A follower has what the writer wrote, in the same order, and writes no table itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import Line, line_of
from memory_core.store.remote import follower, uploading
from memory_core.store.remote.bucket import SharedLog, table_of
from memory_core.store.remote.sharing import Sharing
from memory_core.store.schema import entry_of
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.store.making import (
    EMBEDDER,
    P,
    event,
    item,
    outcome,
    probe,
    recall,
    same,
    waiting,
)
from tests.memory_core.store.remote.bucket import lance_at, rows, until, variables
from tests.memory_core.store.remote.proxy import Proxy

Opener = Callable[..., LanceStore]


@pytest.fixture
def opened(tmp_path: Path, bucket_url: str) -> Iterator[Opener]:
    """Open the writer or followers of one bucket; all are closed at the end."""
    stores: list[LanceStore] = []

    def open_(name: str, *, follow: bool = False, **more: Any) -> LanceStore:
        sharing = Sharing(bucket_url, follow=follow, **more)
        store = LanceStore.open(tmp_path / name, sharing=sharing)
        stores.append(store)
        store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        store.listen()
        return store

    yield open_
    for store in reversed(stores):
        store.close()


def settled(store: LanceStore) -> None:
    assert store._shared is not None
    until(lambda: store._shared is not None and store._shared.state().waiting == 0)


def logged(store: LanceStore, recalls: int) -> bool:
    return len(list(store.recalls())) == recalls


def outcomes(store: LanceStore) -> list[str]:
    return [stored.record.id for stored in store.outcomes()]


def test_what_the_writer_writes_comes_whole_and_in_order(opened: Opener) -> None:
    writer = opened("writer")
    writer.add_items([item(n, f"alpha {n}", task="t") for n in range(30)])
    settled(writer)
    follows = opened("follower", follow=True)
    assert len(list(follows.scan_items(P))) == 30
    for number in range(5):
        writer.add_recall(recall(number), durable=True)
        writer.add_outcome(outcome(number, failed=number == 2))
        writer.add_event(event(number, "retire", number))
    writer.add_items([item(77, "zebra crossing")])
    until(lambda: len(outcomes(follows)) == 5 and len(list(follows.events())) == 5)
    until(lambda: "item_0077" in follows.get_items(["item_0077"]))
    assert outcomes(follows) == outcomes(writer)
    assert all(
        same(one, other) for one, other in zip(writer.recalls(), follows.recalls(), strict=True)
    )
    asked = [probe("zebra alpha")]
    mine, theirs = writer.search(asked, P, 10), follows.search(asked, P, 10)
    assert [(c.stored.item.id, c.fused) for c in mine] == [
        (c.stored.item.id, c.fused) for c in theirs
    ]
    assert follows.get_items(["item_0003"])["item_0003"].state == "retired"


def test_a_follower_refuses_what_would_be_written_and_names_the_writer(opened: Opener) -> None:
    writer = opened("writer")
    settled(writer)
    follows = opened("follower", follow=True)
    refused = r"only follows s3://.*Write where .*pid \d+"
    with pytest.raises(StoreUnavailable, match=refused):
        follows.add_items([item(1)])
    with pytest.raises(StoreUnavailable, match=refused):
        follows.add_outcome(outcome(1))
    with pytest.raises(StoreUnavailable, match=refused):
        follows.add_event(event(1, "retire", 1))
    with pytest.raises(StoreUnavailable, match=refused):
        follows.bind_embedder("other", 4)
    with pytest.raises(StoreUnavailable, match=refused):
        follows.reembed(HashEmbedder(24, "other"))


def test_a_recall_that_a_follower_served_reaches_the_log_of_all(opened: Opener) -> None:
    writer = opened("writer")
    settled(writer)
    one, other = opened("one", follow=True), opened("other", follow=True)
    one.add_recall(recall(5))
    assert one.get_recall("recall_0005") is not None
    for store in (writer, one, other):
        until(partial(logged, store, 1))
        assert store.get_recall("recall_0005") is not None


def test_there_must_be_a_store_to_follow(
    tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PATIENCE", 0.0)
    with pytest.raises(StoreUnavailable, match=r"There is no store at s3://.*Start its writer"):
        LanceStore.open(tmp_path / "follower", sharing=Sharing(bucket_url, follow=True))


def test_another_writer_is_followed_without_a_break(opened: Opener) -> None:
    first = opened("first")
    first.add_outcome(outcome(1))
    settled(first)
    follows = opened("follower", follow=True)
    first.close()
    second = opened("second")
    second.add_outcome(outcome(2))
    until(lambda: outcomes(follows) == ["out_0001", "out_0002"])


def behind(store: LanceStore) -> float:
    """Seconds by which a follower may be behind."""
    shared = store.sizes().shared
    assert shared is not None
    assert shared.role == "follower"
    return shared.behind


def test_without_the_bucket_a_follower_answers_and_catches_up_later(
    opened: Opener, s3_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "RETRY_SECONDS", (0.05, 0.1))
    writer = opened("writer")
    writer.add_items([item(1, "zebra crossing"), item(2, "alpha")])
    settled(writer)
    with Proxy(s3_port).running() as way:
        with monkeypatch.context() as patch:
            for name, value in variables(way.port).items():
                patch.setenv(name, value)
            follows = opened("follower", follow=True)
        way.cut(off=True)
        writer.add_items([item(3, "zebra zoo")])
        settled(writer)
        found = follows.search([probe("zebra")], P, 1)
        assert [candidate.stored.item.id for candidate in found] == ["item_0001"]
        follows.add_recall(recall(1))
        until(lambda: behind(follows) > 1.0)
        way.cut(off=False)
        until(lambda: "item_0003" in follows.get_items(["item_0003"]))
        until(lambda: behind(follows) < 1.0)
        until(partial(logged, writer, 1))
        follows.close()


def test_a_pull_that_fails_half_way_takes_everything_the_next_time(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "ANYWAY_SECONDS", 10_000.0)
    writer = opened("writer")
    writer.add_items([item(1)])
    settled(writer)
    follows = opened("follower", follow=True)
    one = follows._shared
    assert isinstance(one, follower.Follower)
    one._stopped.set()
    assert one._thread is not None
    one._thread.join()
    writer.add_outcome(outcome(1))
    writer.add_items([item(2)])
    settled(writer)
    read = SharedLog.lines

    def cut(log: SharedLog, where: str) -> Iterator[list[Line]]:
        for some in read(log, where):
            yield some[:1]
            raise OSError("the connection broke")

    with monkeypatch.context() as patch:
        patch.setattr(SharedLog, "lines", cut)
        with pytest.raises(OSError, match="broke"):
            one.pull()
    assert outcomes(follows) == []
    one.pull()
    assert len(outcomes(follows)) == 1
    assert "item_0002" in follows.get_items(["item_0002"])


def test_too_many_recalls_that_nobody_takes_in_are_refused(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = opened("writer")
    writer.add_outcome(outcome(1))
    settled(writer)
    follows = opened("follower", follow=True)
    writer.close()
    monkeypatch.setattr(uploading, "BACKLOG", 2)
    follows.add_recall(recall(1))
    follows.add_recall(recall(2))
    with pytest.raises(StoreUnavailable, match="2 recalls wait until a writer"):
        follows.add_recall(recall(3))


def test_a_follower_may_become_the_writer_of_its_folder_and_back(opened: Opener) -> None:
    first = opened("one")
    first.add_outcome(outcome(1))
    first.close()
    follows = opened("two", follow=True)
    follows.close()
    second = opened("two")
    second.add_outcome(outcome(2))
    second.close()
    assert outcomes(opened("two", follow=True)) == ["out_0001", "out_0002"]


def test_new_vectors_for_another_model_are_told_so_that_the_copy_is_opened_anew(
    opened: Opener,
) -> None:
    told = threading.Event()
    writer = opened("writer")
    writer.add_items([item(1), waiting(2)])
    settled(writer)
    opened("follower", follow=True, lost=lambda _: told.set())
    writer.reembed(HashEmbedder(24, "other"))
    until(told.is_set)


def test_a_copy_with_other_rows_than_the_bucket_is_told(
    opened: Opener, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "ANYWAY_SECONDS", 0.0)
    told: list[str] = []
    writer = opened("writer")
    for number in range(4):
        writer.add_outcome(outcome(number))
    settled(writer)
    opened("follower", follow=True, lost=told.append)
    table: Any = lance_at(bucket_url).open_table("log")
    table.add(table_of([line_of(entry_of(1, "outcomes", outcome(9)))]))
    until(lambda: told)
    assert "read anew" in told[0]
    assert len(rows(bucket_url, "outcomes")) == 5
