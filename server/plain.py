"""Stored text made safe to show to a model.

Recalled text is untrusted: it is data from earlier work, perhaps written by
someone who wants to be obeyed. It loses its control characters here, and in
text results every line of it stands behind "> ", so that none can pass for a
line of this server. This module knows no tool.
"""

from __future__ import annotations

import re
from typing import Any

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u202a-\u202e\u2066-\u2069"  # overrides of the writing direction
    "\U000e0000-\U000e007f"  # tags: text that no reader sees
    "\ud800-\udfff]"  # lone surrogates, which no transport can carry
)
_PATH = re.compile(
    r"'(?:~?/|[A-Za-z]:[\\/])[^'\n]*'|\"(?:~?/|[A-Za-z]:[\\/])[^\"\n]*\""  # quoted: with spaces
    r"|(?<![\w:/.~-])~?(?:/[\w.@+~-]*[\w@+~-])+/?|\b[A-Za-z]:\\[^\s'\"]+"
)
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def cleaned(text: str) -> str:
    r"""Give `text` with "\n" for every line break and without characters that hide.

    Example:
        >>> cleaned("a\x1b[31mb\r\nc")
        'a[31mb\nc'
    """
    return _UNSEEN.sub("", _BREAKS.sub("\n", text))


def without_paths(text: str) -> str:
    """Give `text` with "(path)" for every absolute path: for callers on other machines.

    Example:
        >>> without_paths("The store /home/me/memory is full. See https://example.org/a/b.")
        'The store (path) is full. See https://example.org/a/b.'
        >>> without_paths("The file '/my data/x' and /data are gone, and/or 1/2 of them.")
        'The file (path) and (path) are gone, and/or 1/2 of them.'
    """
    return _PATH.sub("(path)", text)


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
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def sentence(error: BaseException) -> str:
    """Give an error's own sentence as text that every transport can carry."""
    return cleaned(str(error).encode("utf-8", "backslashreplace").decode("utf-8"))
