"""The memory port: what tools, resources, the CLI, hooks and hosts see of the memory.

`Memory` is a table of calls, one row each, and what carries them out: a service in
this process (`memory_core.in_process`), the shared host of a store (`server.host.client`)
or a replica (`server.peers.opening`). Requests (`memory_core.requests`) validate themselves,
answers (`memory_core.answers`) are what clients read. A new call is a row here and the
function of its name in `memory_core.service`. Knows no MCP, no storage, no model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, Protocol, TypeVar, overload

from pydantic import BaseModel

from memory_core.answers import (
    Brief,
    Compacted,
    EditAnswer,
    Identified,
    ItemDetail,
    ListAnswer,
    Mistakes,
    OutcomeAnswer,
    ProjectChanged,
    ProjectsAnswer,
    RecallAnswer,
    RecallsAnswer,
    Reembedded,
    RememberAnswer,
    ScorerReport,
    StateAnswer,
    Stats,
)
from memory_core.caller import Caller, CallerScope
from memory_core.requests import (
    AnswerT,
    BriefRequest,
    CheckRequest,
    EditRequest,
    Empty,
    ForgetRequest,
    IdRequest,
    ItemRequest,
    ListRequest,
    MistakesRequest,
    OutcomeRequest,
    ProjectRequest,
    ProjectsRequest,
    RecallRequest,
    RecallsRequest,
    RememberRequest,
    Request,
    RequestT,
)


@dataclass(frozen=True, slots=True)
class Readiness:
    """How far the memory has loaded.

    `stage` is "idle", "store" (opening), "model" (loading), "ready",
    "keyword" (no model: keyword search only) or "failed"; `fraction` is in [0, 1].
    """

    stage: Literal["idle", "store", "model", "ready", "keyword", "failed"]
    fraction: float
    message: str

    @property
    def loaded(self) -> bool:
        """Whether nothing more will be loaded, well or badly."""
        return self.stage in ("ready", "keyword", "failed")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that subscribers may watch has changed.

    `subject` is "item" (key = id), "project" (key = project name), "mistakes",
    "scorer" or "stats" (key = ""). `project` is the one that it happened in, ""
    where it concerns the whole store.
    """

    subject: Literal["item", "project", "mistakes", "scorer", "stats"]
    key: str = ""
    project: str = ""

    def heard_by(self, caller: Caller) -> bool:
        """Whether a caller may be told: nobody hears when another's project is worked in."""
        return caller.projects is None or (bool(self.project) and caller.sees(self.project))


_RequestT_contra = TypeVar("_RequestT_contra", bound=Request, contravariant=True)
_AnswerT_co = TypeVar("_AnswerT_co", bound=BaseModel, covariant=True)
Progress = Callable[[float, str], Awaitable[None]]
"""Called with a fraction in [0, 1] and one line, while a call waits."""


@dataclass(eq=False)
class Method(Generic[RequestT, AnswerT]):
    """A row of the port: one call, and all that doors, hosts, replicas and tools must know of it.

    `memory.NAME(request, progress)` makes the call. What carries it out is the function of this
    name in `memory_core.service`, which takes the request (unless that is `Empty`) and the caller.

    `scope` is what a caller needs. "read" changes nothing but receipts of what was served. Every
    other call changes the memory, and is finished though its caller has left. "admin" concerns the
    whole store: callers of some projects are refused.
    """

    request: type[RequestT]
    answer: type[AnswerT]
    what: str = ""
    """What a refusal calls it, by default its name."""
    scope: CallerScope = "read"
    model: bool = False
    """It waits for the model: briefly, or up to two minutes where it stores items."""
    seconds: int = 60
    """After which a tool gives it up."""
    upkeep: bool = False
    """It rewrites the files of its process: it may take any time, and a replica does it itself."""
    repeats: bool = True
    """Twice leaves what once does; a read always."""
    destroys: bool = False
    """It takes something away, even if that can be brought back."""
    name: str = field(init=False)

    @property
    def changes(self) -> bool:
        """Whether it changes the memory."""
        return self.scope != "read"

    @property
    def for_writer(self) -> bool:
        """Whether a replica leaves it to the writer."""
        return self.changes and not self.upkeep

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name, self.what = name, self.what or name

    @overload
    def __get__(self, memory: None, owner: type) -> Method[RequestT, AnswerT]: ...
    @overload
    def __get__(self, memory: Memory, owner: type) -> _Call[RequestT, AnswerT]: ...
    def __get__(
        self, memory: Memory | None, owner: type
    ) -> Method[RequestT, AnswerT] | _Call[RequestT, AnswerT]:
        return self if memory is None else partial(memory.call, self)


