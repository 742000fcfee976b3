"""The host's answers: the memory port over HTTP, for whoever knows the token."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Container, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from memory_core.caller import Caller
from memory_core.errors import InvalidInput, MemoryUnavailable
from memory_core.port import METHODS, Change, Memory, Method, Progress
from memory_core.projects import derive_project
from server.host.calls import Calls, Running, Tell
from server.host.protocol import (
    BEAT,
    KEY,
    MOST_BODY,
    asked,
    completed,
    heard_caller,
    told,
)
from server.host.typed import Carry, TypedCommands

logger = logging.getLogger(__name__)

_CLOSED = frozenset({"idle", "store"})
MOST_WAIT = 600.0
"""Seconds that a call may ask to wait for the model."""
_POLL = 0.02
_LINES = "application/x-ndjson"


class HostApp:
    """Answers over one memory.

    Args:
        memory: The memory; whoever made it closes it.
        token: What callers must know.
        about: What `health` says beside how far the memory has loaded.
        stop: Set when a caller asks for the end.
        methods: Only these calls are taken.
        carry: Carries typed commands out; None where they are not taken.
    """

    def __init__(
        self,
        memory: Memory,
        token: str,
        about: Mapping[str, Any],
        stop: asyncio.Event,
        methods: Container[str] = METHODS,
        *,
        carry: Carry | None = None,
    ) -> None:
        self._memory, self._token, self._about, self._stop = memory, token, dict(about), stop
        self._methods = methods
        self._store = Path(about["store"]) if "store" in about else None
        self.calls = Calls()
        self.answer_call = self._guarded(self._call)
        """Answers one call, for whoever knows the token."""
        self.watchers = 0
        """Fronts that follow the changes: as long as there is one, the host is in use."""
        self.used_at = time.monotonic()
        typed = [] if carry is None else [self._typed_route(carry)]
        self.app = Starlette(
            routes=[
                *typed,
                Route("/health", self._guarded(self._health), methods=["GET"]),
                Route("/call/{method}", self.answer_call, methods=["POST"]),
                Route("/changes", self._guarded(self._changes), methods=["GET"]),
                Route("/stop", self._guarded(self._end), methods=["POST"]),
            ]
        )

    def idle(self) -> float:
        """Seconds since anybody used the host; 0 while somebody does."""
        if self.watchers or self.calls.under_way:
            self.used_at = time.monotonic()
        return time.monotonic() - self.used_at

    def _guarded(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                return _refusal(401, "the token is not this host's")
            found: Response = await answer(request)
            return found

        return checked

    async def _health(self, _request: Request) -> Response:
        now = self._memory.readiness()
        return JSONResponse(
            {
                **self._about,
                "stopping": self._stop.is_set(),
                "stage": now.stage,
                "fraction": now.fraction,
                "message": now.message,
                "fronts": self.watchers,
                "calls": self.calls.under_way,
                "idle": round(self.idle(), 1),
            }
        )

    async def _end(self, _request: Request) -> Response:
        self._stop.set()
        return JSONResponse({"stopping": True})

    # -- calls ---------------------------------------------------------------------

    async def _call(self, request: Request) -> Response:
        if self._stop.is_set():
            return _refusal(503, "stopping")
        if self.calls.full:
            return _refusal(503, "busy")
        if (refused := _too_large(request)) is not None:
            return refused
        name = request.path_params["method"]
        method = METHODS.get(name)
        if method is None or name not in self._methods:
            return _refusal(404, f"no method {name}")
        self.used_at = time.monotonic()
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            return _refusal(400, "the request is no JSON object")
        key = request.headers.get(KEY, "")
        call = self.calls.begin(key, partial(self._perform, method, body, key))
        return StreamingResponse(self._lines(key, call, lasts=method.changes), media_type=_LINES)

    async def _lines(self, key: str, call: Running, *, lasts: bool) -> AsyncIterator[bytes]:
        """What is told of a call until its answer."""
        assert call.task is not None
        call.listeners += 1
        said, beats = None, 0
        try:
            while not call.task.done():
                moved = asyncio.ensure_future(call.moved.wait())
                try:
                    await asyncio.wait(
                        {call.task, moved}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    moved.cancel()
                if call.progress != said and call.progress is not None:
                    said = call.progress
                    yield _line({"progress": list(said)})
                elif not call.task.done():
                    beats += 1
                    yield _line({"beat": beats})
                call.moved.clear()
            yield _line(call.task.result())
        finally:
            self.used_at = time.monotonic()
            self.calls.leave(key, call, lasts=lasts)

    async def _perform(
        self, method: Method[Any, Any], body: Mapping[str, Any], key: str, tell: Tell
    ) -> dict[str, Any]:
        """One call's last line: its answer or its error."""
        try:
            if body.get("wait") is None and self._memory.readiness().stage in _CLOSED:
                raise MemoryUnavailable("The memory is being opened. Ask again in a moment.")
            if method.model or body.get("loads"):
                await self._loaded(float(body.get("wait") or 0.0), tell)
            memory = self._memory.bound(_caller(body, self._store))
            source, exact = str(body.get("source") or ""), bool(body.get("exact"))
            given = completed(method, body.get("request") or {}, source, key)
            answer = await asked(memory, method, given, tell, exact=exact)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            said = told(error)
            if not said["kind"]:
                logger.exception("%s failed", method.name)
            return {"error": said}
        return {"answer": answer.model_dump(mode="json")}

    async def _loaded(self, wait: float, tell: Progress) -> None:
        """Wait for the model, at most so many seconds."""
        self._memory.warm()
        until, said = time.monotonic() + min(wait, MOST_WAIT), 0.0
        while not self._memory.readiness().loaded and time.monotonic() < until:
            if time.monotonic() - said >= 1.0:
                said = time.monotonic()
                now = self._memory.readiness()
                await tell(now.fraction, now.message)
            await anyio.sleep(_POLL)

    # -- typed commands ------------------------------------------------------------

    def _typed_route(self, carry: Carry) -> Route:
        commands = TypedCommands(carry, self._kept_call)

        async def answer(request: Request) -> Response:
            if self._stop.is_set() or self.calls.full or not self._memory.readiness().loaded:
                return _refusal(503, "not now")
            if (refused := _too_large(request)) is not None:
                return refused
            return await commands.answer(request)

        return Route("/typed", self._guarded(answer), methods=["POST"])

    async def _kept_call(self, key: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call that a repetition with its key finds again."""
        method = METHODS[name]
        call = self.calls.begin(key, partial(self._perform, method, body, key))
        assert call.task is not None
        call.listeners += 1
        try:
            await asyncio.wait({call.task})
            return call.task.result()
        finally:
            self.used_at = time.monotonic()
            self.calls.leave(key, call, lasts=method.changes)

    # -- changes -------------------------------------------------------------------

    async def _changes(self, _request: Request) -> Response:
        if self._stop.is_set():
            return _refusal(503, "stopping")
        return StreamingResponse(self._told_changes(), media_type=_LINES)

    async def _told_changes(self) -> AsyncIterator[bytes]:
        """Every change, and a sign of life every two seconds."""
        self.watchers += 1
        try:
            yield _line({"beat": 0})
            async with aclosing(_merged(self._memory, self._stop)) as changes:
                async for said in changes:
                    yield _line(said)
        finally:
            self.watchers -= 1
            self.used_at = time.monotonic()


def _caller(body: Mapping[str, Any], store: Path | None) -> Caller:
    """Who calls; a light front leaves it to us which project its working directory is of."""
    caller, home, folder = heard_caller(body.get("caller")), body.get("home"), body.get("folder")
    if home:  # a name that was set is only checked
        return replace(caller, home=derive_project(Path(), str(home), store))
    if folder:
        return replace(caller, home=derive_project(_same_folder(folder), "", store))
    return caller


def _same_folder(folder: Mapping[str, Any]) -> Path:
    """A caller's working directory, if this process sees the same one under its name.

    Raises:
        InvalidInput: It does not: the caller derives its project itself.
    """
    try:
        about = Path(folder["path"]).stat()
        if (about.st_dev, about.st_ino) == (folder["device"], folder["inode"]):
            return Path(folder["path"])
    except OSError:
        pass
    raise InvalidInput("folder", "is another one here", "Derive the project there.")


async def _merged(memory: Memory, stop: asyncio.Event) -> AsyncGenerator[dict[str, Any], None]:
    """Changes and signs of life until the host stops."""
    changes = memory.changes()
    coming: asyncio.Task[Change] = asyncio.ensure_future(_next(changes))
    ended = asyncio.ensure_future(stop.wait())
    beats = 0
    try:
        while not stop.is_set():
            await asyncio.wait({coming, ended}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                change = coming.result()
                yield {"change": [change.subject, change.key, change.project]}
                coming = asyncio.ensure_future(_next(changes))
            else:
                beats += 1
                yield {"beat": beats}
    finally:
        ended.cancel()
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        close = getattr(changes, "aclose", None)
        if close is not None:
            await close()


async def _next(changes: AsyncIterator[Change]) -> Change:
    return await changes.__anext__()


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"


def _too_large(request: Request) -> Response | None:
    """What to answer to a request that is too large, None to any other."""
    size = int(request.headers.get("content-length") or 0)
    if size <= MOST_BODY:
        return None
    said = f"the request has {size:,} bytes, at most {MOST_BODY:,} are taken; send less"
    return _refusal(413, said)


def _refusal(status: int, why: str) -> Response:
    return JSONResponse({"error": {"kind": "", "text": why}}, status_code=status)
