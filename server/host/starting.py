"""Electing, starting and ending hosts. Blocking: called on threads and by commands.

One front at a time starts a host, under the lock `starting`; the host that runs
holds the lock `lock` and has written down who it is. A host that neither answers
nor lets go is killed by that record: what it acknowledged is stored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from memory_core.errors import MemoryUnavailable, shown
from memory_core.settings import SHARED, Settings
from server.host.direct import HEALTH_WITHIN, Barred, health, open_door, request
from server.host.place import PROTOCOL, Announcement, HostRefused, Place, place_of
from server.launch import for_children

START_WITHIN = 45.0
"""Seconds until a host has to answer; what it loads comes after that."""
HANGS_AFTER = 20.0
"""Seconds without an answer after which the holder of the lock is killed and replaced."""
STOP_WITHIN = 15.0
LOST_RACE = 3
"""Exit code of a host that found another one in its place."""
LAST_BYTES = 4_000
"""How much of the log is read for a reason."""
_POLL = 0.02
_HELP = "See `lessonbank host logs` and `lessonbank doctor`, or serve with --in-process."

Cancelled = Callable[[], bool]


class NoHost(Exception):
    """No host can be had; the sentence says why and what to do."""


def _never() -> bool:
    return False


def start(store: Path) -> None:
    """Start a host in the background and return at once; harmless where one runs."""
    with contextlib.suppress(OSError, HostRefused):
        _spawn(place_of(store))


def living_host(store: Path, version: str, cancelled: Cancelled = _never) -> Announcement:
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


def ensure(place: Place, version: str, cancelled: Cancelled = _never) -> Announcement:
    """Give a living host of this protocol and at least this version, started if need be.

    Any number of fronts may call it at once: one of them starts one host.

    Args:
        place: Of the store.
        version: Of the front that asks.
        cancelled: Looked at while it waits: true gives up.

    Raises:
        NoHost: None can be had.
        HostRefused: It belongs to another user.
    """
    found = _living(place)
    if found is not None and _suits(found, version):
        return found
    with _sole_starter(place, cancelled):
        found = _living(place)
        if found is not None and _suits(found, version):
            return found
        if found is not None:
            end(place, found)
        return _started(place, cancelled)


def _living(place: Place) -> Announcement | None:
    there = place.read()
    if there is None:
        return None
    try:
        there = open_door(there)
    except Barred as error:
        raise NoHost(str(error)) from None
    told = health(there)
    return there if told is not None and not told.get("stopping") else None


def _suits(there: Announcement, version: str) -> bool:
    """Whether this host may serve a front of this version.

    Raises:
        NoHost: It is of a newer protocol than this front knows.
    """
    if there.protocol > PROTOCOL:
        raise NoHost(
            f"A newer lessonbank ({there.version}) serves this memory. Update this one, or stop "
            "that one with `lessonbank host stop` of the newer version."
        )
    return there.protocol == PROTOCOL and _parts(there.version) >= _parts(version)


def _parts(version: str) -> tuple[int, ...]:
    """The release numbers of a version: 0.10.2rc1 gives (0, 10, 2)."""
    numbers = []
    for part in version.split("+", maxsplit=1)[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


@contextlib.contextmanager
def _sole_starter(place: Place, cancelled: Cancelled) -> Iterator[None]:
    lock = FileLock(str(place.starting), timeout=START_WITHIN, thread_local=False)
    try:
        lock.acquire(cancel_check=cancelled)
    except Timeout:
        raise NoHost(
            f"Another process has been starting the memory's host for {START_WITHIN:.0f} s. "
            "Try again, or run `lessonbank host status`."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _started(place: Place, cancelled: Cancelled) -> Announcement:
    """Start a host and wait until it answers; again when an ending one was in its place."""
    began, told = time.monotonic(), _size(place.log)
    child = _spawn(place)
    while time.monotonic() - began < START_WITHIN and not cancelled():
        found = _living(place)
        if found is not None:
            return found
        if child.poll() == LOST_RACE:
            if time.monotonic() - began > HANGS_AFTER:
                kill(place)
            child = _spawn(place)
        elif child.poll() is not None:
            raise NoHost(f"The memory's host did not start: {_reason(place, told)} {_HELP}")
        time.sleep(_POLL)
    raise NoHost(f"The memory's host did not answer within {START_WITHIN:.0f} s. {_HELP}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _reason(place: Place, since: int) -> str:
    """The last line that the host wrote before it ended."""
    try:
        with place.log.open("rb") as file:
            file.seek(max(since, _size(place.log) - LAST_BYTES))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "it left no word in its log."


def without_effect(settings: Settings, told: Mapping[str, Any]) -> list[str]:
    """Sentences about what a front was set up with and its host was not.

    Args:
        settings: Of the front.
        told: What the host says of itself.
    """
    usual, has = Settings(store=Path()), told.get("settings", {})
    return [
        f"LESSONBANK_{name.upper()} = {shown(value)} has no effect: the memory's host was "
        f"started with {shown(has.get(name))}. Run `lessonbank host restart` with the settings "
        "that you want."
        for name in SHARED
        if (value := getattr(settings, name)) != getattr(usual, name) and has.get(name) != value
    ]


# -- processes ---------------------------------------------------------------------

_children: list[subprocess.Popen[bytes]] = []


def reap() -> None:
    """Let go of hosts that this process started and that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def _spawn(place: Place) -> subprocess.Popen[bytes]:
    """Start a host that outlives this process and holds none of its streams."""
    reap()
    command = [sys.executable, *_SAFE_PATH, "-m", "server.host", str(place.store)]
    for apart in _apart():
        try:
            child = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=place.folder.anchor if _SAFE_PATH else place.folder,
                env=_environment(),
                close_fds=True,
                **apart,
            )
        except PermissionError:  # a job of Windows that nobody may break away from
            continue
        _children.append(child)
        return child
    raise NoHost("The system does not let a process start another one. Serve with --in-process.")


