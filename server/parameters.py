"""The parameters of a call as hosts write them, read before the SDK checks them.

Some send the arguments of a tool as JSON text, or an empty list for none, and
null or numbers among those of a prompt. The SDK would refuse them in three words
that name nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from memory_core.errors import InvalidInput
from memory_core.port import as_object


async def read_parameters(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """Middleware: hand on the arguments of tools and prompts as objects, and no null beside them.

    Raises:
        MCPError: Invalid params: they are none, said in one sentence.
    """
    meta = ctx.params.get("_meta") if isinstance(ctx.params, Mapping) else None
    if isinstance(meta, Mapping) and None in meta.values():
        told = {name: one for name, one in meta.items() if one is not None}
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


def _text(value: Any) -> Any:
    """Give a number as text: arguments of prompts are texts."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else value
