"""One change in a JSON text; every character outside of it stays where it is.

A change is a few splices: (start, end, new). What is inserted follows the layout
around it: its indentation, its line ends, one line or many. Comments are never
touched, except inside of a value that is replaced or removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from server.install.jsonc import Member, Node, parse, trivia_end

Path = Sequence[str | int]
Splice = tuple[int, int, str]

_LINE_END = re.compile(r"\r\n|\n|\r")
_INDENT = re.compile(r"[ \t]*")
_DEFAULT_INDENT = "  "


def put(text: str, path: Path, value: Any) -> str:
    """Give `text` with `value` at `path`; objects that are missing on the way are made.

    An index equal to an array's length appends.

    Raises:
        NotJson: The text cannot be read.
        LookupError: Something on the way is no object or array, or an index is too large.
    """
    return apply(text, putting(text, path, value))


def take(text: str, path: Path) -> str:
    """Give `text` without what stands at `path`; unchanged when nothing does."""
    return apply(text, taking(text, path))


def apply(text: str, splices: Sequence[Splice]) -> str:
    """Give `text` with all splices made; they do not overlap."""
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def putting(text: str, path: Path, value: Any) -> list[Splice]:
    """Give the splices of `put`."""
    node = parse(text)
    layout = _Layout(text)
    for depth, step in enumerate(path):
        found = _member(node, step)
        if found is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value} if isinstance(missing, str) else [value]
            return _insertion(text, node, step, value, layout)
        node = found.value
    flat = not _LINE_END.search(text[node.start : node.end])
    indent = _line_indent(text, node.start)
    return [(node.start, node.end, layout.written(value, indent, flat=flat))]


def taking(text: str, path: Path) -> list[Splice]:
    """Give the splices of `take`."""
    node: Node = parse(text)
    for step in path[:-1]:
        found = _member(node, step)
        if found is None:
            return []
        node = found.value
    step = path[-1]
    last = _member(node, step)
    if last is None:
        return []
    gone = [last] if isinstance(step, int) else [one for one in node.members if one.key == step]
    return _removal(text, node, gone)


def _member(node: Node, step: str | int) -> Member | None:
    if isinstance(step, str) and node.kind == "object":
        return node.find(step)
    if isinstance(step, int) and node.kind == "array" and step <= len(node.members):
        return node.members[step] if step < len(node.members) else None
    raise LookupError(step)


class _Layout:
    """How a text is laid out: line ends, one level of indentation, one line or many."""

    def __init__(self, text: str) -> None:
        found = _LINE_END.search(text)
        self.line_end = found.group() if found else "\n"
        self.single_line = found is None and bool(text.strip("\ufeff{}[] \t"))
        self.step = _step(text)

    def written(self, value: Any, indent: str, *, flat: bool = False) -> str:
        """Give `value` as JSON, its later lines behind `indent`."""
        if flat or self.single_line or not isinstance(value, dict | list) or not value:
            return json.dumps(value, ensure_ascii=False)
        lines = json.dumps(value, ensure_ascii=False, indent=self.step).split("\n")
        return (self.line_end + indent).join(lines)


def _step(text: str) -> str:
    """One level of indentation: that of the first member on a line of its own."""
    for one in parse(text).members:
        indent = _line_indent(text, one.start)
        if indent and _starts_line(text, one.start):
            return indent
    return _DEFAULT_INDENT


def _line_indent(text: str, at: int) -> str:
    """The indentation of the line that `at` stands in."""
    found = _INDENT.match(text, _line_start(text, at))
    return found.group() if found else ""


def _line_start(text: str, at: int) -> int:
    start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return start + 1 if text.startswith("\ufeff", start) else start


def _insertion(text: str, node: Node, step: str | int, value: Any, layout: _Layout) -> list[Splice]:
    name = "" if isinstance(step, int) else json.dumps(step, ensure_ascii=False) + ": "
    last = node.members[-1] if node.members else None
    here = _quiet_end(text, last.comma + 1 if last and last.comma >= 0 else _begin(node, last))
    closing = node.end - 1
    many = _is_many_lines(text, node, layout)
    comma = [] if last is None or last.comma >= 0 else [(last.end, last.end, ",")]
    trailing = "," if last is not None and last.comma >= 0 else ""
    if not many:
        blank = " " if last is not None else ""
        written = json.dumps(value, ensure_ascii=False)
        return _merged([*comma, (here, here, f"{blank}{name}{written}{trailing}")])
    outer = _line_indent(text, node.start)
    inner = _line_indent(text, last.start) if last else outer + layout.step
    if last is not None and not _starts_line(text, last.start):
        inner = outer + layout.step
    new = layout.line_end + inner + name + layout.written(value, inner) + trailing
    rest = text[here:closing]
    if not _LINE_END.search(rest):
        return _merged([*comma, (here, closing, new + layout.line_end + outer)])
    return _merged([*comma, (here, here, new)])


def _begin(node: Node, last: Member | None) -> int:
    return last.end if last else node.start + 1


def _merged(splices: list[Splice]) -> list[Splice]:
    """Join two insertions at one place, so that their order is certain."""
    if len(splices) == 2 and splices[0][0] == splices[1][0]:
        return [(splices[1][0], splices[1][1], splices[0][2] + splices[1][2])]
    return splices


def _is_many_lines(text: str, node: Node, layout: _Layout) -> bool:
    if layout.single_line:
        return False
    if not node.members:
        return True
    between = [text[node.start : node.members[0].start], text[node.members[-1].end : node.end]]
    return any(_LINE_END.search(one) for one in between)


def _starts_line(text: str, at: int) -> bool:
    return not text[_line_start(text, at) : at].strip(" \t")


def _quiet_end(text: str, at: int) -> int:
    """Give the offset after the last comment behind `at`, or `at`: blanks after it stay."""
    end = trivia_end(text, at)
    return at + len(text[at:end].rstrip(" \t\r\n"))


def _removal(text: str, node: Node, gone: list[Member]) -> list[Splice]:
    """Give the splices that remove members and the commas that they leave over."""
    kept = [one for one in node.members if not any(one is other for other in gone)]
    if not kept and not _comments(text, node):
        return [(node.start + 1, node.end - 1, "")]
    splices = [splice for one in gone for splice in _cut_out(text, node, one)]
    splices += [(one.comma, one.comma + 1, "") for one in gone if one.comma >= 0]
    if kept and node.members[-1] is not kept[-1] and node.members[-1].comma < 0:
        splices.append((kept[-1].comma, kept[-1].comma + 1, ""))
    return _joined(splices)


def _comments(text: str, node: Node) -> bool:
    """Whether comments stand between the members of `node`, or around them."""
    at, edges = node.start + 1, []
    for one in node.members:
        edges.append(text[at : one.start])
        at = one.end
    return any("/" in edge for edge in [*edges, text[at : node.end]])


def _cut_out(text: str, node: Node, one: Member) -> list[Splice]:
    """Give the splices of one member: with the blanks before it, but no comment.

    What follows must not become part of a line comment that stands before it.
    """
    place = next(i for i, other in enumerate(node.members) if other is one)
    before = node.members[place - 1] if place else None
    start = node.start + 1 if before is None else before.comma + 1
    quiet = _quiet_end(text, start)
    line_comment = text[start:quiet].rpartition("\n")[2].rpartition("\r")[2].find("//") >= 0
    if not line_comment:
        return [(quiet, one.end, "")]
    if not _line_ends_after(text, one):
        found = _LINE_END.match(text, quiet)
        return [(found.end() if found else quiet, one.end, "")]
    ends = [one.end, *([one.comma + 1] if one.comma >= 0 else [])]
    blanks = [(at, _blanks_end(text, at), "") for at in ends]
    return [(quiet, one.end, ""), *blanks]


def _blanks_end(text: str, at: int) -> int:
    found = _INDENT.match(text, at)
    return found.end() if found else at


def _line_ends_after(text: str, one: Member) -> bool:
    """Whether nothing but a comma and blanks follows a member on its line."""
    rest = text[one.end :].lstrip(" \t").removeprefix(",").lstrip(" \t")
    return rest[:1] in ("\n", "\r")


def _joined(splices: list[Splice]) -> list[Splice]:
    """Join deletions that touch or overlap."""
    done: list[Splice] = []
    for start, end, new in sorted(set(splices)):
        if done and start <= done[-1][1]:
            done[-1] = (done[-1][0], max(done[-1][1], end), "")
        else:
            done.append((start, end, new))
    return done
