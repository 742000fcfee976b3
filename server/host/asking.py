"""How a command asks: one call of the memory port, of the store's shared host.

The host is found by what it announced and started when there is none; a call whose host
ends is repeated with its key, so that it counts once. The host validates the request and
sends the error's sentence back. As light as `server.host.direct` while a host runs.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

from memory_core.errors import InvalidInput, MemoryUnavailable
from memory_core.version import VERSION
from server.host.announced import PROTOCOL, Announcement, HostRefused, announced
from server.host.direct import health, request
from server.host.refusals import SILENCE, raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memory_core.settings import Settings

_REPEATS = 8
_PAUSE = 0.05


class _Again(Exception):
    """The host ended, or takes no further call now."""


def ask_host(
    store: str,
    method: str,
    given: Mapping[str, Any],
    *,
    home: str,
    source: str,
    wait: float,
    loads: bool,
    tell: Callable[[float, str], None],
    key: str,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Give the JSON of a call's answer.

    Args:
        store: Folder of the store.
        method: Of the memory port.
        given: Its request's fields.
        home: Project of a call that names none, "" for that of the working directory.
        source: Who writes, where the request does not say.
        wait: Seconds that it waits for the model.
        loads: Whether it waits for the model although the method does not need it.
        tell: Told how far the call is.
        key: Of this call alone: what comes again with it counts once.
        settings: Where there are others than the usual: the host may not share them.

    Raises:
        LessonbankError: The host refused, or none can be had.
    """
    folder = None if home else _folder()
    body = body_of(given, home=home, source=source, folder=folder)
    body |= {"wait": wait, "loads": loads}
    if not (body["home"] or body["folder"]):  # the working directory was removed
        body = _derived(body, store)
    for repeat in range(_REPEATS):
        there = _there(store, started=repeat > 0)
        if settings is not None and not repeat:
            _warn_if_other(there, settings)
        try:
            return _asked(there, method, key, body, tell, store=store)
        except (_Again, OSError, ValueError):
            time.sleep(_PAUSE * 2**repeat if repeat else 0)
    raise MemoryUnavailable(
        f"The memory's host ended or was busy {_REPEATS} times under this call. "
        "Run `lessonbank host logs`."
    )


def key_of(method: str, command: str, number: int) -> str:
    """The key of a command's call, the same however the command is carried out."""
    return f"{method}-{command}-{number}"


def body_of(
    given: Mapping[str, Any], *, home: str, source: str, folder: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Give what is sent for a command's call; the arguments are those of `ask_host`."""
    where = {"home": home, "folder": None if home else folder}
    return {"request": dict(given), "exact": True, "source": source, **where}


def answer_in(said: Mapping[str, Any]) -> dict[str, Any]:
    """Give the answer in a call's last line.

    Raises:
        LessonbankError: It is an error.
    """
    if "answer" in said:
        return dict(said["answer"])
    raise raised(said["error"])


def _folder() -> dict[str, Any] | None:
    """The working directory, and what tells it from another of that name; None when it is gone."""
    try:
        about = os.stat(".")
        return {"path": os.getcwd(), "device": about.st_dev, "inode": about.st_ino}
    except OSError:
        return None


def _there(store: str, *, started: bool) -> Announcement:
    """The host that is announced, or with `started` one that answers."""
    try:
        there = None if started else announced(os.path.realpath(store))
    except HostRefused as error:
        raise MemoryUnavailable(str(error)) from None
    if there is not None and there.protocol == PROTOCOL and there.version == VERSION:
        return there
    from pathlib import Path

    from server.host.starting import living_host

    return living_host(Path(store), VERSION)


def _asked(
    there: Announcement,
    method: str,
    key: str,
    body: Mapping[str, Any],
    tell: Callable[[float, str], None],
    *,
    store: str,
) -> dict[str, Any]:
    def heard(line: dict[str, Any]) -> None:
        if "progress" in line:
            tell(*line["progress"])

    status, lines = request(there, "POST", f"/call/{method}", body, SILENCE, key=key, heard=heard)
    said = lines[-1] if lines else {}
    if "answer" in said:
        return dict(said["answer"])
    if status in (401, 429, 503) or "error" not in said:
        raise _Again
    error = raised(said["error"])
    if isinstance(error, InvalidInput) and error.field == "folder":
        return _asked(there, method, f"{key}-here", _derived(body, store), tell, store=store)
    raise error


def _derived(body: Mapping[str, Any], store: str) -> dict[str, Any]:
    """The same call of a host that does not see our working directory."""
    from pathlib import Path

    from memory_core.addresses import working_directory
    from memory_core.projects import derive_project

    project = derive_project(working_directory(), "", Path(store))
    return {**body, "folder": None, "home": project}


def _warn_if_other(there: Announcement, settings: Settings) -> None:
    from server.host.starting import without_effect

    told = health(there)
    for sentence in without_effect(settings, told) if told is not None else ():
        sys.stderr.write(f"lessonbank: {sentence}\n")
