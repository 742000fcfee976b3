"""The writer's side of its replicas: changes that they pass on, with who asked for them."""

from __future__ import annotations

import asyncio

from starlette.routing import BaseRoute, Mount, Route

from memory_core.port import Memory
from server.host.app import HostApp
from server.peers.writer import PATH

CHANGES = frozenset({"remember", "edit", "report_outcome", "forget", "restore", "change_project"})


def peer_routes(memory: Memory, token: str) -> list[BaseRoute]:
    """Give the routes for replicas that know the token; none without a token.

    What they send says who calls, and is believed: the token is the memory's own.
    """
    if not token:
        return []
    app = HostApp(memory, token, {}, asyncio.Event(), methods=CHANGES)
    return [Mount(PATH, routes=[Route("/call/{method}", app.answer_call, methods=["POST"])])]
