"""What the model says: a list of tool calls, then an answer in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.clients.model.turn import JSON, Answer, Done, Say, Tool, Turn, Use

TASK = "Deploy the billing service to the staging cluster with helm and check that it is healthy"
SEARCHERS = re.compile(r"ToolSearch|tool_search|WaitForMcpServers")
MORE = "There is nothing more to say."
"""What a client prints that asks for more after the answer."""
CALLER = "tool_call"
"""Calls a tool that a search has shown, and carries its name and arguments."""
ANSWERER = "final_answer"
"""Ends the turn in frameworks whose models may only call tools."""
_MOST_SEARCHES = 3
_NAMED_DEFAULT = re.compile(r"\bdefault (\d+)\b")
_RECALL_ID = re.compile(r"\brec_\w{6,}")
_OUTCOME_ID = re.compile(r"\bout(?:come)?_\w{6,}")
_FOR_JSON = json.dumps({"reasoning": "", "next_speaker": "user", "title": "", "isNewTopic": False})


@dataclass(frozen=True, slots=True)
class Step:
    """One call: the tool's own name, and its arguments from what came back so far.

    `slip` says what is careless about the arguments, "" for nothing.
    """

    tool: str
    arguments: Callable[[Turn], JSON]
    slip: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """All calls of a run and the answer that ends it; `kind` is what the table calls it.

    `strict` makes the model fill in every property, as one does whose provider makes it:
    null where the schema allows that, else the default that its description names, else
    the emptiest value there is.
    """

    steps: tuple[Step, ...]
    answer: str
    strict: bool = False
    kind: str = ""

    def next(self, turn: Turn) -> Answer:
        """Give the answer to a request; requests without tools are a client's own business."""
        if turn.wants_json:
            return Say(_FOR_JSON)
        if not turn.tools:
            return Say("ok")
        done = len(worked(turn))
        if done >= len(self.steps):
            return self._end(turn)
        step = self.steps[done]
        tool = offered(turn.tools, step.tool)
        arguments = step.arguments(turn)
        if tool is None:
            return self._behind(turn, step.tool, arguments)
        return Use(tool, filled(tool.schema, arguments) if self.strict else arguments)

    def _end(self, turn: Turn) -> Answer:
        """Answer, by the tool for answers where there is one; differently when asked again."""
        text = MORE if self.answer in turn.whole else self.answer
        tool = next((one for one in turn.tools if one.name == ANSWERER), None)
        return Use(tool, {"answer": text}) if tool else Say(text)

    def _behind(self, turn: Turn, name: str, arguments: JSON) -> Answer:
        """Call a tool that only a search shows: through the client's own caller, if it has one."""
        caller = next((one for one in turn.tools if one.name == CALLER), None)
        found = re.search(rf"\b\w*lessonbank\w*_{name}\b", turn.results)
        if caller and found:
            return Use(caller, {"name": found[0], "arguments": arguments})
        return self._search(turn, name)

    def _search(self, turn: Turn, name: str) -> Answer:
        searches = sum(1 for one in turn.done if SEARCHERS.fullmatch(one.name))
        tool = next((one for one in turn.tools if SEARCHERS.fullmatch(one.name)), None)
        if tool is None or searches >= _MOST_SEARCHES * len(self.steps):
            names = ", ".join(one.name for one in turn.tools)
            return Say(f"There is no tool {name} among {names}")
        if tool.name == "WaitForMcpServers":
            return Use(tool, {})
        exact = tool.name == "ToolSearch"
        query = f"select:mcp__lessonbank__{name}" if exact else f"lessonbank {name}"
        return Use(tool, {"query": query})


def worked(turn: Turn) -> tuple[Done, ...]:
    """Give the calls that are steps of a script: all but searches for tools."""
    return tuple(one for one in turn.done if not SEARCHERS.fullmatch(one.name))


def offered(tools: tuple[Tool, ...], name: str) -> Tool | None:
    """Give the tool of this name, whatever a client puts before it."""
    ends = re.compile(rf"(^|[^A-Za-z]){name}$")
    return next((one for one in tools if ends.search(one.name)), None)


def recall_id(turn: Turn) -> str:
    """Give the newest recall_id that came back."""
    return _last(_RECALL_ID, turn.results)


def outcome_id(turn: Turn) -> str:
    """Give the newest outcome_id that came back."""
    return _last(_OUTCOME_ID, turn.results)


def _last(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.findall(text)
    return found[-1] if found else "nothing_came_back"


def filled(schema: Mapping[str, Any], arguments: JSON) -> JSON:
    """Give `arguments` with every property of the schema, as a strict model must."""
    known = schema.get("properties") or {}
    definitions = schema.get("$defs") or {}
    return {
        name: _value(_opened(one, definitions), arguments.get(name), definitions)
        for name, one in known.items()
    }


def _opened(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference to the schema's own definitions."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return definitions.get(name, schema) if name else schema


def _value(schema: Mapping[str, Any], given: object, definitions: Mapping[str, Any]) -> object:
    options = [_opened(one, definitions) for one in schema.get("anyOf") or (schema,)]
    kinds = [kind for one in options for kind in _kinds(one)]
    if isinstance(given, dict):
        inner = next((one for one in options if one.get("properties")), None)
        if inner is not None:
            return filled({**inner, "$defs": definitions}, given)
    if given is not None:
        return given
    if "null" in kinds or not kinds:
        return None
    return _emptiest(next(one for one in options if _kinds(one)), definitions)


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type")
    return list(kind) if isinstance(kind, list) else [kind] if kind else []


def _emptiest(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> object:
    if schema.get("enum"):
        return schema["enum"][0]
    if named := _NAMED_DEFAULT.search(str(schema.get("description"))):
        return int(named[1])
    kind = _kinds(schema)[0]
    if kind == "object":
        return filled({**schema, "$defs": definitions}, {})
    empty: dict[str, object] = {"string": "", "array": [], "boolean": False}
    return empty.get(kind, schema.get("minimum", 0))
