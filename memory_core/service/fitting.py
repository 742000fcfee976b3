"""Which candidates of a recall are about its task: reads what `scorer.relevance` weighs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from memory_core.background import rarity
from memory_core.ports import Candidate, Scope
from memory_core.reading import Held
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.relevance import shared_words, signs_of
from memory_core.service.conditions import Conditions
from memory_core.service.core import Core, number_of
from memory_core.words import names, terms

NAMED = 0.2
"""The least relevance of an item that alone holds a code or an identifier of the task: enough
for who asked, not for who did not."""
SHORTEST_NAME = 5
"""Characters of a name that is nobody else's by itself: 404 may be a course."""


def held_in(core: Core, scope: Scope) -> Held:
    """Tells how much of what a passage says one item in scope says: the sum of rarity^2."""
    rare = rarity()

    def held(texts: Sequence[str]) -> list[float]:
        weighed = [{term: rare.of(term) ** 2 for term in terms(text)} for text in texts]
        return core.store.most_held(weighed, scope)

    return held


def least_of(core: Core, conditions: Conditions, found: Sequence[Candidate]) -> Floats:
    """The least relevance of each candidate, float64[N]: NAMED where it alone holds a long name."""
    asked = {
        number_of(name)
        for probe in conditions.probes
        for name in names(probe.text)
        if len(name) >= SHORTEST_NAME
    }
    return np.array(
        [
            NAMED
            * float(one.named and any(name in core.read(one.stored.item).words for name in asked))
            for one in found
        ]
    )


def signs_read(
    core: Core, conditions: Conditions, found: Sequence[Candidate], scope: Scope
) -> Values:
    """The signs of every candidate, float64[N, S] (see `scorer.relevance`)."""
    read = [core.read(candidate.stored.item) for candidate in found]
    contents = np.stack([one.content for one in read]) if read else None
    return signs_of(
        np.array([_nearest(candidate) for candidate in found]),
        contents,
        shared_words([one.words for one in read], _asked(conditions)),
        max(core.catalogue.active(scope.projects), len(found)),
        core.scale,
    )


def _nearest(candidate: Candidate) -> float:
    """The best cosine of any part of the query and either key; NaN where nothing is embedded."""
    known = [value for pair in candidate.cosines for value in pair if not math.isnan(value)]
    return max(known, default=math.nan)


def _asked(conditions: Conditions) -> dict[int, float]:
    """The informative words of a query with their rarity."""
    rare = rarity()
    found = {term for probe in conditions.probes for term in terms(probe.text)}
    return {number_of(term): weight for term in found if (weight := rare.of(term)) > 0}
