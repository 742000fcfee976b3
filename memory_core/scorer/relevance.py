"""Relevance: the chance that an item is about a task, apart from how well it did.

A logistic over a few signs, each of which can only speak one way, so that an
item is never held for less relevant because it is more like the task:

    near       cosine of task and item, up to NEAR, on the model's own scale: 0 is what
               two unrelated texts have, 1 the same text
    agreement  what the cosine has beyond NEAR, as far as the items near the task advise alike
    words      the informative words that task and item share, ln(1 + sum of rarity^2)
    rarest     the rarity of the most informative one of them
    whole      1 where the item has every informative word of the task and one is rare
    crowd      ln of how many items it is the best of: chance alone brings the best of many nearer

The weights are those that `python -m benchmarks.relevance.fit` finds (docs/decisions.md,
"Is any lesson about the task?"). Knows nothing of the store or of text; everything here is
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from memory_core.ports import Matrix, Vector
from memory_core.scorer.panel import Floats, Values, advice_kernel

SIGNS = ("near", "agreement", "words", "rarest", "whole", "crowd")
NEAR = 0.4
LEAST_CROWD, MOST_CROWD = 1.6, 3.5
"""ln of the number of items (5 and 33) below and beyond which a store's size changes nothing: a
single lesson is no reason to speak to strangers, and many lessons are of few subjects."""
AGREEMENT = 0.05
"""Cosine below the nearest at which an item's say in the agreement is 1/e."""
WHOLE = 0.7
"""Share of the task's informative words above which an item counts as having them all."""
SURE = 0.27
"""Relevance from which a large store's own crowd is told apart: what is served uninvited."""
FEW, MANY = 80, 270
"""Items up to which a store tempers nothing, and from which it tempers most."""
TEMPERED, SOON = 2.2, 3.8
"""How much a large store tempers the logit just above SURE, and beyond which distance above it 1/e
of that: where much is alike, near is not yet about."""
DOUBTED = 50.0
"""Reports after which half of that is left: they say themselves what was about its task."""
LONGEST_QUERY = 24.0
"""Informative words of a task beyond which each counts for less: a log shares words by chance."""


SPELT, BY_SHARE, MOST_SHARE, BY_COSINE = -0.2, 1.6, 0.5, 0.3
"""How near an item is to a text that a model reads letter by letter: without a word in common, by
the share of its informative words, up to half of them, and by what the cosine adds."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where unrelated texts lie with one embedding model.

    A model puts all texts of a language that it hardly knows close together. So two texts have
    an expected cosine by how far each of them lies along the axis of a language, and at the
    least that of the background.

    `unrelated` is the mean cosine of the background; `languages` float32[L, d] the axes, rows
    of unit length, None for none; `own` what unrelated texts have with one text (`beside`).
    """

    unrelated: float = 0.0
    languages: Matrix | None = None
    own: float | None = None

    def along(self, vectors: Matrix) -> Floats:
        """How far vectors float32[N, d] lie along the axis of each language, float64[N, L] >= 0."""
        if self.languages is None:
            return np.zeros((len(vectors), 1))
        return np.maximum((vectors @ self.languages.T).astype(np.float64), 0.0)

    def beside(self, vector: Vector | None) -> Scale:
        """The scale of cosines with this text, where the others are of its own language."""
        if vector is None or self.languages is None:
            return self
        own = self.along(vector[None])
        return replace(self, own=float(self.expected(own[0], own)[0]))

    def expected(self, asked: Floats, held: Floats) -> Floats:
        """What two texts have as a rule, float64[N], by how far they lie `along` the languages.

        Args:
            asked: Of one text, float64[L].
            held: Of the others, float64[N, L].
        """
        found: Floats = np.maximum((asked * held).max(axis=-1), self.unrelated)
        return found

    def of(self, cosines: Floats, expected: Floats | None = None) -> Floats:
        """Cosines on the scale on which unrelated texts are 0 and equal ones 1.

        Unrelated texts are as far apart from 0 in every language: where they have nearly
        the cosine of equal ones, a step above it is no greater than anywhere else.
        """
        null = np.asarray(self.own or self.unrelated if expected is None else expected)
        above = cosines - null
        rest = above / np.maximum(1.0 - null, 1e-6)
        scaled: Floats = above / np.maximum(
            1.0 - self.unrelated - (null - self.unrelated) * rest, 1e-6
        )
        return scaled


@dataclass(frozen=True, slots=True)
class Shared:
    """The words of a task that items share with it.

    `mass` float64[N] >= 0, the sum of rarity^2; `share` float64[N] in [0, 1], the same as a
    share of the task's, at the least of one rare word's; `rarest` float64[N] in [0, 1].
    """

    mass: Floats
    share: Floats
    rarest: Floats


