"""Whether a value that stands under a secret's name is a secret or just code and prose.

`password=hunter2` is one; `password=get_password(user)`, `token: str` and
`"password": "required"` are not. This module knows no text around the value.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

Strength = Literal["strong", "weak", "broad"]


@dataclass(frozen=True, slots=True)
class Named:
    """A value and what its surroundings say of it.

    `strength` is how far its name speaks for a secret: "strong" (a password),
    "weak" (token, secret, api key), "broad" (key, auth, session). `quoted`: a
    literal; `tight`: joined without spaces; `after`: the character that follows.
    """

    strength: str
    value: str
    quoted: bool = False
    tight: bool = False
    after: str = ""


_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(?:(?:\.|->|::)[A-Za-z_$][A-Za-z0-9_$]*)*\Z")
_PLACEHOLDER = re.compile(
    r"\[redacted:|<.*>\Z|\$[{(A-Za-z_]|\{.*\}\Z|%[sd(]|\*{3}|\.{3}|[xX*.#-]+\Z|(?i:your[-_ ]|"
    r"example|none\Z|null\Z|nil\Z|undefined\Z|true\Z|false\Z|str(?:ing)?\Z|text\Z|bytes\Z|int(?:eger)?\Z|"
    r"required\Z|optional\Z|missing\Z|invalid\Z|hidden\Z|password\Z|passwd\Z|secret\Z|token\Z)"
)
_HEX = re.compile(r"[0-9a-fA-F-]+\Z")
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~:-]+\Z")
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[/\\~]")
_PATH = re.compile(r"(?:[A-Za-z]:)?[./\\~]|.*[\w.-]+/[\w.-]+/.*\.\w{1,5}\Z")


def entropy(text: str) -> float:
    """Give Shannon's entropy in bits per character, 0 for the empty text.

    Example:
        >>> entropy("aaaa"), entropy("abcd")
        (0.0, 2.0)
    """
    size = len(text)
    return sum(count / size * math.log2(size / count) for count in Counter(text).values())


def _mixed(value: str) -> bool:
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _three_cases(value: str) -> bool:
    return _mixed(value) and any(c.islower() for c in value) and any(c.isupper() for c in value)


def _is_code(named: Named) -> bool:
    """Say whether an unquoted value reads as an expression: a call, an index, a variable."""
    if named.after in ("(", "[") or _ABSOLUTE.match(named.value):
        return True
    variable = _IDENTIFIER.match(named.value) is not None
    if not variable:
        return False
    if not _mixed(named.value):
        return not named.tight or named.after != ""
    return "." in named.value or ("_" in named.value and named.value.islower())


def _strong(named: Named) -> bool:
    value = named.value
    if any(c.isspace() for c in value):
        return False
    if named.quoted:
        return True
    return named.tight or _mixed(value) or not value.isalnum()


def _weak(named: Named) -> bool:
    value = named.value
    if len(value) < 8 or not _TOKEN.match(value) or _PATH.match(value):
        return False
    if named.quoted and named.value.isalpha():
        return len(value) >= 20 and entropy(value) >= 3.5
    least = 2.5 if named.quoted else 3.0
    return _mixed(value) and entropy(value) >= least and (named.quoted or len(value) >= 12)


def _broad(named: Named) -> bool:
    value = named.value
    if len(value) < 20 or not _TOKEN.match(value) or _PATH.match(value) or _HEX.match(value):
        return False
    return _three_cases(value) and entropy(value) >= 3.8


_TESTS = {"strong": _strong, "weak": _weak, "broad": _broad}


def is_secret_value(named: Named) -> bool:
    """Say whether the value is to be redacted.

    Example:
        >>> is_secret_value(Named("strong", "hunter2", tight=True))
        True
        >>> is_secret_value(Named("strong", "get_password", after="("))
        False
    """
    if _PLACEHOLDER.match(named.value) or (not named.quoted and _is_code(named)):
        return False
    return _TESTS[named.strength](named)
