"""The memory port over the host's socket: what every front and command holds.

Light: no model, no store, no arrays. A host that is not there is started at the
first call; one that dies is replaced and the call repeated with its key, so that it
counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import anyio
from anyio import to_thread
from pydantic import BaseModel, ValidationError

from memory_core import port
from memory_core.bootstrap import product_version
from memory_core.errors import MemoryUnavailable
from memory_core.port import Change, Memory, Progress, Readiness
from memory_core.projects import derive_project
from memory_core.settings import Settings
from server.host.link import HostBusy, HostEnded, Link
from server.host.place import PROTOCOL, Announcement, HostRefused, known_place, place_of
from server.host.protocol import METHODS, WITHIN
from server.host.starting import NoHost, ensure, reap

logger = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT", bound=BaseModel)
REPEATS = 8
"""How often a call is repeated when hosts end under it."""
AT_ONCE = 56
"""Calls of one front that are with the host at once; further ones wait here."""
_PAUSE = 0.05
_LOOK = 0.5
"""Seconds between two looks for a host by a front that follows its changes."""
_EVERYTHING: tuple[Literal["mistakes", "scorer", "stats"], ...] = ("mistakes", "scorer", "stats")


class HostMemory:
    """Implements `memory_core.port.Memory` through the shared host of a store.

    Args:
        settings: Whose store, and what this front adds to its calls: how long a
            recall waits for the model, and who writes.
        project: Of calls that name none.
        version: Of this front; an older host is replaced.
    """

    def __init__(self, settings: Settings, project: str, version: str) -> None:
        self._settings, self._project, self._version = settings, project, version
        self._link: Link | None = None
        self._finding = anyio.Lock()
        self._room = anyio.Semaphore(AT_ONCE)
        self._readiness = Readiness("idle", 0.0, "Nothing is loaded yet.")
        self._warming: asyncio.Task[None] | None = None
        self._closed = False

    # -- finding the host ----------------------------------------------------------

    async def _linked(self) -> Link:
        """The connection to a living host, which is started if there is none.

        Raises:
            MemoryUnavailable: There is none and none can be started.
        """
        async with self._finding:
            if self._closed:
                raise MemoryUnavailable("The memory is closed. Start lessonbank again.")
            if self._link is None:
                host = await to_thread.run_sync(self._ensured, abandon_on_cancel=True)
                link = Link(host, AT_ONCE)
                await link.warn_if_other(self._settings)
                self._link = link
            return self._link

    def _ensured(self) -> Announcement:
        return living_host(self._settings.store, self._version, lambda: self._closed)

    async def _let_go(self, link: Link) -> None:
        """Forget a host that ended; its other calls may still be answered."""
        if self._link is link:
            self._link = None
            self._readiness = Readiness("idle", 0.0, "The host is started again.")
        link.left = True
        await link.close_if_left()

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
        body = {"request": self._completed(name, given, key), "wait": self._settings.model_wait}
        try:
            with anyio.fail_after(METHODS[name].within):
                async with self._room:
                    said = await self._answered(name, key, body, progress)
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

    async def _answered(
        self, name: str, key: str, body: Mapping[str, Any], progress: Progress | None
    ) -> Any:
        """The answer's JSON, of as many hosts as it takes."""
        for repeat in range(REPEATS):
            link = await self._linked()
            link.users += 1
            try:
                return await link.ask(name, key, body, progress)
            except HostEnded:
                logger.info("the host ended during %s; asking again", name)
                await self._let_go(link)
            except HostBusy:
                logger.info("the host is busy; asking again")
            finally:
                link.users -= 1
                await link.close_if_left()
            await anyio.sleep(_PAUSE * 2**repeat)
        raise MemoryUnavailable(
            f"The memory's host ended or was busy {REPEATS} times under this call. "
            "Run `lessonbank host logs`."
        )

    def _completed(self, name: str, given: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The request with what this front knows: its project, who writes, a report's id."""
        data = dict(given)
        if name in _OF_A_PROJECT and not data.get("project"):
            data["project"] = self._project
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

    async def report_outcome(
        self, request: port.OutcomeRequest, progress: Progress | None = None
    ) -> port.OutcomeAnswer:
        return await self._call("report_outcome", _plain(request), port.OutcomeAnswer, progress)

    async def list_lessons(self, request: port.ListRequest) -> port.ListAnswer:
        return await self._call("list_lessons", _plain(request), port.ListAnswer)

    async def recalls(self, request: port.RecallsRequest) -> port.RecallsAnswer:
        return await self._call("recalls", _plain(request), port.RecallsAnswer)

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

    async def scorer(self) -> port.ScorerReport:
        return await self._call("scorer", {}, port.ScorerReport)

    async def stats(self) -> port.Stats:
        return await self._call("stats", {}, port.Stats)

    async def compact(self) -> port.Compacted:
        return await self._call("compact", {}, port.Compacted)

    async def reembed(self, progress: Progress | None = None) -> port.Reembedded:
        return await self._call("reembed", {}, port.Reembedded, progress)

    # -- how far it is -------------------------------------------------------------

    def warm(self) -> None:
        """Find or start the host in the background; it begins to load by itself."""
        if self._warming is None or self._warming.done():
            self._warming = asyncio.ensure_future(self._warmed())

    async def _warmed(self) -> None:
        """Follow how far the host has loaded, until it has."""
        try:
            while not (self._readiness.loaded or self._closed):
                await self._look()
                await anyio.sleep(_PAUSE)
        except MemoryUnavailable as error:
            self._readiness = Readiness("failed", 1.0, str(error))

    async def _look(self) -> None:
        link = await self._linked()
        try:
            told = await link.health()
            self._readiness = Readiness(told["stage"], told["fraction"], told["message"])
        except (HostEnded, KeyError):
            await self._let_go(link)

    def readiness(self) -> Readiness:
        """How far the host had loaded when it was last asked; `warm` asks."""
        return self._readiness

    # -- changes -------------------------------------------------------------------

    async def changes(self) -> AsyncIterator[Change]:
        """Every change from now on, across hosts; a front that only listens starts none."""
        hosts = 0
        while not self._closed:
            host = await to_thread.run_sync(self._announced, abandon_on_cancel=True)
            if host is not None:
                hosts += 1
                if hosts > 1:  # what happened between the two was heard by nobody
                    for subject in _EVERYTHING:
                        yield Change(subject)
                async with contextlib.aclosing(Link(host, 1).changes()) as heard:
                    async for said in heard:
                        yield Change(*said)
            await anyio.sleep(_LOOK)

    def _announced(self) -> Announcement | None:
        """The host that is announced now, if this front understands it."""
        reap()
        try:
            place = known_place(self._settings.store)
            there = place.read() if place is not None else None
        except (OSError, HostRefused):
            return None
        return there if there is not None and there.protocol == PROTOCOL else None

    # -- closing -------------------------------------------------------------------

    async def aclose(self) -> None:
        """Let go of the host, which goes on for others; safe to call again."""
        self._closed = True
        if self._warming is not None:
            self._warming.cancel()
        link, self._link = self._link, None
        if link is not None:
            with anyio.move_on_after(0.2):
                await link.close()


_OF_A_PROJECT = frozenset(
    {
        *("recall", "check", "remember", "report_outcome", "list_lessons", "recalls"),
        *("forget", "restore", "get", "brief", "mistakes"),
    }
)
_WRITTEN_BY = frozenset({"remember", "report_outcome"})


def _plain(request: BaseModel) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_unset=True)


def living_host(store: Path, version: str, cancelled: Callable[[], bool] = bool) -> Announcement:
    """Give the host of a store, started if need be; `cancelled` gives up while it waits.

    Raises:
        MemoryUnavailable: None can be had; the sentence says why.
    """
    try:
        return ensure(place_of(store), version, cancelled)
    except (NoHost, HostRefused) as error:
        raise MemoryUnavailable(str(error)) from None
    except OSError as error:
        raise MemoryUnavailable(
            f"The folder {store} cannot be used ({error.strerror or error}). "
            "Set LESSONBANK_STORE to a folder that you can write to."
        ) from None


def open_hosted(settings: Settings, cwd: Path | None = None) -> Memory:
    """Give the memory behind the shared host of these settings' store.

    Nothing is started until `warm` or the first call.

    Args:
        settings: See `memory_core.settings.read_settings`.
        cwd: Where the project is derived from, the process's own by default.
    """
    project = derive_project(cwd or Path.cwd(), settings.project)
    return HostMemory(settings, project, product_version())
