"""A value as a short, printable text: how `memory_core.errors.shown` writes it."""

from __future__ import annotations

import reprlib
from itertools import islice
from typing import Any

from memory_core.unseen import escaped, seen

_SHOWN = 60


class _Brief(reprlib.Repr):
    """Looks at no more of a value than is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxstring = self.maxother = _SHOWN

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if level <= 0:
            return "{...}"
        few = islice(x.items(), self.maxdict)
        pairs = (f"{self.repr1(key, level - 1)}: {self.repr1(one, level - 1)}" for key, one in few)
        return f"{{{', '.join(pairs)}}}"

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - the base class's
        return repr(x) if x.bit_length() < _BITS else "a very large number"


_BITS = 4096
"""Longer numbers are not written out: Python refuses those of 4,300 digits."""
_BRIEF = _Brief()


def brief(value: object) -> str:
    """Give `value` quoted, on one line, cut after 60 characters."""
    text = value if isinstance(value, str) else _BRIEF.repr(value)
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 3] + "..."
    quoted = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return seen(repr(quoted) if isinstance(value, str) else quoted, escaped)
