"""The requests of the memory port: they validate themselves.

Limits, aliases and printable text are checked here and nowhere else, after
`memory_core.intake` has read what was sent as what is plainly meant; `parse`
turns the first complaint into one sentence that names the value and the next
move, and keeps what the caller is to be told beside the answer.
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
    PrivateAttr,
    ValidationError,
    model_validator,
)

from memory_core.errors import InvalidInput, shown
from memory_core.intake import Asides, taken
from memory_core.model import KINDS, Kind, Outcome, State
from memory_core.moments import moment
from memory_core.shapes import CLAMPED, ID, LABEL, LOOSE
from memory_core.spelling import composed, spelled

# -- text guards -----------------------------------------------------------------

ROOM_FOR_ONE = 150
"""Tokens of an answer from which it has room for an item in text, be it cut."""
_ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_TERMINAL = re.compile(r"\x1b[ -/]*[0-~]?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
MARK = "\ufdd0"
"""Stands for a lone surrogate where a door had to take it out to read a message (see
`server.surrogates`): a code point that Unicode reserves for no character at all."""
_BREAKS = re.compile(r"[\x0b\x0c\x85]")
"""Where a page or a line ends without a line feed."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")


def _clean(text: str) -> str:
    """Refuse what no name or id holds: NUL, control characters, lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"holds a lone surrogate at position {error.start}; send valid Unicode"
        ) from None
    if MARK in text:
        raise ValueError(
            f"holds a lone surrogate at position {text.index(MARK)}; send valid Unicode"
        )
    found = _CONTROL.search(text)
    if found:
        raise ValueError(
            f"holds the control character {found.group()!r} at position {found.start()}; remove it"
        )
    return text


_BLANK = "is blank"


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError(f"{_BLANK}; write at least one word")
    return text


def _strip_terminal(value: object) -> object:
    """Take out of a text what only a terminal or a printer reads: it was pasted from there."""
    if not isinstance(value, str):
        return value
    return _TERMINAL.sub("", _BREAKS.sub("\n", _ANSI.sub("", value)))


def _seen(name: str) -> str:
    """Give a project's name without what nobody sees; a blank one is judged where it is used."""
    return spelled(name) or name


Text = Annotated[str, BeforeValidator(_strip_terminal), AfterValidator(_clean)]
Words = Annotated[Text, AfterValidator(_not_blank)]
Told = Annotated[Text, LOOSE]
Id = Annotated[str, LABEL, ID, Field(min_length=1, max_length=64), AfterValidator(_clean)]
MaybeId = Annotated[str, LABEL, ID, Field(max_length=64), AfterValidator(_clean)]
Name = Annotated[
    str, LABEL, Field(max_length=128), AfterValidator(_clean), AfterValidator(composed)
]
Project = Annotated[Name, AfterValidator(_seen)]
Ids = Annotated[tuple[Id, ...], Field(max_length=50)]
MOST_READ = 4 * 1024**2
"""Characters of a text that is read, and of which a part is kept: as many as a door carries."""


def _is_moment(text: str) -> str:
    if text.strip():
        moment(text, 0.0)
    return text.strip()


Moment = Annotated[Name, AfterValidator(_is_moment)]
"""A date, a time, or how long ago; see `memory_core.moments`."""


class Request(BaseModel):
    """What all requests share."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    _note: str = PrivateAttr(default="")

    @property
    def note(self) -> str:
        """What was left aside or moved when it was read, "" for nothing; see `noted`."""
        return self._note

    @property
    def has_items(self) -> bool:
        """Whether it brings items to store, which are worth a longer wait for the model."""
        return False


def _aliases(name: str, *others: str) -> AliasChoices:
    return AliasChoices(name, *others)


# -- requests --------------------------------------------------------------------


class RecallRequest(Request):
    """Arguments of `recall`. `door` "prompt": a client's hook asks, not the agent."""

    task: Annotated[
        Words,
        Field(min_length=1, max_length=MOST_READ, validation_alias=_aliases("task", "query", "q")),
    ]
    context: Annotated[Told, Field(max_length=MOST_READ)] = ""
    error: Annotated[Told, Field(max_length=MOST_READ)] = ""
    project: Project = ""
    session: Name = ""
    kinds: Annotated[tuple[Kind, ...], Field(max_length=16)] = ()
    k: Annotated[
        int, CLAMPED, Field(ge=1, le=20, validation_alias=_aliases("k", "limit", "top_k"))
    ] = 3
    max_tokens: Annotated[int, CLAMPED, Field(ge=50, le=20000)] = 1200
    door: Literal["recall", "prompt"] = "recall"