_SAFE_PATH = ("-P",) if sys.version_info >= (3, 11) else ()
"""Keeps a folder `server` in the working directory from being run in our place."""


def _apart() -> Iterator[dict[str, Any]]:
    """Ways to make a process of its own, best first."""
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        yield {"creationflags": flags | subprocess.CREATE_BREAKAWAY_FROM_JOB}
        yield {"creationflags": flags}
    else:
        yield {"start_new_session": True}


def _environment() -> dict[str, str]:
    """This process's environment, good in any working directory."""
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    found_by = for_children()
    if found_by:
        environment["PYTHONPATH"] = found_by
    model = environment.get("LESSONBANK_MODEL")
    if model and Path(model).is_dir():  # relative to this process's working directory
        environment["LESSONBANK_MODEL"] = str(Path(model).absolute())
    return environment


# -- ending ------------------------------------------------------------------------


def end(place: Place, there: Announcement | None, *, at_once: bool = False) -> str:
    """End the host and wait until it is gone: "ended", "killed" or "none".

    Calls under way are finished first; what comes after finds another host. One that
    does not end in time is killed, with `at_once` without being asked.
    """
    if there is not None and not at_once:
        with contextlib.suppress(OSError, ValueError):
            request(there, "POST", "/stop", {}, HEALTH_WITHIN)
    if not held(place):
        return "none" if there is None else "ended"
    deadline = time.monotonic() + (0.0 if at_once or there is None else STOP_WITHIN)
    while time.monotonic() < deadline:
        if not held(place):
            return "ended"
        time.sleep(_POLL)
    return "killed" if kill(place) else "ended"


def kill(place: Place) -> bool:
    """Kill the process that holds the lock, as it wrote itself down; False when there is none."""
    holder = place.holder()
    if holder is None or not held(place) or place.holder() != holder:
        return False
    with contextlib.suppress(OSError):
        os.kill(holder.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    deadline = time.monotonic() + HEALTH_WITHIN
    while held(place) and time.monotonic() < deadline:
        time.sleep(_POLL)
    return True


def held(place: Place) -> bool:
    """Whether some process is this place's host."""
    if not place.lock.exists():
        return False
    try:
        with FileLock(str(place.lock), timeout=0, thread_local=False):
            return False
    except Timeout:
        return True
