"""What a text says that stands where a list, an object or an id is meant.

Models and hosts write JSON, the literals of Python and JavaScript, either of them in a
fence or as text within text, and lists with commas, line by line or with bullets.
Knows no request; the work is bounded by the text's length.
"""

from __future__ import annotations

import ast
import json
import re
from itertools import islice
from typing import Any

_MOST_JSON = 500_000
"""Characters of JSON text that are read; the largest report has fewer."""
_MOST_LITERAL = 70_000
"""Characters of a literal of another language, whose reading costs more."""
_MARGIN = 16
_FENCE, _LANGUAGE = "```", re.compile(r"^\w+")
_ODD_ESCAPE = re.compile(r"\\(?![\\'\"abfnrtvxuU0\n])")
_WORDS = {"null": None, "undefined": None, "NaN": None, "true": True, "false": False}
_BULLET = re.compile(r"^(?:[-*\u2022]|\d{1,3}[.)])\s+")
_BETWEEN = {False: re.compile(r"[,;\n]"), True: re.compile(r"[,;|/&+\n]|\s(?:and|or)\s")}
"""What stands between labels, and between words of a choice."""
_QUOTES = "\"'`"
_MOST_QUOTED = 4
"""Quotation marks around quotation marks that are taken off."""
_ID = re.compile(r"(?:item|rec|out)_[0-9a-f]{28}(?![0-9a-z])", re.IGNORECASE)
_LONGEST_REFERENCES = 20_000
"""Characters of a text that is searched for ids: more than the most that a list takes."""


def structure(text: str) -> Any:
    """Read `text` as a list or an object; None when it is neither, or too large.

    Example:
        >>> structure("{'exit_code': 1, 'log': None}")
        {'exit_code': 1, 'log': None}
        >>> structure("neither")
    """
    if len(text) > _MOST_JSON:
        return None
    if text[:_MARGIN].lstrip().startswith(_FENCE):
        text = _LANGUAGE.sub("", text.strip().strip("`"), count=1)
    first = text[:_MARGIN].lstrip()[:1]
    if first not in ("[", "{", '"'):
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return _literal(text.strip()) if first != '"' else None
    if isinstance(read, str) and read[:_MARGIN].lstrip().startswith(("[", "{")):
        return structure(read)
    return read if isinstance(read, dict | list) else None


def _literal(text: str) -> Any:
    """Read a literal of Python or JavaScript, None when it is none."""
    if len(text) > _MOST_LITERAL:
        return None
    try:
        read = _valued(ast.parse(_ODD_ESCAPE.sub(r"\\\\", text), mode="eval").body)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return read if isinstance(read, dict | list) else None


def _valued(node: ast.expr) -> Any:
    """Give what a node says; a bare word that is no value is its own text.

    Raises:
        ValueError: It is to be worked out, and says nothing by itself.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id, node.id)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_valued(one) for one in node.elts]
    if isinstance(node, ast.Dict):
        keys = [_valued(key) if key is not None else None for key in node.keys]
        if all(isinstance(key, str | int) for key in keys):
            return dict(zip(map(str, keys), map(_valued, node.values), strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _valued(node.operand)
        if isinstance(number, int | float):
            return -number
    raise ValueError


def parts(text: str, most: int, *, words: bool) -> list[str] | None:
    r"""Give the labels or words that a text lists, None when there are more than `most`.

    Args:
        text: As it came.
        most: Entries that are looked for.
        words: Whether they are words of a choice, which "and", "/" and "|" part as well.

    Example:
        >>> parts("- csv\n- dates", 9, words=False)
        ['csv', 'dates']
    """
    bare = text.strip()
    if bare[:1] + bare[-1:] in ("[]", "()"):
        bare = bare[1:-1]
    split = _BETWEEN[words].split(bare, most)
    if len(split) > most:
        return None
    return [part for part in map(_part, split) if part]


def _part(text: str) -> str:
    return unquoted(_BULLET.sub("", text.strip(), count=1))


def count_parts(text: str) -> int:
    """Give how many entries a text lists, roughly."""
    return 1 + sum(text.count(sign) for sign in ",;\n")


def unquoted(text: str) -> str:
    """Give a text without blanks and quotation marks around it."""
    for _ in range(_MOST_QUOTED):
        text = text.strip()
        if len(text) < 2 or text[0] != text[-1] or text[0] not in _QUOTES:
            break
        text = text[1:-1]
    return text.strip()


def ids_in(text: str, most: int) -> list[str]:
    """Give the ids that a text refers to, each once and at most so many; none in a long one.

    Example:
        >>> ids_in("memory://lessons/item_0123456789ABcdef0123456789ab.", 9)
        ['item_0123456789abcdef0123456789ab']
    """
    found = islice(_ID.finditer(text[:_LONGEST_REFERENCES]), most)
    return list(dict.fromkeys(one.group().lower() for one in found))
