"""The part of a message that stays when the same thing happens elsewhere.

Paths, numbers, ids, quoted literals and names of the caller's own become
placeholders; words, exception types and error codes stay. One pass per pattern,
every pattern bounded: linear in the text. This module knows no languages.
"""

from __future__ import annotations

import re

_ANSI = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\)|[@-Z\\-_])"
)
_LEFT_COLOURS = re.compile(r"\[[0-9;]{1,12}m(?=\S)")

_TYPES = (
    "NoneType str int float list dict bytes bytearray tuple set bool object function module "
    "undefined null utf-8 utf8 utf-16 ascii charmap latin-1 cp1252"
)
_KEPT = frozenset(_TYPES.split())
"""Quoted words that say what kind of error it is, not whose: kept as they are."""

_PLACES = re.compile(
    r"(?P<url>\b[a-z][a-z0-9+.-]{1,12}://[^\s'\"<>)\]]{1,2000})"
    r"|(?P<id>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    r"|(?P<time>\b[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?: ?(?:Z\b|UTC\b|[+-][0-9]{2}:?[0-9]{2}))?)?"
    r"|\b[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?\b)"
    r"|(?P<ip>\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?\b)"
    r"|(?P<email>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b)"
)
_QUOTED = re.compile(
    r"(?<![\w'\"`])[bru]{0,2}(?:'(?P<a>(?:[^'\\\n]|\\.){0,400})'(?!\w)"
    r"|\"(?P<b>(?:[^\"\\\n]|\\.){0,400})\"(?!\w)|`(?P<c>[^`\n]{1,400})`|\u201c(?P<d>[^\u201d\n]{0,400})\u201d"
    r"|\u2018(?P<e>[^\u2019\n]{0,400})\u2019)"
)
_PATH = re.compile(
    r"(?<![\w/\\.<>-])(?:"
    r"(?:[A-Za-z]:[\\/]|\\\\|~[\\/]|\.{1,2}[\\/]|/)(?:[^\s:;,'\"()<>\[\]|*?]{1,1024})"
    r"|(?:[\w.@+-]{1,128}[\\/]){1,40}[\w.@+-]{0,128}\.[A-Za-z]\w{0,9}\b"
    r"|[\w@+-]{1,128}\.(?:py|pyi|js|mjs|cjs|ts|tsx|jsx|java|kt|go|rs|rb|php|c|cc|cpp|h|hpp|cs|sh|sql|json|"
    r"ya?ml|toml|csv|tsv|txt|log|xml|html?|md|ini|cfg|lock|db|sqlite3?|parquet|ipynb|vue|swift)\b"
    r")(?:(?::|, line )[0-9]{1,9}(?::[0-9]{1,9})?|\([0-9]{1,9}(?:,[0-9]{1,9})?\))?"
)
_NUMBERS = re.compile(
    r"(?P<hex>\b0[xX][0-9a-fA-F]{1,64}\b)"
    r"|(?P<id>\b(?=[a-fA-F]{0,63}[0-9])(?=[0-9]{0,63}[a-fA-F])[0-9a-fA-F]{8,64}\b)"
    r"|(?P<n>(?<![\w.])(?<![A-Za-z]-)[+-]?[0-9][0-9_,]{0,40}(?:\.[0-9]{1,40}){0,4}(?:[eE][+-]?[0-9]{1,5})?"
    r"(?:%|(?:ms|us|ns|s|[KMGT]i?B|B|px|em)\b)?(?!\w))"
)
_PART = r"[A-Za-z_$][\w$]{0,64}"
_NAMES = re.compile(
    rf"(?<![\w.$<]){_PART}(?:\.{_PART}){{0,8}}(?=\(\))"
    r"|(?<![\w$<.])(?:[a-z_$][a-z0-9$]{0,64}(?:_[a-z0-9$]{1,64}){1,12}"
    r"|[a-z]{1,64}(?:[A-Z][a-z0-9]{0,64}){1,12})"
    rf"(?:\.{_PART}){{0,8}}(?![\w$>])"
)
"""What no English word looks like: snake_case, camelCase, and whatever is called()."""
_LAST_NAME = re.compile(
    r"(?P<before>: |^undefined |\b(?:column|table|relation|variable|function|key|named) )"
    r"(?!NULL\b|not\b|does\b|is\b)(?:[\w$-]{1,64}[.:/]{0,2}){0,8}[\w$-]{1,64}"
    r"(?=$| does not exist| is not|: command not)"
)
_FIRST_NAME = re.compile(
    rf"^{_PART}(?:\.{_PART}){{0,8}}(?= is not (?:defined|a function|iterable|a constructor))"
)
_OWN_NAMED = re.compile(
    r"(?P<what>\bhas no attribute |\bcannot import name |\bmodule named )[\w.]{1,128}"
)
_SPACES = re.compile(r"\s+")


def plain(text: str) -> str:
    r"""Give `text` without terminal colours, with one kind of line end.

    Example:
        >>> plain("\x1b[31mred\x1b[0m\r\n")
        'red\n'
    """
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return _LEFT_COLOURS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _quoted(match: re.Match[str]) -> str:
    inside = next((value for value in match.groups() if value is not None), "")
    return match.group() if inside in _KEPT else "<str>"


def _named(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"


def skeleton(message: str, limit: int = 400) -> str:
    """Give the stable part of one message, on one line, at most `limit` characters.

    Example:
        >>> skeleton("can't decode byte 0xff in position 12: invalid start byte")
        "can't decode byte <hex> in position <n>: invalid start byte"
    """
    text = _SPACES.sub(" ", message[: limit * 10]).strip()
    text = _PLACES.sub(_named, text)
    text = _QUOTED.sub(_quoted, text)
    text = _PATH.sub("<path>", text)
    text = _NUMBERS.sub(_named, text)
    text = _OWN_NAMED.sub(r"\g<what><name>", text)
    text = _NAMES.sub("<name>", text)
    text = _FIRST_NAME.sub("<name>", text)
    text = _LAST_NAME.sub(r"\g<before><name>", text)
    return text[:limit].rstrip()
