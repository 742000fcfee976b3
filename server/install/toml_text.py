"""Changes in a TOML text; what is not changed stays as it is, character for character.

A table is added at the end and taken out by its lines. Where that does not give what was
meant (inline tables, dotted names), tomlkit changes the text, which keeps comments too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from server.install.edits import Path
from server.install.files import Unreadable, refused

_HEADER = re.compile(r"[ \t]*\[")
_KEEPS = re.compile(r"[ \t]*(?:#.*)?")
_POSITION = re.compile(r" at line \d+ col \d+$| \(at end of file\)$")


def value(text: str) -> dict[str, Any]:
    """Read a whole text.

    Raises:
        Unreadable: It is no TOML, with the place.
    """
    try:
        return tomlkit.parse(text.removeprefix("\ufeff")).unwrap()
    except ParseError as error:
        problem = _POSITION.sub("", str(error)).lower()
        raise Unreadable("TOML", problem, error.line, error.col + 1) from None
    except TOMLKitError as error:
        raise Unreadable("TOML", str(error).lower(), 1, 1) from None


def put(text: str, path: Path, new: Any) -> str:
    """Give `text` with `new` at `path`; tables that are missing on the way are made."""

    def change(document: Any) -> None:
        for step in path[:-1]:
            if step not in document:
                document[step] = tomlkit.table(is_super_table=True)
            document = document[step]
        document[path[-1]] = new

    wanted = _changed(value(text), change)
    if isinstance(new, Mapping) and not _found(value(text), path):
        added = text + _table(text, path, new)
        if _is(added, wanted):
            return added
    return _by_tomlkit(text, change, wanted)


def take(text: str, path: Path) -> str:
    """Give `text` without what stands at `path`; unchanged when nothing does."""
    if not _found(value(text), path):
        return text

    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    wanted = _changed(value(text), change)
    cut = _without_lines(text, path)
    for one in (wanted, _without_empty(wanted, path[:-1])):
        if _is(cut, one):
            return cut
    return _by_tomlkit(text, change, wanted)


def _found(whole: Any, path: Path) -> bool:
    for step in path:
        if not isinstance(whole, Mapping) or step not in whole:
            return False
        whole = whole[step]
    return True


def _changed(whole: dict[str, Any], change: Callable[[Any], None]) -> dict[str, Any]:
    document = tomlkit.item(whole)
    change(document)
    plain: dict[str, Any] = document.unwrap()
    return plain


def _without_empty(whole: dict[str, Any], path: Path) -> dict[str, Any]:
    if len(path) == 1 and whole.get(str(path[0])) == {}:
        return {name: one for name, one in whole.items() if name != path[0]}
    return whole


def _is(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return value(text) == wanted
    except Unreadable:
        return False


def _by_tomlkit(text: str, change: Callable[[Any], None], wanted: dict[str, Any]) -> str:
    document = tomlkit.parse(text)
    try:
        change(document)
        after = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, LookupError):
        after = ""
    if not _is(after, wanted):
        raise refused("its tables are written in a way that cannot be changed safely")
    return after


def _table(text: str, path: Path, new: Mapping[str, Any]) -> str:
    """The lines of a new table, with a blank line before it; ends as the text ends."""
    end = "\r\n" if "\r\n" in text else "\n"
    inner: dict[str, Any] = {}
    for name, one in new.items():
        if isinstance(one, Mapping):
            inner[name] = tomlkit.table()
            inner[name].update(one)
        else:
            inner[name] = one
    document = tomlkit.document()
    table = tomlkit.table()
    for name, one in inner.items():
        table[name] = one
    above: Any = document
    for step in path[:-1]:
        above[step] = tomlkit.table(is_super_table=True)
        above = above[step]
    above[path[-1]] = table
    lines = tomlkit.dumps(document).rstrip("\n").replace("\n", end)
    if not text.strip():
        return lines + end
    return end + lines + end if text.endswith("\n") else end * 2 + lines


def _without_lines(text: str, path: Path) -> str:
    """Give `text` without the lines of a table and of those in it; comments after it stay."""
    name = r"\s*\.\s*".join(rf"[\"']?{re.escape(str(step))}[\"']?" for step in path)
    ours = re.compile(rf"[ \t]*\[\s*{name}\s*(?:\.[^\]]*)?\]")
    kept: list[str] = []
    comments: list[str] = []
    inside, first = False, -1
    for line in text.splitlines(keepends=True):
        if _HEADER.match(line):
            kept += comments
            comments, inside = [], ours.match(line) is not None
            if inside and first < 0:
                first = len(kept)
        if not inside:
            kept.append(line)
        elif _KEEPS.fullmatch(line.rstrip("\r\n")):
            comments.append(line)
        else:
            comments = []
    last = inside and not comments
    kept += comments
    if first > 0 and not kept[first - 1].strip():
        del kept[first - 1]
    after = "".join(kept)
    return re.sub(r"\r?\n\Z", "", after) if last and not text.endswith("\n") else after
