"""Standard input and output: the SDK's way out, and a way in of our own.

The SDK reads a line of any length, drops one that it cannot parse (its sender
waits for ever) and cancels running calls at the end of input. A `Wire` reads with
`server.lines`, answers what is no message, with its id wherever that can be read,
and lets running calls be answered before the end of input reaches the server.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage
from typing_extensions import Self

from server.lines import Line, messages

if TYPE_CHECKING:
    from mcp.shared._stream_protocols import WriteStream

logger = logging.getLogger(__name__)

_PROBE = "server/discover"
_STREAMS = "subscriptions/listen"
"""The one request that is answered only when its sender leaves."""


class Ends(Protocol):
    """What can end the process (see `server.ending`)."""

    asked: anyio.Event

    def begin(self) -> None:
        """Ask for the end."""


class Wire:
    """A pair of streams for `Server.run`, over the pair of the SDK's transport.

    Args:
        write: The transport's stream of outgoing messages.
        ending: Ends the input early when it is asked for; asked here at the end
            of input, and when the other side no longer reads.
    """

    def __init__(self, write: WriteStream[SessionMessage], ending: Ends) -> None:
        self._write = write
        self._ending = ending
        self.at_end = False
        """Whether the input came to its end, so that nothing waits for it any more."""
        self.begun_again = False
        """Whether `incoming` was closed for another one, which a new run of the server reads."""
        self._probed = self._begun = False
        self._unanswered: set[types.RequestId] = set()
        self._answered = anyio.Event()
        self._open()

    def _open(self) -> None:
        self._hand_on, self.incoming = anyio.create_memory_object_stream[
            SessionMessage | Exception
        ]()

    async def pump(self, lines: AsyncIterable[Line], grace: float) -> None:
        """Hand on what arrives until the input or the process ends, then close `incoming`.

        Args:
            lines: What arrives.
            grace: Seconds that calls which are under way get to be answered.
        """
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._cancel_when_asked, tasks.cancel_scope)
                async for line in lines:
                    for message in messages(line):
                        await self._pass(message)
                self.at_end = True
                self._ending.begin()
            with anyio.move_on_after(grace):
                while self._unanswered:
                    self._answered = anyio.Event()
                    await self._answered.wait()
        finally:
            self._hand_on.close()

    async def _cancel_when_asked(self, scope: anyio.CancelScope) -> None:
        await self._ending.asked.wait()
        scope.cancel()

    async def _pass(self, message: types.JSONRPCMessage) -> None:
        if isinstance(message, types.JSONRPCError):  # ours, or one to a request we never made
            logger.warning("a line of input was refused: %s", message.error.message)
            await self._write.send(SessionMessage(message))
            return
        if isinstance(message, types.JSONRPCRequest):
            if self._probed and message.method == "initialize":
                await self._begin_again()
            self._begun = self._begun or message.method != _PROBE
            self._probed = not self._begun
        self._note(message)
        await self._hand_on.send(SessionMessage(message))

    async def _begin_again(self) -> None:
        """Let a handshake follow a probe that its sender no longer waits for.

        To the SDK a connection's first request decides its era, so that it refuses the
        handshake of a client that waited a second for the probe of a slow start.
        """
        while self._unanswered:
            self._answered = anyio.Event()
            await self._answered.wait()
        before = self._hand_on
        self._open()
        self.begun_again = True
        before.close()

    def _note(self, message: types.JSONRPCMessage) -> None:
        """Keep account of the requests that wait for an answer."""
        if isinstance(message, types.JSONRPCRequest) and message.method != _STREAMS:
            self._unanswered.add(message.id)
        elif _cancels(message):
            self._settle((message.params or {}).get("requestId"))

    def _settle(self, request_id: Any) -> None:
        if isinstance(request_id, str | int):
            self._unanswered.discard(request_id)
            self._answered.set()

    async def send(self, item: SessionMessage) -> None:
        """Write a message of the server."""
        try:
            await self._write.send(item)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._ending.begin()
            raise
        if isinstance(item.message, types.JSONRPCResponse | types.JSONRPCError):
            self._settle(item.message.id)

    async def aclose(self) -> None:
        """Close the way out, unless a run follows: the transport writes what it holds and ends."""
        if not self.begun_again:
            await self._write.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def _cancels(message: types.JSONRPCMessage) -> TypeGuard[types.JSONRPCNotification]:
    return (
        isinstance(message, types.JSONRPCNotification)
        and message.method == "notifications/cancelled"
    )
