"""One request to a model and its answer, whatever dialect they are said in.

This module knows no dialect: `chat`, `responses`, `messages` and `gemini` translate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that a request offers; `namespace` is "" where the dialect has none."""

    name: str
    schema: Mapping[str, Any]
    namespace: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A call that the model made earlier, and the text that came back; None when none did."""

    name: str
    arguments: Mapping[str, Any]
    result: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one request says: the tools on offer, the calls so far, and all of it as text."""

    tools: tuple[Tool, ...]
    done: tuple[Done, ...]
    whole: str
    stream: bool = False
    model: str = "scripted"
    wants_json: bool = False

    @property
    def results(self) -> str:
        """All that came back from tools, oldest first."""
        return "\n".join(one.result for one in self.done if one.result)


@dataclass(frozen=True, slots=True)
class Say:
    """An answer in words, which ends the model's turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """An answer that calls a tool."""

    tool: Tool
    arguments: JSON


Answer = Say | Use


@dataclass(slots=True)
class Pairing:
    """Calls and results as a history lists them, brought together by their ids."""

    _calls: dict[str, tuple[str, JSON]] = field(default_factory=dict)
    _results: dict[str, str] = field(default_factory=dict)

    def called(self, key: str, name: str, arguments: object) -> None:
        """Note a call; arguments may be JSON text."""
        self._calls[key] = (name, as_object(arguments))

    def answered(self, key: str, content: object) -> None:
        """Note a result, of any form."""
        self._results[key] = as_text(content)

    def done(self) -> tuple[Done, ...]:
        """Give all calls in their order."""
        return tuple(
            Done(name, arguments, self._results.get(key))
            for key, (name, arguments) in self._calls.items()
        )


def as_object(value: object) -> JSON:
    """Give arguments as an object; empty when they are none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return dict(value) if isinstance(value, Mapping) else {}


def as_text(content: object) -> str:
    """Give the text that a model reads of a result: of parts, their texts, else the JSON."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content:
        texts = [one.get("text") if isinstance(one, Mapping) else None for one in content]
        if all(isinstance(one, str) for one in texts):
            return "\n".join(map(str, texts))
    return json.dumps(content, ensure_ascii=False)


def tools_of(listed: object, namespace: str = "") -> Iterator[Tool]:
    """Give the tools of a request in any dialect's form, groups and namespaces opened.

    Args:
        listed: A list of tools, as the request has it.
        namespace: Of the group that they stand in.
    """
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, Mapping):
            continue
        group = next((one[name] for name in _GROUPS if name in one), None)
        if group is not None:
            yield from tools_of(group, str(one.get("name") or namespace))
            continue
        told = one["function"] if isinstance(one.get("function"), Mapping) else one
        name = told.get("name") or told.get("type")
        if name:
            schema: Mapping[str, Any] = next((told[key] for key in _SCHEMAS if told.get(key)), {})
            yield Tool(str(name), schema, namespace, str(told.get("description") or ""))


_GROUPS = ("tools", "functionDeclarations", "function_declarations")
_SCHEMAS = ("parameters", "input_schema", "parametersJsonSchema", "parameters_json_schema")