class CheckRequest(Request):
    """Arguments of `check`: an action, an error or both. `door` as in `recall`."""

    action: Annotated[
        Told, Field(max_length=MOST_READ, validation_alias=_aliases("action", "task", "query", "q"))
    ] = ""
    error: Annotated[Told, Field(max_length=MOST_READ)] = ""
    project: Project = ""
    session: Name = ""
    k: Annotated[
        int, CLAMPED, Field(ge=1, le=20, validation_alias=_aliases("k", "limit", "top_k"))
    ] = 3
    door: Literal["check", "prompt"] = "check"

    @model_validator(mode="after")
    def _one_given(self) -> CheckRequest:
        if not self.action.strip() and not self.error.strip():
            raise ValueError(
                "action and error are both empty; "
                "pass what you are about to do, or the error you got"
            )
        return self


_TITLE = 200


class Lesson(Request):
    """One lesson as the agent writes it: shared by `remember` and `report_outcome`."""

    title: Annotated[Words, Field(min_length=1, max_length=_TITLE)]
    content: Annotated[Words, LOOSE, Field(min_length=1, max_length=8000)]
    description: Annotated[Told, Field(max_length=600)] = ""
    kind: Kind = "strategy"
    tags: Annotated[tuple[Name, ...], Field(max_length=16)] = ()

    @classmethod
    def of_text(cls, text: str) -> dict[str, str]:
        """A lesson that is one text: its first line is the title."""
        lines = text.strip().splitlines() or [""]
        return {"title": lines[0][:_TITLE].strip(), "content": text.strip()}


class RememberRequest(Lesson):
    """Arguments of `remember`."""

    task: Annotated[Told, Field(max_length=MOST_READ)] = ""
    project: Project = ""
    evidence: Annotated[Told, Field(max_length=MOST_READ)] = ""
    supersedes: MaybeId = ""
    source: Name = ""
    outcome_id: MaybeId = ""

    @property
    def has_items(self) -> bool:
        return True


class EditRequest(Request):
    """Arguments of `edit`: what is given takes the place of what the item says.

    `record` decides whether the corrected item keeps the record: by what changed ("auto"),
    in any case ("keep") or not at all ("new").
    """

    item_id: Annotated[Id, Field(validation_alias=_aliases("item_id", "id"))]
    title: Annotated[Words, Field(max_length=200)] | None = None
    content: Annotated[Words, Field(max_length=8000)] | None = None
    description: Annotated[Text, Field(max_length=600)] | None = None
    kind: Kind | None = None
    tags: Annotated[tuple[Name, ...], Field(max_length=16)] | None = None
    task: Annotated[Text, Field(max_length=MOST_READ)] | None = None
    record: Literal["auto", "keep", "new"] = "auto"
    source: Name = ""
    project: Project = ""

    @property
    def has_items(self) -> bool:
        return True

    @property
    def changes(self) -> dict[str, Any]:
        """What is given of the item, by name."""
        names = ("title", "content", "description", "kind", "tags", "task")
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}

    @model_validator(mode="after")
    def _changes_something(self) -> EditRequest:
        if not self.changes:
            raise ValueError(
                "nothing is given that changes the item; "
                "pass a title, content, description, kind, tags or task"
            )
        return self


_Count = Annotated[int, Field(ge=0, le=10**9)]


class Evidence(Request):
    """What an outcome rests on."""

    exit_code: Annotated[
        Annotated[int, Field(ge=-(2**31), le=2**32)] | None,
        Field(
            validation_alias=_aliases(
                "exit_code", "exit_status", "return_code", "returncode", "exitcode"
            )
        ),
    ] = None
    tests_passed: Annotated[
        _Count | None, Field(validation_alias=_aliases("tests_passed", "passed"))
    ] = None
    tests_failed: Annotated[
        _Count | None, Field(validation_alias=_aliases("tests_failed", "failed"))
    ] = None
    log: Annotated[
        Told, Field(max_length=MOST_READ, validation_alias=_aliases("log", "logs", "output"))
    ] = ""

    @classmethod
    def of_text(cls, text: str) -> dict[str, str]:
        """Evidence that is one text: the log."""
        return {"log": text}

    @classmethod
    def joined(cls, several: list[dict[str, Any]]) -> dict[str, Any]:
        """Evidence of several runs as one: the first that failed, all tests, the logs in order."""
        found: dict[str, Any] = {}
        for one in several:
            for name, value in one.items():
                held = found.get(name)
                if held is None or (name == "exit_code" and not held):
                    found[name] = value
                elif name == "log":
                    found[name] = f"{held}\n{value}"
                elif name != "exit_code" and isinstance(value, int) and isinstance(held, int):
                    found[name] = held + value
        return found


