"""The memory port: what tools, resources, the CLI, hooks and hosts see of the memory.

`Memory` is the one protocol: the in-process service implements it now, a client
of a shared host can later. Its requests (`memory_core.requests`) validate
themselves, its answers (`memory_core.answers`) are what clients read; both are
part of the port and are imported from here. Knows no MCP, no storage, no model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from memory_core.answers import (
    Brief,
    Compacted,
    Credited,
    EditAnswer,
    FailureWarning,
    Identified,
    ItemDetail,
    ItemOutcome,
    Judged,
    Learning,
    LessonLine,
    ListAnswer,
    Mistakes,
    NearDuplicate,
    OpenRecall,
    OutcomeAnswer,
    ProjectChanged,
    ProjectLine,
    ProjectsAnswer,
    RecallAnswer,
    RecalledItem,
    RecallsAnswer,
    Reembedded,
    RememberAnswer,
    ScorerReport,
    ServedItem,
    Shared,
    StateAnswer,
    Stats,
)
from memory_core.caller import OWNER, Caller
from memory_core.intake import as_object
from memory_core.proof_answers import (
    Evaluation,
    ExpertPush,
    Harm,
    HarmfulItem,
    HarmReport,
    MemoryGain,
    MovedGroup,
    MovedItem,
    OrderProof,
    PolicyRow,
    Proof,
    ProofDetails,
    ReliabilityRow,
    ScorerRow,
    Speaking,
)
from memory_core.requests import (
    MARK,
    MOST_READ,
    CheckRequest,
    EditRequest,
    Evidence,
    ForgetRequest,
    IdRequest,
    Lesson,
    ListRequest,
    OutcomeRequest,
    ProjectRequest,
    RecallRequest,
    RecallsRequest,
    RememberRequest,
    Request,
    RequestT,
    noted,
    parse,
)
from memory_core.shapes import CLAMPED, shapes
from memory_core.vocabulary import fold, meant, says_nothing
from memory_core.written import ids_in

__all__ = [
    "as_object",
    "fold",
    "ids_in",
    "meant",
    "says_nothing",
    "CLAMPED",
    "shapes",
    "MARK",
    "MOST_READ",
    "Brief",
    "Compacted",
    "Credited",
    "EditAnswer",
    "FailureWarning",
    "IdRequest",
    "Identified",
    "ServedItem",
    "ItemDetail",
    "ItemOutcome",
    "Judged",
    "Learning",
    "LessonLine",
    "ListAnswer",
    "Mistakes",
    "NearDuplicate",
    "OpenRecall",
    "OutcomeAnswer",
    "ProjectChanged",
    "ProjectLine",
    "ProjectsAnswer",
    "RecallAnswer",
    "RecalledItem",
    "RecallsAnswer",
    "Reembedded",
    "RememberAnswer",
    "ScorerReport",
    "Shared",
    "Speaking",
    "StateAnswer",
    "Stats",
    "Evaluation",
    "ExpertPush",
    "Harm",
    "HarmfulItem",
    "HarmReport",
    "MemoryGain",
    "MovedGroup",
    "MovedItem",
    "OrderProof",
    "PolicyRow",
    "Proof",
    "ProofDetails",
    "ReliabilityRow",
    "ScorerRow",
    "CheckRequest",
    "EditRequest",
    "Evidence",
    "ForgetRequest",
    "Lesson",
    "ListRequest",
    "OutcomeRequest",
    "ProjectRequest",
    "RecallRequest",
    "RecallsRequest",
    "RememberRequest",
    "Request",
    "RequestT",
    "noted",
    "parse",
    "OWNER",
    "Caller",
    "Change",
    "Memory",
    "Progress",
    "Readiness",
]


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


Progress = Callable[[float, str], Awaitable[None]]
"""Called with a fraction in [0, 1] and one line, while a call waits."""


class Memory(Protocol):
    """The memory port. Every method may raise `LessonbankError` and nothing else on bad input.

    `project` in a request names who shares items; "" means the project that this
    front derived or was configured with, or the first of a bound caller's.
    """

    def bound(self, caller: Caller) -> Memory:
        """Give the same memory as this caller sees it: every call obeys its scope and projects.

        Unbound, calls are the owner's. Closing either closes both.
        """

    def work_in(self, project: str) -> None:
        """Say of which project calls are from now on that name none."""

    async def recall(
        self, request: RecallRequest, progress: Progress | None = None
    ) -> RecallAnswer: ...
    async def check(
        self, request: CheckRequest, progress: Progress | None = None
    ) -> RecallAnswer: ...
    async def remember(
        self, request: RememberRequest, progress: Progress | None = None
    ) -> RememberAnswer: ...
    async def edit(self, request: EditRequest, progress: Progress | None = None) -> EditAnswer: ...
    async def report_outcome(
        self, request: OutcomeRequest, progress: Progress | None = None
    ) -> OutcomeAnswer: ...
    async def list_lessons(self, request: ListRequest) -> ListAnswer: ...
    async def forget(self, request: ForgetRequest) -> StateAnswer: ...
    async def restore(self, request: ForgetRequest) -> StateAnswer: ...
    async def get(self, item_id: str, project: str = "") -> ItemDetail: ...
    async def brief(self, project: str = "", max_tokens: int = 1200) -> Brief: ...
    async def mistakes(self, project: str = "") -> Mistakes: ...
    async def recalls(self, request: RecallsRequest) -> RecallsAnswer:
        """Give what was served, newest first: what has no outcome yet, or all of it."""

    async def identify(self, request: IdRequest) -> Identified:
        """Give the id that a person means by a part of it, or by "the last one"."""

    async def projects(self, project: str = "") -> ProjectsAnswer: ...
    async def change_project(self, request: ProjectRequest) -> ProjectChanged:
        """Rename or merge a project, or move items; all its names go on to mean it."""

    async def scorer(self) -> ScorerReport: ...
    async def stats(self) -> Stats: ...
    async def compact(self) -> Compacted: ...
    async def reembed(self, progress: Progress | None = None) -> Reembedded: ...
    def warm(self) -> None:
        """Begin to load the store and the model in the background; safe to call again."""

    def readiness(self) -> Readiness: ...
    def changes(self) -> AsyncIterator[Change]:
        """Give every change from now on, until the iterator is closed."""

    async def aclose(self) -> None:
        """Store everything and let go; safe to call again."""
