"""From what a model sent to a validated request.

Models send lists as JSON text or as comma-separated text, and objects as text.
Where the meaning is plain they are taken; everything else is left to the port's
own checks, whose sentence the model sees.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from memory_core.port import RequestT, parse
from server.schemas import input_schema
from server.surrogates import refuse_marks

_NAMES = frozenset({"used_ids", "helpful_ids", "harmful_ids", "kinds", "tags"})
"""Lists whose entries hold no comma of their own."""


def request_of(model: type[RequestT], arguments: Mapping[str, Any] | None) -> RequestT:
    """Give the validated request of a tool call.

    Raises:
        InvalidInput: One sentence that names the value and the next move.
    """
    shapes = _shapes(model)
    given: dict[str, Any] = {}
    for name, value in (arguments or {}).items():
        refuse_marks("arguments", name)
        refuse_marks(name, value)
        given[name] = _taken(name, value, shapes.get(name, ""))
    return parse(model, given)


@cache
def _shapes(model: type[BaseModel]) -> dict[str, str]:
    """Give "array" or "object" for the arguments that are one."""
    properties = input_schema(model, {})["properties"]
    return {
        name: one["type"] for name, one in properties.items() if one["type"] in ("array", "object")
    }


def _taken(name: str, value: Any, shape: str) -> Any:
    if shape == "array":
        return _listed(name, value)
    if shape == "object" and isinstance(value, str):
        read = _from_json(value)
        return read if isinstance(read, dict) else {"log": value}
    return value


def _listed(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, str):
        return value
    read = _from_json(value)
    if isinstance(read, list):
        return read
    if isinstance(read, dict):
        return [read]
    if name in _NAMES:
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if value.strip() else []


def _from_json(text: str) -> Any:
    """Read `text` as a JSON list or object; None when it is neither."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
