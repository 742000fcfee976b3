"""What each command asks of the memory, as JSON. This module reads no input and prints nothing."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _given(arguments: Namespace) -> dict[str, Any]:
    """Give the arguments that were given, by the port's names."""
    return {
        name: value
        for name, value in vars(arguments).items()
        if value is not None and name not in _NOT_SENT
    }


_NOT_SENT = frozenset({"command", "store", "json", "in_process"})
Ask = Callable[[str, "dict[str, Any]"], "dict[str, Any]"]
"""Calls a method of the memory port with its fields and gives its answer, both as JSON."""
Note = Callable[[str], object]
"""Takes what is told beside the answer."""
_EVIDENCE = ("exit_code", "tests_passed", "tests_failed", "log")


def _report(arguments: Namespace) -> dict[str, Any]:
    data = _given(arguments)
    evidence = {name: data.pop(name) for name in _EVIDENCE if name in data}
    return {**data, "evidence": evidence} if evidence else data


def _edited(arguments: Namespace) -> dict[str, Any]:
    data = _given(arguments)
    tags = {"tags": [tag for tag in data["tags"] if tag]} if "tags" in data else {}
    return {**data, **tags}


def _logged(arguments: Namespace) -> dict[str, Any]:
    data = {"open": False, **_given(arguments)}
    data.pop("items", None)
    return data


def _nothing(_arguments: Namespace) -> dict[str, Any]:
    return {}


def _project(arguments: Namespace) -> dict[str, Any]:
    project = arguments.project
    return {} if project is None else {"project": project}


def _change(arguments: Namespace) -> dict[str, Any]:
    """What is to be done with a project: a folder means the project of that folder."""
    return {
        "action": arguments.action,
        "into": _meant(arguments.into),
        "project": _meant(arguments.old or ""),
        "item_ids": getattr(arguments, "item_ids", None) or (),
    }


def _meant(value: str) -> str:
    if not (value in (".", "..") or value.startswith(("~", "./", "../", "/")) or "\\" in value):
        return value
    from memory_core.addresses import expanded
    from memory_core.projects import derive_project

    return derive_project(expanded("project", value).absolute())


class Command:
    """A call of the memory port.

    `request` makes its fields, `show` is "module:function" of `server.cli`, which shows
    the answer; `loads`: it waits for the learner although the method itself does not.
    `steps`, "module:function" of `server.cli`, makes the call where it takes more than one:
    from a function that makes one, and the fields.
    """

    __slots__ = ("loads", "method", "request", "show", "steps")

    def __init__(
        self,
        method: str,
        show: str,
        request: Callable[[Namespace], dict[str, Any]] = _given,
        *,
        loads: bool = False,
        steps: str = "",
    ) -> None:
        self.method, self.show, self.request, self.loads = method, show, request, loads
        self.steps = steps


COMMANDS: dict[str, Command] = {
    "recall": Command("recall", "render:recall"),
    "remember": Command("remember", "render:remembered"),
    "edit": Command("edit", "edit:shown", _edited, steps="edit:steps"),
    "check": Command("check", "render:check"),
    "outcome": Command("report_outcome", "render:outcome", _report),
    "lessons": Command("list_lessons", "render:lessons"),
    "recalls": Command("recalls", "recalls:shown", _logged),
    "show": Command("get", "render:item"),
    "forget": Command("forget", "render:state"),
    "restore": Command("restore", "render:state"),
    "projects": Command("projects", "render_projects:listed", _project),
    "stats": Command("stats", "render_apart:stats", _nothing, loads=True),
    "proof": Command("scorer", "render_proof:proof", _nothing, loads=True),
    "compact": Command("compact", "render_apart:compacted", _nothing),
    "reembed": Command("reembed", "render_apart:reembedded", _nothing),
}
"""Every command that asks the memory; those of `server.cli.apart` do not."""
_CHANGE = Command("change_project", "render_projects:changed", _change)


def command_of(arguments: Namespace) -> Command:
    """Give the command that arguments mean."""
    if arguments.command == "projects" and arguments.action not in (None, "list"):
        return _CHANGE
    return COMMANDS[arguments.command]


def answered(command: Command, given: dict[str, Any], ask: Ask, note: Note) -> dict[str, Any]:
    """Give the JSON of a command's answer, in as many calls as it takes."""
    from server.cli.ids import identified

    state = "retired" if command.method == "restore" else "active"
    given = identified(ask, given, note, state)
    if not command.steps:
        return ask(command.method, given)
    from server.cli.showing import named

    found: dict[str, Any] = named(command.steps)(ask, given)
    return found