class _Call(Protocol[_RequestT_contra, _AnswerT_co]):
    """A row of one memory: what it looks like to whoever calls it."""

    def __call__(
        self, request: _RequestT_contra, progress: Progress | None = None
    ) -> Coroutine[Any, Any, _AnswerT_co]: ...


class Memory(ABC):
    """The memory port: its calls as a table, and how a memory lives.

    Every call may raise `LessonbankError` and nothing else on bad input. `project` in a request
    names who shares items; "" means the project that this front derived or was configured with,
    or the first of a bound caller's.
    """

    recall = Method(RecallRequest, RecallAnswer, model=True)
    check = Method(CheckRequest, RecallAnswer, model=True)
    remember = Method(RememberRequest, RememberAnswer, scope="write", model=True, seconds=180)
    edit = Method(EditRequest, EditAnswer, scope="write", model=True, seconds=180)
    report_outcome = Method(
        OutcomeRequest,
        OutcomeAnswer,
        scope="write",
        model=True,
        seconds=180,
        repeats=False,  # without a recall or a report_id each one counts
    )
    list_lessons = Method(ListRequest, ListAnswer)
    # destroys: an agent cannot undo it; a client that asks its user before such calls asks here
    forget = Method(ForgetRequest, StateAnswer, scope="write", destroys=True)
    restore = Method(ForgetRequest, StateAnswer, scope="write")
    get = Method(ItemRequest, ItemDetail, "reading an item")
    brief = Method(BriefRequest, Brief, "reading a brief")
    mistakes = Method(MistakesRequest, Mistakes, "reading the mistakes")
    recalls = Method(RecallsRequest, RecallsAnswer, "listing recalls")
    identify = Method(IdRequest, Identified, "reading an id")
    projects = Method(ProjectsRequest, ProjectsAnswer, "listing projects")
    change_project = Method(ProjectRequest, ProjectChanged, "changing a project", scope="admin")
    scorer = Method(Empty, ScorerReport, "reading the scorer")
    stats = Method(Empty, Stats, "reading the counts")
    compact = Method(Empty, Compacted, "compacting", scope="admin", upkeep=True)
    reembed = Method(Empty, Reembedded, "re-embedding", scope="admin", upkeep=True)

    @abstractmethod
    async def call(
        self,
        method: Method[RequestT, AnswerT],
        request: RequestT,
        progress: Progress | None = None,
    ) -> AnswerT:
        """Make one call; `progress` hears how far it is while it waits."""

    @abstractmethod
    def bound(self, caller: Caller) -> Memory:
        """Give the same memory as this caller sees it: every call obeys its scope and projects.

        Unbound, calls are the owner's. Closing either closes both.
        """

    @abstractmethod
    def work_in(self, project: str) -> None:
        """Say of which project calls are from now on that name none."""

    @abstractmethod
    def warm(self) -> None:
        """Begin to load the store and the model in the background; safe to call again."""

    @abstractmethod
    def readiness(self) -> Readiness:
        """Say how far the memory has loaded."""

    @abstractmethod
    def changes(self) -> AsyncIterator[Change]:
        """Give every change from now on, until the iterator is closed."""

    @abstractmethod
    async def aclose(self) -> None:
        """Store everything and let go; safe to call again."""


METHODS: dict[str, Method[Any, Any]] = {
    name: row for name, row in vars(Memory).items() if isinstance(row, Method)
}
"""The table by name."""
