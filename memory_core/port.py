"""The memory port: what tools, resources, the CLI, hooks and hosts see of the memory.

Requests validate themselves (limits, aliases, printable text); answers are what
clients read. `Memory` is the one protocol; the in-process service implements it
now, a client of a shared host can later. This module knows no MCP, no storage
and no model, and imports pydantic only.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from memory_core.errors import InvalidInput, shown
from memory_core.model import Kind, Mode, Outcome, State

# -- text guards -----------------------------------------------------------------

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")


def _clean(text: str) -> str:
    """Refuse what no text of a person holds: NUL, control characters, lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"holds a lone surrogate at position {error.start}; send valid Unicode"
        ) from None
    found = _CONTROL.search(text)
    if found:
        raise ValueError(
            f"holds the control character {found.group()!r} at position {found.start()}; remove it"
        )
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank; write at least one word")
    return text


def _strip_colours(value: object) -> object:
    """Take terminal colours out of a log: real tracebacks carry them."""
    return _ANSI.sub("", value) if isinstance(value, str) else value


def _truth(value: object) -> object:
    """Read a bare flag as an outcome: models often send `success: true`."""
    if isinstance(value, bool):
        return "success" if value else "failure"
    if isinstance(value, str):
        folded = value.strip().lower()
        return {
            "succeeded": "success",
            "ok": "success",
            "true": "success",
            "failed": "failure",
            "fail": "failure",
            "false": "failure",
        }.get(folded, folded)
    return value


Text = Annotated[str, AfterValidator(_clean)]
Words = Annotated[Text, AfterValidator(_not_blank)]
Log = Annotated[Text, BeforeValidator(_strip_colours)]
Id = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_clean)]
Name = Annotated[str, Field(max_length=128), AfterValidator(_clean)]
Ids = Annotated[tuple[Id, ...], Field(max_length=50)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _aliases(name: str, *others: str) -> AliasChoices:
    return AliasChoices(name, *others)


# -- requests --------------------------------------------------------------------


class RecallRequest(_Request):
    """Arguments of `recall`."""

    task: Annotated[
        Words, Field(min_length=1, max_length=8000, validation_alias=_aliases("task", "query", "q"))
    ]
    context: Annotated[Text, Field(max_length=8000)] = ""
    error: Annotated[Log, Field(max_length=16000)] = ""
    project: Name = ""
    session: Name = ""
    kinds: tuple[Kind, ...] = ()
    k: Annotated[int, Field(ge=1, le=20, validation_alias=_aliases("k", "limit", "top_k"))] = 3
    max_tokens: Annotated[int, Field(ge=50, le=20000)] = 1200


class CheckRequest(_Request):
    """Arguments of `check`: an action, an error or both."""

    action: Annotated[
        Text, Field(max_length=8000, validation_alias=_aliases("action", "task", "query", "q"))
    ] = ""
    error: Annotated[Log, Field(max_length=16000)] = ""
    project: Name = ""
    session: Name = ""
    k: Annotated[int, Field(ge=1, le=20)] = 3

    @model_validator(mode="after")
    def _one_given(self) -> CheckRequest:
        if not self.action.strip() and not self.error.strip():
            raise ValueError(
                "action and error are both empty; "
                "pass what you are about to do, or the error you got"
            )
        return self


class Lesson(_Request):
    """One lesson as the agent writes it: shared by `remember` and `report_outcome`."""

    title: Annotated[Words, Field(min_length=1, max_length=200)]
    content: Annotated[Words, Field(min_length=1, max_length=8000)]
    description: Annotated[Text, Field(max_length=600)] = ""
    kind: Kind = "strategy"
    tags: Annotated[tuple[Name, ...], Field(max_length=16)] = ()


class RememberRequest(Lesson):
    """Arguments of `remember`."""

    task: Annotated[Text, Field(max_length=8000)] = ""
    project: Name = ""
    evidence: Annotated[Log, Field(max_length=8000)] = ""
    supersedes: Annotated[str, Field(max_length=64), AfterValidator(_clean)] = ""
    source: Name = ""
    outcome_id: Annotated[str, Field(max_length=64), AfterValidator(_clean)] = ""


class Evidence(_Request):
    """What an outcome rests on."""

    exit_code: Annotated[int, Field(ge=-(2**31), le=2**32)] | None = None
    tests_passed: Annotated[int, Field(ge=0, le=10**9)] | None = None
    tests_failed: Annotated[int, Field(ge=0, le=10**9)] | None = None
    log: Annotated[Log, Field(max_length=64000)] = ""


class OutcomeRequest(_Request):
    """Arguments of `report_outcome`."""

    outcome: Annotated[
        Outcome,
        BeforeValidator(_truth),
        Field(validation_alias=_aliases("outcome", "success", "result")),
    ]
    recall_id: Annotated[str, Field(max_length=64), AfterValidator(_clean)] = ""
    task: Annotated[Text, Field(max_length=8000)] = ""
    used_ids: Ids | None = None
    helpful_ids: Ids = ()
    harmful_ids: Ids = ()
    error: Annotated[Log, Field(max_length=16000)] = ""
    evidence: Evidence | None = None
    steps: Annotated[tuple[Annotated[Log, Field(max_length=2000)], ...], Field(max_length=100)] = ()
    lessons: Annotated[tuple[Lesson, ...], Field(max_length=5)] = ()
    attempt_group: Name = ""
    report_id: Name = ""
    project: Name = ""
    session: Name = ""
    source: Name = ""

    @model_validator(mode="after")
    def _consistent(self) -> OutcomeRequest:
        if not self.recall_id and not self.task.strip():
            raise ValueError(
                "recall_id and task are both empty; "
                "pass the recall_id that recall returned, or the task"
            )
        both = sorted(set(self.helpful_ids) & set(self.harmful_ids))
        if both:
            raise ValueError(
                f"helpful_ids and harmful_ids both name {shown(both[0])}; decide which one holds"
            )
        if len(self.lessons) > 3 and not self.attempt_group:
            raise ValueError(
                f"lessons holds {len(self.lessons)}, at most 3 for one attempt; keep the best 3, "
                "or pass attempt_group when attempts of one task are contrasted (then 5)"
            )
        return self


class ListRequest(_Request):
    """Arguments of `list_lessons`."""

    query: Annotated[
        Text, Field(max_length=8000, validation_alias=_aliases("query", "q", "task"))
    ] = ""
    kind: Kind | None = None
    state: State = "active"
    project: Name = ""
    sort: Literal["recent", "wins", "losses", "useful"] = "recent"
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=256), AfterValidator(_clean)] = ""


