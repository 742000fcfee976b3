r"""Lone surrogates in JSON: marked before parsing, so that a tool can refuse them by name.

`"\ud800"` is legal JSON and no Unicode text. Parsers disagree about it: one of the
SDK's refuses the whole message, so that nobody learns which value was wrong,
the other lets through what no transport can send back. Here each lone surrogate
becomes U+FDD0, a code point that Unicode reserves for no character at all.
"""

from __future__ import annotations

import re
from typing import Any

from memory_core.errors import InvalidInput

MARK = "\ufdd0"
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


def refuse_marks(name: str, value: Any) -> None:
    """Look through JSON data for the mark.

    Raises:
        InvalidInput: A text under `name` held a lone surrogate.
    """
    if isinstance(value, str) and MARK in value:
        problem = f"holds a lone surrogate at position {value.index(MARK)}"
        raise InvalidInput(name, problem, "Send valid Unicode.")
    if isinstance(value, dict):
        for key, one in value.items():
            refuse_marks(f"{name}.{key}", one)
            refuse_marks(f"a name in {name}", key)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            refuse_marks(f"{name}.{place}", one)
