"""What is said over the host's socket: HTTP requests, answered by lines of JSON.

    GET  /health         one line: who the host is and how far it has loaded
    POST /call/{method}  a call of the memory port; lines {"progress": [...]} and {"beat": n}
                         while it runs, then one {"answer": ...} or {"error": ...}
    GET  /changes        lines {"change": [subject, key, project]} and {"beat": n} without end
    POST /stop           finish what runs, then end

A call says who makes it, and where they work when it names no project and carries no id; the
host holds that caller to its scope and projects. The front has proven who it is. A call that
says nothing is the owner's: whoever may open the socket is. A call carries a key: a call that
is repeated with its key gives the first one's answer, and a report without an id has it for one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from memory_core.caller import CALLER_SCOPES, OWNER, Caller, CallerScope
from memory_core.errors import InvalidInput, LessonbankError, shown
from memory_core.intake import as_object
from memory_core.port import Memory, Method, Progress
from memory_core.requests import MOST_READ, noted, parse
from server.host.announced import PROTOCOL
from server.host.direct import KEY
from server.host.refusals import SILENCE, HostFailed, raised

__all__ = ["KEY", "PROTOCOL", "SILENCE", "HostFailed", "raised"]

BEAT = 2.0
"""Seconds between two signs of life of a call that runs, and of the changes."""
WITHIN = 900.0
"""Seconds of the longest call; compacting and re-embedding may take longer."""
MOST_BODY = 12 * MOST_READ
"""Bytes of one request: the longest text that is read, each character escaped."""


def told_caller(caller: Caller) -> dict[str, Any] | None:
    """A caller as JSON, None for the owner who works nowhere in particular."""
    return None if caller == OWNER and not caller.home else dataclasses.asdict(caller)


def heard_caller(said: Mapping[str, Any] | None) -> Caller:
    """The caller that `told_caller` told.

    Raises:
        InvalidInput: It is none that this side knows: nothing is done for it.
    """
    if said is None:
        return OWNER
    try:
        projects = said["projects"]
        return Caller(
            source=str(said["source"]),
            scope=_SCOPES[said["scope"]],
            projects=None if projects is None else tuple(str(one) for one in projects),
            trusted=bool(said["trusted"]),
            home=str(said["home"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(
            "caller", f"= {shown(said)} is not known", "Run `lessonbank host restart`."
        ) from None


_SCOPES: dict[str, CallerScope] = {scope: scope for scope in CALLER_SCOPES}


def told(error: BaseException) -> dict[str, Any]:
    """An error as JSON: its kind and its sentence; of an unexpected one nothing but the kind."""
    if isinstance(error, InvalidInput):
        return {
            "kind": type(error).__name__,
            "text": str(error),
            "field": error.field,
            "problem": error.problem,
            "move": error.move,
        }
    if isinstance(error, LessonbankError):
        return {"kind": type(error).__name__, "text": str(error)}
    return {"kind": "", "text": f"The host failed ({type(error).__name__}); its log says where."}


def completed(method: Method[Any, Any], given: Any, source: str, key: str) -> dict[str, Any]:
    """A call's arguments with what a front knows of it: who writes, and a report's id.

    Raises:
        InvalidInput: They are no object.
    """
    data, takes = as_object(given), method.request.model_fields
    known = {"source": source, "report_id": key}
    return {**data, **{k: v for k, v in known.items() if k in takes and not data.get(k)}}


async def asked(
    memory: Memory,
    method: Method[Any, Any],
    given: Mapping[str, Any],
    tell: Progress,
    *,
    exact: bool = False,
) -> Any:
    """Make a call of the port with its arguments as JSON; `exact`: see `requests.parse`.

    Raises:
        LessonbankError: The request is not valid, or the memory refused it.
    """
    request = parse(method.request, given, exact=exact)
    return noted(request, await memory.call(method, request, tell))
