"""The HTTP doors: streamable HTTP at /mcp, or SSE at /sse for old clients.

The transports are the SDK's. Before them stands one guard for every path: Host
and Origin must be loopback, and the bearer token must be the right one. Binding
to anything but loopback is refused in this version.
"""

from __future__ import annotations

import hmac
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from mcp.server import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import (
    DEFAULT_MAX_REQUEST_BODY_SIZE,
    RequestBodyLimitMiddleware,
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_core.errors import InvalidInput, shown
from server.surrogates import marked

PATHS = {"http": "/mcp", "sse": "/sse"}
_MESSAGES = "/messages/"
_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1", "[::1]": "::1"}
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_SECURITY = TransportSecuritySettings(
    enable_dns_rebinding_protection=True,
    allowed_hosts=[f"{host}:*" for host in _HOSTS],
    allowed_origins=[f"http://{host}:*" for host in _HOSTS],
)
_GRACE = 1
"""Seconds that open connections get to end after the process was asked to."""


def loopback(host: str) -> str:
    """Give the address to bind for `host`.

    Raises:
        InvalidInput: It is not a loopback address.
    """
    address = _LOOPBACK.get(host.strip().lower())
    if address is None:
        raise InvalidInput(
            "host",
            f"= {shown(host)} is not a loopback address",
            "This version serves this machine only: use 127.0.0.1, ::1 or localhost.",
        )
    return address


def bound(host: str, port: int) -> socket.socket:
    """Give a socket bound to a loopback address; port 0 takes any free one.

    Raises:
        InvalidInput: The host is not loopback, or the port is taken or out of range.
    """
    address = loopback(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: never share the port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, port))
    except (OSError, OverflowError) as error:
        made.close()
        raise InvalidInput(
            "port",
            f"= {port} cannot be bound on {address} ({error})",
            "Choose another, or 0 for a free one.",
        ) from None
    return made


def url_of(transport: str, listener: socket.socket) -> str:
    """Give the URL that clients connect to."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATHS[transport]}"


def application(server: Server[Any], transport: str, token: str) -> ASGIApp:
    """Give the guarded ASGI application of one transport ("http" or "sse")."""
    if transport == "sse":
        inner = _sse_application(server)
    else:
        inner = server.streamable_http_app(transport_security=_SECURITY)
    mended = RequestBodyLimitMiddleware(_Mended(inner), DEFAULT_MAX_REQUEST_BODY_SIZE)
    return _Guard(mended, token)


def _sse_application(server: Server[Any]) -> ASGIApp:
    streams = SseServerTransport(_MESSAGES, security_settings=_SECURITY)
    return Starlette(
        routes=[
            Route(PATHS["sse"], endpoint=_SseStream(server, streams), methods=["GET"]),
            Mount(_MESSAGES, app=streams.handle_post_message),
        ]
    )


class _SseStream:
    """The long answer of one SSE connection, with the server behind it."""

    def __init__(self, server: Server[Any], streams: SseServerTransport) -> None:
        self._server = server
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = self._server.create_initialization_options()
        async with self._streams.connect_sse(scope, receive, send) as (read, write):
            await self._server.run(read, write, options)


class _Guard:
    """Refuses requests of other hosts and origins, and those without the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self._security = TransportSecurityMiddleware(_SECURITY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            refusal = await self._security.validate_request(request) or self._unauthorised(request)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _unauthorised(self, request: Request) -> JSONResponse | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
            return None
        what = "The bearer token is not the right one." if given else "A bearer token is required."
        text = (
            f"{what} Send 'Authorization: Bearer TOKEN' with the token of LESSONBANK_TOKEN, "
            "or with the one that the server printed when it started."
        )
        return JSONResponse(
            {"error": "invalid_token", "error_description": text},
            status_code=401,
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )


class _Mended:
    """Marks lone surrogates in bodies, which the middleware around it gives in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def mended() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                return {**message, "body": marked(message.get("body", b""))}
            return message

        await self._app(scope, mended if scope["type"] == "http" else receive, send)


class Door(uvicorn.Server):
    """uvicorn that says when it listens and leaves the signals to the process.

    Args:
        app: The application.
        announce: Called once, when connections are accepted.
    """

    def __init__(self, app: ASGIApp, announce: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=_GRACE,
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
