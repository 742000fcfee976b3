"""Hosts of a store in a bucket: one writes, and one that lost the lease makes room for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_core.requests import ListRequest, RememberRequest
from memory_core.store.remote.lease import Claim
from memory_core.store.remote.objects import LEASE
from memory_core.store.remote.reaching import objects_at
from tests.memory_core.store.remote.bucket import rows
from tests.server.host.room import Room, alive, until

pytestmark = pytest.mark.anyio


async def test_a_host_that_lost_the_lease_ends_and_the_next_one_goes_on(
    room: Room, tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONBANK_STORE", bucket_url)
    monkeypatch.setenv("LESSONBANK_WORKDIR", str(room.store))
    room.remote = bucket_url
    memory = room.memory()
    await memory.remember(RememberRequest(title="Close the file", content="Use a with block."))
    first = room.living()
    until(lambda: len(rows(bucket_url, "items")) == 1)
    objects_at(bucket_url).put(
        LEASE, Claim("another", 7, "another machine", released=True).content()
    )
    until(lambda: not alive(first.pid))
    found = await memory.list_lessons(ListRequest())
    assert [one.title for one in found.items] == ["Close the file"]
    second = room.living()
    assert second.pid != first.pid
    log = (room.store / "host" / "host.log").read_text()
    assert "Another process (another machine) writes to" in log
    await memory.aclose()
