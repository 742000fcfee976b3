"""Sketches: fixed-size fingerprints of a text's words and word order, compared by cosine.

Each run of one to N tokens adds the square root of its count to one of 256
places, with a sign, both taken from its CRC-32 (feature hashing; Weinberger et
al. 2009). Two views:

- content: what an item advises, word by word; like texts are near 1.
- structure: how a task is asked, with its own names taken out. Numbers, codes,
  quoted words, paths and capitalised names become one mark, so that the same
  question about another thing is near 1.

This module knows no vectors of a model and no storage.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIZE = 256
LONGEST = 2_000
"""Characters of a text that are read."""
_TOKEN = re.compile(r"\"[^\"\n]{0,200}\"|[\w\-./]+|[^\w\s]")
_MARK = "\x00"
_EDGE = "\x01"

Sketch = NDArray[np.float32]
"""float32[SIZE], unit length; zero for a text without tokens."""


def content_sketch(text: str) -> Sketch:
    """Sketch what a text says: words and pairs of words, lower case."""
    return _sketch([token.lower() for token in _TOKEN.findall(text[:LONGEST])], 2)


def structure_sketch(text: str) -> Sketch:
    """Sketch how a task is asked: runs of one to three tokens, its own names as one mark.

    Example:
        >>> a = structure_sketch("Is EECS 280 offered next term?")
        >>> b = structure_sketch("Is MATH 115 offered next term?")
        >>> bool(a @ b > 0.99)
        True
    """
    tokens: list[str] = []
    for place, token in enumerate(_TOKEN.findall(text[:LONGEST])):
        plain = _MARK if _is_name(token, first=place == 0) else token.lower()
        if plain != _MARK or not tokens or tokens[-1] != _MARK:
            tokens.append(plain)
    return _sketch([_EDGE, *tokens, _EDGE], 3) if tokens else np.zeros(SIZE, np.float32)


def _is_name(token: str, *, first: bool) -> bool:
    """Whether a token names one thing: a number, a code, a quotation, a path, a proper name."""
    if token[0] == '"' or any(character.isdigit() for character in token):
        return True
    if len(token) > 1 and ("/" in token or "_" in token):
        return True
    return not first and len(token) > 1 and token[0].isupper()


def _sketch(tokens: Sequence[str], longest: int) -> Sketch:
    runs = Counter(
        " ".join(tokens[start : start + length])
        for length in range(1, longest + 1)
        for start in range(len(tokens) - length + 1)
    )
    sketch = np.zeros(SIZE, np.float32)
    for run, count in runs.items():
        digest = zlib.crc32(run.encode("utf-8", "surrogatepass"))
        sketch[digest % SIZE] += (1.0 if digest >> 20 & 1 else -1.0) * count**0.5
    norm = float(np.linalg.norm(sketch))
    return sketch / np.float32(norm) if norm > 0 else sketch
