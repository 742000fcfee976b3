"""One change in a JSON text leaves every other character where it was."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.install.edits import apply, put, putting, take, taking
from server.install.jsonc import Node, NotJson, parse
from tests.server.install.texts import KEYS, VALUES, documents, paths

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|(//[^\r\n]*|/\*.*?\*/)', re.DOTALL)


def comments(text: str) -> list[str]:
    """All comments of a text, in their order."""
    return [found.group(1) for found in _TOKENS.finditer(text) if found.group(1)]


def inside(text: str, path: list[str | int]) -> list[str]:
    """The comments inside of the members at `path`, which go with them."""
    node: Node = parse(text)
    for step in path[:-1]:
        member = node.find(step) if isinstance(step, str) else node.members[step]
        assert member
        node = member.value
    step = path[-1]
    gone = node.members[step : step + 1] if isinstance(step, int) else node.members
    return [
        comment
        for one in gone
        if isinstance(step, int) or one.key == step
        for comment in comments(text[one.start : one.end])
    ]


def put_plain(value: Any, path: list[str | int], new: Any) -> Any:
    """The same change on plain data."""
    value = copy.deepcopy(value)
    here = value
    for step in path[:-1]:
        here = here.setdefault(step, {}) if isinstance(here, dict) else here[step]
    if isinstance(here, list) and path[-1] == len(here):
        here.append(new)
    else:
        here[path[-1]] = new
    return value


def take_plain(value: Any, path: list[str | int]) -> Any:
    """The same removal on plain data."""
    value = copy.deepcopy(value)
    here = value
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return value


def kept_outside(text: str, splices: list[tuple[int, int, str]], after: str) -> bool:
    """Whether `after` is `text` but for the splices."""
    at, pattern = 0, ""
    for start, end, new in sorted(splices):
        assert start >= at, "splices overlap"
        pattern += text[at:start] + new
        at = end
    return after == pattern + text[at:]


@settings(max_examples=150, deadline=None)
@given(documents())
def test_reading_gives_what_was_written(text: str) -> None:
    bare = _TOKENS.sub(lambda found: " " if found.group(1) else found.group(), text)
    trailing = re.compile(r'("(?:[^"\\]|\\.)*")|,(\s*[}\]])')
    strict = trailing.sub(lambda found: found.group(1) or found.group(2), bare)
    assert parse(text).value() == json.loads(strict.removeprefix("\ufeff"))


@settings(max_examples=150, deadline=None)
@given(documents(), VALUES, st.data())
def test_putting_is_the_same_on_text_and_on_data(text: str, new: Any, data: st.DataObject) -> None:
    value = parse(text).value()
    known = [path for path in paths(value) if path]
    fresh = [[data.draw(KEYS)], [data.draw(KEYS), "deeper", "still"]]
    lists = [[*path, len(at)] for path in known if isinstance(at := _at(value, path), list)]
    path: list[str | int] = data.draw(st.sampled_from([*known, *lists, *fresh]))
    try:
        expected = put_plain(value, path, new)
    except TypeError:  # a path through something that holds nothing
        with pytest.raises(LookupError):
            putting(text, path, new)
        return
    splices = putting(text, path, new)
    after = apply(text, splices)
    assert parse(after).value() == expected
    assert list(parse(after).value()) == list(expected)
    assert kept_outside(text, splices, after)
    if path not in known:
        assert comments(after) == comments(text)


@settings(max_examples=150, deadline=None)
@given(documents(), st.data())
def test_taking_is_the_same_on_text_and_on_data(text: str, data: st.DataObject) -> None:
    value = parse(text).value()
    known = paths(value)
    if not known:
        return
    path = data.draw(st.sampled_from(known))
    splices = taking(text, path)
    after = apply(text, splices)
    assert parse(after).value() == take_plain(value, path)
    assert kept_outside(text, splices, after)
    gone = inside(text, path)
    left = comments(after)
    for comment in comments(text):
        if comment in gone:
            gone.remove(comment)
        else:
            left.remove(comment)
    assert not left
    assert not gone


@settings(max_examples=150, deadline=None)
@given(documents(), VALUES)
def test_a_member_that_is_put_and_taken_leaves_no_trace_but_blanks(text: str, new: Any) -> None:
    after = take(put(text, ["added"], new), ["added"])
    assert parse(after).value() == parse(text).value()
    assert "".join(after.split()) == "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), VALUES)
def test_strict_json_stays_strict(whole: dict[str, Any], new: Any) -> None:
    text = json.dumps(whole, indent=2)
    after = put(text, ["added", "here"], new)
    assert json.loads(after)["added"] == {"here": new}
    assert json.loads(take(after, ["added"])) == whole
    parse(after, comments=False)


def _at(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}\n", '{\n  "s": {\n    "x": 1\n  }\n}\n'),
        ('{"a":1}', '{"a":1, "s": {"x": 1}}'),
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"s": {\n\t\t"x": 1\n\t}\n}\n'),
        (
            '{\r\n    "a": 1\r\n}',
            '{\r\n    "a": 1,\r\n    "s": {\r\n        "x": 1\r\n    }\r\n}',
        ),
        ('{\n  "a": 1, // last\n}', '{\n  "a": 1, // last\n  "s": {\n    "x": 1\n  },\n}'),
        ('{\n  "s": {}\n}', '{\n  "s": {\n    "x": 1\n  }\n}'),
        ('{\n  "s": {"y": 2}\n}', '{\n  "s": {"y": 2, "x": 1}\n}'),
        (
            '{\n  "s": {\n    "y": 2 // why\n    // end\n  }\n}',
            '{\n  "s": {\n    "y": 2, // why\n    // end\n    "x": 1\n  }\n}',
        ),
    ],
)
def test_what_is_put_follows_the_layout_around_it(text: str, expected: str) -> None:
    assert put(text, ["s", "x"], 1) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"x": 1}', "{}"),
        ('{\n  "x": 1\n}\n', "{}\n"),
        ('{\n  // mine\n  "x": 1\n}', "{\n  // mine\n}"),
        ('{"a": 1, "x": 2}', '{"a": 1}'),
        ('{"x": 1, "a": 2}', '{ "a": 2}'),
        ('{\n  "a": 1, // one\n  "x": 2\n}', '{\n  "a": 1 // one\n}'),
        ('{\n  "a": 1,\n  "x": 2,\n}', '{\n  "a": 1,\n}'),
        ('{"a": 1, // one\n"x": 2, "b": 3}', '{"a": 1, // one\n "b": 3}'),
        ('{"x": 1, "a": 2, "x": 3}', '{ "a": 2}'),
        ('{"a": 1}', '{"a": 1}'),
    ],
)
def test_what_is_taken_goes_with_its_comma_and_without_comments(text: str, expected: str) -> None:
    assert take(text, ["x"]) == expected


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ("{", 1, 2),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3),
        ('{\r\n  "a": tru\r\n}', 2, 8),
        ('{"a": 01}', 1, 7),
        ('{"a": NaN}', 1, 7),
        ('{"a": "open}', 1, 7),
        ('{"a": "\\q"}', 1, 7),
        ("{a: 1}", 1, 2),
        ('{"a" 1}', 1, 6),
        ('{"a": 1} x', 1, 10),
        ('{"a": 1 /* open }', 1, 9),
        ("\ufeff{,}", 1, 2),
        ("[" * 250 + "]" * 250, 1, 202),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_its_place(
    text: str, line: int, column: int
) -> None:
    with pytest.raises(NotJson) as refused:
        parse(text)
    assert (refused.value.line, refused.value.column) == (line, column)


@pytest.mark.parametrize("text", ['{"a": 1, // c\n"b": 2}', '{"a": 1,}', "/* c */ {}", "[1, ]"])
def test_what_only_editors_read_is_refused_where_the_client_does_not(text: str) -> None:
    parse(text)
    with pytest.raises(NotJson, match="does not read"):
        parse(text, comments=False)


@pytest.mark.parametrize("path", [["a", "b"], [0], ["l", 5], ["l", "x"]])
def test_a_path_through_something_else_is_an_error(path: list[str | int]) -> None:
    with pytest.raises(LookupError):
        put('{"a": 1, "l": []}', path, 1)
