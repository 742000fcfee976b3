"""The socket of the HTTP doors, and the uvicorn server behind it."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from memory_core.errors import InvalidInput, shown
from server.web.application import PATHS
from server.web.options import DoorOptions
from server.web.patience import PatientProtocol

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
