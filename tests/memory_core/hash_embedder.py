"""A deterministic stand-in for the embedding model: hashed bags of words.

Texts that share words are similar, the same text gives the same vector in every
process, and nothing is imported or loaded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from memory_core.ports import Matrix, Vector

_WORD = re.compile(r"\w+")
_MISSPELT = frozenset({"teh", "recieve", "clsoe", "filse"})


class HashEmbedder:
    """An `Embedder` of any dimension; each word adds +1 or -1 to three hashed places."""

    def __init__(self, dimension: int = 64, name: str = "hash-embedder@000000000000") -> None:
        self._dimension = dimension
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return self._dimension

    def knows(self, word: str) -> bool:
        """Every word but a few misspelt ones."""
        return word not in _MISSPELT

    @property
    def window(self) -> int:
        return 254

    def pieces(self, text: str) -> int:
        return len(_WORD.findall(text))

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self.embed_documents([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        return [self.embed_query(text) for text in texts]

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for index, text in enumerate(texts):
            row = vectors[index]
            for word in _WORD.findall(text.lower()) or [""]:
                digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=12).digest()
                for start in (0, 4, 8):
                    place = int.from_bytes(digest[start : start + 3], "big") % self._dimension
                    row[place] += 1.0 if digest[start + 3] & 1 else -1.0
            length = float(np.linalg.norm(row))
            if length == 0.0:  # words that cancelled each other out
                row[0] = length = 1.0
            vectors[index] = row / length
        return vectors
