"""What is said over the host's socket: HTTP requests, answered by lines of JSON.

    GET  /health         one line: who the host is and how far it has loaded
    POST /call/{method}  a call of the memory port; lines {"progress": [...]} and {"beat": n}
                         while it runs, then one {"answer": ...} or {"error": ...}
    GET  /changes        lines {"change": [subject, key, project]} and {"beat": n} without end
    POST /stop           finish what runs, then end

A call says who makes it, and where they work when it names no project and carries no id; the
host holds that caller to its scope and projects. The front has proven who it is. A call that
says nothing is the owner's: whoever may open the socket is. A call carries a key: a call that
is repeated with its key gives the first one's answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from memory_core import port
from memory_core.caller import CALLER_SCOPES, OWNER, Caller, CallerScope
from memory_core.errors import InvalidInput, LessonbankError, shown
from memory_core.port import Memory, Progress
from server.host.announced import PROTOCOL
from server.host.direct import KEY
from server.host.refusals import SILENCE, HostFailed, raised

__all__ = ["KEY", "PROTOCOL", "SILENCE", "HostFailed", "raised"]

BEAT = 2.0
"""Seconds between two signs of life of a call that runs, and of the changes."""
WITHIN = 900.0
"""Seconds of the longest call; compacting and re-embedding may take longer."""
MOST_BODY = 12 * port.MOST_READ
"""Bytes of one request: the longest text that is read, each character escaped."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the memory port: its request (None: named arguments), its answer, how it runs.

    `progress`: it tells how far it is. `loads`: it waits for the model. `lasts`: it
    goes on when whoever called it is gone. `within`: seconds, None for any time.
    """

    request: type[port.Request] | None
    answer: type[BaseModel]
    progress: bool = False
    loads: bool = False
    lasts: bool = False
    within: float | None = WITHIN


METHODS: dict[str, Method] = {
    "recall": Method(port.RecallRequest, port.RecallAnswer, progress=True, loads=True),
    "check": Method(port.CheckRequest, port.RecallAnswer, progress=True, loads=True),
    "remember": Method(port.RememberRequest, port.RememberAnswer, progress=True, lasts=True),
    "edit": Method(port.EditRequest, port.EditAnswer, progress=True, lasts=True),
    "report_outcome": Method(
        port.OutcomeRequest, port.OutcomeAnswer, progress=True, loads=True, lasts=True
    ),
    "list_lessons": Method(port.ListRequest, port.ListAnswer),
    "recalls": Method(port.RecallsRequest, port.RecallsAnswer),
    "identify": Method(port.IdRequest, port.Identified),
    "forget": Method(port.ForgetRequest, port.StateAnswer, lasts=True),
    "restore": Method(port.ForgetRequest, port.StateAnswer, lasts=True),
    "projects": Method(None, port.ProjectsAnswer),
    "change_project": Method(port.ProjectRequest, port.ProjectChanged, lasts=True),
    "get": Method(None, port.ItemDetail),
    "brief": Method(None, port.Brief),
    "mistakes": Method(None, port.Mistakes),
    "scorer": Method(None, port.ScorerReport),
    "stats": Method(None, port.Stats),
    "compact": Method(None, port.Compacted, lasts=True, within=None),
    "reembed": Method(None, port.Reembedded, progress=True, lasts=True, within=None),
}


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


_NAMED = {
    "get": frozenset({"item_id", "project"}),
    "brief": frozenset({"project", "max_tokens"}),
    "mistakes": frozenset({"project"}),
    "projects": frozenset({"project"}),
}
"""The arguments of methods that have no request of their own."""
_NEEDED = {"get": ("item_id",)}


def _arguments(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    wrong = set(given) - _NAMED.get(name, frozenset())
    if wrong:
        raise InvalidInput(min(wrong), f"is no argument of {shown(name)}", "Leave it out.")
    for needed in _NEEDED.get(name, ()):
        if needed not in given:
            raise InvalidInput(needed, "is missing", f"Call again with {needed}.")
    return dict(given)


async def asked(
    memory: Memory, name: str, given: Mapping[str, Any], tell: Progress, *, exact: bool = False
) -> Any:
    """Call a method of the port with its arguments as JSON; `exact`: see `port.parse`.

    Raises:
        LessonbankError: The request is not valid, or the memory refused it.
    """
    call, method = getattr(memory, name), METHODS[name]
    more = {"progress": tell} if method.progress else {}
    if method.request is None:
        return await call(**_arguments(name, given), **more)
    request = port.parse(method.request, given, exact=exact)
    return port.noted(request, await call(request, **more))