class OutcomeRequest(Request):
    """Arguments of `report_outcome`."""

    outcome: Annotated[
        Outcome, Field(validation_alias=_aliases("outcome", "success", "result", "status"))
    ]
    recall_id: MaybeId = ""
    task: Annotated[Told, Field(max_length=MOST_READ)] = ""
    used_ids: Ids | None = None
    helpful_ids: Ids = ()
    harmful_ids: Ids = ()
    error: Annotated[Told, Field(max_length=MOST_READ)] = ""
    evidence: Evidence | None = None
    steps: Annotated[
        tuple[Annotated[Told, Field(max_length=MOST_READ)], ...], Field(max_length=100)
    ] = ()
    lessons: Annotated[tuple[Lesson, ...], Field(max_length=5)] = ()
    attempt_group: Name = ""
    report_id: Name = ""
    project: Project = ""
    session: Name = ""
    source: Name = ""

    @property
    def has_items(self) -> bool:
        return bool(self.lessons)

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


class ListRequest(Request):
    """Arguments of `list_lessons`."""

    query: Annotated[
        Text, Field(max_length=MOST_READ, validation_alias=_aliases("query", "q", "task"))
    ] = ""
    kind: Annotated[Kind | None, Field(json_schema_extra={"enum": [*KINDS, "all"]})] = None
    state: State = "active"
    project: Project = ""
    sort: Literal["recent", "wins", "losses", "useful"] = "recent"  # as in `vocabulary.SORTS`
    limit: Annotated[int, CLAMPED, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, LABEL, Field(max_length=1024), AfterValidator(_clean)] = ""
    tag: Name = ""
    written_by: Annotated[Name, Field(validation_alias=_aliases("written_by", "source"))] = ""
    since: Moment = ""
    until: Moment = ""

    @property
    def is_filtered(self) -> bool:
        """Whether it asks for some of the items only."""
        some = (self.query.strip(), self.kind, self.tag, self.written_by, self.since, self.until)
        return any(some) or self.state != "active"


class RecallsRequest(Request):
    """Which recalls to list, the newest first: of one session, or ("") of all of the project.

    `open` ones have no outcome yet and can still be reported, of the newest 2,048; else all
    that were ever served. `before` is a recall: those older than it.
    """

    project: Project = ""
    session: Name = ""
    open: bool = True
    since: Moment = ""
    before: MaybeId = ""
    limit: Annotated[int, CLAMPED, Field(ge=1, le=100)] = 20


class IdRequest(Request):
    """Which item, recall or outcome is meant: by the beginning or the end of its id.

    Without `given` the newest is meant: the item that was stored last (of `state` "retired":
    that was forgotten last), the recall that was served last (of `session`, where it is named),
    the outcome that was reported last. `field` is what the caller calls it.
    """

    what: Literal["item", "recall", "outcome"]
    given: MaybeId = ""
    state: Literal["active", "retired"] = "active"
    field: Name = "id"
    project: Project = ""
    session: Name = ""


class ForgetRequest(Request):
    """Arguments of `forget` (and of the CLI's `restore`)."""

    item_id: Annotated[Id, Field(validation_alias=_aliases("item_id", "id"))]
    reason: Annotated[Words, Field(max_length=1000)]
    project: Project = ""


class ItemRequest(Request):
    """Which item to read, whatever project it is in."""

    item_id: Annotated[Id, Field(validation_alias=_aliases("item_id", "id"))]
    project: Project = ""


class BriefRequest(Request):
    """Of which project a playbook is wanted, and how long it may be (characters / 4)."""

    project: Project = ""
    max_tokens: Annotated[int, CLAMPED, Field(ge=1, le=20000)] = 1200


