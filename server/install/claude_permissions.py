"""The rule in Claude Code's settings that lets the model use our tools without asking.

Form: https://code.claude.com/docs/en/permissions: `mcp__NAME` is every tool of a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.install.edits import put, take
from server.install.files import refused
from server.install.jsonc import parse
from server.install.servers import NAME, without_empty

RULE = f"mcp__{NAME}"
_PATH = ("permissions", "allow")


def with_rule(text: str) -> str:
    """Give `text` with the rule; `text` itself when it is there.

    Raises:
        InvalidInput: The file has another form.
    """
    rules = _rules(text)
    return text if RULE in rules else put(text, (*_PATH, len(rules)), RULE)


def without_rule(text: str) -> str:
    """Give `text` without the rule, and without what it leaves empty."""
    rules = _rules(text)
    if RULE not in rules:
        return text
    text = take(text, (*_PATH, rules.index(RULE)))
    return without_empty(without_empty(text, _PATH), _PATH[:1])


def has_rule(text: str) -> bool:
    """Whether the rule is there, or one of the same meaning."""
    return bool({RULE, f"{RULE}__*"} & {one for one in _rules(text) if isinstance(one, str)})


def _rules(text: str) -> list[Any]:
    whole = parse(text).value()
    found: Any = whole if isinstance(whole, Mapping) else None
    for step in _PATH:
        if not isinstance(found, Mapping):
            raise refused("'permissions' is no object in it")
        found = found.get(step, {} if step == _PATH[0] else [])
    if not isinstance(found, list):
        raise refused("'permissions.allow' is no list in it")
    return found
