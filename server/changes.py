"""Tells subscribers what changed, in both protocol eras.

Clients of 2026-07-28 open a `subscriptions/listen` stream, which the SDK serves
from a bus. Clients of the handshake era call `resources/subscribe`; the SDK
leaves those to the server, so their connections are kept here, each with the
URIs that it asked for, until it closes or stops reading.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
from mcp import MCPError
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated

from memory_core.caller import Caller
from memory_core.port import Change, Memory
from server.resources import uris_of

logger = logging.getLogger(__name__)

MOST_URIS = 1_000
"""URIs that one connection or stream may be subscribed to."""
_LONGEST_URI = 2_048
_PATIENCE = 2.0
"""Seconds that a client may take to read one notification before it is dropped."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
"""Seconds before the memory is asked for its changes again after it failed."""


class Changes:
    """The subscribers of one server and the task that tells them.

    Args:
        memory: Whose changes are told.
        caller_of: Who makes a request: nobody hears of a project that it does not see.
    """

    def __init__(
        self,
        memory: Memory,
        caller_of: Callable[[ServerRequestContext[Any]], Caller],
    ) -> None:
        self._memory, self._caller_of = memory, caller_of
        self._circles: dict[Caller, _Circle] = {}
        self._legacy: dict[Connection, _Subscriber] = {}

    async def subscribe(
        self, ctx: ServerRequestContext[Any], params: types.SubscribeRequestParams
    ) -> types.EmptyResult:
        """Serve `resources/subscribe`: any URI is taken, one that never changes stays silent."""
        connection = _connection(ctx)
        held = self._legacy.get(connection)
        _check({*(held.uris if held else ()), str(params.uri)})
        if held is None:
            held = self._legacy[connection] = _Subscriber(self._caller_of(ctx))
            connection.exit_stack.callback(self._legacy.pop, connection, None)
        held.uris.add(str(params.uri))
        return types.EmptyResult()

    async def unsubscribe(
        self, ctx: ServerRequestContext[Any], params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        """Serve `resources/unsubscribe`."""
        if subscriber := self._legacy.get(_connection(ctx)):
            subscriber.uris.discard(str(params.uri))
        return types.EmptyResult()

    async def listen(
        self, ctx: ServerRequestContext[Any], params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """Serve `subscriptions/listen`, with the others who see the same projects."""
        _check(params.notifications.resource_subscriptions or ())
        key = Caller(projects=self._caller_of(ctx).projects)
        circle = self._circles.setdefault(key, _Circle())
        circle.members += 1
        try:
            return await circle.handler(ctx, params)
        finally:
            circle.members -= 1
            if not circle.members:
                self._circles.pop(key, None)

    def close(self) -> None:
        """End every `subscriptions/listen` stream in the orderly way."""
        for circle in list(self._circles.values()):
            circle.handler.close()

    @property
    def subscribers(self) -> int:
        """How many connections of the handshake era are subscribed to something."""
        return sum(1 for subscriber in self._legacy.values() if subscriber.uris)

    async def run(self) -> None:
        """Tell every change of the memory until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            try:
                async for change in self._memory.changes():
                    pause = _FIRST_PAUSE
                    await self.tell(change)
                return
            except Exception:
                logger.exception(
                    "the memory stopped telling changes; asking again in %.0f s", pause
                )
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def tell(self, change: Change) -> None:
        """Tell one change to those who asked for it and may hear of it."""
        for caller, circle in list(self._circles.items()):
            for uri in _uris(change, caller):
                await circle.bus.publish(ResourceUpdated(uri=uri))
        for connection, subscriber in list(self._legacy.items()):
            for uri in _uris(change, subscriber.caller):
                if uri in subscriber.uris:
                    await self._send(connection, uri)

    async def _send(self, connection: Connection, uri: str) -> None:
        with anyio.move_on_after(_PATIENCE) as scope:
            await connection.send_resource_updated(uri)
        if scope.cancelled_caught:
            logger.warning("a subscriber does not read its notifications and was dropped")
            self._legacy.pop(connection, None)


class _Circle:
    """Those of the newer protocol who see the same projects; told over one bus."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self.handler = ListenHandler(self.bus)
        self.members = 0


@dataclass(slots=True)
class _Subscriber:
    """One connection of the handshake era."""

    caller: Caller
    uris: set[str] = field(default_factory=set)


def _uris(change: Change, caller: Caller) -> tuple[str, ...]:
    """The URIs that change for a caller.

    What the learner knows changes for everyone with any report; who sees some projects
    only hears of it when something happens in them.
    """
    if not change.heard_by(caller):
        return ()
    also = change.subject == "stats" and caller.projects is not None
    return uris_of(change) + (uris_of(Change("scorer")) if also else ())


def _check(uris: Collection[str]) -> None:
    """Refuse what would be kept in memory without a bound.

    Raises:
        MCPError: Too many URIs, or the last one is too long.
    """
    if len(uris) > MOST_URIS or any(len(uri) > _LONGEST_URI for uri in uris):
        text = f"At most {MOST_URIS} URIs of {_LONGEST_URI} characters can be subscribed to."
        raise MCPError(types.INVALID_PARAMS, text)


def _connection(ctx: ServerRequestContext[Any]) -> Connection:
    """Give the connection of a request: sessions are made anew for each request.

    The SDK has no public way to it yet; the range of `mcp` in pyproject and the
    tests of both eras hold this line.
    """
    return ctx.session._connection  # noqa: SLF001
