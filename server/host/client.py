"""The memory port over the host's socket: what every front and command holds.

Light: no model, no store, no arrays. See `server.host.reach` for how the host is found.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import anyio
from pydantic import ValidationError

from memory_core.addresses import working_directory
from memory_core.bootstrap import product_version
from memory_core.caller import OWNER, Caller
from memory_core.errors import MemoryUnavailable
from memory_core.port import Change, Memory, Method, Progress, Readiness
from memory_core.projects import derive_project
from memory_core.requests import AnswerT, RequestT
from memory_core.settings import Settings
from server.host.protocol import WITHIN, completed, told_caller
from server.host.reach import Reach, Way


class HostMemory(Memory):
    """The port through the shared host of a store.

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

    async def call(
        self,
        method: Method[RequestT, AnswerT],
        request: RequestT,
        progress: Progress | None = None,
    ) -> AnswerT:
        """Ask, again with the same key when the host ends before it answers."""
        key = f"{method.name}-{secrets.token_hex(12)}"
        given = request.model_dump(mode="json", exclude_unset=True)
        body = {
            "request": completed(method, given, self._settings.source, key),
            "wait": self._settings.model_wait,
            "caller": told_caller(self._working()),
        }
        try:
            with anyio.fail_after(None if method.upkeep else WITHIN):
                async with self._reach.room:
                    said = await self._reach.answered(method.name, key, body, progress)
        except TimeoutError:
            raise MemoryUnavailable(
                f"The memory's host gave no answer to {method.name} for {WITHIN:.0f} s; it may "
                "still finish. Run `lessonbank host status`."
            ) from None
        try:
            return method.answer.model_validate(said)
        except ValidationError:
            raise MemoryUnavailable(
                "The memory's host answered what this version does not understand. "
                "Run `lessonbank host restart`."
            ) from None

    def _working(self) -> Caller:
        """The caller with this front's project, which counts only where a call leaves it open."""
        return self._caller if self._caller.home else replace(self._caller, home=self._project)

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


def open_hosted(settings: Settings, cwd: Path | None = None) -> Memory:
    """Give the memory behind the shared host of these settings' store.

    Nothing is started until `warm` or the first call.

    Args:
        settings: See `memory_core.settings.read_settings`.
        cwd: Where the project is derived from, the process's own by default.
    """
    project = derive_project(cwd or working_directory(), settings.project, settings.store)
    return HostMemory(settings, project, product_version())
