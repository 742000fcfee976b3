"""An MCP server behind the verifier, as its door wires it: over real HTTP on loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

import anyio
import uvicorn
from mcp.server import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from memory_core.settings import OAuthSettings, read_settings
from server.web.identity import CannotVerify, NoAccess, Verified
from server.web.oauth import JwtVerifier, challenge, protected_resource

_CALLING: ContextVar[Verified] = ContextVar("calling")


class Resource:
    """The address of the server, and the settings with which it takes tokens."""

    def __init__(self, issuer: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/mcp"
        oauth = read_settings(
            {"LESSONBANK_OAUTH_ISSUER": issuer, "LESSONBANK_OAUTH_AUDIENCE": self.url}
        ).oauth
        assert oauth is not None
        self.oauth: OAuthSettings = oauth
        self.verifier = JwtVerifier(oauth)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve until the block ends; gives the URL."""
        config = uvicorn.Config(_Guarded(_server(), self), log_config=None, ws="none")
        server = _Serving(config)
        with self.listener:  # it listens already: requests wait until they are taken
            async with anyio.create_task_group() as group:
                group.start_soon(server.serve, [self.listener])
                yield self.url
                server.should_exit = True


class _Serving(uvicorn.Server):
    """uvicorn that leaves the signals to the tests."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server() -> ASGIApp:
    mcp = MCPServer("resource")

    @mcp.tool()
    async def who() -> dict[str, str]:
        """Say who calls."""
        caller = _CALLING.get().caller
        return {
            "source": caller.source,
            "scope": caller.scope,
            "projects": " ".join(caller.projects or ("*",)),
        }

    return mcp.streamable_http_app(stateless_http=True, json_response=True)


class _Guarded:
    """Lets the metadata out and only verified callers in."""

    def __init__(self, app: ASGIApp, resource: Resource) -> None:
        self._app = app
        self._verifier = resource.verifier
        self._oauth = resource.oauth
        self._open = protected_resource(resource.oauth)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        for route in self._open:
            if scope["path"] == route.path:
                await route.app(scope, receive, send)
                return
        answer = await self._refused(Request(scope, receive))
        await (answer or self._app)(scope, receive, send)

    async def _refused(self, request: Request) -> JSONResponse | None:
        _, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            found = await self._verifier.verify(token) if token else None
        except NoAccess as refusal:
            value = challenge(self._oauth, 403, "insufficient_scope", refusal.scope)
            return JSONResponse({"error": str(refusal)}, 403, {"WWW-Authenticate": value})
        except CannotVerify as problem:
            return JSONResponse({"error": str(problem)}, 503, {"Retry-After": "10"})
        if found is None:
            value = challenge(self._oauth, 401, "invalid_token" if token else "")
            return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": value})
        _CALLING.set(found)
        return None
