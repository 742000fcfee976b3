"""Texts in JSON with comments, with layouts as people write them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "lessonbank", "servers", 'q"uote', "//no comment", "ü", ""])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(max_size=6),
    st.sampled_from(["/* no comment */", "// none", "}", ",", "\\"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=5,
)
_BLANKS = st.sampled_from(["", " ", "\n", "\n  ", "\t", "\r\n    ", "  \n\n  "])
_COMMENTS = st.sampled_from(
    ["", "", "", "/* c */", "/* {\n } , */", "// c, }\n", "// d\r\n", "// /*\n", "/* // */"]
)


@st.composite
def trivia(draw: st.DrawFn) -> str:
    """Blanks and comments."""
    return draw(_BLANKS) + draw(_COMMENTS) + draw(_BLANKS)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """`value` as text, with blanks and comments wherever they may stand."""
    if isinstance(value, dict):
        named = [
            draw(trivia())
            + json.dumps(key, ensure_ascii=draw(st.booleans()))
            + draw(trivia())
            + ":"
            + draw(trivia())
            + draw(written(one))
            + draw(trivia())
            for key, one in value.items()
        ]
        return draw(_around("{", named, "}"))
    if isinstance(value, list):
        members = [draw(trivia()) + draw(written(one)) + draw(trivia()) for one in value]
        return draw(_around("[", members, "]"))
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@st.composite
def _around(draw: st.DrawFn, opening: str, members: list[str], closing: str) -> str:
    comma: bool = draw(st.booleans())
    trailing = "," + draw(trivia()) if members and comma else ""
    inner = ",".join(members) if members else draw(trivia())
    return opening + inner + trailing + closing


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A whole text around an object."""
    whole = draw(st.dictionaries(KEYS, VALUES, max_size=4))
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    return mark + draw(trivia()) + draw(written(whole)) + draw(trivia())


def paths(value: Any) -> list[list[str | int]]:
    """Every path to a value in `value`, the whole one left out."""
    found: list[list[str | int]] = []
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for step, one in items:
        found += [[step], *([step, *rest] for rest in paths(one))]
    return found
