"""The memory port over the host's socket: what every front and command holds.

Light: no model, no store, no arrays. The way there (`Reach`) is shared by everything in a process
that asks the host. A host that is not there is started at the first call; one that dies is replaced
and the call repeated with its key, so that it counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

import anyio
from anyio import to_thread
from pydantic import ValidationError

from memory_core.addresses import working_directory
from memory_core.bootstrap import product_version
from memory_core.caller import OWNER, Caller
from memory_core.errors import MemoryUnavailable
from memory_core.model import GLOBAL_PROJECT
from memory_core.port import Change, Memory, Method, Progress, Readiness
from memory_core.projects import derive_project
from memory_core.requests import AnswerT, RequestT
from memory_core.settings import Settings
from server.host.direct import open_door
from server.host.link import HostBusy, HostEnded, Link
from server.host.place import PROTOCOL, Announcement, HostRefused, known_place
from server.host.protocol import WITHIN, completed, told_caller
from server.host.starting import living_host, reap

# -- the way to the host

logger = logging.getLogger(__name__)

REPEATS = 8
"""How often a call is repeated when hosts end under it."""
AT_ONCE = 56
"""Calls of one front that are with the host at once; further ones wait here."""
_PAUSE = 0.05
_LOOK = 0.5
"""Seconds between two looks for a host by a front that follows its changes."""
RETRY = 5.0
"""Seconds between two attempts to load a memory that could not be loaded."""
_SERVING = frozenset({"ready", "keyword"})
_EVERYTHING: tuple[Literal["mistakes", "scorer", "stats"], ...] = ("mistakes", "scorer", "stats")


class Way(Protocol):
    """A way to a host, whichever it is now."""

    room: anyio.Semaphore
    readiness: Readiness

    async def answered(
        self, name: str, key: str, body: Mapping[str, Any], progress: Progress | None
    ) -> Any:
        """Give the JSON of a call's answer."""

    def warm(self) -> None: ...
    def changes(self) -> AsyncGenerator[Change, None]: ...
    async def aclose(self) -> None: ...


class Reach:
    """Finds, starts and asks the host of one store.

    Args:
        settings: Whose store, and what a host that is started is set up with.
        version: Of this front; an older host is replaced.
    """

    def __init__(self, settings: Settings, version: str) -> None:
        self._settings, self._version = settings, version
        self._link: Link | None = None
        self._finding = anyio.Lock()
        self.room = anyio.Semaphore(AT_ONCE)
        self.readiness = Readiness("idle", 0.0, "Nothing is loaded yet.")
        self._warming: asyncio.Task[None] | None = None
        self._warmed_at = 0.0
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
                link = Link.of_host(host, AT_ONCE)
                await link.warn_if_other(self._settings)
                self._link = link
            return self._link

    def _ensured(self) -> Announcement:
        return living_host(self._settings.store, self._version, lambda: self._closed)

    async def _let_go(self, link: Link) -> None:
        """Forget a host that ended; its other calls may still be answered."""
        if self._link is link:
            self._link = None
            self.readiness = Readiness("idle", 0.0, "The host is started again.")
        link.left = True
        await link.close_if_left()

    # -- calls ---------------------------------------------------------------------

    async def answered(
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

    # -- how far it is -------------------------------------------------------------

    def warm(self) -> None:
        """Find or start the host in the background; it begins to load by itself.

        Safe to call again, and how often is no matter: what failed is tried again, after a
        while.
        """
        if self._warming is not None and not self._warming.done():
            return
        if self.readiness.stage == "failed":
            if time.monotonic() - self._warmed_at < RETRY:
                return
            self.readiness = Readiness("idle", 0.0, "The host is tried again.")
        self._warming = asyncio.ensure_future(self._warmed())

    async def _warmed(self) -> None:
        """Follow how far the host has loaded, until it has."""
        try:
            while not (self.readiness.loaded or self._closed):
                await self._look()
                await anyio.sleep(_PAUSE)
        except MemoryUnavailable as error:
            self.readiness = Readiness("failed", 1.0, str(error))
        finally:
            self._warmed_at = time.monotonic()

    async def _look(self) -> None:
        link = await self._linked()
        try:
            told = await link.health()
            self.readiness = Readiness(told["stage"], told["fraction"], told["message"])
        except (HostEnded, KeyError):
            await self._let_go(link)

    # -- changes -------------------------------------------------------------------

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Every change from now on, across hosts; a front that only listens starts none."""
        hosts = 0
        while not self._closed:
            host = await to_thread.run_sync(self._announced, abandon_on_cancel=True)
            if host is not None:
                hosts += 1
                if hosts > 1:  # what happened between the two was heard by nobody
                    for subject in _EVERYTHING:
                        yield Change(subject, project=GLOBAL_PROJECT)  # every caller hears
                async with contextlib.aclosing(Link.of_host(host, 1).changes()) as heard:
                    async for said in heard:
                        yield Change(*said)
                if self.readiness.stage in _SERVING:  # the next host has nothing loaded yet
                    self.readiness = Readiness("idle", 0.0, "The host has ended.")
            await anyio.sleep(_LOOK)

    def _announced(self) -> Announcement | None:
        """The host that is announced now, if this front understands it."""
        reap()
        try:
            place = known_place(self._settings.store)
            there = place.read() if place is not None else None
            if there is None or there.protocol != PROTOCOL:
                return None
            return open_door(there)
        except (OSError, HostRefused):
            return None

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


# -- the port


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
