"""The parameters of a call as hosts write them, read before the SDK checks them.

Some send the arguments of a tool as JSON text, or an empty list for none, and
null or numbers among those of a prompt. The SDK would refuse them in three words
that name nothing.
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
from memory_core.port import as_object


async def read_parameters(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """Middleware: hand on the arguments of tools and prompts as objects, and no null beside them.

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
        told = dict(filter(_is_told, meta.items()))
        ctx = dataclasses.replace(ctx, params={**(ctx.params or {}), "_meta": told})
    if ctx.method not in ("tools/call", "prompts/get") or not isinstance(ctx.params, Mapping):
        return await call_next(ctx)
    given = ctx.params.get("arguments")
    try:
        arguments = {} if given in (None, "", []) else dict(as_object(given))
    except InvalidInput as error:
        raise MCPError(types.INVALID_PARAMS, str(error)) from None
    if ctx.method == "prompts/get":
        arguments = {name: _text(one) for name, one in arguments.items() if one is not None}
    elif isinstance(given, dict):
        return await call_next(ctx)
    return await call_next(dataclasses.replace(ctx, params={**ctx.params, "arguments": arguments}))


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
