"""The memory port in this process: answers as soon as what a call needs is loaded.

Calls run on worker threads, so the event loop never blocks; each obeys the scope
and the projects of whoever it is bound to. Knows no MCP.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from memory_core.answers import Reembedded
from memory_core.caller import OWNER, Caller
from memory_core.errors import LessonbankError
from memory_core.loading import Loading
from memory_core.port import Change, Memory, Method, Progress, Readiness
from memory_core.requests import AnswerT, RequestT

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService

T = TypeVar("T")
WORKERS = 4
"""Calls served at once; the model itself takes one at a time."""
ITEMS_WAIT = 120.0
"""Seconds that a call waits for the model before it stores items without vectors."""


class InProcessMemory(Memory):
    """The port over the service in this process.

    Args:
        open_service: Opens the store and gives the service (slow: imports LanceDB).
            Called once, on the loading thread, with a callback for changes.
        load_embedder: Loads the model (slow: imports torch). Called once.
        model_wait: Seconds that a recall waits for the model before keyword search.
    """

    def __init__(
        self,
        open_service: Callable[[Callable[[Change], None]], MemoryService],
        load_embedder: Callable[[], Embedder],
        model_wait: float,
    ) -> None:
        self._loading = Loading(open_service, load_embedder)
        self._model_wait = model_wait
        self._caller = OWNER
        self._project = ""
        self._run = _Workers().run

    def bound(self, caller: Caller) -> InProcessMemory:
        """The same memory for this caller; see the port."""
        view = copy.copy(self)
        view._caller = caller  # noqa: SLF001 - its own
        return view

    def work_in(self, project: str) -> None:
        """Say of which project calls are from now on that name none."""
        self._project = project

    def warm(self) -> None:
        """Begin to load the store and the model in the background; safe to call again."""
        self._loading.warm()

    def fail(self, error: LessonbankError) -> None:
        """Say from now on that the memory can serve no longer: its host then ends."""
        self._loading.lose(error)

    def readiness(self) -> Readiness:
        return self._loading.readiness

    async def changes(self) -> AsyncIterator[Change]:
        """Every change that the caller may hear of; dropped while its reader is 1,024 behind."""
        async with aclosing(self._loading.changes()) as changes:
            async for change in changes:
                if change.heard_by(self._caller):
                    yield change

    async def aclose(self) -> None:
        """Store everything and let go; safe to call again."""
        await self._loading.aclose()

    async def call(
        self,
        method: Method[RequestT, AnswerT],
        request: RequestT,
        progress: Progress | None = None,
    ) -> AnswerT:
        """Make one call on a worker thread, once what it needs is loaded; see the port."""
        self._caller.require(method.scope, method.what)
        if method.scope == "admin":
            self._caller.require_all(method.what)
        if method.model:
            wait = ITEMS_WAIT if request.has_items else self._model_wait
            service = await self._loading.with_model(wait, progress)
        else:
            service = await self._loading.ready_service(progress)
        if method.name == "reembed":
            done: AnswerT = await self._reembed(service, progress)
            return done
        return await self._run(partial(service.answer, method, request, self._as(service)))

    def _as(self, service: MemoryService) -> Caller:
        """The caller, with all names of its projects, and where it works."""
        caller = service.core.names.widened(self._caller)
        return caller if caller.home else replace(caller, home=self._project)

    async def _reembed(self, service: MemoryService, progress: Progress | None) -> Any:
        """Re-embed with the model as it is now, and tell how far it is."""
        embedder = await self._run(self._loading.load_embedder)
        done = [0, 0]

        def count(finished: int, total: int) -> None:
            done[:] = [finished, total]

        async def tell() -> None:
            while progress is not None:
                said = f"{done[0]} of {done[1]} re-embedded" if done[1] else "looking what to do"
                await progress(done[0] / max(done[1], 1), said)
                await anyio.sleep(1.0)

        answer: Reembedded | LessonbankError
        async with anyio.create_task_group() as group:
            group.start_soon(tell)
            try:
                answer = await self._run(partial(service.reembed, embedder, count))
            except LessonbankError as error:  # raised as itself, not in the group's exception
                answer = error
            group.cancel_scope.cancel()
        if isinstance(answer, LessonbankError):
            raise answer
        service.core.notes.clear()
        self._loading.say_ready()
        return answer


class _Workers:
    """Runs calls on threads, a few at once; made in one event loop, which is known late."""

    def __init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Give the result of `work`."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(WORKERS)
        return await to_thread.run_sync(work, limiter=self._limiter)