class ForgetRequest(_Request):
    """Arguments of `forget` (and of the CLI's `restore`)."""

    item_id: Annotated[Id, Field(validation_alias=_aliases("item_id", "id"))]
    reason: Annotated[Words, Field(max_length=1000)]
    project: Name = ""


RequestT = TypeVar("RequestT", bound=_Request)


_MOVES = {
    "string_type": "Pass text",
    "tuple_type": "Pass a list",
    "int_type": "Pass a whole number",
    "int_parsing": "Pass a whole number",
    "int_from_float": "Pass a whole number",
    "model_type": "Pass an object",
    "bool_parsing": "Pass true or false",
}
"""What to do, by pydantic's type of complaint, where its own words would not help."""


def _sentence(request: type[_Request], details: Mapping[str, Any]) -> InvalidInput:
    """Turn pydantic's first complaint into one sentence that names the value."""
    location = [str(part) for part in details["loc"]]
    kind, context = str(details["type"]), details.get("ctx") or {}
    name = ".".join(location) or request.__name__.removesuffix("Request").lower()
    value = details.get("input")
    if kind == "missing":
        return InvalidInput(name, "is missing", f"Call again with {name}.")
    if kind == "extra_forbidden":
        known = ", ".join(request.model_fields)
        return InvalidInput(
            name, f"= {shown(value)} is no argument of this call", f"The arguments are: {known}."
        )
    if kind in ("string_too_long", "too_long"):
        size = len(value) if isinstance(value, str | list | tuple) else 0
        most = context.get("max_length")
        unit = "characters" if isinstance(value, str) else "entries"
        return InvalidInput(
            name, f"= {shown(value)} has {size:,} {unit}, at most {most:,} fit", "Shorten it."
        )
    if kind == "string_too_short":
        return InvalidInput(name, "is empty", "Write at least one word.")
    if kind == "value_error":
        problem, _, move = str(context.get("error", details["msg"])).partition("; ")
        if not location:
            return _Whole(problem, _capital(move) + ".")
        return InvalidInput(name, problem, _capital(move) + ".")
    expected = context.get("expected")
    if expected:
        return InvalidInput(name, f"= {shown(value)} is not known", f"Use one of {expected}.")
    move = _MOVES.get(kind) or _capital(str(details["msg"])).replace("Input should", "It should")
    return InvalidInput(name, f"= {shown(value)} is not valid", move + ".")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text else "Correct it and call again"


