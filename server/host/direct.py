"""The light way to a host: the standard library only, no event loop.

For hooks, which have a fifth of a second, and for whoever starts or stops a host.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from server.host.place import PROTOCOL, Announcement, HostRefused, Place, known_place, place_of

START_WITHIN = 30.0
"""Seconds that a host gets until it answers; what it loads comes after that."""
STOP_WITHIN = 15.0
HEALTH_WITHIN = 5.0
LOST_RACE = 3
"""Exit code of a host that found another one in its place."""
_POLL = 0.02
LAST_LINES = 2_000
"""Characters of the log that are read for a reason."""


class NoAnswer(Exception):
    """No host, not ready, refused, or too late; the sentence says which."""


class NoHost(Exception):
    """No host could be started; the sentence says why and what to do."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(self.timeout)
        try:
            made.connect(self._path)
        except BaseException:
            made.close()
            raise
        self.sock = made


def _connection(to: Announcement, within: float) -> http.client.HTTPConnection:
    if to.socket:
        return _UnixConnection(to.socket, within)
    return http.client.HTTPConnection("127.0.0.1", to.port, timeout=within)


def request(
    to: Announcement, method: str, path: str, body: Mapping[str, Any] | None, within: float
) -> tuple[int, list[dict[str, Any]]]:
    """Send one request; give the status and the JSON lines of the answer.

    Raises:
        OSError, http.client.HTTPException, ValueError: There was no whole answer in time.
    """
    connection = _connection(to, within)
    try:
        payload = json.dumps(body).encode() if body is not None else None
        headers = {"authorization": f"Bearer {to.token}", "content-type": "application/json"}
        connection.request(method, path, payload, headers)
        answer = connection.getresponse()
        lines = answer.read().splitlines()
        return answer.status, [json.loads(line) for line in lines if line.strip()]
    finally:
        connection.close()


def health(to: Announcement, within: float = HEALTH_WITHIN) -> dict[str, Any] | None:
    """What the host says of itself, None when it does not answer."""
    try:
        status, lines = request(to, "GET", "/health", None, within)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return lines[0] if status == 200 and lines else None


def ask(store: Path, method: str, request_: Mapping[str, Any], *, within: float) -> dict[str, Any]:
    """Ask a host that runs already; the answer is the JSON of the port's answer.

    Args:
        store: Folder of the store.
        method: Of the memory port.
        request_: Its request's fields; project and session are the caller's to set.
        within: Seconds for all of it.

    Raises:
        NoAnswer: There is no host, or it gave no answer in time.
    """
    try:
        place = known_place(store)
        there = place.read() if place is not None else None
        if there is None or there.protocol != PROTOCOL:
            raise NoAnswer("no host of this version runs")
        body = {"request": dict(request_), "wait": 0.0}
        _, lines = request(there, "POST", f"/call/{method}", body, within)
    except (OSError, http.client.HTTPException, ValueError, HostRefused) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from None
    for line in lines:
        if "answer" in line:
            return dict(line["answer"])
    said = lines[-1].get("error", {}) if lines else {}
    raise NoAnswer(str(said.get("text") or said or "an empty answer"))


# -- starting and stopping ---------------------------------------------------------


def start(store: Path) -> None:
    """Start a host in the background and return at once; harmless where one runs."""
    with contextlib.suppress(OSError, HostRefused):
        _spawn(place_of(store))


def ensure(place: Place, version: str) -> Announcement:
    """Give a living host of this protocol and at least this version, started if need be.

    Any number of fronts may call it at once: one of them starts one host.

    Raises:
        NoHost: None can be had.
        HostRefused: It belongs to another user.
    """
    found = _living(place)
    if found is not None and _suits(found, version):
        return found
    with _sole_starter(place):
        found = _living(place)
        if found is not None and _suits(found, version):
            return found
        if found is not None:
            stop(place, found)
        return _started(place)


def _living(place: Place) -> Announcement | None:
    there = place.read()
    if there is None:
        return None
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
def _sole_starter(place: Place) -> Any:
    from filelock import FileLock, Timeout

    try:
        with FileLock(str(place.starting), timeout=START_WITHIN, thread_local=False):
            yield
    except Timeout:
        raise NoHost(
            f"Another process has been starting the memory's host for {START_WITHIN:.0f} s. "
            "Try again, or run `lessonbank host status`."
        ) from None


def _started(place: Place) -> Announcement:
    """Start a host and wait until it answers; again when an ending one was in its place."""
    child = _spawn(place)
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        found = _living(place)
        if found is not None:
            return found
        if child.poll() == LOST_RACE:
            child = _spawn(place)
        elif child.poll() is not None:
            raise NoHost(f"The memory's host did not start: {_reason(place)} {_HELP}")
        time.sleep(_POLL)
    raise NoHost(f"The memory's host did not answer within {START_WITHIN:.0f} s. {_HELP}")


_HELP = "See `lessonbank host logs` and `lessonbank doctor`, or serve with --in-process."


def _reason(place: Place) -> str:
    """The last line that the host wrote before it ended."""
    try:
        lines = place.log.read_text("utf-8", "replace")[-LAST_LINES:].strip().splitlines()
    except OSError:
        return "it left no log."
    return lines[-1] if lines else "it left no log."


_children: list[subprocess.Popen[bytes]] = []


def reap() -> None:
    """Let go of hosts that this process started and that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def _spawn(place: Place) -> subprocess.Popen[bytes]:
    """Start a host that outlives this process and holds none of its streams."""
    reap()
    command = [sys.executable, "-m", "server.host", str(place.store)]
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {
            "creationflags": subprocess.DETACHED_PROCESS
            | subprocess.CREATE_NEW_PROCESS_GROUP
            | subprocess.CREATE_BREAKAWAY_FROM_JOB
        }
    child = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place.folder.anchor,
        env=_environment(),
        close_fds=True,
        **apart,
    )
    _children.append(child)
    return child


def _environment() -> dict[str, str]:
    """This process's environment, in which `server` is found wherever it was found here."""
    root = str(Path(__file__).resolve().parents[2])
    environment = dict(os.environ)
    if root not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([root, *([known] if known else [])])
    return environment


def stop(place: Place, there: Announcement, wait: Callable[[float], None] = time.sleep) -> bool:
    """Ask a host to end and wait until it is gone; False when it is still there.

    Calls under way are finished first; what comes after is told to find another host.
    """
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        request(there, "POST", "/stop", {}, HEALTH_WITHIN)
    deadline = time.monotonic() + STOP_WITHIN
    while time.monotonic() < deadline:
        if not held(place):
            return True
        wait(_POLL)
    return False


def held(place: Place) -> bool:
    """Whether some process is this place's host."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(str(place.lock), timeout=0, thread_local=False):
            return False
    except Timeout:
        return True
