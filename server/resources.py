"""The five resources: an item, a project's brief, the mistakes, the scorer and the counts.

Reading one changes nothing. Everything stored is given as data: JSON, or
Markdown quoted line by line. This module also maps the memory's changes to the
URIs that subscribers know.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import quote, unquote

import anyio
import mcp_types as types
from mcp import MCPError
from pydantic import BaseModel

from memory_core.errors import Forbidden, InvalidInput, LessonbankError, shown
from memory_core.port import Change, Memory, Method
from memory_core.requests import BriefRequest, ItemRequest, parse
from memory_core.written import ids_in
from server.plain import cleaned, plain, quoted, sentence, without_paths
from server.render import MOST_RESULT, NOTES_NOT_ORDERS

logger = logging.getLogger(__name__)

_LESSON = re.compile(r"memory://lessons/([^/?#]+)")
_BRIEF = re.compile(r"memory://projects/([^/?#]+)/brief")
_WRITTEN = re.compile(r"memory:/{1,3}(\w+)(.*?)/?(?:[?#].*)?", re.IGNORECASE)
_JSON = "application/json"
WITHIN = 60.0
"""Seconds after which reading one is given up."""
_LONGEST_NAME = 128
"""Characters of an id or a project's name (the port's own limit)."""

STATIC: tuple[types.Resource, ...] = (
    types.Resource(
        uri="memory://mistakes",
        name="mistakes",
        title="Mistakes notebook",
        description="Failures grouped by their conditions, most seen first, with their lessons.",
        mime_type=_JSON,
    ),
    types.Resource(
        uri="memory://scorer",
        name="scorer",
        title="What the learner knows of itself",
        description="How far learning moves the order, and its record against plain similarity.",
        mime_type=_JSON,
    ),
    types.Resource(
        uri="memory://stats",
        name="stats",
        title="Counts and sizes",
        description="Items, recalls and outcomes by kind and project, bytes on disk, readiness.",
        mime_type=_JSON,
    ),
)

TEMPLATES: tuple[types.ResourceTemplate, ...] = (
    types.ResourceTemplate(
        uri_template="memory://lessons/{id}",
        name="lesson",
        title="One lesson, whole",
        description="Text, evidence, lineage and every outcome that touched the item.",
        mime_type=_JSON,
    ),
    types.ResourceTemplate(
        uri_template="memory://projects/{project}/brief",
        name="brief",
        title="A project's playbook",
        description="What works, what to avoid and what keeps failing in a project, on one page.",
        mime_type="text/markdown",
    ),
)


def uris_of(change: Change) -> tuple[str, ...]:
    """Give the URIs whose content a change touches.

    An unusual project name is given both encoded and as it is: subscribers of
    the newer protocol are matched by the exact text that they sent.
    """
    if change.subject == "item":
        return (lesson_uri(change.key),)
    if change.subject == "project":
        return tuple(
            dict.fromkeys((brief_uri(change.key), f"memory://projects/{change.key}/brief"))
        )
    return (f"memory://{change.subject}",)


def lesson_uri(item_id: str) -> str:
    """Give the URI of an item."""
    return f"memory://lessons/{quote(item_id, safe='')}"


def brief_uri(project: str) -> str:
    """Give the URI of a project's brief."""
    return f"memory://projects/{quote(project, safe='')}/brief"


async def read(memory: Memory, uri: str, *, afar: bool = False) -> types.ReadResourceResult:
    """Give the resource at `uri` as the memory's caller sees it.

    A caller from `afar` learns no path of this machine.

    Raises:
        MCPError: Invalid params when there is none, internal error with the
            memory's own sentence when it cannot be read now, in time, or whole.
    """
    try:
        with anyio.fail_after(WITHIN):
            text, mime_type = await _read(memory, uri)
    except MCPError:
        raise
    except Exception as error:  # noqa: BLE001 - told in general words, and logged
        raise _refusal(uri, error, afar=afar) from None
    if len(text) > MOST_RESULT:
        size = f"has {len(text):,} characters, at most {MOST_RESULT:,} are sent"
        raise _cannot(
            uri, f"{shown(uri)} {size}. The tools give parts: recall, check, list_lessons."
        )
    content = types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return types.ReadResourceResult(contents=[content])


def _refusal(uri: str, error: Exception, *, afar: bool) -> MCPError:
    """What a client is told of an error: the memory's sentence, or nothing of what it was."""
    if isinstance(error, InvalidInput | Forbidden):
        return _not_found(uri, sentence(error))
    if isinstance(error, LessonbankError):
        return _cannot(uri, without_paths(sentence(error)) if afar else sentence(error))
    if isinstance(error, TimeoutError):
        took = f"{shown(uri)} took longer than {WITHIN:.0f} s and was given up"
        return _cannot(uri, f"{took}: the memory may still be waiting for its store. Try later.")
    logger.error("reading %s failed", shown(uri), exc_info=error)
    return _cannot(
        uri, f"{shown(uri)} could not be read. The user finds the cause in the server's log."
    )


_WHOLE: dict[str, Method[Any, Any]] = {
    f"memory://{one.name}": one for one in (Memory.mistakes, Memory.scorer, Memory.stats)
}


async def _read(memory: Memory, uri: str) -> tuple[str, str]:
    bare = _bare(uri)
    if found := _WHOLE.get(bare):
        return _json(await memory.call(found, found.request())), _JSON
    if lesson := _LESSON.fullmatch(bare):
        item = parse(ItemRequest, {"item_id": _name(uri, lesson.group(1))})
        return _json(await memory.get(item)), _JSON
    if project := _BRIEF.fullmatch(bare):
        asked = parse(BriefRequest, {"project": _name(uri, project.group(1))})
        brief = await memory.brief(asked)
        return f"{NOTES_NOT_ORDERS}\n\n{quoted(brief.text)}\n", "text/markdown"
    known = ", ".join([one.uri for one in STATIC] + [one.uri_template for one in TEMPLATES])
    raise _not_found(uri, f"{shown(uri)} is no resource of this server. There are: {known}.")


def _bare(uri: str) -> str:
    """Give a URI as we write it: scheme and kind in small letters, nothing after the path."""
    found = _WRITTEN.fullmatch(uri)
    return f"memory://{found[1].lower()}{found[2]}" if found else uri


def _name(uri: str, part: str) -> str:
    name = unquote(part)
    name = next(iter(ids_in(name, 1)), name)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise _not_found(uri, f"{shown(uri)} names nothing: a name is printable and short.")
    return name


def _json(answer: BaseModel) -> str:
    return json.dumps(plain(answer.model_dump(mode="json")), ensure_ascii=False, indent=1)


def _not_found(uri: str, text: str) -> MCPError:
    return MCPError(types.INVALID_PARAMS, cleaned(text), {"uri": uri})


def _cannot(uri: str, text: str) -> MCPError:
    return MCPError(types.INTERNAL_ERROR, cleaned(text), {"uri": uri})
