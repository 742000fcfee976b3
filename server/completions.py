"""Completion of prompt arguments and resource templates: project names, ids, outcomes."""

from __future__ import annotations

import logging

import anyio
import mcp_types as types

from memory_core.model import OUTCOMES
from memory_core.port import Memory
from memory_core.requests import Empty, ListRequest
from server.plain import cleaned

logger = logging.getLogger(__name__)

_MOST = 100
"""Values in one completion (the protocol's limit)."""
WITHIN = 5.0
"""Seconds that somebody who types may wait for one."""


async def completion(memory: Memory, argument: types.CompletionArgument) -> types.Completion:
    """Give the values that start with what was typed; empty for anything unknown.

    A completion is a convenience: a memory that cannot answer, or not soon, completes nothing.
    """
    try:
        with anyio.fail_after(WITHIN):
            known = await _known(memory, argument.name)
    except Exception:
        logger.info("nothing to complete %s with", argument.name, exc_info=True)
        known = []
    typed = argument.value.lower()
    fitting = [one for one in known if one.lower().startswith(typed) and one == cleaned(one)]
    return types.Completion(
        values=fitting[:_MOST], total=len(fitting), has_more=len(fitting) > _MOST
    )


async def _known(memory: Memory, name: str) -> list[str]:
    if name == "outcome":
        return list(OUTCOMES)
    if name == "project":
        return sorted((await memory.stats(Empty())).projects)
    if name == "id":
        page = await memory.list_lessons(ListRequest(limit=_MOST))
        return [one.id for one in page.items]
    return []
