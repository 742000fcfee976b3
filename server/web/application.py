"""The HTTP application: the MCP transport, health and metrics, behind the guard.

    /mcp or /sse, /messages/     MCP, for a token
    /metrics                     Prometheus, for a token: what it may see
    /healthz, /readyz            whether the process lives, whether it serves
    /peer/call/...               changes that replicas pass on, for the peers' own token

The transports are the SDK's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import (
    DEFAULT_MAX_REQUEST_BODY_SIZE,
    RequestBodyLimitMiddleware,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_core.port import METHODS, Memory
from server.app import Front
from server.host.app import HostApp
from server.peers.writer import PATH
from server.surrogates import marked
from server.web.guard import Challenge, Doorkeeper, Guard, caller_of, plain_challenge, security_of
from server.web.logs import REQUEST_ID, RequestLog, requests
from server.web.metrics import TOOL_NAMES, Metrics
from server.web.options import DoorOptions
from server.web.patience import Patience
from server.web.replies import refuse


def peer_routes(memory: Memory, token: str) -> list[BaseRoute]:
    """Give the routes for replicas that know the token; none without a token.

    What they send says who calls, and is believed: the token is the memory's own.
    """
    if not token:
        return []
    changes = {name for name, method in METHODS.items() if method.for_writer}
    app = HostApp(memory, token, {}, asyncio.Event(), methods=changes)
    return [Mount(PATH, routes=[Route("/call/{method}", app.answer_call, methods=["POST"])])]


PATHS = {"http": "/mcp", "sse": "/sse"}
_MESSAGES = "/messages/"
SESSIONS = 1_000
"""Sessions of the handshake era that one token has at once (40 KiB each; the SDK forgets
them after half an hour, and takes 10,000 of all)."""
_OPEN = frozenset({"/healthz", "/readyz"})
_WELL_KNOWN = "/.well-known/oauth-protected-resource"

logger = logging.getLogger(__name__)


class Entrance:
    """The application of one transport over one memory.

    Args:
        memory: The memory port. Whoever made it closes it.
        transport: "http" or "sse".
        options: How the door is opened.
        keeper: Tells who calls.
        challenge: Makes the WWW-Authenticate header of refusals.
        routes: Further ones, open to everyone under the well-known path of RFC 9728.
        peer_token: What other servers of the same memory show; "" where there are none.
        log_texts: Log what calls say.
    """

    def __init__(
        self,
        memory: Memory,
        transport: str,
        options: DoorOptions,
        keeper: Doorkeeper,
        *,
        challenge: Challenge = plain_challenge,
        routes: Sequence[BaseRoute] = (),
        peer_token: str = "",
        log_texts: bool = False,
    ) -> None:
        self.front = Front(memory, caller_of=caller_of)
        self._memory, self._options, self._log_texts = memory, options, log_texts
        self._metrics = Metrics()
        self.front.server.middleware.append(self._watch)
        more = [
            Route("/healthz", _alive, methods=["GET"]),
            Route("/readyz", self._ready, methods=["GET"]),
            Route("/metrics", self._measured, methods=["GET"]),
            *routes,
            *peer_routes(memory, peer_token),
        ]
        if transport == "sse":
            inner = _sse_application(self.front.server, options, more)
        else:
            inner = self.front.server.streamable_http_app(
                transport_security=security_of(options), stateless_http=options.stateless
            )
            inner.router.routes.extend(more)
            inner.add_middleware(_Sessions, server=self.front.server)
        inner.router.redirect_slashes = False
        whole = _Unslashed(_Mended(inner), PATHS[transport])
        limited = RequestBodyLimitMiddleware(whole, DEFAULT_MAX_REQUEST_BODY_SIZE)
        guarded = Guard(
            limited,
            options,
            keeper,
            open_paths=lambda path: path in _OPEN or path.startswith(_WELL_KNOWN),
            challenge=challenge,
            peers=(f"{PATH}/", peer_token),
        )
        self.app: ASGIApp = RequestLog(self._metrics.counting(Patience(guarded)))

    async def _ready(self, _request: Request) -> Response:
        now = self._memory.readiness()
        if now.stage in ("idle", "failed"):  # which is tried again, not more often than it should
            self._memory.warm()
        serves = now.stage in ("ready", "keyword")
        return JSONResponse({"ready": serves, "stage": now.stage}, 200 if serves else 503)

    async def _measured(self, request: Request) -> Response:
        return await self._metrics.scrape(self._memory, caller_of(request))

    async def _watch(self, ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        """Count and log the calls of tools."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        began, result = time.perf_counter(), "failed"
        given = ctx.params if isinstance(ctx.params, dict) else {}
        named = given.get("name")
        tool = named if isinstance(named, str) and named in TOOL_NAMES else "unknown"
        try:
            answer = await call_next(ctx)
            result = "refused" if _is_error(answer) else "ok"
        finally:
            seconds = time.perf_counter() - began
            self._metrics.count_call(tool, result, seconds)
            said = {"arguments": given.get("arguments")} if self._log_texts else {}
            scope = ctx.request.scope if ctx.request is not None else {}
            requests.info(
                "call",
                extra={
                    "request_id": scope.get(REQUEST_ID, ""),
                    "tool": tool,
                    "result": result,
                    "ms": round(seconds * 1000, 1),
                    **said,
                },
            )
        return answer


def _is_error(answer: Any) -> bool:
    if isinstance(answer, dict):
        return bool(answer.get("isError"))
    return bool(getattr(answer, "is_error", False))


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _sse_application(
    server: Server[Any], options: DoorOptions, more: Sequence[BaseRoute]
) -> Starlette:
    streams = SseServerTransport(_MESSAGES, security_settings=security_of(options))
    return Starlette(
        routes=[
            Route(PATHS["sse"], endpoint=_SseStream(server, streams), methods=["GET"]),
            Mount(_MESSAGES, app=streams.handle_post_message),
            *more,
        ]
    )


class _Unslashed:
    """Takes `/mcp/` for `/mcp`: a redirect would lead to http:// behind a proxy that does TLS."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == f"{self._path}/":
            scope = {**scope, "path": self._path, "raw_path": self._path.encode()}
        await self._app(scope, receive, send)


class _SseStream:
    """The long answer of one SSE connection, with the server behind it."""

    def __init__(self, server: Server[Any], streams: SseServerTransport) -> None:
        self._server = server
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = self._server.create_initialization_options()
        async with self._streams.connect_sse(scope, receive, send) as (read, write):
            await self._server.run(read, write, options)


class _Sessions:
    """Keeps one token from opening all sessions of the handshake era that there may be.

    The SDK counts them for all clients together and has no public way to count one's own;
    the range of `mcp` in pyproject and the tests hold this line.
    """

    def __init__(self, app: ASGIApp, server: Server[Any]) -> None:
        self._app, self._server = app, server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._opens(scope) and self._full(scope["user"]):
            text = f"This token has {SESSIONS} sessions open. End those that are not needed."
            await refuse(429, text, {"Retry-After": "60"})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    def _opens(scope: Scope) -> bool:
        """Whether the request would open one."""
        headers = Headers(scope=scope)
        era = headers.get("mcp-protocol-version")
        handshake = era is None or era in HANDSHAKE_PROTOCOL_VERSIONS
        return scope["path"] == PATHS["http"] and handshake and "mcp-session-id" not in headers

    def _full(self, user: AuthenticatedUser) -> bool:
        owners = self._server.session_manager._session_owners  # noqa: SLF001 - see above
        if len(owners) < SESSIONS:
            return False
        mine = authorization_context(user)
        return sum(owner == mine for owner in owners.values()) >= SESSIONS


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
