"""The six tools as clients see them: names, texts, schemas and annotations.

The definitions are built once and never change while the process lives; no
stored text is ever in them. This module calls nothing: see `server.tools`.

Every token of a definition is paid in every conversation, so titles, empty defaults, bounds that no
model comes near and repeated shapes are left out of the schemas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import mcp_types as types
from pydantic import BaseModel

from memory_core import model
from memory_core.answers import Credited, LessonLine, NearDuplicate
from memory_core.port import Memory, Method
from memory_core.shapes import CLAMPED, shapes

# -- schemas

Schema = dict[str, Any]
Untold = Mapping[str, "Untold"]
"""Fields by name, each with those inside it; one with nothing inside is left out whole."""

_NOISE = frozenset(
    ("title", "description", "additionalProperties", "$defs", "minLength", "maxItems", "default")
)
_TOLD_LENGTHS = range(200, 2001)
"""Limits of text that a model may really meet. The others (ids and names below,
8,000 characters and more above) are checked all the same, with a clear sentence."""
_TOLD_NUMBERS = range(-100_000, 100_001)


def input_schema(
    model: type[BaseModel], arguments: Mapping[str, str], leave_out: Collection[str] = ()
) -> Schema:
    """Give the schema that clients see of a request.

    Aliases are not in it, unknown properties are not forbidden by it, and numbers
    that are moved into their bounds have none in it, so a client that checks
    arguments against it lets through what is taken. What may be absent is
    `nullable`, the one word that smolagents, ajv and Gemini read; where nothing
    else says "absent" (numbers of evidence, the kind of a lesson) null is a type of
    its own, for clients that make every argument required. Type arrays are avoided: hosts of Gemini
    refuse all tools for one. Defaults are told in words: strict schemas allow none.

    Args:
        model: The request model.
        arguments: What each argument means, by its name.
        leave_out: Arguments that are accepted and not advertised.
    """
    schema = _nullable(_Compact(model.model_json_schema(by_alias=False)).schema)
    properties = {
        name: {**one, **({"description": arguments[name]} if name in arguments else {})}
        for name, one in schema["properties"].items()
        if name not in leave_out
    }
    for name, one in properties.items():
        if CLAMPED in shapes(model)[name].marks:
            del one["minimum"], one["maximum"]
    required = {"required": schema["required"]} if schema.get("required") else {}
    return {"type": "object", "properties": properties, **required}


def _nullable(schema: Schema, depth: int = 0) -> Schema:
    """Say of every property that may be absent that it may be null, at every depth."""
    if "items" in schema:
        return {**schema, "items": _nullable(schema["items"], depth)}
    if "properties" not in schema:
        return schema
    required = schema.get("required", ())
    properties = {name: _nullable(one, depth + 1) for name, one in schema["properties"].items()}
    for name, one in properties.items():
        if name in required:
            continue
        if depth and (one["type"] == "integer" or "enum" in one):
            properties[name] = {"anyOf": [one, {"type": "null"}]}
        else:
            one["nullable"] = True
    return {**schema, "properties": properties}


def without(data: Any, untold: Untold) -> Any:
    """Give JSON data without the fields that are named; of lists, in every entry."""
    if isinstance(data, list):
        return [without(one, untold) for one in data]
    if not isinstance(data, dict):
        return data
    return {
        name: without(value, untold.get(name) or {})
        for name, value in data.items()
        if untold.get(name) != {}
    }


def _without_told(schema: Schema, untold: Untold) -> Schema:
    """The same for a schema."""
    kept = dict(schema)
    if "items" in schema:
        kept["items"] = _without_told(schema["items"], untold)
    if "properties" in schema:
        kept["properties"] = {
            name: _without_told(one, untold.get(name) or {})
            for name, one in schema["properties"].items()
            if untold.get(name) != {}
        }
    return kept


def output_schema(model: type[BaseModel], told: set[str], untold: Untold) -> Schema:
    """Give the schema of an answer.

    Args:
        model: The answer model.
        told: What an earlier tool described, by name: its models become plain
            objects here, its choices plain strings. This answer's are added.
        untold: Fields that are left out.
    """
    compact = _Compact(model.model_json_schema(mode="serialization"), told)
    compact.schema = _without_told(compact.schema, untold)
    known = model.__name__ in told
    told |= compact.fresh | {model.__name__}
    properties = {n: _read_only(one, told) for n, one in compact.schema["properties"].items()}
    if known:
        properties = {name: {"type": one["type"]} for name, one in properties.items()}
    return {"type": "object", "properties": properties}


def _read_only(schema: Schema, told: set[str]) -> Schema:
    """Keep types and properties of what is only read, and choices where they are new."""
    kept: Schema = {"type": schema["type"]}
    choices = schema.get("enum")
    if choices and str(choices) not in told:
        told.add(str(choices))
        kept["enum"] = choices
    if "items" in schema:
        kept["items"] = _read_only(schema["items"], told)
    if "properties" in schema:
        kept["properties"] = {n: _read_only(one, told) for n, one in schema["properties"].items()}
    return kept


class _Compact:
    """A pydantic schema with its references inlined and its noise dropped.

    `fresh` names the models that were inlined; those in `told` become plain objects.
    """

    def __init__(self, raw: Schema, told: Collection[str] = ()) -> None:
        self._definitions: Mapping[str, Schema] = raw.get("$defs", {})
        self._told = frozenset(told)
        self.fresh: set[str] = set()
        self.schema: Schema = self._small(raw)

    def _small(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._small(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return self._inlined(str(schema["$ref"]).rsplit("/", 1)[-1])
        small: Schema = {}
        for key, value in schema.items():
            if key == "properties":
                small[key] = {name: self._small(one) for name, one in value.items()}
            elif not _is_noise(key, value):
                small[key] = self._small(value)
        return _without_null(small)

    def _inlined(self, name: str) -> Schema:
        if name in self._told:
            return {"type": "object"}
        self.fresh.add(name)
        inlined: Schema = self._small(self._definitions[name])
        return inlined


def _is_noise(key: str, value: Any) -> bool:
    if key in _NOISE:
        return True
    if key == "maxLength":
        return value not in _TOLD_LENGTHS
    return key in ("minimum", "maximum") and value not in _TOLD_NUMBERS


def _without_null(schema: Schema) -> Schema:
    """Read `X or null` as X: null arguments count as not given."""
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) != 1:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**choices[0], **rest}


# -- the six tools

MAX_RESULT_CHARACTERS = 100_000
"""More than the largest answer: 20,000 tokens of recalled text at 4 characters each."""


@dataclass(frozen=True, slots=True)
class ToolText:
    """What a tool is called and says of itself.

    `untold` are the learner's own numbers: they say nothing to a model and stay in the
    port's answer, for commands and measurements. An item's `score` is told, since programs
    that act for a model choose by it; the text leaves it out.
    """

    method: Method[Any, Any]
    title: str
    description: str
    arguments: dict[str, str]
    large: bool = False
    leave_out: tuple[str, ...] = field(default=())
    untold: Untold = field(default_factory=dict)

    def told(self, answer: BaseModel) -> dict[str, Any]:
        """Give the answer as data, without what is untold."""
        told: dict[str, Any] = without(answer.model_dump(mode="json"), self.untold)
        return told


_OF_A_RECALL: Untold = {"weight": {}, "items": {"similarity": {}, "source": {}}}
_OF_A_LESSON: Untold = {"near_duplicates": {"similarity": {}}}
_OF_A_REPORT: Untold = {
    "learning": {"weight": {}, "proof": {}},
    "lessons": {**_OF_A_LESSON, "note": {}, "next": {}},
}

TOOLS: tuple[ToolText, ...] = (
    ToolText(
        method=Memory.recall,
        title="Recall lessons",
        untold=_OF_A_RECALL,
        large=True,
        leave_out=("door",),
        description=(
            "Call first, before you plan or act on a task or subtask. Gives lessons of earlier "
            "work that fit (strategies, pitfalls, facts, with wins and losses) and warnings of "
            "like failures: notes to weigh, not orders. Do what `next` says and keep recall_id "
            "for report_outcome. abstained: nothing fits, go on without."
        ),
        arguments={
            "task": "What you are about to do, in full; read whole, 8,000 characters are kept",
            "context": "What was tried, present state, versions",
            "error": "The error you face, verbatim",
            "project": "Who shares lessons; default: this workspace",
            "session": "One id per conversation",
            "k": "1 to 20, default 3",
            "max_tokens": "Cap of the answer, default 1200",
        },
    ),
    ToolText(
        method=Memory.check,
        title="Check before acting",
        untold=_OF_A_RECALL,
        leave_out=("door",),
        description=(
            "Call right before a risky or unfamiliar action (command, edit, migration), and as "
            "soon as an error appears. Pass action, error or both. Gives what went wrong before "
            "in like conditions and, with an error, each lesson that fits it. Empty: nothing is "
            "known of it."
        ),
        arguments={
            "action": "What you are about to do",
            "error": "The error you got, verbatim",
        },
    ),
    ToolText(
        method=Memory.remember,
        title="Remember a lesson",
        untold=_OF_A_LESSON,
        description=(
            "Store one lesson for later tasks; it is on disk when this returns. Call after "
            "report_outcome, with its outcome_id. One general idea per call: when it applies, "
            "what to do, why. No secrets, no diary. To correct a stored item pass its id as "
            "supersedes."
        ),
        arguments={
            "title": "The lesson in one line",
            "content": "What to do or avoid, and why",
            "description": "When to use it, and when not",
            "kind": "strategy (default): worked; pitfall: failed; fact: holds",
            "task": "Task it came from",
            "evidence": "What proves it: output, test, trace",
            "supersedes": "Id of the item it replaces",
            "outcome_id": "Outcome it was learned from",
        },
    ),
    ToolText(
        method=Memory.report_outcome,
        title="Report an outcome",
        untold=_OF_A_REPORT,
        leave_out=("session", "source"),
        description=(
            "Call when a task or an attempt ends, above all when it failed: recall learns from "
            "nothing else. Say what really happened and pass evidence (exit code, test counts, "
            "log): it outranks opinion. Reporting a recall_id again corrects it. Then do what "
            "`next` says, usually write up to 3 lessons."
        ),
        arguments={
            "outcome": "partial: some of it works; unknown: not verified",
            "recall_id": "From recall or check; else give task",
            "used_ids": "Recalled ids you followed; [] if none",
            "harmful_ids": "Those that misled you",
            "error": "The last error, verbatim",
            "steps": "What you did, in order; 2,000 characters of each are kept",
            "lessons": "At most 3 (5 with attempt_group)",
            "attempt_group": "One id for all attempts of a task",
            "report_id": "Unique id: makes a retry safe",
        },
    ),
    ToolText(
        method=Memory.list_lessons,
        title="List lessons",
        description=(
            "Browse or search what is stored, to review, tidy up or find an id. For a task call "
            "recall."
        ),
        arguments={
            "state": "Default active",
            "sort": "Default recent",
            "limit": "1 to 100, default 20",
            "cursor": "next_cursor of the last page",
        },
        leave_out=("tag", "written_by", "since", "until"),
    ),
    ToolText(
        method=Memory.forget,
        title="Forget a lesson",
        description=(
            "Take a wrong or outdated item out of recall; only the user can bring it back. To "
            "replace it, call remember with supersedes."
        ),
        arguments={"reason": "Why it should not be recalled"},
    ),
)
"""In the order of `tools/list`."""


def _definition(tool: ToolText, told: set[str]) -> types.Tool:
    method = tool.method
    meta: dict[str, Any] = {"anthropic/maxResultSizeChars": MAX_RESULT_CHARACTERS}
    return types.Tool(
        name=method.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(method.request, tool.arguments, tool.leave_out),
        output_schema=output_schema(method.answer, told, tool.untold),
        annotations=types.ToolAnnotations(
            read_only_hint=not method.changes,
            destructive_hint=method.destroys,
            idempotent_hint=method.repeats,
            open_world_hint=False,
        ),
        _meta=meta if tool.large else None,
    )


_PLAIN = (LessonLine, NearDuplicate, Credited)
"""Parts of answers that name no property which earlier ones did not, or that nobody looks up."""


def definitions() -> list[types.Tool]:
    """Give the tools of `tools/list`, the same on every call."""
    told = {str(list(choices)) for choices in (model.KINDS, model.STATES, model.OUTCOMES)}
    told |= {one.__name__ for one in _PLAIN}
    return [_definition(tool, told) for tool in TOOLS]
