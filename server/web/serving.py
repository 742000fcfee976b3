"""Opens an HTTP door, serves until a signal, and ends cleanly."""

from __future__ import annotations

import signal
import socket
import ssl
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NoReturn
from urllib.parse import urlsplit

import anyio
import uvicorn
from starlette.types import ASGIApp

from memory_core.bootstrap import open_shelf
from memory_core.errors import InvalidInput, MemoryUnavailable, shown
from memory_core.port import Memory
from memory_core.settings import Settings
from server.app import Front
from server.ending import Ending
from server.host.client import HostMemory
from server.tokens import FILE, TokenBook
from server.web.application import PATHS, Entrance
from server.web.guard import Doorkeeper, plain_challenge
from server.web.logs import log_as_json
from server.web.oauth import JwtVerifier, challenge, protected_resource
from server.web.options import DoorOptions
from server.web.patience import PatientProtocol

# -- the socket

CONNECTIONS = 1_024
"""Connections at once; further ones are told to come again (HTTP 503)."""
FILES = 8_192
"""Open files, connections included, that the process may have."""
_GRACE = 1
"""Seconds that open connections get to end after the process was asked to."""


def allow_files() -> None:
    """Let this process open as many files as its connections and its store need.

    Some systems allow 1,024: strangers' connections would leave none for the store.
    """
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def bound(options: DoorOptions) -> socket.socket:
    """Give a socket bound to the options' address; port 0 takes any free one.

    Raises:
        InvalidInput: The address is not this machine's, or the port is taken or out of range.
    """
    try:
        found = socket.getaddrinfo(
            options.address, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise InvalidInput(
            "host",
            f"= {shown(options.host)} is no address",
            "Use an address of this machine, 0.0.0.0 for all, or 127.0.0.1.",
        ) from None
    family, address = found[0][0], found[0][4][0]
    # With the protocol named, asyncio switches Nagle's algorithm off: 40 ms an answer.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: never share the port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, options.port))
    except (OSError, OverflowError) as error:
        made.close()
        raise InvalidInput(
            "port",
            f"= {options.port} cannot be bound on {address} ({error})",
            "Choose another, or 0 for a free one.",
        ) from None
    return made


def url_of(transport: str, options: DoorOptions, listener: socket.socket) -> str:
    """Give the URL that clients on this machine connect to."""
    host, port = listener.getsockname()[:2]
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound to
    place = f"[{named}]" if ":" in named else named
    return f"{options.scheme}://{place}:{port}{PATHS[transport]}"


class Door(uvicorn.Server):
    """uvicorn that says when it listens and leaves the signals to the process.

    Args:
        app: The application.
        announce: Called once, when connections are accepted.
        tls: For HTTPS.
    """

    def __init__(
        self, app: ASGIApp, announce: Callable[[], None], tls: ssl.SSLContext | None = None
    ) -> None:
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # else whoever comes by loopback names its own address
            lifespan="on",
            ws="none",
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=_GRACE,
            ssl_context_factory=None if tls is None else lambda *_: tls,
        )
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then announce it."""
        await super().startup(sockets)
        self._announce()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to `server.serve`, which ends this server with `end`."""
        yield

    def end(self) -> None:
        """Stop accepting, let open answers end for a second, then return."""
        self.handle_exit(signal.SIGTERM, None)


# -- the server

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
