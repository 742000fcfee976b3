r"""Lone surrogates in JSON: marked before parsing, so that a tool can refuse them by name.

`"\ud800"` is legal JSON and no Unicode text. Parsers disagree about it: one of the
SDK's refuses the whole message, so that nobody learns which value was wrong,
the other lets through what no transport can send back. Here each lone surrogate
becomes the mark that requests refuse.
"""

from __future__ import annotations

import re

from memory_core.errors import InvalidInput
from memory_core.requests import MARK

_ESCAPES = re.compile(
    rb"\\\\"  # an escaped backslash: what follows it is text
    rb"|\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair: a character
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # a surrogate on its own
)


def marked(message: bytes) -> bytes:
    r"""Give a JSON text of the same length with every lone surrogate escape as the mark's.

    Example:
        >>> marked(b'"a\\ud800b \\ud83e\\uddf5 \\\\ud800"')
        b'"a\\ufdd0b \\ud83e\\uddf5 \\\\ud800"'
    """
    if b"\\ud" not in message and b"\\uD" not in message:
        return message
    return _ESCAPES.sub(lambda found: rb"\ufdd0" if found.group(1) else found.group(), message)


def refuse_mark(name: str, value: str) -> None:
    """Look for the mark in the text of an argument.

    Raises:
        InvalidInput: It held a lone surrogate.
    """
    if MARK in value:
        problem = f"holds a lone surrogate at position {value.index(MARK)}"
        raise InvalidInput(name, problem, "Send valid Unicode.")