class _Whole(InvalidInput):
    """A complaint about several arguments at once: its problem is the whole sentence."""

    def __init__(self, problem: str, move: str) -> None:
        super().__init__("arguments", problem, move)
        self.args = (f"{problem}. {move}",)


def parse(request: type[RequestT], data: Mapping[str, Any]) -> RequestT:
    """Give the validated request.

    None values count as not given (models send them for optional arguments).

    Raises:
        InvalidInput: One sentence that names the value and the next move.
    """
    given = {name: value for name, value in data.items() if value is not None}
    try:
        return request.model_validate(given)
    except ValidationError as error:
        raise _sentence(request, error.errors(include_url=False)[0]) from None


# -- answers ---------------------------------------------------------------------


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class RecalledItem(_Answer):
    """One recalled item: its text, why it stands here and what became of it before."""

    id: str
    kind: Kind
    title: str
    description: str
    content: str
    score: float
    similarity: float
    wins: int
    losses: int
    age_days: float
    source: str
    why: str


class FailureWarning(_Answer):
    """A failure seen before in like conditions; `last_seen` is ISO 8601 UTC."""

    signature_id: str
    seen: int
    last_seen: str
    summary: str
    item_ids: tuple[str, ...]


class RecallAnswer(_Answer):
    """What `recall` and `check` answer. `note` says what is degraded, else ""."""

    recall_id: str
    items: tuple[RecalledItem, ...]
    warnings: tuple[FailureWarning, ...]
    abstained: bool
    mode: Mode
    weight: float
    note: str = ""


class NearDuplicate(_Answer):
    """An item that says nearly the same; `similarity` is the cosine in [-1, 1]."""

    id: str
    title: str
    similarity: float


class RememberAnswer(_Answer):
    """What `remember` answers; the item is on disk when it does."""

    id: str
    status: Literal["added", "duplicate", "superseded"]
    near_duplicates: tuple[NearDuplicate, ...] = ()
    redacted: tuple[str, ...] = ()


class Judged(_Answer):
    """How the report was read: the outcome that counts, its strength in [0, 1], and why."""

    outcome: Outcome
    strength: float
    why: str


class Credited(_Answer):
    """What one item earned (credit in [-1, 1]) and its counters after it."""

    id: str
    credit: float
    wins: int
    losses: int


class Learning(_Answer):
    """The learner after this report; `proof` is one line of its held-out record."""

    reports: int
    weight: float
    proof: str


class OutcomeAnswer(_Answer):
    """What `report_outcome` answers."""

    outcome_id: str
    status: Literal["recorded", "repeated", "corrected"]
    judged: Judged
    credited: tuple[Credited, ...]
    signature: str
    lessons: tuple[RememberAnswer, ...]
    next: str
    learning: Learning


class LessonLine(_Answer):
    """One line of `list_lessons`."""

    id: str
    kind: Kind
    title: str
    state: State
    project: str
    wins: int
    losses: int
    recalls: int
    age_days: float


class ListAnswer(_Answer):
    """One page of items; `next_cursor` is "" on the last."""

    items: tuple[LessonLine, ...]
    total: int
    next_cursor: str


class StateAnswer(_Answer):
    """An item's state after `forget` or `restore`."""

    id: str
    title: str
    state: State
    was: State


class ItemOutcome(_Answer):
    """One outcome that touched an item."""

    outcome_id: str
    outcome: Outcome
    credit: float
    at: str
    task: str
    error: str


