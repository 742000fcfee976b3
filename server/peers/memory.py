"""The memory port of a replica: reads from its own copy, changes by the writer."""

from __future__ import annotations

import copy
import time
from collections.abc import AsyncIterator, Callable

import anyio

from memory_core import port
from memory_core.errors import InvalidInput
from memory_core.port import Caller, Memory, Progress, Readiness

RECENT = 60.0
"""Seconds for which a recall may still be on its way from another replica to the writer."""
_UNTIL_KNOWN = 12.0
"""Seconds for which a report waits for it."""
_PAUSE = 0.5


class ReplicaMemory:
    """Implements `memory_core.port.Memory`.

    Args:
        own: Answers recall, check, lists and resources from this process's copy.
        writer: Makes every change.
        gone: Called when both are closed.
    """

    def __init__(
        self, own: Memory, writer: Memory, gone: Callable[[], None] = lambda: None
    ) -> None:
        self._own, self._writer, self._gone = own, writer, gone

    def bound(self, caller: Caller) -> ReplicaMemory:
        """The same for this caller, here and at the writer."""
        view = copy.copy(self)
        view._own = self._own.bound(caller)  # noqa: SLF001 - its own
        view._writer = self._writer.bound(caller)  # noqa: SLF001 - its own
        return view

    def work_in(self, project: str) -> None:
        """Say it here and to the writer."""
        self._own.work_in(project)
        self._writer.work_in(project)

    # -- reads ---------------------------------------------------------------------

    async def recall(
        self, request: port.RecallRequest, progress: Progress | None = None
    ) -> port.RecallAnswer:
        return await self._own.recall(request, progress)

    async def check(
        self, request: port.CheckRequest, progress: Progress | None = None
    ) -> port.RecallAnswer:
        return await self._own.check(request, progress)

    async def list_lessons(self, request: port.ListRequest) -> port.ListAnswer:
        return await self._own.list_lessons(request)

    async def get(self, item_id: str, project: str = "") -> port.ItemDetail:
        return await self._own.get(item_id, project)

    async def brief(self, project: str = "", max_tokens: int = 1200) -> port.Brief:
        return await self._own.brief(project, max_tokens)

    async def mistakes(self, project: str = "") -> port.Mistakes:
        return await self._own.mistakes(project)

    async def recalls(self, request: port.RecallsRequest) -> port.RecallsAnswer:
        return await self._own.recalls(request)

    async def projects(self, project: str = "") -> port.ProjectsAnswer:
        return await self._own.projects(project)

    async def identify(self, request: port.IdRequest) -> port.Identified:
        return await self._own.identify(request)

    async def scorer(self) -> port.ScorerReport:
        return await self._own.scorer()

    async def stats(self) -> port.Stats:
        return await self._own.stats()

    # -- changes -------------------------------------------------------------------

    async def remember(
        self, request: port.RememberRequest, progress: Progress | None = None
    ) -> port.RememberAnswer:
        return await self._writer.remember(request, progress)

    async def edit(
        self, request: port.EditRequest, progress: Progress | None = None
    ) -> port.EditAnswer:
        return await self._writer.edit(request, progress)

    async def report_outcome(
        self, request: port.OutcomeRequest, progress: Progress | None = None
    ) -> port.OutcomeAnswer:
        """Report at the writer, which may hear of the recall a little later than the client."""
        until = time.monotonic() + _UNTIL_KNOWN
        while True:
            try:
                return await self._writer.report_outcome(request, progress)
            except InvalidInput as error:
                on_its_way = error.field == "recall_id" and is_recent(request.recall_id)
                if not on_its_way or time.monotonic() > until:
                    raise
            await anyio.sleep(_PAUSE)

    async def forget(self, request: port.ForgetRequest) -> port.StateAnswer:
        return await self._writer.forget(request)

    async def restore(self, request: port.ForgetRequest) -> port.StateAnswer:
        return await self._writer.restore(request)

    async def change_project(self, request: port.ProjectRequest) -> port.ProjectChanged:
        return await self._writer.change_project(request)

    async def compact(self) -> port.Compacted:
        return await self._own.compact()

    async def reembed(self, progress: Progress | None = None) -> port.Reembedded:
        return await self._own.reembed(progress)

    # -- life ----------------------------------------------------------------------

    def warm(self) -> None:
        """Begin to load the copy and the model in the background; safe to call again."""
        self._own.warm()

    def readiness(self) -> Readiness:
        return self._own.readiness()

    def changes(self) -> AsyncIterator[port.Change]:
        """Every change from now on, as this replica comes to know of it."""
        return self._own.changes()

    async def aclose(self) -> None:
        """Let go of the copy and of the writer; safe to call again."""
        try:
            await self._writer.aclose()
        finally:
            await self._own.aclose()
            self._gone()


def is_recent(recall_id: str, now: float | None = None) -> bool:
    """Whether an id was made in the last minute: ids begin with their milliseconds, in hex."""
    _, _, digits = recall_id.partition("_")
    try:
        made = int(digits[:12], 16) / 1000
    except ValueError:
        return False
    return abs((time.time() if now is None else now) - made) < RECENT
