"""Connections that ask nothing, and answers that nobody reads, at the socket's own level."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import uvicorn
from uvicorn.server import ServerState

from server.web import patience, serving
from tests.patience import PATIENCE
from tests.server.connections import until

pytestmark = pytest.mark.anyio
ASKED = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Wire(asyncio.Transport):
    """A connection whose other end reads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.unread, self.aborted, self.closing = 0, False, False

    def write(self, data: Any) -> None:
        self.unread += len(data)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.aborted = self.closing = True


async def answering(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 1000})


class Place:
    """A server without a socket."""

    def __init__(self, limit: int) -> None:
        self.config = uvicorn.Config(
            answering, log_config=None, lifespan="off", ws="none", limit_concurrency=limit
        )
        self.config.load()
        self.state = ServerState()
        self.made: list[patience.PatientProtocol] = []

    def connect(self) -> Wire:
        wire = Wire()
        protocol = patience.PatientProtocol(self.config, self.state, {})
        self.made.append(protocol)
        protocol.connection_made(wire)
        return wire

    def end(self) -> None:
        for protocol in self.made:
            protocol.connection_lost(OSError())


async def test_who_says_nothing_makes_room_for_the_next() -> None:
    place = Place(patience.SPARE + 3)
    silent = [place.connect() for _ in range(3)]
    assert [wire.aborted for wire in silent] == [True, False, False], "the third took a place"
    place.made[1].data_received(ASKED)
    assert place.made[1].idle_until == float("inf")
    place.connect()
    assert [wire.aborted for wire in silent] == [True, False, True], "who asks is served"
    place.end()


async def test_the_store_keeps_files_beside_all_connections() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        serving.allow_files()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert hard == before[1]
        assert soft >= min(2 * serving.CONNECTIONS, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_a_whole_answer_that_nobody_reads_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "READ_WITHIN", 0.02)
    place = Place(1_000)
    reading, ignoring = place.connect(), place.connect()
    for protocol in place.made:
        protocol.data_received(ASKED)
    with anyio.fail_after(PATIENCE):
        await until(lambda: reading.unread > 1000 and ignoring.unread > 1000)
        while not ignoring.aborted:
            reading.unread = max(reading.unread - 1, 0)
            await anyio.lowlevel.checkpoint()
    assert not reading.aborted
    place.end()
