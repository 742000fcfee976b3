"""The lean clients and the long run against a real door."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import anyio.to_thread
import pytest

from benchmarks import endurance, replicas
from benchmarks.doors.__main__ import Found, ratios, table, worked
from benchmarks.doors.__main__ import Size as Doors
from benchmarks.doors.clients import CallFailedError, HttpClient
from benchmarks.doors.serving import TOKEN, Served
from benchmarks.hosts.stage import until
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
        work = endurance.Work(3.0, 40)  # however long they take: seed 2 calls every tool in 40
        await endurance.client(server.url, work, 2)
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


async def test_replicas_are_called_by_turns_and_compared(tmp_path: Path) -> None:
    with Server(tmp_path / "one", LESSONBANK_TOKEN=TOKEN) as server:
        one = Served(server.url, server.process.pid)
        await anyio.to_thread.run_sync(until, partial(replicas.is_ready, one), "the server")
        work = replicas.Work(time.perf_counter())
        await replicas.client((one, one), 1, work)
        assert not work.failed
        assert work.reports == len(work.laps["report_outcome"]) > 0
        assert len(await replicas.told(one)) == replicas.ASKED
    nobody = replicas.Work(time.perf_counter())
    await replicas.client((one,), 1, nobody)
    assert nobody.failed
    assert not await anyio.to_thread.run_sync(replicas.is_ready, one)
    timed, processes = replicas.tables(work, 1.0, 2.0, [100.0, 300.0])
    assert [row[1] for row in timed.rows] == [len(laps) for laps in work.laps.values()]
    assert processes.rows == ((2, 2.0, 200.0, work.reports),)
