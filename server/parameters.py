"""The parameters of a call as hosts write them, read before the SDK checks them.

Some send the arguments of a tool as JSON text, or an empty list for none, and
null or numbers among those of a prompt. The SDK would refuse them in three words
that name nothing. Some send a tool's name as their model knows it, with the server's before it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from memory_core.errors import InvalidInput, shown
from memory_core.intake import as_object
from server.definitions import TOOLS

NAME = "lessonbank"
"""What most people call this server; two underscores stand after any other name."""


async def read_parameters(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """Middleware: hand on arguments as objects, no null beside them, a tool's name as we list it.

    Raises:
        MCPError: Invalid params, said in one sentence that names the value.
    """
    try:
        return await _read(ctx, call_next)
    except ValidationError as error:
        raise MCPError(types.INVALID_PARAMS, _complaint(ctx.method, error)) from None


async def _read(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    meta = ctx.params.get("_meta") if isinstance(ctx.params, Mapping) else None
    if isinstance(meta, Mapping) and not all(map(_is_told, meta.items())):
        kept = dict(filter(_is_told, meta.items()))
        ctx = dataclasses.replace(ctx, params={**(ctx.params or {}), "_meta": kept})
    params = ctx.params
    if ctx.method not in ("tools/call", "prompts/get") or not isinstance(params, Mapping):
        return await call_next(ctx)
    given = params.get("arguments")
    try:
        arguments = {} if given in (None, "", []) else dict(as_object(given))
    except InvalidInput as error:
        raise MCPError(types.INVALID_PARAMS, str(error)) from None
    read = {**params, "arguments": given if isinstance(given, dict) else arguments}
    if ctx.method == "tools/call":
        read["name"] = _listed(params.get("name"))
    else:
        told = {name: _text(one) for name, one in arguments.items() if one is not None}
        read["arguments"] = told
    return await call_next(dataclasses.replace(ctx, params=read))


def _listed(name: Any) -> Any:
    """Give the tool's own name where a host wrote the server's before it.

    Example:
        >>> _listed("mcp__memory__recall"), _listed("lessonbank.recall"), _listed("do_not_forget")
        ('recall', 'recall', 'do_not_forget')
    """
    for tool in (one.method.name for one in TOOLS) if isinstance(name, str) else ():
        before = name.removesuffix(tool)
        ours = NAME in before.lower() and before[-1:] in tuple("_.:/-")
        if before != name and (before.endswith("__") or ours):
            return tool
    return name


def _is_told(entry: tuple[str, Any]) -> bool:
    """Whether something beside the arguments says anything: no null, no token of another type."""
    name, value = entry
    if name == "progressToken":
        return isinstance(value, str | int) and not isinstance(value, bool)
    return value is not None


def _text(value: Any) -> Any:
    """Give what is no text as text: arguments of prompts are texts, and a list is its lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False)


def _complaint(method: str, error: ValidationError) -> str:
    """Say of the first value that is wrong which it is, in place of the SDK's three words."""
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    where = ".".join(path[path.index("params") + 1 :] if "params" in path else path) or "params"
    if first["type"] == "missing":
        return str(InvalidInput(where, "is missing", f"Send {method} again with it."))
    problem = f"= {shown(first['input'])} is not valid in {method}"
    return str(InvalidInput(where, problem, f"{first['msg']}."))
