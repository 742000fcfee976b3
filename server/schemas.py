"""JSON schemas of the port's models, made small enough to advertise.

Every token of a tool definition is paid in every conversation, so titles,
empty defaults, bounds that no model comes near and repeated shapes are left out.
This module knows no tool: it turns pydantic models into schemas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel

from memory_core.shapes import CLAMPED, shapes

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