class MistakesRequest(Request):
    """Of which project the mistakes are wanted."""

    project: Project = ""


class ProjectsRequest(Request):
    """All projects are listed; `project` is the one that the caller would work in."""

    project: Project = ""


class Empty(Request):
    """No arguments."""


class ProjectRequest(Request):
    """What to do with a project: give it another name, put it into another, move items.

    `rename` and `merge` take `project`; `move` takes `item_ids`, or `project` for all its items.
    """

    action: Literal["rename", "merge", "move"]
    into: Annotated[Project, Field(min_length=1), AfterValidator(_not_blank)]
    project: Project = ""
    item_ids: Ids = ()

    @model_validator(mode="after")
    def _named(self) -> ProjectRequest:
        if self.action != "move" and not self.project.strip():
            raise ValueError("project is empty; name the project to change")
        return self


RequestT = TypeVar("RequestT", bound=Request)


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


def _sentence(request: type[Request], details: Mapping[str, Any], asides: Asides) -> InvalidInput:
    """Turn pydantic's first complaint into one sentence that names the value."""
    location = [str(part) for part in details["loc"]]
    kind, context = str(details["type"]), details.get("ctx") or {}
    name = ".".join(location) or request.__name__.removesuffix("Request").lower()
    value = details.get("input")
    others = f"; it takes no {asides.named}" if asides.unknown else ""
    if kind == "missing":
        nothing = asides.nothing.get(name)
        said = f"= {shown(nothing)} says nothing" if nothing else "is missing"
        return InvalidInput(name, said, f"Call again with {name}{others}.")
    if kind in ("string_too_long", "too_long") and isinstance(value, str):
        size, most = len(value), context.get("max_length")
        return InvalidInput(
            name, f"= {shown(value)} has {size:,} characters, at most {most:,} fit", "Shorten it."
        )
    if kind == "string_too_short":
        return InvalidInput(name, "is empty", f"Write at least one word{others}.")
    if kind == "value_error":
        problem, _, move = str(context.get("error", details["msg"])).partition("; ")
        if not location:
            return _Whole(_as_given(problem, asides), f"{_capital(move)}{others}.")
        others = others if problem == _BLANK else ""
        return InvalidInput(name, problem, f"{_capital(move)}{others}.")
    expected = context.get("expected")
    if expected:
        return InvalidInput(name, f"= {shown(value)} is not known", f"Use one of {expected}.")
    move = _MOVES.get(kind) or _capital(str(details["msg"])).replace("Input should", "It should")
    return InvalidInput(name, f"= {shown(value)} is not valid", move + ".")


def _as_given(problem: str, asides: Asides) -> str:
    """The problem of arguments that are all empty, by what was written there instead of nothing."""
    names, are_empty, _ = problem.partition(" are both empty")
    given = [name for name in names.split(" and ") if name in asides.nothing]
    if not are_empty or not given:
        return problem
    told = " and ".join(f"{name} = {shown(asides.nothing[name])}" for name in given)
    return f"{told} {'says' if len(given) == 1 else 'say'} nothing"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text else "Correct it and call again"


class _Whole(InvalidInput):
    """A complaint about several arguments at once: its problem is the whole sentence."""

    def __init__(self, problem: str, move: str) -> None:
        super().__init__("arguments", problem, move)
        self.args = (f"{problem}. {move}",)


def parse(request: type[RequestT], data: Any, *, exact: bool = False) -> RequestT:
    """Give the validated request; its `note` says what was not taken as it came.

    Args:
        request: The request.
        data: What was sent, as JSON gives it. See `memory_core.intake` for what is taken.
        exact: Refuse numbers out of bounds instead of moving them.

    Raises:
        InvalidInput: One sentence that names the value and the next move.
    """
    asides = Asides(exact)
    given = taken(request, data, asides)
    try:
        found = request.model_validate(given)
    except ValidationError as error:
        raise _sentence(request, error.errors(include_url=False)[0], asides) from None
    found._note = str(asides)  # noqa: SLF001 - its own module
    return found


AnswerT = TypeVar("AnswerT", bound=BaseModel)


def noted(request: Request, answer: AnswerT) -> AnswerT:
    """Give an answer with what its caller is to be told of the request in its `note`."""
    if not request.note:
        return answer
    note = f"{getattr(answer, 'note', '')} {request.note}".strip()
    return answer.model_copy(update={"note": note})
