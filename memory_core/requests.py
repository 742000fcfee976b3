"""The requests of the memory port: they validate themselves.

Limits, aliases and printable text are checked here and nowhere else; `parse`
turns the first complaint into one sentence that names the value and the next
move. Knows pydantic and the error tree only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

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
from memory_core.model import Kind, Outcome, State

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


def _only_open(value: bool) -> bool:
    if not value:
        raise ValueError("can only be true; leave it out: only open recalls are listed")
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
    """Arguments of `recall`. `door` "prompt": a client's hook asks, not the agent."""

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
    door: Literal["recall", "prompt"] = "recall"


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
    cursor: Annotated[str, Field(max_length=1024), AfterValidator(_clean)] = ""


class RecallsRequest(_Request):
    """Which open recalls to list: of one session, or ("") of all sessions of the project.

    `open` may be given and is always true: closed recalls are not kept for listing.
    """

    project: Name = ""
    session: Name = ""
    open: Annotated[bool, AfterValidator(_only_open)] = True
    limit: Annotated[int, Field(ge=1, le=100)] = 20


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
