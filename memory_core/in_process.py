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
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from memory_core.caller import OWNER, Caller, CallerScope
from memory_core.errors import LessonbankError
from memory_core.loading import Loading
from memory_core.port import (
    Brief,
    Change,
    CheckRequest,
    Compacted,
    EditAnswer,
    EditRequest,
    ForgetRequest,
    Identified,
    IdRequest,
    ItemDetail,
    ListAnswer,
    ListRequest,
    Mistakes,
    OutcomeAnswer,
    OutcomeRequest,
    Progress,
    ProjectChanged,
    ProjectRequest,
    ProjectsAnswer,
    Readiness,
    RecallAnswer,
    RecallRequest,
    RecallsAnswer,
    RecallsRequest,
    Reembedded,
    RememberAnswer,
    RememberRequest,
    ScorerReport,
    StateAnswer,
    Stats,
)

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService

T = TypeVar("T")
WORKERS = 4
"""Calls served at once; the model itself takes one at a time."""
REMEMBER_WAIT = 120.0
"""Seconds that `remember` waits for the model before it stores an item without vectors."""


class InProcessMemory:
    """Implements `memory_core.port.Memory`.

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

    async def _store(self, scope: CallerScope, what: str) -> MemoryService:
        """The service for a call that needs no model, once the caller may make it."""
        self._caller.require(scope, what)
        return await self._loading.ready_service()

    async def _model(
        self, scope: CallerScope, what: str, wait: float, progress: Progress | None
    ) -> MemoryService:
        """The service for a call that waits for the model, once the caller may make it."""
        self._caller.require(scope, what)
        return await self._loading.with_model(wait, progress)

    # -- the port ------------------------------------------------------------------

    async def recall(
        self, request: RecallRequest, progress: Progress | None = None
    ) -> RecallAnswer:
        service = await self._model("read", "recall", self._model_wait, progress)
        return await self._run(partial(service.recall, request, self._as(service)))

    async def check(self, request: CheckRequest, progress: Progress | None = None) -> RecallAnswer:
        service = await self._model("read", "check", self._model_wait, progress)
        return await self._run(partial(service.check, request, self._as(service)))

    async def remember(
        self, request: RememberRequest, progress: Progress | None = None
    ) -> RememberAnswer:
        service = await self._model("write", "remember", REMEMBER_WAIT, progress)
        return await self._run(partial(service.lessons.remember, request, self._as(service)))

    async def edit(self, request: EditRequest, progress: Progress | None = None) -> EditAnswer:
        service = await self._model("write", "edit", REMEMBER_WAIT, progress)
        return await self._run(partial(service.lessons.edit, request, self._caller))

    async def report_outcome(
        self, request: OutcomeRequest, progress: Progress | None = None
    ) -> OutcomeAnswer:
        wait = REMEMBER_WAIT if request.lessons else self._model_wait
        service = await self._model("write", "report_outcome", wait, progress)
        return await self._run(partial(service.report_outcome, request, self._as(service)))

    async def list_lessons(self, request: ListRequest) -> ListAnswer:
        service = await self._store("read", "list_lessons")
        return await self._run(partial(service.reading.list_lessons, request, self._as(service)))

    async def forget(self, request: ForgetRequest) -> StateAnswer:
        service = await self._store("write", "forget")
        return await self._run(partial(service.lessons.forget, request, self._as(service)))

    async def restore(self, request: ForgetRequest) -> StateAnswer:
        service = await self._store("write", "restore")
        return await self._run(partial(service.lessons.restore, request, self._as(service)))

    async def get(self, item_id: str, project: str = "") -> ItemDetail:
        service = await self._store("read", "reading an item")
        return await self._run(partial(service.reading.get, item_id, project, self._as(service)))

    async def brief(self, project: str = "", max_tokens: int = 1200) -> Brief:
        service = await self._store("read", "reading a brief")
        return await self._run(
            partial(service.reading.brief, project, max_tokens, self._as(service))
        )

    async def mistakes(self, project: str = "") -> Mistakes:
        service = await self._store("read", "reading the mistakes")
        return await self._run(partial(service.reading.mistakes, project, self._as(service)))

    async def recalls(self, request: RecallsRequest) -> RecallsAnswer:
        service = await self._store("read", "listing recalls")
        return await self._run(partial(service.reading.recalls, request, self._as(service)))

    async def projects(self, project: str = "") -> ProjectsAnswer:
        service = await self._store("read", "listing projects")
        return await self._run(partial(service.projects.projects, project, self._as(service)))

    async def change_project(self, request: ProjectRequest) -> ProjectChanged:
        service = await self._store("admin", "changing a project")
        self._caller.require_all("changing a project")
        return await self._run(partial(service.projects.change, request, self._caller))

    def _as(self, service: MemoryService) -> Caller:
        """The caller, with all names of its projects, and where it works."""
        caller = service.core.names.widened(self._caller)
        return caller if caller.home else replace(caller, home=self._project)

    async def identify(self, request: IdRequest) -> Identified:
        service = await self._store("read", "reading an id")
        return await self._run(partial(service.identify, request, self._caller))

    async def scorer(self) -> ScorerReport:
        service = await self._store("read", "reading the scorer")
        return await self._run(partial(service.scorer, self._as(service)))

    async def stats(self) -> Stats:
        service = await self._store("read", "reading the counts")
        return await self._run(partial(service.stats, self.readiness().stage, self._as(service)))

    async def compact(self) -> Compacted:
        service = await self._store("admin", "compacting")
        self._caller.require_all("compacting")
        return await self._run(service.compact)

    async def reembed(self, progress: Progress | None = None) -> Reembedded:
        self._caller.require("admin", "re-embedding")
        self._caller.require_all("re-embedding")
        service = await self._loading.ready_service(progress)
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
