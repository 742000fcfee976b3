"""Vectors of texts that a model has no word pieces for: by how they are spelled.

To the packaged model all Amharic, Khmer and Thai, all emoji and every run of a hundred
letters is one unknown piece, so that all such texts are the same to it. By their spelling
they are like where they share words and syllables, and far from each other where not.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from memory_core.ports import Vector

LONGEST_WORD = 100
"""Characters of a word beyond which a model has no pieces for it."""
KNOWN = 0.5
"""Share of unknown pieces up to which a text is what the model makes of it."""
BY_WORD, BY_LETTER = 0.6, 0.8
"""Pieces a letter up to which a text is read word by word, and from which letter by letter."""
_LOOKED_AT = 1_000
_PLACES = 8
"""Places of a vector that two or three characters are written to."""
_RUN = re.compile(r"[^\s!-/:-@\[-`{-~\u1361-\u1368\u2000-\u206f\u3000-\u303f]+")
"""What stands between blanks and punctuation; vowel signs of Khmer are no letters to Python."""


def may_be_unknown(text: str) -> bool:
    """Whether a text may have unknown pieces; few have."""
    return not text.isascii() or re.search(rf"\S{{{LONGEST_WORD},}}", text) is not None


def unknown_share(pieces: Sequence[str], unknown: str) -> float:
    """How much of a text spelling decides, in [0, 1], from its word pieces.

    Args:
        pieces: As the model's tokenizer gives them; punctuation says nothing.
        unknown: The piece that stands for any other.
    """
    said = [one for one in pieces if one == unknown or any(map(str.isalnum, one))]
    share = said.count(unknown) / len(said) if said else 0.0
    return max(0.0, (share - KNOWN) / (1.0 - KNOWN))


def letter_share(text: str, count: Callable[[str], int]) -> float:
    """How much of a text a model reads letter by letter, not word by word, in [0, 1].

    Of such a text it knows little but the script: texts of other subjects are as near.

    Args:
        text: Of any length; its beginning is looked at.
        count: Gives the number of word pieces.
    """
    if text.isascii():
        return 0.0
    begun = text[:_LOOKED_AT]
    letters = sum(not sign.isspace() for sign in begun)
    share = count(begun) / max(letters, 1)
    return min(max((share - BY_WORD) / (BY_LETTER - BY_WORD), 0.0), 1.0)


def spelled(text: str, dimension: int) -> Vector:
    """Give the unit vector of a text's pairs and triples of characters, float32[dimension].

    Zero for a text that has none.
    """
    grams: Counter[str] = Counter()
    for word in _RUN.findall(text.casefold()):
        if len(word) > LONGEST_WORD:
            grams[word[:LONGEST_WORD]] += 1
        else:
            marked = f"<{word}>"
            for size in (2, 3):
                grams.update(marked[at : at + size] for at in range(len(marked) - size + 1))
    vector = np.zeros(dimension, dtype=np.float32)
    for gram, count in grams.items():
        digest = hashlib.blake2b(gram.encode("utf-8", "replace"), digest_size=4 * _PLACES).digest()
        drawn = np.frombuffer(digest, dtype="<u4")
        signs = np.where(drawn >> 31, 1.0, -1.0).astype(np.float32)
        np.add.at(vector, drawn % dimension, signs * np.float32(count**0.5))
    norm = float(np.linalg.norm(vector))
    return (vector / norm).astype(np.float32) if norm > 0 else vector


def blended(read: Vector, text: str, share: float) -> Vector:
    """The model's vector of a text and that of its spelling, unit length, float32[d]."""
    if share <= 0:
        return read
    both = (1 - share) * read + share * spelled(text, len(read))
    norm = float(np.linalg.norm(both))
    return (both / norm).astype(np.float32) if norm > 0 else read
