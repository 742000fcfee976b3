"""What breaks between a machine and its bucket, and what must not: answers, records, order."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.ports import SharedState
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import line_of
from memory_core.store.meta import Meta
from memory_core.store.remote import candidate, inbox, lease, session, uploading
from memory_core.store.remote.bucket import SharedLog, table_of
from memory_core.store.remote.bucket_objects import BucketObjects
from memory_core.store.remote.objects import LEASE
from memory_core.store.remote.shared_meta import SharedMeta
from memory_core.store.remote.sharing import Sharing
from memory_core.store.remote.uploading import Uploader
from memory_core.store.schema import entry_of
from tests.memory_core.hash_embedder import HashEmbedder
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
)
from tests.memory_core.store.making import waiting as waiting_item
from tests.memory_core.store.remote.bucket import lance_at, rows, until, variables
from tests.memory_core.store.remote.machines import in_bucket
from tests.memory_core.store.remote.proxy import Proxy
from tests.patience import PATIENCE

NEVER = 10_000.0


def opened(folder: Path, url: str, lost: Callable[[str], None] = lambda _: None) -> LanceStore:
    store = LanceStore.open(folder, sharing=Sharing(url, lost=lost))
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    store.listen()
    return store


def session_of(store: LanceStore) -> session.Session:
    assert isinstance(store._shared, session.Session)
    return store._shared


def uploader_of(store: LanceStore) -> Uploader:
    found = session_of(store)._uploader
    assert found is not None
    return found


def quiet(store: LanceStore) -> None:
    """End the threads that upload and renew."""
    one = session_of(store)
    one._stopped.set()
    one._wake.set()
    for thread in one._threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), f"{thread.name} does not end"


def killed(store: LanceStore) -> None:
    """Drop a store as a killed process does: nothing is uploaded, the lease is not let go."""
    quiet(store)
    abandon(store)


def freed(store: LanceStore) -> None:
    """Let the lease of a killed process be as if it had run out."""
    one = session_of(store)
    gone = lease.Claim("", one.lease.epoch, released=True)
    one.objects.put(LEASE, gone.content())


def write(store: LanceStore, number: int) -> None:
    store.add_items([item(number)])
    store.add_recall(recall(number), durable=True)
    store.add_outcome(outcome(number))
    store.add_event(event(number, "retire", number))


def records(*numbers: int) -> set[str]:
    return {f"{word} {n}" for n in numbers for word in ("item", "recall", "outcome", "event")}


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is uploaded but by a step that the test makes."""
    monkeypatch.setattr(uploading, "SECONDS", NEVER)


