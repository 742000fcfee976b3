"""Changes in a YAML text's list of servers; what is not changed stays, character for character.

The list's entries are found by their marks and whole lines are added or taken out. Every
result is read again: where it does not say what was meant, nothing is changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from server.install.edits import Path
from server.install.files import Unreadable, refused

NEW_FILE = {"name": "Local assistant", "version": "1.0.0", "schema": "v1"}
"""What the client wants to stand in a file of its own."""


def value(text: str) -> dict[str, Any]:
    """Read a whole text; a list of servers becomes an object by their names.

    Raises:
        Unreadable: It is no YAML, with the place.
    """
    whole = _loaded(text)
    if whole is None:
        return {}
    if not isinstance(whole, dict):
        raise refused("it is no object")
    return {name: _by_name(one) if _is_list(one) else one for name, one in whole.items()}


def put(text: str, path: Path, new: Any) -> str:
    """Give `text` with the server at `path` (root, name, and perhaps a member of it)."""
    root, name = str(path[0]), str(path[1])
    known = value(text).get(root) or {}
    if not isinstance(known, Mapping):
        raise refused(f"{root!r} is no list in it")
    entry = {**known.get(name, {}), **new} if len(path) == 2 else _with(known[name], path[2:], new)
    wanted = {**known, name: entry}
    whole = _loaded(text) or NEW_FILE
    after = text if _loaded(text) else _dumped(NEW_FILE, text)
    after = _added(_cut(after, root, name), root, _lines(name, entry))
    expected = {**whole, root: [{"name": one, **rest} for one, rest in wanted.items()]}
    return _checked(after, expected, root)


def take(text: str, path: Path) -> str:
    """Give `text` without the server at `path`; of an empty list only what stood there before."""
    root = str(path[0])
    if len(path) < 2:
        return text
    known = value(text).get(root) or {}
    if path[1] not in known:
        return text
    left = {name: one for name, one in known.items() if name != path[1]}
    expected = {**_loaded(text), root: [{"name": name, **one} for name, one in left.items()]}
    return _checked(_cut(text, root, str(path[1])), expected, root)


def _checked(after: str, expected: Mapping[str, Any], root: str) -> str:
    found = dict(_loaded(after) or {})
    same = dict(expected)
    if not same.get(root):
        same.pop(root, None)
        found = {name: one for name, one in found.items() if name != root or one}
    if isinstance(same.get(root), list) and isinstance(found.get(root), list):
        same[root] = sorted(same[root], key=repr)
        found[root] = sorted(found[root], key=repr)
    if found != same:
        raise refused(f"{root!r} is written in a way that cannot be changed safely")
    return after


def _loaded(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable("YAML", error.problem or "cannot be read", line, column) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable("YAML", str(error).split("\n")[0], 1, 1) from None


def _is_list(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(one, dict) and "name" in one for one in found)


def _by_name(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        str(one["name"]): {name: part for name, part in one.items() if name != "name"}
        for one in found
    }


def _with(entry: Mapping[str, Any], path: Path, new: Any) -> dict[str, Any]:
    if len(path) == 1:
        return {**entry, str(path[0]): new}
    return {**entry, str(path[0]): _with(entry.get(str(path[0])) or {}, path[1:], new)}


def _dumped(whole: Mapping[str, Any], before: str) -> str:
    """A new file's lines, behind the comments that the old one has."""
    lead = before if not before or before.endswith("\n") else before + "\n"
    return lead + "".join(f"{name}: {one}\n" for name, one in whole.items())


def _lines(name: str, entry: Mapping[str, Any]) -> list[str]:
    """An entry as lines: plain words as they are, all else as JSON, which is YAML too."""
    lines = [f"- name: {name}"]
    for key, one in entry.items():
        if isinstance(one, Mapping):
            lines.append(f"  {key}:")
            lines += [f"    {inner}: {_scalar(part)}" for inner, part in one.items()]
        else:
            lines.append(f"  {key}: {_scalar(one)}")
    return lines


def _scalar(one: Any) -> str:
    return json.dumps(one, ensure_ascii=False)


def _node(text: str, root: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The key and the value at `root`."""
    whole = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(whole, yaml.MappingNode):
        return None
    return next(((key, one) for key, one in whole.value if key.value == root), None)


def _added(text: str, root: str, lines: list[str]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    found = _node(text, root)
    if found is None:
        lead = text if not text or text.endswith("\n") else text + end
        return lead + end.join([f"{root}:", *(f"  {line}" for line in lines), ""])
    key, node = found
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        indent = " " * (node.value[0].start_mark.column - 2)
        at = _line_end(text, _last(node.value[-1]).end_mark.index)
    elif isinstance(node, yaml.SequenceNode) and node.value:
        raise refused(f"{root!r} is a list in one line", "Write it in lines, then run this again.")
    else:
        indent = " " * key.start_mark.column + "  "
        text = (
            text[: key.end_mark.index]
            + ":"
            + text[max(node.end_mark.index, key.end_mark.index + 1) :]
        )
        at = _line_end(text, key.end_mark.index)
    added = "".join(f"{indent}{line}{end}" for line in lines)
    lead = "" if text[:at].endswith("\n") else end
    return text[:at] + lead + added + text[at:]


def _last(node: Any) -> Any:
    """The scalar or bracketed value that a block ends with: a block's own mark is too far on."""
    while isinstance(node, yaml.SequenceNode | yaml.MappingNode) and node.value:
        if node.flow_style:
            break
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _cut(text: str, root: str, name: str) -> str:
    """Give `text` without the lines of one server, and without a list that they alone filled."""
    found = _node(text, root)
    if found is None or not isinstance(found[1], yaml.SequenceNode):
        return text
    key, node = found[0], found[1]
    ours = [one for one in node.value if _name_of(one) == name]
    if not ours:
        return text
    if node.flow_style:
        raise refused(f"{root!r} is a list in one line", "Write it in lines, then run this again.")
    if len(ours) == len(node.value):
        start = key.start_mark.index
        return text[:start] + text[_line_end(text, _last(ours[-1]).end_mark.index) :]
    for one in reversed(ours):
        start = text.rfind("\n", 0, one.start_mark.index) + 1
        text = text[:start] + text[_line_end(text, _last(one).end_mark.index) :]
    return text


def _name_of(node: yaml.Node) -> str:
    if not isinstance(node, yaml.MappingNode):
        return ""
    return next((str(one.value) for key, one in node.value if key.value == "name"), "")
