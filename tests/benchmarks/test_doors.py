"""The lean clients and the long run against a real door."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks import endurance
from benchmarks.doors.__main__ import Found, ratios, table, worked
from benchmarks.doors.__main__ import Size as Doors
from benchmarks.doors.clients import CallFailedError, HttpClient
from benchmarks.doors.serving import TOKEN
from tests.server.web.served import Server

pytestmark = pytest.mark.anyio


async def test_a_lean_client_works_and_says_what_was_refused(tmp_path: Path) -> None:
    with Server(tmp_path, LESSONBANK_TOKEN=TOKEN) as server:
        client = HttpClient(server.url, TOKEN)
        found = Found("http", 1, seconds=1.0)
        await worked(client, found, 1, time.perf_counter())
        assert {name: len(laps) for name, laps in found.laps.items()} == {
            "recall": 1,
            "report_outcome": 1,
        }
        assert found.per_second == 2.0
        with pytest.raises(CallFailedError, match="item_none"):
            await client.call("forget", {"item_id": "item_none", "reason": "r"})
        await client.close()
        stranger = HttpClient(server.url, "another")
        with pytest.raises(CallFailedError, match="401"):
            await stranger.call("recall", {"task": "t"})
        await stranger.close()


def test_the_ways_are_told_side_by_side() -> None:
    found = [
        Found(way, 8, 2.0, {"recall": [slow, slow], "report_outcome": [slow]})
        for way, slow in (("http", 30.0), ("stdio", 10.0))
    ]
    assert [row[0] for row in table(found, Doors(10, (8,), 2.0)).rows] == [
        "8 over http",
        "8 over stdio",
    ]
    assert ratios(found).rows == ((8, 1.0, 3.0, 3.0),)


async def test_the_long_run_calls_every_tool_and_counts_what_failed(tmp_path: Path) -> None:
    with Server(tmp_path, LESSONBANK_TOKEN=TOKEN) as server:
        work = endurance.Work(3.0, 0)
        await endurance.client(server.url, work, 1)
        assert not work.failed
        assert all(work.laps.values()), "every tool was called"
        pid = server.process.pid
        sample = endurance.looked(server.store, pid, pid, work)
        assert sample.files > 3
        assert sample.host > 10
    gone = endurance.Work(3.0, 5)
    await endurance.client(server.url, gone, 1)
    assert sum(gone.failed.values()) == gone.calls == 5
    first, second = endurance.tables(work, [sample], 3.0)
    assert first.rows[0][1] == work.calls
    assert "failed: none" in second.note
