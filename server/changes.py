"""Tells subscribers what changed, in both protocol eras.

Clients of 2026-07-28 open a `subscriptions/listen` stream, which the SDK serves
from a bus. Clients of the handshake era call `resources/subscribe`; the SDK
leaves those to the server, so their connections are kept here, each with the
URIs that it asked for, until it closes or stops reading.
"""

from __future__ import annotations

import logging
from typing import Any

import anyio
import mcp_types as types
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated

from memory_core import port
from server.resources import uris_of

logger = logging.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds that a client may take to read one notification before it is dropped."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
"""Seconds before the memory is asked for its changes again after it failed."""


class Changes:
    """The subscribers of one server and the task that tells them."""

    def __init__(self, memory: port.Memory) -> None:
        self._memory = memory
        self._bus = InMemorySubscriptionBus()
        self._legacy: dict[Connection, set[str]] = {}
        self.listen = ListenHandler(self._bus)
        """Serves `subscriptions/listen`."""

    async def subscribe(
        self, ctx: ServerRequestContext[Any], params: types.SubscribeRequestParams
    ) -> types.EmptyResult:
        """Serve `resources/subscribe`: any URI is taken, one that never changes stays silent."""
        connection = _connection(ctx)
        if connection not in self._legacy:
            self._legacy[connection] = set()
            connection.exit_stack.callback(self._legacy.pop, connection, None)
        self._legacy[connection].add(str(params.uri))
        return types.EmptyResult()

    async def unsubscribe(
        self, ctx: ServerRequestContext[Any], params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        """Serve `resources/unsubscribe`."""
        self._legacy.get(_connection(ctx), set()).discard(str(params.uri))
        return types.EmptyResult()

    @property
    def subscribers(self) -> int:
        """How many connections of the handshake era are subscribed to something."""
        return sum(1 for uris in self._legacy.values() if uris)

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

    async def tell(self, change: port.Change) -> None:
        """Tell one change to those who asked for it."""
        for uri in uris_of(change):
            await self._bus.publish(ResourceUpdated(uri=uri))
            for connection, uris in list(self._legacy.items()):
                if uri in uris:
                    await self._send(connection, uri)

    async def _send(self, connection: Connection, uri: str) -> None:
        with anyio.move_on_after(_PATIENCE) as scope:
            await connection.send_resource_updated(uri)
        if scope.cancelled_caught:
            logger.warning("a subscriber does not read its notifications and was dropped")
            self._legacy.pop(connection, None)


def _connection(ctx: ServerRequestContext[Any]) -> Connection:
    """Give the connection of a request: sessions are made anew for each request.

    The SDK has no public way to it yet; the range of `mcp` in pyproject and the
    tests of both eras hold this line.
    """
    return ctx.session._connection  # noqa: SLF001
