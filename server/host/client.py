"""The memory port over the host's socket: what every front and command holds.

Light: no model, no store, no arrays. See `server.host.reach` for how the host is found.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import anyio
from pydantic import BaseModel, ValidationError

from memory_core import port
from memory_core.addresses import working_directory
from memory_core.bootstrap import product_version
from memory_core.errors import MemoryUnavailable
from memory_core.port import OWNER, Caller, Change, Memory, Progress, Readiness
from memory_core.projects import derive_project
from memory_core.settings import Settings
from server.host.protocol import METHODS, WITHIN, told_caller
from server.host.reach import Reach, Way

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class HostMemory:
    """Implements `memory_core.port.Memory` through the shared host of a store.

    Args:
        settings: Whose store, and what this front adds to its calls: how long a
            recall waits for the model, and who writes.
        project: Of calls that name none and carry no id.
        version: Of this front; an older host is replaced.
        reach: Another way to a host than by this machine's files.
    """

    def __init__(
        self, settings: Settings, project: str, version: str, reach: Way | None = None
    ) -> None:
        self._settings, self._project = settings, project
        self._reach = reach or Reach(settings, version)
        self._caller = OWNER

    def bound(self, caller: Caller) -> HostMemory:
        """The same memory for this caller, whom the host holds to its scope and projects."""
        view = copy.copy(self)
        view._caller = caller  # noqa: SLF001 - its own
        return view

    def work_in(self, project: str) -> None:
        """Say of which project calls are from now on that name none."""
        self._project = project

    # -- calls ---------------------------------------------------------------------

    async def _call(
        self,
        name: str,
        given: Mapping[str, Any],
        answer: type[AnswerT],
        progress: Progress | None = None,
    ) -> AnswerT:
        """Ask, again with the same key when the host ends before it answers."""
        key = f"{name}-{secrets.token_hex(12)}"
        body = {
            "request": self._completed(name, given, key),
            "wait": self._settings.model_wait,
            "caller": told_caller(self._working()),
        }
        try:
            with anyio.fail_after(METHODS[name].within):
                async with self._reach.room:
                    said = await self._reach.answered(name, key, body, progress)
        except TimeoutError:
            raise MemoryUnavailable(
                f"The memory's host gave no answer to {name} for {WITHIN:.0f} s; it may still "
                "finish. Run `lessonbank host status`."
            ) from None
        try:
            return answer.model_validate(said)
        except ValidationError:
            raise MemoryUnavailable(
                "The memory's host answered what this version does not understand. "
                "Run `lessonbank host restart`."
            ) from None

    def _working(self) -> Caller:
        """The caller with this front's project, which counts only where a call leaves it open."""
        return self._caller if self._caller.home else replace(self._caller, home=self._project)

    def _completed(self, name: str, given: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The request with what this front knows: who writes, and a report's id."""
        data = dict(given)
        if name in _WRITTEN_BY and not data.get("source"):
            data["source"] = self._settings.source
        if name == "report_outcome" and not data.get("report_id"):
            data["report_id"] = key
        return data

    # -- the port ------------------------------------------------------------------

    async def recall(
        self, request: port.RecallRequest, progress: Progress | None = None
    ) -> port.RecallAnswer:
        return await self._call("recall", _plain(request), port.RecallAnswer, progress)

    async def check(
        self, request: port.CheckRequest, progress: Progress | None = None
    ) -> port.RecallAnswer:
        return await self._call("check", _plain(request), port.RecallAnswer, progress)

    async def remember(
        self, request: port.RememberRequest, progress: Progress | None = None
    ) -> port.RememberAnswer:
        return await self._call("remember", _plain(request), port.RememberAnswer, progress)

    async def edit(
        self, request: port.EditRequest, progress: Progress | None = None
    ) -> port.EditAnswer:
        return await self._call("edit", _plain(request), port.EditAnswer, progress)

    async def report_outcome(
        self, request: port.OutcomeRequest, progress: Progress | None = None
    ) -> port.OutcomeAnswer:
        return await self._call("report_outcome", _plain(request), port.OutcomeAnswer, progress)

    async def list_lessons(self, request: port.ListRequest) -> port.ListAnswer:
        return await self._call("list_lessons", _plain(request), port.ListAnswer)

    async def recalls(self, request: port.RecallsRequest) -> port.RecallsAnswer:
        return await self._call("recalls", _plain(request), port.RecallsAnswer)

    async def identify(self, request: port.IdRequest) -> port.Identified:
        return await self._call("identify", _plain(request), port.Identified)

    async def forget(self, request: port.ForgetRequest) -> port.StateAnswer:
        return await self._call("forget", _plain(request), port.StateAnswer)

    async def restore(self, request: port.ForgetRequest) -> port.StateAnswer:
        return await self._call("restore", _plain(request), port.StateAnswer)

    async def get(self, item_id: str, project: str = "") -> port.ItemDetail:
        given = {"item_id": item_id, "project": project}
        return await self._call("get", given, port.ItemDetail)

    async def brief(self, project: str = "", max_tokens: int = 1200) -> port.Brief:
        given = {"project": project, "max_tokens": max_tokens}
        return await self._call("brief", given, port.Brief)

    async def mistakes(self, project: str = "") -> port.Mistakes:
        return await self._call("mistakes", {"project": project}, port.Mistakes)

    async def projects(self, project: str = "") -> port.ProjectsAnswer:
        return await self._call("projects", {"project": project}, port.ProjectsAnswer)

    async def change_project(self, request: port.ProjectRequest) -> port.ProjectChanged:
        return await self._call("change_project", _plain(request), port.ProjectChanged)

    async def scorer(self) -> port.ScorerReport:
        return await self._call("scorer", {}, port.ScorerReport)

    async def stats(self) -> port.Stats:
        return await self._call("stats", {}, port.Stats)

    async def compact(self) -> port.Compacted:
        return await self._call("compact", {}, port.Compacted)

    async def reembed(self, progress: Progress | None = None) -> port.Reembedded:
        return await self._call("reembed", {}, port.Reembedded, progress)

    # -- how far it is, what changes, the end --------------------------------------

    def warm(self) -> None:
        """Find or start the host in the background; it begins to load by itself."""
        self._reach.warm()

    def readiness(self) -> Readiness:
        """How far the host had loaded when it was last asked; `warm` asks."""
        return self._reach.readiness

    async def changes(self) -> AsyncIterator[Change]:
        """Every change that the caller may hear of, across hosts."""
        async with aclosing(self._reach.changes()) as changes:
            async for change in changes:
                if change.heard_by(self._caller):
                    yield change

    async def aclose(self) -> None:
        """Let go of the host, which goes on for others; safe to call again."""
        await self._reach.aclose()


_WRITTEN_BY = frozenset({"remember", "edit", "report_outcome"})


def _plain(request: BaseModel) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_unset=True)


def open_hosted(settings: Settings, cwd: Path | None = None) -> Memory:
    """Give the memory behind the shared host of these settings' store.

    Nothing is started until `warm` or the first call.

    Args:
        settings: See `memory_core.settings.read_settings`.
        cwd: Where the project is derived from, the process's own by default.
    """
    project = derive_project(cwd or working_directory(), settings.project, settings.store)
    return HostMemory(settings, project, product_version())
