"""Sketches: fixed-size fingerprints of a text's words and word order, compared by cosine.

Each run of one to N tokens adds the square root of its count to one of 256
places, with a sign, both taken from its CRC-32 (feature hashing; Weinberger et
al. 2009). Two views:

- content: what an item advises, word by word; like texts are near 1.
- structure: how a task is asked, with its own names taken out. Numbers, codes,
  quoted words, paths and capitalised names become one mark, so that the same
  question about another thing is near 1.

Beside them the names themselves: what a task or an error quotes, numbers or
spells as code, and which texts hold it word for word.

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
_QUOTED = re.compile(r"(?<!\w)['\"`](?P<said>[^'\"`\n]{1,80})['\"`](?!\w)")
_WORD = re.compile(r"\w+(?:[./-]\w+)*")
MOST_NAMES = 16
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


def names_of(text: str) -> tuple[str, ...]:
    """The names in a text, lower case, at most 16: quoted words, codes, identifiers, proper names.

    Of a dotted name or a path its last part counts, too.

    Example:
        >>> names_of("Unknown column 'shop.city_name' in query")
        ('shop.city_name', 'city_name')
    """
    found: dict[str, None] = {}
    for quoted in _QUOTED.finditer(text[:LONGEST]):
        found.update(dict.fromkeys(_WORD.findall(quoted["said"].lower())))
    for place, token in enumerate(_TOKEN.findall(text[:LONGEST])):
        if _is_name(token, first=place == 0):
            found.update(dict.fromkeys(_WORD.findall(token.lower())))
    parts = {part: None for name in found for part in (name, re.split(r"[./-]", name)[-1]) if part}
    return tuple(parts)[:MOST_NAMES]


def named_share(names: Sequence[str], text: str) -> float:
    """The share of these names that the text holds as whole words, in [0, 1]; 0 without names."""
    if not names:
        return 0.0
    lower = text[:LONGEST].lower()
    there = [name for name in names if name in lower]
    if not there:
        return 0.0
    said = set(_WORD.findall(lower))
    said.update(re.split(r"[./-]", word)[-1] for word in tuple(said))
    return sum(name in said for name in there) / len(names)


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
