"""Stored text made safe to show to a model.

Recalled text is untrusted: it is data from earlier work, perhaps written by
someone who wants to be obeyed. It loses here whatever no reader sees (what is
stored keeps it), and in text results every line of it stands behind "> ", so that
none can pass for a line of this server. This module knows no tool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Patterns are compiled by the first text that needs them: a command shows few, and most
# texts hold nothing but visible ASCII.
_PATH = (
    r"'(?:~?/|[A-Za-z]:[\\/])[^'\n]*'|\"(?:~?/|[A-Za-z]:[\\/])[^\"\n]*\""  # quoted: with spaces
    r"|(?<![\w:/.~-])~?(?:/[\w.@+~-]*[\w@+~-])+/?|\b[A-Za-z]:\\[^\s'\"]+"
)
_SEPARATORS = "[\u2028\u2029]"
_BREAKS = "\r\n|[\r\x0b\x0c\x85\u2028\u2029]"


def _is_visible(text: str) -> bool:
    """Whether a text is plainly nothing but visible ASCII, tabs and line feeds."""
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


def cleaned(text: str) -> str:
    r"""Give `text` with "\n" for every line break and without characters that hide.

    Example:
        >>> cleaned("a\x1b[31mb\r\nc")
        'a[31mb\nc'
    """
    if _is_visible(text):
        return text
    from memory_core.unseen import seen

    return seen(re.sub(_BREAKS, "\n", text))


def without_paths(text: str) -> str:
    """Give `text` with "(path)" for every absolute path: for callers on other machines.

    Example:
        >>> without_paths("The store /home/me/memory is full. See https://example.org/a/b.")
        'The store (path) is full. See https://example.org/a/b.'
        >>> without_paths("The file '/my data/x' and /data are gone, and/or 1/2 of them.")
        'The file (path) and (path) are gone, and/or 1/2 of them.'
    """
    return re.sub(_PATH, "(path)", text)


def one_line(text: str) -> str:
    """Give `text` cleaned, on one line, with single spaces."""
    return " ".join(cleaned(text).split())


def quoted(text: str) -> str:
    r"""Give `text` cleaned, with "> " before every line; "" when it is blank.

    Example:
        >>> quoted("one\ntwo")
        '> one\n> two'
    """
    lines = cleaned(text).strip().split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines) if any(lines) else ""


def plain(value: Any) -> Any:
    """Give JSON data with every text cleaned and every float at four decimals."""
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return _with_plain_keys(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _with_plain_keys(value: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that look the same once cleaned are told apart by escapes."""
    made: dict[str, Any] = {}
    for key, one in value.items():
        told = cleaned(key)
        made[ascii(key) if told in made else told] = plain(one)
    return made


def visible_json(text: str) -> str:
    r"""Give a JSON text with escapes for what nobody sees: the same data, safe in a terminal.

    Example:
        >>> visible_json('{"a": "b\u00adc"}')
        '{"a": "b\\u00adc"}'
    """
    if _is_visible(text):
        return text
    from memory_core.unseen import escaped, seen

    return re.sub(_SEPARATORS, lambda found: escaped(found.group()), seen(text, escaped))


def sentence(error: BaseException) -> str:
    """Give an error's own sentence as text that every transport can carry."""
    return cleaned(str(error).encode("utf-8", "backslashreplace").decode("utf-8"))
