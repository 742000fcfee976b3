"""What tasks in general are like: how rare a word is, and how near texts are that are unrelated.

Read from lists that ship with the package: prompts of many subjects, the same few texts in
many languages, words that say nothing of a subject, and errors that any program may print.
All are the same for every store and every user.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from memory_core.ports import Embedder, Matrix
from memory_core.words import terms

_HERE = Path(__file__).parent
_KNOWN: Mapping[str, float] = {"all-MiniLM-L6-v2@53aa51172d14": 0.0573}
"""Mean cosine of two background prompts, of models that were measured before; by name."""
_LANGUAGES = "background_languages"
"""The texts of every language, and beside them the axes that the first of `_KNOWN` gives them."""


def listed(name: str) -> tuple[str, ...]:
    """The lines of one of the package's lists, without what is empty or a remark."""
    text = (_HERE / name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def prompts() -> tuple[str, ...]:
    """The background list: general prompts, one a line."""
    return listed("background.txt")


PAIR = 0.7
"""What two syllables of Japanese or Korean say beside a word: they are half of one."""
_PAIR = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2}(?<![\u3400-\u9fff]{2})")
_GRAMMAR = re.compile("[\u3041-\u309f]+")
"""Japanese writes endings and particles in hiragana, and what a text is about seldom."""
_OBJECT = "\u3092"
"""A particle of Japanese that is part of no word."""
EVERYDAY = 20
"""As how many of the background prompts have it a word counts that any request may have."""


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a search term says: 0 (nothing) to 1 (no general prompt has it).

    ln((n + 1) / (df + 1/2)) of the background list, divided by its greatest value.
    """

    seen: Mapping[str, int]
    empty: frozenset[str]
    size: int

    def of(self, term: str) -> float:
        """The rarity of one term of `memory_core.words.terms`, in [0, 1]."""
        if term in self.empty or len(term) == 1 or _GRAMMAR.fullmatch(term) or _OBJECT in term:
            return 0.0
        most = math.log((self.size + 1) / 0.5)
        whole = math.log((self.size + 1) / (self.seen.get(term, 0) + 0.5)) / most
        return PAIR * whole if _PAIR.fullmatch(term) else whole


@cache
def rarity() -> Rarity:
    """The rarity of terms by the lists of the package."""
    seen = Counter(term for prompt in prompts() for term in set(terms(prompt)))
    for term in {term for line in listed("everyday_words.txt") for term in terms(line)}:
        if not (term.isascii() and seen[term]):  # an English word, too, which the prompts weigh
            seen[term] = max(seen[term], EVERYDAY)
    empty = frozenset(term for line in listed("function_words.txt") for term in terms(line))
    return Rarity(seen, empty, len(prompts()))


@cache
def error_rarity() -> Rarity:
    """The rarity of terms among errors that any program may print, by the list of the package."""
    lines = listed("background_errors.txt")
    seen = Counter(term for line in lines for term in set(terms(line)))
    return Rarity(seen, rarity().empty, len(lines))


def languages() -> tuple[tuple[str, ...], ...]:
    """The same few texts in many languages, those of one language together."""
    found: list[list[str]] = []
    for line in (_HERE / f"{_LANGUAGES}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            found.append([])
        elif line and not line.startswith("#"):
            found[-1].append(line)
    return tuple(map(tuple, found))


def axes(embedder: Embedder) -> Matrix:
    """Where a model puts texts of each language: float32[L, d], rows of unit length.

    Of the packaged model from a file; any other embeds the texts, once in a process.
    """
    name = embedder.name, embedder.dimension
    if name not in _axes:
        known = embedder.name in _KNOWN
        _axes[name] = np.load(_HERE / f"{_LANGUAGES}.npy") if known else measured_axes(embedder)
    return _axes[name].astype(np.float32)


def measured_axes(embedder: Embedder) -> Matrix:
    """As `axes`, always from the texts."""
    means = [embedder.embed_documents(texts).mean(axis=0) for texts in languages()]
    return np.stack([mean / max(float(np.linalg.norm(mean)), 1e-6) for mean in means])


_axes: dict[tuple[str, int], Matrix] = {}
_measured: dict[tuple[str, int], float] = {}


def unrelated(embedder: Embedder) -> float:
    """The mean cosine of two unrelated texts with this model, in [-1, 1).

    A model that is not known embeds the background list for it, once in a process.
    """
    name = embedder.name, embedder.dimension
    if name not in _measured:
        known = _KNOWN.get(embedder.name)
        _measured[name] = _mean_cosine(embedder) if known is None else known
    return _measured[name]


def _mean_cosine(embedder: Embedder) -> float:
    vectors = embedder.embed_documents(prompts()).astype(np.float64)
    count = len(vectors)
    total = float(np.square(vectors.sum(axis=0)).sum())
    return round((total - count) / (count * (count - 1)), 4)
