"""JSON with comments, read into a tree that knows where in the text each value stands.

Accepts what editors accept in their own files: comments (`//` and `/* */`), a comma
after the last member, and a byte order mark. No library on the package index edits
such a text and keeps its layout without a JavaScript engine behind it; this module
and `server.install.edits` do the little that is needed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from server.install.files import Unreadable

DEEPEST = 200
"""Levels of nesting that are read; configurations have a handful."""
_TRIVIA = re.compile(r"[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_ATOM = re.compile(r"-?[0-9][-+.0-9eE]*|true|false|null")


class NotJson(Unreadable):
    """The text cannot be read."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        before = text[:position].replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
        line = before.count("\n") + 1
        super().__init__("JSON", problem, line, len(before) - (before.rfind("\n") + 1) + 1)


@dataclass(slots=True)
class Member:
    """One member of an object, or (with key "") one element of an array.

    Offsets into the text: `start` of the key or element, `end` after the value,
    `comma` of the comma after it, -1 when there is none.
    """

    key: str
    start: int
    value: Node
    comma: int = -1

    @property
    def end(self) -> int:
        return self.value.end


@dataclass(slots=True)
class Node:
    """A value and its place: `text[start:end]`; `members` of objects and arrays only."""

    kind: str
    start: int
    end: int
    plain: Any = None
    members: list[Member] = field(default_factory=list)

    def value(self) -> Any:
        """Give the value as json.loads would; of a repeated key the last one counts."""
        if self.kind == "object":
            return {one.key: one.value.value() for one in self.members}
        if self.kind == "array":
            return [one.value.value() for one in self.members]
        return self.plain

    def find(self, key: str) -> Member | None:
        """Give the member that counts under `key`, None when there is none."""
        return next((one for one in reversed(self.members) if one.key == key), None)


def parse(text: str, *, comments: bool = True) -> Node:
    """Read a whole text.

    Args:
        text: The text, perhaps with a byte order mark.
        comments: Whether comments and commas after the last member are allowed.

    Raises:
        NotJson: It is none, with the place.
    """
    reader = _Reader(text, comments)
    at = reader.skip(1 if text.startswith("\ufeff") else 0)
    node = reader.value(at, 0)
    after = reader.skip(node.end)
    if after != len(text):
        raise NotJson("text after the end", text, after)
    return node


def trivia_end(text: str, at: int) -> int:
    """Give the offset after all blanks and comments that stand at `at`."""
    while found := _TRIVIA.match(text, at):
        at = found.end()
    return at


class _Reader:
    def __init__(self, text: str, comments: bool) -> None:
        self._text = text
        self._comments = comments

    def fail(self, problem: str, at: int) -> NotJson:
        return NotJson(problem, self._text, at)

    def skip(self, at: int) -> int:
        while found := _TRIVIA.match(self._text, at):
            if not self._comments and found.group().startswith("/"):
                raise self.fail("a comment, which this client does not read", at)
            at = found.end()
        if self._text.startswith("/*", at):
            raise self.fail("a comment without an end", at)
        return at

    def value(self, at: int, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.fail(f"nested more than {DEEPEST} levels deep", at)
        start = self._text[at : at + 1]
        if start == "{":
            return self._container("object", "}", at, depth)
        if start == "[":
            return self._container("array", "]", at, depth)
        if start == '"':
            return self._string(at)
        found = _ATOM.match(self._text, at)
        if found is None:
            raise self.fail("a value was expected", at)
        try:
            plain = json.loads(found.group())
        except ValueError:
            raise self.fail("this is no number", at) from None
        return Node("plain", at, found.end(), plain)

    def _string(self, at: int) -> Node:
        found = _STRING.match(self._text, at)
        if found is None:
            raise self.fail("a text without an end", at)
        try:
            plain = json.loads(found.group())
        except ValueError:
            raise self.fail("a text with a wrong escape", at) from None
        return Node("plain", at, found.end(), plain)

    def _container(self, kind: str, closing: str, start: int, depth: int) -> Node:
        node = Node(kind, start, start)
        at = self.skip(start + 1)
        while not self._text.startswith(closing, at):
            if node.members:
                at = self._after_comma(node.members[-1], at, closing)
                if self._text.startswith(closing, at):
                    break
            node.members.append(self._member(kind, at, depth))
            at = self.skip(node.members[-1].end)
        node.end = at + 1
        return node

    def _after_comma(self, last: Member, at: int, closing: str) -> int:
        """Give where the next member begins, or the closing bracket stands."""
        if not self._text.startswith(",", at):
            raise self.fail(f'"," or "{closing}" was expected', at)
        last.comma = at
        after = self.skip(at + 1)
        if not self._comments and self._text.startswith(closing, after):
            raise self.fail("a comma after the last member, which this client does not read", at)
        return after

    def _member(self, kind: str, at: int, depth: int) -> Member:
        if kind == "array":
            return Member("", at, self.value(at, depth + 1))
        if not self._text.startswith('"', at):
            raise self.fail("a name in double quotes was expected", at)
        key = self._string(at)
        colon = self.skip(key.end)
        if not self._text.startswith(":", colon):
            raise self.fail('":" was expected', colon)
        return Member(str(key.plain), at, self.value(self.skip(colon + 1), depth + 1))
