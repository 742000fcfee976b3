"""`lessonbank host`: the process that holds a store's memory, looked at and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from argparse import Namespace
from collections import deque
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from memory_core.errors import MemoryUnavailable
from memory_core.settings import Settings
from server.cli.terminal import Page
from server.host.direct import NoHost, ensure, health, held, stop
from server.host.place import Announcement, HostRefused, Place, known_place, place_of
from server.plain import one_line


class HostAnswer(BaseModel):
    """What a host command answers; everything but `running`, `store` and `said` is the host's."""

    running: bool
    store: str
    said: str
    pid: int = 0
    version: str = ""
    stage: str = ""
    message: str = ""
    fronts: int = 0
    calls: int = 0
    idle: float = 0.0
    up: float = 0.0
    log: str = ""
    lines: tuple[str, ...] = ()


Action = Callable[[Settings, str, Namespace], HostAnswer]


def _there(settings: Settings) -> tuple[Place | None, Announcement | None]:
    try:
        place = known_place(settings.store)
        return place, place.read() if place is not None else None
    except HostRefused as error:
        raise MemoryUnavailable(str(error)) from None


def status(settings: Settings, _version: str, _arguments: Namespace) -> HostAnswer:
    """Say whether a host runs, and what it says of itself."""
    place, there = _there(settings)
    told = health(there) if there is not None else None
    if place is None or told is None:
        return HostAnswer(
            running=False,
            store=str(settings.store),
            said="No host runs: the first client starts one.",
            log=str(place.log) if place is not None else "",
        )
    return HostAnswer(
        running=True,
        store=str(told["store"]),
        said="The host runs.",
        pid=told["pid"],
        version=told["version"],
        stage=told["stage"],
        message=told["message"],
        fronts=told["fronts"],
        calls=told["calls"],
        idle=told["idle"],
        up=max(time.time() - told["started"], 0.0),
        log=str(place.log),
    )


def end(settings: Settings, _version: str, _arguments: Namespace) -> HostAnswer:
    """Let the host finish its calls and end; one that hangs is ended by its process id."""
    place, there = _there(settings)
    store = str(settings.store)
    if place is None or there is None or not (health(there) or _hangs(place, there)):
        return HostAnswer(running=False, store=store, said="No host runs.")
    if stop(place, there):
        said = "The host has ended; the next call starts one."
        return HostAnswer(running=False, store=store, said=said, pid=there.pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(there.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    said = "The host did not end in time and was killed; what it acknowledged is stored."
    return HostAnswer(running=False, store=store, said=said, pid=there.pid)


def _hangs(place: Place, there: Announcement) -> bool:
    """Whether the announced process holds the lock though it does not answer."""
    try:
        os.kill(there.pid, 0)
    except OSError:
        return False
    return held(place)


def restart(settings: Settings, version: str, arguments: Namespace) -> HostAnswer:
    """End the host, if there is one, and start another."""
    end(settings, version, arguments)
    try:
        ensure(place_of(settings.store), version)
    except (NoHost, HostRefused) as error:
        raise MemoryUnavailable(str(error)) from None
    return status(settings, version, arguments)


def logs(settings: Settings, version: str, arguments: Namespace) -> HostAnswer:
    """The last lines of the host's log."""
    now = status(settings, version, arguments)
    if not now.log:
        return now.model_copy(update={"said": "No host has run for this store yet."})
    try:
        with Path(now.log).open(encoding="utf-8", errors="replace") as file:
            lines = tuple(line.rstrip("\n") for line in deque(file, max(arguments.lines, 0)))
    except OSError as error:
        raise MemoryUnavailable(f"{now.log} cannot be read ({error.strerror}).") from None
    return now.model_copy(update={"said": now.log, "lines": lines})


ACTIONS: dict[str, Action] = {"status": status, "stop": end, "restart": restart, "logs": logs}


def show(page: Page, answer: HostAnswer) -> None:
    """Show what was answered."""
    page.line(answer.said, *(("dim",) if answer.lines else ()))
    for line in answer.lines:
        page.line(one_line(line))
    if answer.running and not answer.lines:
        page.line(f"  store    {answer.store}")
        page.line(f"  process  {answer.pid}, version {answer.version}, up {answer.up:.0f} s")
        page.line(f"  memory   {answer.stage}: {answer.message}")
        page.line(f"  clients  {answer.fronts} connected, {answer.calls} calls under way")
        page.line(f"  idle     {answer.idle:.0f} s")
        page.line(f"  log      {answer.log}")
