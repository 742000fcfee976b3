"""A way to the bucket that can be slow, cut and counted: a TCP proxy in a thread of its own."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import unquote

_SECONDS = 30.0
_REQUEST = re.compile(rb"(GET|PUT|POST|DELETE|HEAD) ([^ ]+) HTTP/1")


class Proxy:
    """Passes on to a port of this machine.

    `delay`: seconds by which a request is held back when its path holds `slow`
    ("": every path). `requests`: how many began, by (method, path); a GET that
    lists counts as LIST, and its path is the prefix.
    """

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self.delay, self.slow = 0.0, ""
        self.requests: Counter[tuple[str, str]] = Counter()
        self.port = 0
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(server))
        self._loop.close()

    async def _end(self, server: asyncio.Server) -> None:
        """Leave no connection and no task behind."""
        server.close()
        for writer in list(self._open):
            writer.transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close in the next round

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        if self._cut:
            writer.transport.abort()
            back.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await asyncio.gather(self._up(reader, back), self._down(there, writer))
        except (OSError, asyncio.CancelledError):
            return
        finally:
            self._open -= {writer, back}
            writer.transport.abort()
            back.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 20):
            found = _REQUEST.match(data)
            if found is not None:
                path = unquote(found[2].decode("latin-1"))
                listing = found[1] == b"GET" and "list-type=" in path
                self.requests["LIST" if listing else found[1].decode(), path] += 1
                if self.delay and self.slow in path:
                    await asyncio.sleep(self.delay)
            back.write(data)
            await back.drain()
        back.close()

    async def _down(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(1 << 20):
            writer.write(data)
            await writer.drain()
        writer.close()

    def cut(self, *, off: bool) -> None:
        """Cut the way, open connections too, or mend it."""

        def now() -> None:
            self._cut = off
            for writer in list(self._open) if off else ():
                with suppress(OSError):
                    writer.transport.abort()

        self._loop.call_soon_threadsafe(now)

    def total(self) -> int:
        """Give how many requests began."""
        return sum(self.requests.values())

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Listen, on a port of its own, until the end."""
        self._thread.start()
        assert self._ready.wait(_SECONDS), "it does not listen"
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_SECONDS)
