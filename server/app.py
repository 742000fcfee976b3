"""The MCP server around a memory: what it offers, in both protocol eras.

One `Front` serves every connection of its process, whatever the transport. It
knows the memory port and the SDK; it knows no transport (see `server.serve`),
and importing it loads no torch, no LanceDB and no sentence-transformers.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
from mcp.server import CacheHint, Server
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request

from memory_core.caller import OWNER, Caller
from memory_core.port import Memory
from memory_core.projects import Located, project_of_folders
from memory_core.version import VERSION
from server import prompts, resources
from server.changes import Changes
from server.completions import completion
from server.definitions import definitions
from server.instructions import INSTRUCTIONS
from server.parameters import NAME, read_parameters
from server.roots import root_folders
from server.tools import Call, Shelter, Tools

logger = logging.getLogger(__name__)

Context = ServerRequestContext[Any]

_DAY = 24 * 3600 * 1000
"""Milliseconds."""
_CACHED = CacheHint(ttl_ms=_DAY, scope="public")
_WARM_AFTER = 0.2
"""Seconds between the first answer and the start of loading: time for the answer,
and for the listing that follows it, to leave before imports take the processor."""
_STEP = 0.001
_PROBES = frozenset({"ping", "server/discover"})
"""Requests that come from clients that may leave at once: no reason to load a model."""


class Front:
    """The server of one process.

    Enter `running()` before serving: it tells subscribers what changes.

    Args:
        memory: The memory port. Whoever made it closes it.
        session: The session, or what gives it, of calls that name none, on transports that have no
            session of their own (over stdio `server.client_sessions`: one client is in one
            session at a time). "" is the project's, shared by all that name none.
        caller_of: Who makes an HTTP request, as the door has proven; None where
            whoever can connect is the owner.
        located: The project of this process's one client, where nobody else calls: what its
            roots say counts if nothing else led anywhere, and its first answer says so.
    """

    def __init__(
        self,
        memory: Memory,
        session: str | Callable[[], str] = "",
        caller_of: Callable[[Request], Caller] | None = None,
        located: Located | None = None,
    ) -> None:
        self.memory = memory
        self._located = located
        self._settling = anyio.Lock()
        self.shelter = Shelter()
        self._session = session
        self._caller_of = caller_of
        self._tools = Tools(self.shelter)
        self._definitions = definitions()
        self._changes = Changes(memory, self._caller)
        self._warmed = False
        self._asked_roots = False
        self.server = self._build()

    def _build(self) -> Server[Any]:
        server: Server[Any] = Server(
            NAME,
            version=VERSION,
            title="lessonbank",
            description="Long-term memory for agents that learns from outcomes.",
            instructions=INSTRUCTIONS,
            cache_hints={
                "tools/list": _CACHED,
                "prompts/list": _CACHED,
                "resources/list": _CACHED,
                "resources/templates/list": _CACHED,
                "server/discover": _CACHED,
            },
            get_tool_input_schema=self._input_schema,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=_list_resources,
            on_list_resource_templates=_list_templates,
            on_read_resource=self._read_resource,
            on_subscribe_resource=self._changes.subscribe,
            on_unsubscribe_resource=self._changes.unsubscribe,
            on_subscriptions_listen=self._changes.listen,
            on_list_prompts=_list_prompts,
            on_get_prompt=_get_prompt,
            on_completion=self._complete,
        )
        # Registered by hand because the constructor warns: handshake-era clients may set
        # a level, and this server writes its log to standard error only.
        server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
        server.add_request_handler("server/discover", types.RequestParams, self._discover)
        server.middleware.append(self._warm_after_first_answer)
        server.middleware.append(read_parameters)
        return server

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Front]:
        """Tell subscribers of changes while inside."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._changes.run)
            try:
                yield self
            finally:
                tasks.cancel_scope.cancel()

    @property
    def subscribers(self) -> int:
        """How many connections of the handshake era are subscribed to something."""
        return self._changes.subscribers

    def end_streams(self) -> None:
        """End every `subscriptions/listen` stream in the orderly way."""
        self._changes.close()

    async def _warm_after_first_answer(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if not self._warmed and ctx.request_id is not None and ctx.method not in _PROBES:
            self._warmed = True
            asyncio.get_running_loop().call_later(_WARM_AFTER, self.memory.warm)
        return result

    async def _discover(self, ctx: Context, _params: types.RequestParams) -> types.DiscoverResult:
        """Declare what is offered, with lists that never change.

        The SDK derives changing lists from the stream that tells of changed resources;
        clients would then keep a stream open for news that never come.
        """
        offered = self.server.get_capabilities(protocol_version=ctx.protocol_version)
        for listed in (offered.tools, offered.prompts, offered.resources):
            if listed is not None:
                listed.list_changed = False
        return types.DiscoverResult(
            supported_versions=list(MODERN_PROTOCOL_VERSIONS),
            capabilities=offered,
            instructions=self.server.instructions,
        )

    def _input_schema(self, name: str) -> dict[str, Any] | None:
        found = next((one for one in self._definitions if one.name == name), None)
        return found.input_schema if found else None

    async def _list_tools(
        self, _ctx: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=self._definitions)

    async def _call_tool(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        call = Call(
            params.arguments or {},
            self._memory_of(ctx),
            self._session_of(ctx),
            _Progress(ctx).tell,
            afar=self._afar,
            where=await self._where(ctx, params),
        )
        return await self._tools.call(params.name, call)

    async def _where(self, ctx: Context, params: types.CallToolRequestParams) -> str:
        """Settle the client's project at its first call; what its first answer says of it."""
        if self._located is None or not self._located.is_fallback:
            return ""
        async with self._settling:
            located = self._located
            if not self._asked_roots:
                self._asked_roots = True
                folders = [(folder, "the client's root") for folder in await root_folders(ctx)]
                if folders:
                    located = self._located = project_of_folders(folders)
                    self.memory.work_in(located.name)
            if not located.is_fallback or params.name not in ("recall", "check"):
                return ""
            if (params.arguments or {}).get("project"):
                return ""
            self._located = None  # it is said once
            return (
                f"Project: {located.name}, since {located.why}. Name a project in calls, or set "
                "LESSONBANK_PROJECT, to keep work apart."
            )

    @property
    def _afar(self) -> bool:
        """Whether clients may be on other machines, and others than the owner."""
        return self._caller_of is not None

    def _caller(self, ctx: Context) -> Caller:
        """Who calls; over HTTP never the owner for want of a request to ask.

        Raises:
            PermissionError: The call came with no request that a door has checked.
        """
        if self._caller_of is None:
            return OWNER
        if ctx.request is None:
            raise PermissionError("this call came with no request, so nobody is known to make it")
        return self._caller_of(ctx.request)

    def _memory_of(self, ctx: Context) -> Memory:
        """The memory as the caller of this request sees it: nothing else is given to a handler."""
        caller = self._caller(ctx)
        return self.memory if caller == OWNER else self.memory.bound(caller)

    def _session_of(self, ctx: Context) -> str:
        """Name the transport's session: what just failed in it is demoted in it.

        Over HTTP the transport's own id is hashed, since it opens the session.
        """
        request = ctx.request
        if request is None:
            return self._session if isinstance(self._session, str) else self._session()
        key = request.headers.get("mcp-session-id") or request.query_params.get("session_id")
        return f"session_{hashlib.sha256(key.encode()).hexdigest()[:16]}" if key else ""

    async def _read_resource(
        self, ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        return await resources.read(self._memory_of(ctx), str(params.uri), afar=self._afar)

    async def _complete(
        self, ctx: Context, params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        found = await completion(self._memory_of(ctx), params.argument)
        return types.CompleteResult(completion=found)


class _Progress:
    """Forwards the memory's progress to the client that waits, if it asked for it."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._last = -_STEP

    async def tell(self, fraction: float, message: str) -> None:
        """Send a notification, a little further than the last one when nothing moved.

        The protocol wants every value to be larger than the one before, and a
        client that waits wants to hear that somebody still works.
        """
        further = max(fraction, self._last + _STEP)
        if self._last < further <= 1.0:
            self._last = further
            await self._ctx.session.report_progress(further, 1.0, message)


async def _list_resources(
    _ctx: Context, _params: types.PaginatedRequestParams | None
) -> types.ListResourcesResult:
    return types.ListResourcesResult(resources=list(resources.STATIC))


async def _list_templates(
    _ctx: Context, _params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    return types.ListResourceTemplatesResult(resource_templates=list(resources.TEMPLATES))


async def _list_prompts(
    _ctx: Context, _params: types.PaginatedRequestParams | None
) -> types.ListPromptsResult:
    return types.ListPromptsResult(prompts=prompts.listed())


async def _get_prompt(_ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    return prompts.rendered(params.name, params.arguments)


async def _set_level(_ctx: Context, _params: types.SetLevelRequestParams) -> types.EmptyResult:
    return types.EmptyResult()
