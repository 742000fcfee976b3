"""The writer's side of its replicas: changes that they pass on, with who asked for them."""

from __future__ import annotations

import asyncio

from starlette.routing import BaseRoute, Mount, Route

from memory_core.port import METHODS, Memory
from server.host.app import HostApp
from server.peers.writer import PATH


def peer_routes(memory: Memory, token: str) -> list[BaseRoute]:
    """Give the routes for replicas that know the token; none without a token.

    What they send says who calls, and is believed: the token is the memory's own.
    """
    if not token:
        return []
    changes = {name for name, method in METHODS.items() if method.for_writer}
    app = HostApp(memory, token, {}, asyncio.Event(), methods=changes)
    return [Mount(PATH, routes=[Route("/call/{method}", app.answer_call, methods=["POST"])])]