@pytest.fixture
def way(s3_port: int, bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A way to the bucket that can be cut."""
    with Proxy(s3_port).running() as proxy:
        for name, value in variables(proxy.port).items():
            monkeypatch.setenv(name, value)
        yield proxy


# -- a bucket that does not answer


def test_without_the_bucket_records_are_taken_and_searched_and_go_there_later(
    tmp_path: Path, bucket_url: str, way: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "RETRY_SECONDS", (0.05, 0.1))
    monkeypatch.setattr(lease, "LENGTH", 2.0)  # it ends, and nobody takes it
    store = opened(tmp_path / "store", bucket_url)
    write(store, 1)
    until(lambda: session_of(store).waiting() == 0)
    way.cut(off=True)
    for number in range(2, 12):
        write(store, number)
    until(lambda: not session_of(store).lease.held())
    store.add_items([item(77, "zebra crossing")])
    assert [c.stored.item.id for c in store.search([probe("zebra")], P, 1)] == ["item_0077"]
    assert session_of(store).waiting() == 41
    away = store.sizes().shared
    assert away is not None
    assert (away.role, away.waiting) == ("writer", 41)
    assert away.behind > lease.LENGTH / 2
    way.cut(off=False)
    until(lambda: session_of(store).waiting() == 0)
    assert store.sizes().shared == SharedState("writer", 0, 0.0)
    assert not session_of(store).lease.lost
    assert set(in_bucket(bucket_url)) == records(*range(1, 12)) | {"item 77"}
    assert "item_0005" in {row["item_id"] for row in rows(bucket_url, "events")}
    store.close()


def test_when_too_much_waits_nothing_new_is_taken_until_the_bucket_answers(
    tmp_path: Path, bucket_url: str, way: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "RETRY_SECONDS", (0.05, 0.1))
    monkeypatch.setattr(uploading, "BACKLOG", 10)
    store = opened(tmp_path / "store", bucket_url)
    way.cut(off=True)
    store.add_items([item(n) for n in range(10)])
    with pytest.raises(StoreUnavailable, match=r"10 records wait for s3://.*nothing new is"):
        store.add_outcome(outcome(1))
    assert len(list(store.scan_items(EVERYTHING))) == 10
    way.cut(off=False)
    until(lambda: session_of(store).waiting() == 0)
    store.add_outcome(outcome(1))
    store.close()
    assert in_bucket(bucket_url).total() == 11


def test_a_bucket_that_cannot_be_reached_at_the_start_is_told(
    tmp_path: Path, bucket_url: str, way: Proxy
) -> None:
    way.cut(off=True)
    with pytest.raises(StoreUnavailable, match=r"bucket of s3://.* cannot be reached"):
        LanceStore.open(tmp_path / "store", sharing=Sharing(bucket_url))


def test_a_bucket_that_does_not_exist_is_told(tmp_path: Path, bucket_url: str) -> None:
    with pytest.raises(StoreUnavailable, match="There is no bucket"):
        LanceStore.open(tmp_path / "store", sharing=Sharing("s3://nobody-made-this/prefix"))


def test_a_warm_search_asks_the_bucket_for_nothing(
    tmp_path: Path, bucket_url: str, way: Proxy
) -> None:
    store = opened(tmp_path / "store", bucket_url)
    store.add_items([item(n) for n in range(60)])
    quiet(store)
    before = way.total()
    for number in range(20):
        assert store.search([probe(f"content number{number}")], P, 5)
        write(store, 100 + number)
    assert way.total() == before
    store.close()


# -- a machine that is gone in the middle


class Killed(BaseException):
    """The process ends here."""


def steps_counted(monkeypatch: pytest.MonkeyPatch, stop_at: int) -> list[str]:
    """Let the process end before or after the n-th step that changes the bucket."""
    seen: list[str] = []

    def come(where: str) -> None:
        seen.append(where)
        if len(seen) == stop_at:
            raise Killed(where)

    def wrapped(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            come(f"before {name}")
            answer = original(*args, **kwargs)
            come(f"after {name}")
            return answer

        monkeypatch.setattr(owner, name, step)

    for owner, name in (
        (SharedLog, "add"),
        (SharedLog, "replace"),
        (BucketObjects, "put"),
        (SharedMeta, "write"),
    ):
        wrapped(owner, name)
    return seen


def test_killed_between_any_two_steps_of_an_upload_nothing_is_lost_or_doubled(
    tmp_path: Path, bucket_url: str, by_hand: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidate, "ALIVE", 0)  # who finds the lease held gives up at once
    stopped = []
    for number in range(1, 40):
        url = f"{bucket_url}-{number}"
        store = LanceStore.open(tmp_path / str(number), sharing=Sharing(url))
        store.add_items([waiting_item(2)])
        uploader_of(store).step()
        store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        store.embed_waiting(EMBEDDER)
        write(store, 1)
        with monkeypatch.context() as patch:
            seen = steps_counted(patch, number)
            try:
                uploader_of(store).step()
            except Killed as where:
                stopped.append(str(where))
        killed(store)
        if number % 2:
            freed(store)
            taken_over_by_another(tmp_path / f"other-{number}", store.path, url)
        else:
            LanceStore.open(store.path, sharing=Sharing(url)).close()
        assert in_bucket(url) == dict.fromkeys(records(1) | {"item 2"}, 1)
        if len(seen) < number:
            break
    wanted = {"before add", "after add", "before replace", "after replace"}
    assert wanted | {"after put", "before write", "after write"} <= set(stopped)
    assert len(stopped) >= 8


def taken_over_by_another(other: Path, folder: Path, url: str) -> None:
    """Open it on another machine, then bring what the first one has there."""
    store = LanceStore.open(other, sharing=Sharing(url))
    with pytest.raises(StoreUnavailable, match="Another process"):
        LanceStore.open(folder, sharing=Sharing(url))
    session_of(store).listen(store._adopt_all)
    session_of(store)._look_in()
    store.close()


def test_a_machine_that_comes_back_to_wait_brings_what_it_had_at_once(
    tmp_path: Path,
    bucket_url: str,
    way: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(candidate, "ALIVE", 0)
    first = opened(tmp_path / "first", bucket_url)
    quiet(first)
    write(first, 1)
    abandon(first)
    freed(first)
    second = opened(tmp_path / "second", bucket_url)
    waiting: list[LanceStore] = []
    thread = threading.Thread(
        target=lambda: waiting.append(
            LanceStore.open(tmp_path / "first", sharing=Sharing(bucket_url, standby=True))
        ),
        daemon=True,
    )
    thread.start()
    way.cut(off=True)
    until(lambda: "still waiting" in caplog.text)
    way.cut(off=False)
    until(lambda: in_bucket(bucket_url) == dict.fromkeys(records(1), 1))
    assert waiting == []
    write(second, 2)
    second.close()
    thread.join(PATIENCE)
    assert [o.record.id for o in waiting[0].outcomes()] == ["out_0001", "out_0002"]
    waiting[0].close()
    assert in_bucket(bucket_url) == dict.fromkeys(records(1, 2), 1)


def test_items_that_got_their_vectors_late_have_them_in_the_bucket(
    tmp_path: Path, bucket_url: str
) -> None:
    store = LanceStore.open(tmp_path / "store", sharing=Sharing(bucket_url))
    store.add_items([waiting_item(1), waiting_item(2, task="t")])
    until(lambda: session_of(store).waiting() == 0)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    store.embed_waiting(EMBEDDER)
    until(lambda: session_of(store).waiting() == 0)
    found = rows(bucket_url, "items")
    assert [r["id"] for r in found] == ["item_0001", "item_0002"]
    assert [r["first"] is None for r in found] == [False, False]
    assert [r["second"] is None for r in found] == [True, False]
    store.close()


# -- another model


def reembedded(folder: Path, url: str) -> LanceStore:
    """A store with new vectors for records that the bucket has with the old ones."""
    store = opened(folder, url)
    quiet(store)
    write(store, 1)
    uploader_of(store).step()
    store.reembed(HashEmbedder(24, "other"))
    return store


def test_a_writer_that_slept_while_it_uploaded_new_vectors_names_no_tables_that_are_gone(
    tmp_path: Path, bucket_url: str, by_hand: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sleeps between its last look at the lease and the meta; another one takes over."""
    first = reembedded(tmp_path / "first", bucket_url)
    write_meta = SharedMeta.write
    seconds: list[LanceStore] = []

    def slept(shared: SharedMeta, meta: Meta) -> None:
        if shared is session_of(first).joining.shared:
            freed(first)
            seconds.append(LanceStore.open(tmp_path / "second", sharing=Sharing(bucket_url)))
        write_meta(shared, meta)

    with monkeypatch.context() as patch:
        patch.setattr(SharedMeta, "write", slept)
        with pytest.raises(StoreUnavailable, match=r"changed .*meta\.json"):
            uploader_of(first).step()
    abandon(first)
    second = seconds[0]
    write(second, 2)
    assert uploader_of(second).step()
    second.close()
    assert in_bucket(bucket_url) == dict.fromkeys(records(1, 2), 1)
    third = opened(tmp_path / "third", bucket_url)
    assert len(third.get_items(["item_0001", "item_0002"])) == 2
    third.close()


def test_what_was_taken_while_new_vectors_go_there_is_owed_after_a_crash(
    tmp_path: Path, bucket_url: str, by_hand: None
) -> None:
    store = reembedded(tmp_path / "store", bucket_url)
    store.add_items([waiting_item(2)])
    store.add_event(event(2, "retire", 2))
    abandon(store)
    again = LanceStore.open(tmp_path / "store", sharing=Sharing(bucket_url))
    assert session_of(again).waiting() > 0
    assert uploader_of(again).step()
    assert session_of(again).waiting() == 0
    assert sorted(r["id"] for r in rows(bucket_url, "items", 2)) == ["item_0001", "item_0002"]
    assert len(rows(bucket_url, "events", 2)) == 2
    again.close()


# -- rows that land too late


def test_rows_that_a_former_writer_lands_too_late_are_taken_in_once(
    tmp_path: Path, bucket_url: str
) -> None:
    first = opened(tmp_path / "first", bucket_url)
    write(first, 1)
    until(lambda: session_of(first).waiting() == 0)
    killed(first)
    second = opened(tmp_path / "second", bucket_url)
    write(second, 2)
    until(lambda: session_of(second).waiting() == 0)
    table: Any = lance_at(bucket_url).open_table("log")
    table.add(table_of([line_of(entry_of((1 << 40) + 50, "outcomes", outcome(5)))]))
    write(second, 3)
    until(lambda: "outcome 5" in {f"outcome {int(o.record.id[4:])}" for o in second.outcomes()})
    until(lambda: session_of(second).waiting() == 0)
    live = [o.record.id for o in second.outcomes()]
    until(lambda: [r["id"] for r in rows(bucket_url, "outcomes")] == live)
    second.close()
    third = opened(tmp_path / "third", bucket_url)
    assert [o.record.id for o in third.outcomes()] == live
    third.close()


def test_an_idle_writer_notices_rows_that_are_not_its_own(
    tmp_path: Path, shared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SWEEP_SECONDS", 0.1)
    store = opened(tmp_path / "store", shared_url)
    write(store, 1)
    until(lambda: session_of(store).waiting() == 0)
    table: Any = lance_at(shared_url).open_table("log")
    own = rows(shared_url, "outcomes")[0]["seq"]
    table.add(table_of([line_of(entry_of(own, "outcomes", outcome(1)))]))
    twice = [entry_of(7, "outcomes", outcome(1)), entry_of(8, "outcomes", outcome(5))]
    table.add(table_of([line_of(each) for each in twice]))
    until(lambda: in_bucket(shared_url) == dict.fromkeys(records(1) | {"outcome 5"}, 1))
    assert [o.record.id for o in store.outcomes()] == ["out_0001", "out_0005"]
    store.close()


def test_a_record_that_makes_no_sense_stays_in_the_inbox_and_stops_no_other(
    tmp_path: Path, bucket_url: str
) -> None:
    store = opened(tmp_path / "store", bucket_url)
    objects = session_of(store).objects
    (name, content), *_ = inbox.packed([entry_of(1, "outcomes", outcome(5))])
    objects.put(f"{inbox.FOLDER}/damaged.jsonl", content + b"\n{no record}\n" + content)
    objects.put(name, content)
    until(lambda: objects.names(inbox.FOLDER) == [f"{inbox.FOLDER}/damaged.jsonl"])
    assert [o.record.id for o in store.outcomes()] == ["out_0005"]
    store.close()


def test_a_writer_that_lost_the_lease_takes_nothing_new_and_names_the_other(
    tmp_path: Path, bucket_url: str
) -> None:
    told: list[str] = []
    heard = threading.Event()

    def lost(why: str) -> None:
        told.append(why)
        heard.set()

    store = opened(tmp_path / "store", bucket_url, lost)
    found = session_of(store).objects.get("lease.json")
    assert found is not None
    taken = lease.Claim("somebody", 9, "machine nine, pid 9").content()

    def lost_by_now() -> bool:  # a renewal under way may come in between
        if not heard.is_set():
            session_of(store).objects.put("lease.json", taken)
        return heard.is_set()

    until(lost_by_now)
    with pytest.raises(StoreUnavailable, match="machine nine, pid 9"):
        store.add_items([item(1)])
    assert told == [session_of(store)._candidate.busy()]
    store.close()


# -- folders and buckets that do not belong together


def test_a_working_folder_is_of_one_bucket(tmp_path: Path, bucket_url: str) -> None:
    opened(tmp_path / "store", bucket_url).close()
    with pytest.raises(StoreUnavailable, match="working copy of"):
        LanceStore.open(tmp_path / "store", sharing=Sharing(f"{bucket_url}-other"))
    with pytest.raises(StoreUnavailable, match="Set LESSONBANK_STORE=s3://"):
        LanceStore.open(tmp_path / "store")


def test_a_copy_of_a_working_folder_becomes_a_store_of_its_own_and_moves_to_another_bucket(
    tmp_path: Path, bucket_url: str, by_hand: None
) -> None:
    store = opened(tmp_path / "store", bucket_url)
    quiet(store)
    write(store, 1)
    uploader_of(store).step()
    write(store, 2)  # acknowledged, and only here
    abandon(store)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    with pytest.raises(StoreUnavailable, match=r"without remote\.json"):
        LanceStore.open(tmp_path / "copy")
    (tmp_path / "copy" / "remote.json").unlink()
    alone = LanceStore.open(tmp_path / "copy")
    assert [o.record.id for o in alone.outcomes()] == ["out_0001", "out_0002"]
    alone.close()
    opened(tmp_path / "copy", f"{bucket_url}-new").close()
    assert in_bucket(f"{bucket_url}-new") == dict.fromkeys(records(1, 2), 1)


def test_a_local_store_is_moved_to_an_empty_bucket_and_to_no_other(
    tmp_path: Path, bucket_url: str
) -> None:
    local = LanceStore.open(tmp_path / "store")
    local.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    write(local, 1)
    local.close()
    opened(tmp_path / "another", f"{bucket_url}-taken").close()
    with pytest.raises(StoreUnavailable, match="holds a store and"):
        LanceStore.open(tmp_path / "store", sharing=Sharing(f"{bucket_url}-taken"))
    opened(tmp_path / "store", bucket_url).close()
    assert in_bucket(bucket_url) == dict.fromkeys(records(1), 1)
