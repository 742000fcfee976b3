"""The hooks in Claude Code's settings, and the rule that lets a model use our tools unasked.

Form: https://code.claude.com/docs/en/hooks: an event holds groups, a group a matcher
and handlers. A handler without `args` is a line for a shell (`sh -c`), one with `args`
is started as it is. On Windows the shell is Git Bash or PowerShell, which quote in
different ways: a line that needs no quotes serves both, and any version; what needs
them has `args`, which versions before the summer of 2026 leave out
(https://github.com/anthropics/claude-code/issues/90495).

The rule's form: https://code.claude.com/docs/en/permissions: `mcp__NAME` is every tool of a server.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.install.edits import put, take
from server.install.files import refused
from server.install.jsonc import parse
from server.install.servers import NAME, without_empty

# -- the rule

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


# -- the hooks

EVENTS = {"UserPromptSubmit": None, "PostToolUseFailure": "*", "Stop": None}
"""Each event with its matcher: which tools, where it is about tools."""
TIMEOUT = 10
"""Seconds after which the client gives a hook up; it answers within two."""
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_./:+-]+")
_OURS = re.compile(
    r"""(?:(?:^|[/\\'"\s])lessonbank(?:\.exe)?|-m\s+server)['"]?\s+(?:.*\s)?hook\s+claude-code\b"""
)


def handler(words: Sequence[str], options: Sequence[str], system: str) -> dict[str, Any]:
    """Give the handler that runs `words hook claude-code options`.

    Args:
        words: How lessonbank is started.
        options: Further options of the hook.
        system: A `sys.platform`.
    """
    line = [*words, "hook", "claude-code", *options]
    made: dict[str, Any] = {"type": "command"}
    slashed = [word.replace("\\", "/") for word in line]
    if system != "win32":
        made["command"] = shlex.join(line)
    elif all(_NEEDS_NO_QUOTES.fullmatch(word) for word in slashed):
        made["command"] = " ".join(slashed)
    else:
        made |= {"command": line[0], "args": line[1:]}
    return {**made, "timeout": TIMEOUT}


def group(event: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """Give an event's group around one handler."""
    matcher = EVENTS[event]
    return ({"matcher": matcher} if matcher else {}) | {"hooks": [dict(made)]}


def is_ours(found: object) -> bool:
    """Whether a handler runs `lessonbank hook claude-code`, wherever that is installed."""
    if not isinstance(found, Mapping) or not isinstance(found.get("command"), str):
        return False
    given = found.get("args")
    args = [str(one) for one in given] if isinstance(given, list) else []
    return _OURS.search(" ".join([found["command"], *args])) is not None


def any_hooks(text: str) -> bool:
    """Whether a handler of ours is there, of this or another installation."""
    return any(True for event in _hooks(text) for _ in _ours(text, event))


def with_hooks(text: str, made: Mapping[str, Any]) -> str:
    """Give `text` with one handler of ours for each event; `text` itself when all are there.

    Raises:
        InvalidInput: The file has another form.
    """
    for event in EVENTS:
        places = list(_ours(text, event))
        if not places:
            text = put(text, ("hooks", event, len(_groups(text, event))), group(event, made))
        for place in reversed(places[1:]):
            text = _without(text, event, place)
        for place in places[:1]:
            text = _updated(text, ("hooks", event, place[0], "hooks", place[1]), made)
    return text


def without_hooks(text: str, *, keep_root: bool = False) -> str:
    """Give `text` without our handlers, and without what they leave empty.

    Args:
        text: The file's.
        keep_root: There were `hooks` before us: they stay, empty or not.
    """
    had = False
    for event in list(_hooks(text)):
        for place in reversed(list(_ours(text, event))):
            text = _without(text, event, place)
            had = True
    return without_empty(text, ("hooks",)) if had and not keep_root else text


def _updated(text: str, path: tuple[str | int, ...], made: Mapping[str, Any]) -> str:
    """Change the command of a handler and nothing else of it."""
    found: Any = parse(text).value()
    for step in path:
        found = found[step]
    for name in ("type", "command", "args"):
        if name in made and not _same(found.get(name), made[name]):
            text = put(text, (*path, name), made[name])
        elif name not in made and name in found:
            text = take(text, (*path, name))
    return text


def _same(found: object, wanted: object) -> bool:
    """Whether a value is the wanted one, or that command with a size that a person chose."""
    if isinstance(found, str) and isinstance(wanted, str):
        return found == wanted or found.startswith(f"{wanted} --max-tokens")
    return found == wanted


def _without(text: str, event: str, place: tuple[int, int]) -> str:
    path = ("hooks", event, place[0], "hooks")
    text = take(text, (*path, place[1]))
    if not _groups(text, event)[place[0]]["hooks"]:
        text = take(text, path[:3])
    return without_empty(text, ("hooks", event))


def _ours(text: str, event: str) -> Iterator[tuple[int, int]]:
    """Give the group and the place in it of each handler of ours."""
    for number, one in enumerate(_groups(text, event)):
        handlers = one.get("hooks") if isinstance(one, Mapping) else None
        for place, found in enumerate(handlers if isinstance(handlers, list) else ()):
            if is_ours(found):
                yield number, place


def _hooks(text: str) -> Mapping[str, Any]:
    whole = parse(text).value()
    found = whole.get("hooks", {}) if isinstance(whole, Mapping) else None
    if not isinstance(found, Mapping):
        raise refused("'hooks' is no object in it" if found is not None else "it is no object")
    return found


def _groups(text: str, event: str) -> list[Any]:
    found = _hooks(text).get(event, [])
    if not isinstance(found, list):
        raise refused(f"{event!r} is no list in it")
    return found
