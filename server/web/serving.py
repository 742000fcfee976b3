"""Opens an HTTP door, serves until a signal, and ends cleanly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NoReturn
from urllib.parse import urlsplit

import anyio

from memory_core.bootstrap import open_shelf
from memory_core.errors import MemoryUnavailable
from memory_core.port import Memory
from memory_core.settings import Settings
from server.app import Front
from server.ending import Ending
from server.host.client import HostMemory
from server.tokens import FILE, TokenBook
from server.web.application import Entrance
from server.web.door import Door, allow_files, bound, url_of
from server.web.guard import Doorkeeper, plain_challenge
from server.web.logs import log_as_json
from server.web.oauth import JwtVerifier, challenge, protected_resource
from server.web.options import DoorOptions

_LOOK = 0.5
"""Seconds between two looks whether the memory still serves."""


def serve_http(
    transport: str, options: DoorOptions, settings: Settings, opened: Callable[[], Memory]
) -> NoReturn:
    """Serve until a signal, then end the process.

    Args:
        transport: "http" (streamable HTTP at /mcp) or "sse" (at /sse).
        options: Checked ones.
        settings: All settings.
        opened: Makes the memory, cheaply and without loading anything.

    Raises:
        InvalidInput: The address cannot be bound; nothing was started.
    """
    listener = bound(options)
    allow_files()
    if settings.oauth:  # clients come by its name
        name = urlsplit(settings.oauth.resource).hostname or ""
        options = replace(options, allowed_hosts=(*options.allowed_hosts, name))
    log_as_json(settings.log_level or "INFO", texts=settings.log_text)
    book = TokenBook(open_shelf(settings, FILE), settings.source)
    verifier = JwtVerifier(settings.oauth, settings.project) if settings.oauth else None
    keeper = Doorkeeper(settings.source, settings.token, book, verifier)

    def announce() -> None:
        for line in _warnings(options, settings, book):
            _say(line)
        _say(f"listening on {url_of(transport, options, listener)}")

    async def serve() -> None:
        ending = Ending()
        entrance: Entrance | None = None
        front: Front | None = None
        try:
            memory = opened()
            ending.allow_for(memory, settings)
            entrance = Entrance(
                memory,
                transport,
                options,
                keeper,
                challenge=partial(challenge, settings.oauth) if settings.oauth else plain_challenge,
                routes=protected_resource(settings.oauth) if settings.oauth else (),
                peer_token="" if settings.follow else settings.peer_token,
                log_texts=settings.log_text,
            )
            front = entrance.front
            door = Door(entrance.app, announce, options.tls())
            async with front.running(), anyio.create_task_group() as tasks:
                tasks.start_soon(_end_door, door, front, ending)
                # The host of a local store may come back; all else is lost with this process.
                if settings.remote or not isinstance(memory, HostMemory):
                    tasks.start_soon(_end_when_lost, memory, ending)
                front.memory.warm()
                await door.serve([listener])
                ending.begin()
                tasks.cancel_scope.cancel()
        except BaseException as error:  # noqa: BLE001  # logged and turned into the exit code
            await ending.leave(front, error)
        await ending.leave(front)

    anyio.run(serve)
    raise AssertionError("the door ends the process itself")


def _warnings(options: DoorOptions, settings: Settings, book: TokenBook) -> list[str]:
    """What whoever starts the door should know at each start."""
    said = []
    if not options.auth:
        said.append(
            "warning: --no-auth: every program and user of this machine can read and change "
            "the memory"
        )
    elif not (settings.token or settings.oauth):
        said += _without_tokens(book)
    if not options.loopback and not options.tls_cert:
        said.append(
            "warning: plain HTTP beyond this machine: tokens can be read on the way; use "
            "--tls-cert and --tls-key, or a proxy with TLS before it"
        )
    return said


def _without_tokens(book: TokenBook) -> list[str]:
    """What to say where only the store's own tokens let anybody in."""
    try:
        if any(book.tokens()):
            return []
    except MemoryUnavailable as error:
        return [f"warning: nobody gets in: {error}"]
    text = "no token exists yet, so every call is refused: make one with"
    return [f"{text} `lessonbank token create` (this server need not be restarted)"]


async def _end_door(door: Door, front: Front, ending: Ending) -> None:
    await ending.asked.wait()
    front.end_streams()
    door.end()


async def _end_when_lost(memory: Memory, ending: Ending) -> None:
    """Give up when the memory can serve no more: whoever supervises the process starts it anew.

    The store cannot be opened, or the lease or the copy of the bucket was lost.
    """
    while (now := memory.readiness()).stage != "failed":  # noqa: ASYNC110 - set on any thread
        await anyio.sleep(_LOOK)
    ending.begin(MemoryUnavailable(now.message))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
