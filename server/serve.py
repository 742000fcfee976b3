"""Serves one memory over one transport, and ends cleanly.

The process answers `initialize` before anything heavy is imported; writes
nothing but JSON-RPC to standard output; and leaves within two seconds of the
end of input, SIGTERM or SIGINT, with everything that was acknowledged stored (ten
where it holds a shared store itself, see `server.ending`).
It leaves with `os._exit`: a thread that waits for standard input can be neither
joined nor cancelled. This module knows no tool; `memory_core.bootstrap` makes
the memory.

On standard input and output it goes the SDK's way out, and in on one of our own: the SDK reads a
line of any length, drops one that it cannot parse (its sender waits for ever) and cancels running
calls at the end of input. A `Wire` reads with `server.lines`, answers what is no message, with its
id wherever that can be read, and lets running calls be answered before the end of input reaches the
server.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import sys
from collections.abc import AsyncIterable, Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, TypeGuard

import anyio
import mcp_types as types
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from typing_extensions import Self

from memory_core.addresses import working_directory
from memory_core.errors import InvalidInput, shown
from memory_core.port import Memory
from memory_core.projects import Located, locate_project
from memory_core.settings import Settings
from server.app import Front
from server.client_sessions import ClientSession
from server.ending import Ending
from server.lines import Line, lines, messages, taken_stdin
from server.web.options import DoorOptions

if TYPE_CHECKING:
    from mcp.shared._stream_protocols import WriteStream


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


# -- serving

# -- standard input and output

logger = logging.getLogger(__name__)

Transport = Literal["stdio", "http", "sse"]
TRANSPORTS: tuple[Transport, ...] = ("stdio", "http", "sse")

OpenMemory = Callable[[Settings], Memory]

_ANSWER_WITHIN = 0.8
"""Seconds that calls under way get to be answered when the process is to end."""


def run(
    transport: str = "stdio",
    options: DoorOptions | None = None,
    *,
    settings: Settings,
    open_memory: OpenMemory | None = None,
) -> NoReturn:
    """Serve until the end of input or a signal, then end the process.

    Args:
        transport: "stdio", "http" (streamable HTTP at /mcp) or "sse" (at /sse).
        options: Of the HTTP doors. The URL is printed to standard error when
            connections are accepted.
        settings: All settings.
        open_memory: Makes the memory, cheaply and without loading anything;
            that of the store's shared host by default.

    Raises:
        InvalidInput: An argument cannot be served; nothing was started.
    """
    if transport not in TRANSPORTS:
        known = ", ".join(TRANSPORTS)
        raise InvalidInput(
            "transport", f"= {shown(transport)} is not known", f"Use one of {known}."
        )
    find = functools.partial(
        locate_project, working_directory(), settings.project, os.environ, settings.store
    )
    located = find()
    settings = replace(settings, project=located.name)
    opened = functools.partial(open_memory or _open_memory, settings)
    if transport == "stdio":
        _log_to_stderr(settings.log_level or "WARNING")
        anyio.run(_serve_stdio, opened, settings, located, find)
    else:
        from server.web.serving import serve_http

        serve_http(transport, (options or DoorOptions()).checked(), settings, opened)
    raise AssertionError("the doors end the process themselves")


def _open_memory(settings: Settings) -> Memory:
    from server.host.client import open_hosted

    return open_hosted(settings)


def _log_to_stderr(level: str) -> None:
    """Send the log to standard error, as UTF-8 whatever the console's code page."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s", force=True
    )


def _nothing() -> anyio.AsyncFile[str]:
    """What the SDK reads in place of standard input, which is read here."""
    return anyio.wrap_file(io.StringIO())


async def _serve_stdio(
    opened: Callable[[], Memory],
    settings: Settings,
    located: Located,
    find: Callable[[], Located],
) -> NoReturn:
    ending = Ending()
    front: Front | None = None
    source = taken_stdin()
    async with stdio_server(stdin=_nothing()) as (_, write):
        wire = Wire(write, ending)
        # The SDK has moved the wire away from descriptor 1 by now. What is still
        # printed must not be drained onto it when the SDK moves it back.
        sys.stdout = sys.stderr
        try:
            memory = opened()
            ending.allow_for(memory, settings)
            front = Front(
                memory, session=ClientSession(settings.store, os.environ), located=located
            )
            async with front.running(), anyio.create_task_group() as tasks:
                tasks.start_soon(wire.pump, lines(source), _ANSWER_WITHIN)
                options = front.server.create_initialization_options()
                await front.server.run(wire.incoming, wire, options)
                while wire.begun_again:
                    wire.begun_again = False
                    await front.server.run(wire.incoming, wire, options)
                find()  # once more: there is a store now that remembers the folder
                ending.begin()
        except BaseException as error:  # noqa: BLE001  # logged and turned into the exit code
            await ending.leave(front, error)
        if not wire.at_end:  # a thread still waits for input: the SDK would wait for the thread
            await ending.leave(front)
    await ending.leave(front)
