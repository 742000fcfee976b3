"""The views of a failure that need no model: its literals and its words, hashed.

What the normalised error leaves out (names, values, paths) is noise to one user
and the cause itself to another. So it is kept apart, as numbers that two failures
are compared by: bags of words in a fixed number of dimensions by signed hashing
(Weinberger et al. 2009, arXiv 0902.2206). This module knows no vectors of a model
and no outcomes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from memory_core.error_reading import log_lines, read_error
from memory_core.ports import Vector

HASHED = 256
"""Dimensions of a hashed bag."""
TAIL = 3_000
"""Characters of an error whose words count: its end."""
MESSAGE = 600
"""Characters of a message whose literals count."""
_WORD = re.compile(r"[^\W\d]\w{0,80}|\d{1,40}")
_PLACEHOLDER = re.compile(r"<\w{1,8}>")


def words_of(text: str) -> frozenset[str]:
    """Give the distinct words, names and whole numbers of a text, in lower case.

    Example:
        >>> sorted(words_of("KeyError: 'colour_id' at 0x1F"))
        ['0', 'at', 'colour_id', 'keyerror', 'x1f']
    """
    return frozenset(word.lower() for word in _WORD.findall(text))


@lru_cache(maxsize=16_384)
def _place(word: str) -> tuple[int, float]:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest[:4], "big") % HASHED, 1.0 if digest[4] & 1 else -1.0


def hashed(words: Iterable[str]) -> Vector:
    """Give float32[256] of unit length; zeros for no words."""
    vector = np.zeros(HASHED, np.float32)
    for word in sorted(words):
        place, sign = _place(word)
        vector[place] += sign
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm > 0 else vector


def text_views(error: str, normalised: str) -> tuple[Vector, Vector]:
    """Give the literals of an error's message and the words of its end, float32[256] each.

    Args:
        error: The whole error text.
        normalised: Its signature's text: the words that are in there are no literals.
    """
    found = read_error(log_lines(error))
    message = found.message if found is not None and found.message else error[-MESSAGE:]
    kept = words_of(_PLACEHOLDER.sub(" ", normalised))
    return hashed(words_of(message[:MESSAGE]) - kept), hashed(words_of(error[-TAIL:]))