def shared_words(held: list[NDArray[np.uint32]], asked: Mapping[int, float]) -> Shared:
    """Weigh the words that each item shares with a task.

    Args:
        held: The words of each item, uint32[W] each, distinct.
        asked: The rarity of the task's words, in [0, 1]; those that say nothing left out.
    """
    count = len(held)
    mass, rarest = np.zeros(count), np.zeros(count)
    if not count or not asked:
        return Shared(mass, mass, rarest)
    order = np.array(sorted(asked), dtype=np.uint32)
    weights = np.array([asked[int(word)] for word in order])
    places = np.repeat(np.arange(count), [len(words) for words in held])
    words = np.concatenate(held)
    at = np.minimum(np.searchsorted(order, words), len(order) - 1)
    hit = order[at] == words
    np.add.at(mass, places[hit], weights[at[hit]] ** 2)
    np.maximum.at(rarest, places[hit], weights[at[hit]])
    share = mass / max(float(np.square(weights).sum()), 1.0)
    return Shared(mass * min(1.0, LONGEST_QUERY / len(asked)), share, rarest)


def spelt_alike(near: Floats, shared: Shared, letters: float) -> Floats:
    """How near items are to a task that the model reads letter by letter, float64[N].

    The model hardly tells what such a text is about, so the share of its informative words
    that an item has stands for the most part in place of the cosine.

    Args:
        near: On the model's own scale (`Scale.of`), NaN where none is known.
        shared: Their words.
        letters: How much of the task is read so, in [0, 1].
    """
    if not letters:
        return near
    by_words = SPELT + BY_SHARE * np.minimum(shared.share, MOST_SHARE)
    mixed: Floats = (1.0 - letters) * near + letters * np.minimum(
        by_words + BY_COSINE * np.minimum(near, NEAR), NEAR
    )
    return mixed


def signs_of(near: Floats, contents: Matrix | None, shared: Shared, crowd: int) -> Values:
    """The signs of every candidate, float64[N, S].

    Args:
        near: The best cosine of the task and either key of each item on the model's own scale
            (`Scale.of`), NaN where none is known.
        contents: Sketches of what the items advise, float32[N, SIZE]; None: each its own.
        shared: Their words.
        crowd: How many items the candidates are the best of, at least 1.
    """
    near = np.nan_to_num(near)
    values = np.zeros((len(near), len(SIGNS)))
    values[:, 0] = np.minimum(near, NEAR)
    values[:, 1] = np.maximum(near - NEAR, 0.0) * _agreement(near, contents)
    values[:, 2] = np.log1p(shared.mass)
    values[:, 3] = shared.rarest
    values[:, 4] = np.clip((shared.share - WHOLE) / (1.0 - WHOLE), 0.0, 1.0) * shared.rarest**2
    values[:, 5] = np.clip(np.log(max(crowd, 1)), LEAST_CROWD, MOST_CROWD)
    return values


def _agreement(near: Floats, contents: Matrix | None) -> Floats:
    """The share of the items near the task that advise what each one does, float64[N] in [0, 1]."""
    if not len(near):
        return near
    votes = np.exp((near - near.max()) / AGREEMENT)
    said = votes
    if contents is not None:
        said = advice_kernel(contents, contents).astype(np.float64) @ votes
    agreed: Floats = np.minimum(said / votes.sum(), 1.0)
    return agreed


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic over the signs: `base` + `signs` float64[S] . values."""

    base: float
    signs: tuple[float, ...]

    def relevance(self, values: Values) -> Floats:
        """The chance in [0, 1] that each item is about the task, float64[N]."""
        logit = np.clip(self.base + values @ np.array(self.signs), -30.0, 30.0)
        chance: Floats = 1.0 / (1.0 + np.exp(-logit))
        return chance


def tempered(chances: Floats, size: int, reports: int) -> Floats:
    """Relevance as it is told, float64[N]: above SURE nearer to it, the larger the store is.

    A large store holds much that is alike, so what is near is less surely about the task than
    in a small one. What is below SURE stays, and so does the order.

    Args:
        chances: The relevance of candidates, float64[N] in [0, 1].
        size: How many items they are the best of.
        reports: How many reports the relevance was learned from.
    """
    place = np.log(max(size, 1) / FEW) / np.log(MANY / FEW)
    doubt = TEMPERED * np.clip(place, 0.0, 1.0) * DOUBTED / (DOUBTED + reports)
    sure = np.log(SURE / (1.0 - SURE))
    kept = np.clip(chances, SURE, 1.0 - 1e-9)
    above = np.log(kept / (1.0 - kept)) - sure
    logit = sure + above * np.exp(-doubt * np.exp(-above / SOON))
    told: Floats = np.where(chances > SURE, 1.0 / (1.0 + np.exp(-logit)), chances)
    return told


BY_MEANING = Weights(-2.53, (5.47, 10.7, 0.35, 1.54, 2.0, -0.8))
BY_WORDS = Weights(-2.15, (0.0, 0.0, 1.6, 2.57, 0.0, -0.8))
"""Where no model is ready."""
BY_FAILURE = Weights(-8.71, (2.38, 3.95, 10.64))
"""That a failure is one that was seen before, see `service.recurrence`."""