class ItemDetail(_Answer):
    """A whole item: text, lineage and the outcomes that touched it.

    `pair` holds the failure/success outcome ids it came from, where known.
    """

    id: str
    kind: Kind
    state: State
    project: str
    title: str
    description: str
    content: str
    task: str
    tags: tuple[str, ...]
    evidence: str
    source: str
    trust: float
    created_at: str
    embedder: str
    wins: int
    losses: int
    recalls: int
    supersedes: str
    superseded_by: str
    derived_from: tuple[str, ...]
    outcome_id: str
    pair: tuple[str, ...]
    outcomes: tuple[ItemOutcome, ...]


class Brief(_Answer):
    """A project's playbook, at most `max_tokens` (characters / 4) when rendered."""

    project: str
    works: tuple[LessonLine, ...]
    avoid: tuple[LessonLine, ...]
    mistakes: tuple[FailureWarning, ...]
    reports: int
    text: str


class Mistakes(_Answer):
    """Failure clusters, most seen first."""

    clusters: tuple[FailureWarning, ...]
    patterns: int
    next: str


class Proof(_Answer):
    """The held-out record: learned order against similarity, on the user's own outcomes.

    `interval` is the exact 95 % interval of the win share, ties left out.
    """

    held_out: int
    wins: int
    losses: int
    ties: int
    interval: tuple[float, float]
    gain: float
    sentence: str


class ScorerReport(_Answer):
    """`memory://scorer`: what the learner knows of itself."""

    mode: str
    version: str
    reports: int
    trained: int
    pending: int
    weight: float
    weights: dict[str, float]
    proof: Proof
    calibration_error: float | None
    rollbacks: int
    state: str
    parameters: int


class Stats(_Answer):
    """`memory://stats`: counts, sizes and readiness."""

    version: str
    store: str
    projects: dict[str, int]
    items: dict[str, int]
    recalls: int
    outcomes: dict[str, int]
    bytes: int
    fragments: int
    journal: int
    embedder: str
    dimension: int
    readiness: str
    learner: ScorerReport


class Compacted(_Answer):
    """What compaction did; sizes in bytes."""

    fragments_before: int
    fragments_after: int
    bytes_before: int
    bytes_after: int


class Reembedded(_Answer):
    """What re-embedding did."""

    embedder: str
    dimension: int
    items: int
    recalls: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """How far the memory has loaded.

    `stage` is "idle", "store" (opening), "model" (loading), "ready",
    "keyword" (no model: keyword search only) or "failed"; `fraction` is in [0, 1].
    """

    stage: Literal["idle", "store", "model", "ready", "keyword", "failed"]
    fraction: float
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """Something that subscribers may watch has changed.

    `subject` is "item" (key = id), "project" (key = project name), "mistakes",
    "scorer" or "stats" (key = "").
    """

    subject: Literal["item", "project", "mistakes", "scorer", "stats"]
    key: str = ""


Progress = Callable[[float, str], Awaitable[None]]
"""Called with a fraction in [0, 1] and one line, while a call waits."""


class Memory(Protocol):
    """The memory port. Every method may raise `LessonbankError` and nothing else on bad input.

    `project` in a request names who shares items; "" means the project that this
    front derived or was configured with.
    """

    async def recall(
        self, request: RecallRequest, progress: Progress | None = None
    ) -> RecallAnswer: ...
    async def check(
        self, request: CheckRequest, progress: Progress | None = None
    ) -> RecallAnswer: ...
    async def remember(
        self, request: RememberRequest, progress: Progress | None = None
    ) -> RememberAnswer: ...
    async def report_outcome(
        self, request: OutcomeRequest, progress: Progress | None = None
    ) -> OutcomeAnswer: ...
    async def list_lessons(self, request: ListRequest) -> ListAnswer: ...
    async def forget(self, request: ForgetRequest) -> StateAnswer: ...
    async def restore(self, request: ForgetRequest) -> StateAnswer: ...
    async def get(self, item_id: str, project: str = "") -> ItemDetail: ...
    async def brief(self, project: str = "", max_tokens: int = 1200) -> Brief: ...
    async def mistakes(self, project: str = "") -> Mistakes: ...
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
