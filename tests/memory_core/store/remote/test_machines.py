"""Several machines, one shared store: real processes, a real S3 server, kills and stops.

Against a stand-in for LanceDB's remote service too.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory_core.addresses import is_database
from memory_core.store.lance_store import LanceStore
from memory_core.store.remote.sharing import Sharing
from tests.memory_core.store.remote.bucket import until
from tests.memory_core.store.remote.machines import (
    Machine,
    in_bucket,
    require_nothing_late,
    require_one_writer_at_a_time,
)
from tests.memory_core.store.test_crash import present


@contextmanager
def two_machines(tmp_path: Path, repository: Path, url: str) -> Iterator[tuple[Machine, Machine]]:
    """Two machines that start at once: (the one that writes, the one that waits)."""
    with (
        Machine(repository, tmp_path / "first", url, 1000) as first,
        Machine(repository, tmp_path / "second", url, 2000) as second,
    ):
        until(lambda: first.told("open") or second.told("open"))
        yield (first, second) if first.told("open") else (second, first)


def test_the_writer_is_killed_and_another_machine_takes_over_and_nothing_is_lost(
    tmp_path: Path, repository: Path, shared_url: str
) -> None:
    with two_machines(tmp_path, repository, shared_url) as (one, other):
        one.heard("outcome", 40)
        other.heard("waits")
        assert not other.told("open")
        one.kill()
        other.heard("outcome", 40)
        assert other.told("open") == ["open 2"]
        with Machine(repository, one.folder, shared_url, 3000, "--once") as back:
            back.gone()
            assert len(back.told("waits Another process")) == 1
        said = one.acknowledged() | other.acknowledged()
        until(lambda: said <= set(in_bucket(shared_url)))
        other.stop()
    found = in_bucket(shared_url)
    assert one.acknowledged() | other.acknowledged() <= set(found)
    assert set(found.values()) == {1}
    if not is_database(shared_url):
        require_one_writer_at_a_time(shared_url)
    require_same_log(tmp_path, shared_url)


def require_same_log(tmp_path: Path, url: str) -> None:
    """Check that two new machines get the same log, each record once, in the same order."""
    logs = []
    for name in ("third", "fourth"):
        store = LanceStore.open(tmp_path / name, sharing=Sharing(url))
        assert set(present(store).values()) == {1}
        logs.append([o.record.id for o in store.outcomes()])
        store.close()
    assert logs[0] == logs[1]


def test_a_writer_that_slept_past_its_lease_writes_no_more(
    tmp_path: Path, repository: Path, bucket_url: str
) -> None:
    with two_machines(tmp_path, repository, bucket_url) as (one, other):
        one.heard("outcome", 30)
        one.child.send_signal(signal.SIGSTOP)
        other.heard("outcome", 20)
        one.child.send_signal(signal.SIGCONT)
        one.heard("lost")
        one.gone()
        with Machine(repository, one.folder, bucket_url, 3000, "--once") as back:
            back.gone()
        said = one.acknowledged()
        until(lambda: said <= set(in_bucket(bucket_url)))
        other.stop()
    found = in_bucket(bucket_url)
    assert one.acknowledged() | other.acknowledged() <= set(found)
    assert set(found.values()) == {1}
    require_nothing_late(bucket_url)


def test_a_killed_writer_comes_back_on_its_own_machine_at_once(
    tmp_path: Path, repository: Path, bucket_url: str
) -> None:
    said: set[str] = set()
    for round_number in range(2):
        with Machine(repository, tmp_path / "one", bucket_url, 1000 * round_number) as one:
            one.heard("outcome", 15 + 10 * round_number)
            one.kill()
            said |= one.acknowledged()
    with Machine(repository, tmp_path / "one", bucket_url, 9000) as last:
        last.heard("outcome", 5)
        last.stop()
        said |= last.acknowledged()
    found = in_bucket(bucket_url)
    assert said <= set(found)
    assert set(found.values()) == {1}
    require_one_writer_at_a_time(bucket_url)
