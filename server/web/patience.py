"""Protection from clients that send or read too slowly, or connect too often.

A connection must have sent the head of its request within seconds, and its body soon
after; an answer that nobody reads is given up. Knows no MCP and no tokens.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from server.web.replies import refuse

logger = logging.getLogger(__name__)

HEAD_WITHIN = 10.0
"""Seconds from the first byte, or from connecting, to the end of a request's head."""
BODY_WITHIN = 30.0
"""Seconds for a request's whole body."""
READ_WITHIN = 30.0
"""Seconds for which an answer may wait for its reader."""
SPARE = 32
"""Connections below their limit from which those that ask nothing make room for others."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn that hangs up on who finishes no request or reads no answer."""

    _late: asyncio.TimerHandle | None = None
    _unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._make_room()
        self._wait_for_head()

    def _make_room(self) -> None:
        """Hang up on whoever has waited longest without asking, when few places are left.

        Else whoever opens all of them, and says nothing, would keep everyone else out.
        """
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency - SPARE:
            return
        others = [one for one in self.connections if isinstance(one, PatientProtocol)]
        waiting = [one for one in others if one.idle_until < math.inf]
        if waiting:
            oldest = min(waiting, key=lambda one: one.idle_until)
            oldest._stop_waiting()  # noqa: SLF001 - its own class
            oldest._unset_keepalive_if_required()  # noqa: SLF001
            oldest.transport.abort()
        elif len(self.connections) > self.limit_concurrency + SPARE:
            self.transport.abort()

    @property
    def idle_until(self) -> float:
        """When a connection that asks nothing is hung up on, infinite for one that asks."""
        timer = self._late or self.timeout_keep_alive_task
        return math.inf if timer is None else timer.when()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._asking():
            self._stop_waiting()
        elif self._late is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _asking(self) -> bool:
        """Whether a request's head is complete and its answer is not."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEAD_WITHIN, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _hang_up(self) -> None:
        self._late = None
        if not self._asking():
            logger.info("a client did not finish the head of its request and was hung up on")
            self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unread = self.transport.get_write_buffer_size()
        if self._unread:
            self.loop.call_later(READ_WITHIN, self._look_at_reader)

    def _look_at_reader(self) -> None:
        """Hang up on who has read nothing of a whole answer since the last look."""
        left = self.transport.get_write_buffer_size()
        if not left or self._asking():
            return
        if left >= self._unread:
            logger.info("a client did not read its answer and was hung up on")
            self.transport.abort()
            return
        self._unread = left
        self.loop.call_later(READ_WITHIN, self._look_at_reader)


class Patience:
    """Limits how long a body may take to come and an answer to be read.

    Args:
        app: The application.
        now: Monotonic seconds.
    """

    def __init__(self, app: ASGIApp, now: Callable[[], float] = anyio.current_time) -> None:
        self._app, self._now = app, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watched = _Watched(receive, send, self._now)
        try:
            await self._app(scope, watched.receive, watched.send)
        except Exception:
            if not watched.late:
                raise
        if watched.late:
            logger.info("a client was too slow: %s", watched.late)
        if watched.late and not watched.begun:
            await refuse(408, "The request's body came too slowly. Send it again.")(
                scope, receive, send
            )


class _Watched:
    """One exchange with its time limits."""

    def __init__(self, receive: Receive, send: Send, now: Callable[[], float]) -> None:
        self._receive, self._send, self._now = receive, send, now
        self._until = now() + BODY_WITHIN
        self._whole = False
        self.begun = False
        self.late = ""

    async def receive(self) -> Message:
        if self._whole:  # only the end of the connection is waited for now
            return await self._receive()
        message: dict[str, Any] = {}
        with anyio.move_on_after(max(self._until - self._now(), 0.0)) as limit:
            message = dict(await self._receive())
        if limit.cancelled_caught:
            self.late = "body"
            raise TimeoutError("the body came too slowly")
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        self.begun = True
        with anyio.move_on_after(READ_WITHIN) as limit:
            await self._send(message)
        if limit.cancelled_caught:
            self.late = "answer"
            raise TimeoutError("the answer was not read")
