"""`lessonbank host`: the process that holds a store's memory, looked at and ended."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from memory_core.errors import MemoryUnavailable
from memory_core.settings import Settings
from server.cli.render import counted
from server.cli.terminal import Page
from server.host.direct import health
from server.host.place import Announcement, HostRefused, Place, known_place
from server.host.starting import end, held, living_host
from server.plain import one_line


class HostAnswer(BaseModel):
    """Whether a host runs for a store, in one sentence too."""

    running: bool
    store: str
    said: str


class HostStatus(HostAnswer):
    """What a host says of itself; `stage` is "" and all is 0 where it does not answer."""

    pid: int = 0
    version: str = ""
    stage: str = ""
    message: str = ""
    fronts: int = 0
    calls: int = 0
    idle: float = 0.0
    up: float = 0.0
    log: str = ""


class HostEnded(HostAnswer):
    """What became of a host that was to end; `pid` is 0 where there was none."""

    pid: int = 0


class HostLog(HostAnswer):
    """The last lines of a host's log, and its file."""

    log: str
    lines: tuple[str, ...] = ()


Action = Callable[[Settings, str, Namespace], HostAnswer]


def _there(settings: Settings) -> tuple[Place | None, Announcement | None]:
    try:
        place = known_place(settings.store)
        return place, place.read() if place is not None else None
    except HostRefused as error:
        raise MemoryUnavailable(str(error)) from None


def status(settings: Settings, _version: str, _arguments: Namespace) -> HostStatus:
    """Say whether a host runs, and what it says of itself."""
    place, there = _there(settings)
    told = health(there) if there is not None else None
    if place is None or (told is None and not held(place)):
        return HostStatus(
            running=False,
            store=str(settings.store),
            said="No host runs: the first client starts one.",
            log=str(place.log) if place is not None else "",
        )
    if told is None:
        holder = place.holder()
        return HostStatus(
            running=True,
            store=str(place.store),
            said="A host runs but does not answer; `lessonbank host stop` ends it.",
            pid=holder.pid if holder is not None else 0,
            log=str(place.log),
        )
    return HostStatus(
        running=True,
        store=str(told["store"]),
        said="The host is ending." if told["stopping"] else "The host runs.",
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


_ENDED = {
    "none": "No host runs.",
    "ended": "The host has ended; the next call starts one.",
    "killed": "The host did not end in time and was killed; what it acknowledged is stored.",
}


def stop(settings: Settings, _version: str, arguments: Namespace) -> HostEnded:
    """Let the host finish its calls and end; one that hangs is killed."""
    place, there = _there(settings)
    how = "none" if place is None else end(place, there, at_once=arguments.now)
    pid = there.pid if there is not None and how != "none" else 0
    return HostEnded(running=False, store=str(settings.store), said=_ENDED[how], pid=pid)


def restart(settings: Settings, version: str, arguments: Namespace) -> HostStatus:
    """End the host, if there is one, and start another."""
    stop(settings, version, arguments)
    living_host(settings.store, version)
    return status(settings, version, arguments)


def logs(settings: Settings, version: str, arguments: Namespace) -> HostLog:
    """The last lines of the host's log."""
    now = status(settings, version, arguments)
    about: dict[str, Any] = {"running": now.running, "store": now.store, "log": now.log}
    if not now.log:
        return HostLog(**about, said="No host has run for this store yet.")
    try:
        with Path(now.log).open(encoding="utf-8", errors="replace") as file:
            lines = tuple(line.rstrip("\n") for line in deque(file, max(arguments.lines, 0)))
    except OSError as error:
        raise MemoryUnavailable(f"{now.log} cannot be read ({error.strerror}).") from None
    return HostLog(**about, said=now.log, lines=lines)


ACTIONS: dict[str, Action] = {"status": status, "stop": stop, "restart": restart, "logs": logs}


def show(page: Page, answer: HostAnswer) -> None:
    """Show what was answered."""
    page.line(answer.said, *(("dim",) if isinstance(answer, HostLog) else ()))
    if isinstance(answer, HostLog):
        for line in answer.lines:
            page.line(one_line(line))
    if isinstance(answer, HostStatus) and answer.stage:
        page.pairs(
            [
                ("store", answer.store),
                ("process", f"{answer.pid}, version {answer.version}, up {_lasted(answer.up)}"),
                ("memory", f"{answer.stage}: {answer.message}"),
                (
                    "clients",
                    f"{answer.fronts} connected, {counted(answer.calls, 'call')} under way",
                ),
                ("idle", _lasted(answer.idle)),
                ("log", answer.log),
            ]
        )


def _lasted(seconds: float) -> str:
    """A time for people: 12 s, 4 min, 3 h, 2 d."""
    for most, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
