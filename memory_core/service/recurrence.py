"""The chance that a failure at hand is one that was seen before.

A logistic over three signs, none of which can speak against it:

    near   cosine of both signatures, on the model's own scale
    words  the telling words that both errors have, ln(1 + sum of rarity^2): words of the
           errors that any program prints tell nothing
    task   cosine of the task at hand and the conditions that failed, on the same scale

The weights were fitted on errors of many programs (`python -m benchmarks.relevance.fit`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from memory_core.background import error_rarity, rarity
from memory_core.ports import Vector
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.relevance import BY_FAILURE, Scale
from memory_core.service.clusters import Failure, Sums
from memory_core.service.conditions import FailureText
from memory_core.words import terms

NO_TASK, SAME_TEXT = 0.15, 0.3
"""What task says where an error is all that is at hand, and where its text is the same but for
literals: what the same failure has as a rule."""
LAST_LINE = 160
"""Characters of an error's last line whose words count beside its class and message."""
_PLACEHOLDER = re.compile(r"<\w{1,8}>")


def telling_words(text: FailureText | None) -> dict[str, float]:
    """The words of an error that not every error has, with their rarity in (0, 1]."""
    if text is None or text.shape is None:
        return {}
    last = next((line for line in reversed(text.error.splitlines()) if line.strip()), "")
    said = f"{_PLACEHOLDER.sub(' ', text.shape.normalised)} {last.strip()[:LAST_LINE]}"
    weights = {word: rarity().of(word) * error_rarity().of(word) for word in terms(said)}
    return {word: weight for word, weight in weights.items() if weight > 0}


@dataclass(slots=True)
class Traces:
    """What one project's clusters left: directions and words, one row a cluster."""

    centres: Sums = field(default_factory=Sums)
    conditions: Sums = field(default_factory=Sums)
    _words: dict[str, list[int]] = field(default_factory=dict)
    _texts: dict[str, list[int]] = field(default_factory=dict)

    def open(self, row: int, failure: Failure) -> None:
        """Keep the words and the text of a cluster's first failure."""
        for word in telling_words(failure.text):
            self._words.setdefault(word, []).append(row)
        self._texts.setdefault(failure.fingerprint, []).append(row)

    def count(self, row: int, failure: Failure, change: float) -> None:
        """Count the vectors of one failure in (change > 0) or out."""
        self.centres.add(row, failure.signature, change)
        self.conditions.add(row, failure.conditions, change)

    def like_conditions(self, vector: Vector | None, scale: Scale, count: int) -> Floats:
        """How near each cluster's conditions are to these, float64[count], 1 for the same."""
        cosines = self.conditions.cosines(vector, count).astype(np.float64)
        return scale.beside(vector).of(cosines)

    def chances(self, failure: Failure, scale: Scale, count: int) -> Floats:
        """The chance in [0, 1] that the failure at hand is each cluster's, float64[count]."""
        return BY_FAILURE.relevance(self.signs(failure, scale, count))

    def signs(self, failure: Failure, scale: Scale, count: int) -> Values:
        """The three signs of each cluster, float64[count, 3] >= 0."""
        cosines = self.centres.cosines(failure.signature, count).astype(np.float64)
        near = scale.beside(failure.signature).of(cosines)
        mass = np.zeros(count)
        for word, weight in telling_words(failure.text).items():
            rows = [row for row in self._words.get(word, ()) if row < count]
            mass[rows] += weight**2
        task = np.full(count, NO_TASK)
        task[[row for row in self._texts.get(failure.fingerprint, ()) if row < count]] = SAME_TEXT
        if failure.task is not None:
            task = self.like_conditions(failure.task, scale, count)
        return np.column_stack([np.maximum(near, 0.0), np.log1p(mass), np.maximum(task, 0.0)])
