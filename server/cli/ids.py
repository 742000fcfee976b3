"""Ids as people write them: the beginning, the end, or --last; the memory says which is meant."""

from __future__ import annotations

import re

from memory_core.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from server.cli.commands import Ask, Note

_WHOLE = re.compile(r"[a-z]+_[0-9a-f]{28}")
_WHAT = {
    "item_id": "item",
    "supersedes": "item",
    "recall_id": "recall",
    "before": "recall",
    "outcome_id": "outcome",
    "used_ids": "item",
    "helpful_ids": "item",
    "harmful_ids": "item",
}


def identified(
    ask: Ask, given: dict[str, Any], note: Note, state: str = "active"
) -> dict[str, Any]:
    """Give the fields with whole ids; asks only about those that are not, and notes the last.

    Of items the last is one in this `state`.
    """
    fields = dict(given)
    if fields.pop("last", False):
        name = "recall_id" if "outcome" in fields else "item_id"
        if fields.get(name):
            raise InvalidInput("last", "stands beside an id", "Give one of the two.")
        asked = {"what": _WHAT[name], "state": state, "field": "last"}
        found = ask("identify", {**asked, **_where(fields)})
        note(f"The last {_WHAT[name]}: {found['id']} ({found['title']})\n")
        fields[name] = found["id"]
    for name, what in _WHAT.items():
        value = fields.get(name)
        if isinstance(value, str) and value:
            fields[name] = _whole(ask, what, name, value, fields)
        elif isinstance(value, list):
            fields[name] = [_whole(ask, what, name, one, fields) for one in value]
    return fields


def _where(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in ("project", "session") if name in fields}


def _whole(ask: Ask, what: str, name: str, value: str, fields: dict[str, Any]) -> str:
    if not value.strip() or _WHOLE.fullmatch(value):
        return value
    where = {} if what == "recall" else {"project": fields.get("project", "")}
    found = ask("identify", {"what": what, "given": value.strip(), "field": name, **where})
    return str(found["id"])
