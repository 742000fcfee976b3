"""Which candidates of a recall are about its task: reads what `scorer.relevance` weighs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from memory_core.background import rarity
from memory_core.names import holds, names, unlinked
from memory_core.ports import Candidate, Probe, Scope
from memory_core.reading import Held
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.relevance import (
    SIGNS,
    Scale,
    Shared,
    shared_words,
    signs_of,
    spelt_alike,
)
from memory_core.service.conditions import Conditions
from memory_core.service.core import Core, number_of
from memory_core.words import terms

NAMED = 0.2
"""The least relevance of an item that alone holds a code or an identifier of the task: enough
for who asked, not for who did not."""
SHORTEST_NAME = 5
"""Characters of a name that is nobody else's by itself: 404 may be a course."""
_DECIMAL = re.compile(r"\d+\.\d+")
"""Two neighbours of a version."""


def held_in(core: Core, scope: Scope) -> Held:
    """Tells how much of what a passage says one item in scope says: the sum of rarity^2.

    Links say nothing.
    """
    rare = rarity()

    def held(texts: Sequence[str]) -> list[float]:
        weighed = [{term: rare.of(term) ** 2 for term in terms(unlinked(text))} for text in texts]
        return core.store.most_held(weighed, scope)

    return held


def least_of(core: Core, conditions: Conditions, found: Sequence[Candidate]) -> Floats:
    """The least relevance of each candidate, float64[N]: NAMED where it alone holds a long name."""
    asked = _names_asked(core, conditions)
    least = np.zeros(len(found))
    if asked:
        for place, one in enumerate(found):
            if one.named and any(holds(one.stored.item.text, *pair) for pair in asked.items()):
                least[place] = NAMED
    return least


def _names_asked(core: Core, conditions: Conditions) -> dict[str, str]:
    """The names in what a query clearly asks that are nobody else's, with their words."""
    clearly = [
        text for probe in conditions.probes for text, weight in probe.passages if weight == 1.0
    ]
    model = core.embedder
    return {
        name: word
        for name, word in names("\n".join(clearly)).items()
        if len(name) >= SHORTEST_NAME
        and _DECIMAL.fullmatch(name) is None
        and not (word.isalpha() and (model is None or model.knows(word.lower())))
    }


def signs_read(
    core: Core, conditions: Conditions, found: Sequence[Candidate], scope: Scope
) -> Values:
    """The signs of every candidate, float64[N, S] (see `scorer.relevance`)."""
    read = [core.read(candidate.stored.item) for candidate in found]
    held = [one.words for one in read]
    asked = _asked(conditions)
    contents = np.stack([one.content for one in read]) if read else None
    shared = _most_shared([shared_words(held, one) for one in asked])
    values = signs_of(
        spelt_alike(nearest(core.scale, conditions.probes, found), shared, conditions.letters),
        contents,
        shared,
        max(core.catalogue.active(scope.projects), len(found)),
    )
    # The best of a text's passages is nearer by chance, as the best of many items is.
    values[:, SIGNS.index("crowd")] += math.log(conditions.alternatives)
    return values


def _most_shared(passages: Sequence[Shared]) -> Shared:
    """The words that each item shares with the passage of a query that it shares most with."""
    if len(passages) == 1:
        return passages[0]
    best = np.argmax([one.mass for one in passages], axis=0)
    at = (best, np.arange(len(best)))
    return Shared(
        np.stack([one.mass for one in passages])[at],
        np.stack([one.share for one in passages])[at],
        np.stack([one.rarest for one in passages])[at],
    )


def nearest(scale: Scale, probes: Sequence[Probe], found: Sequence[Candidate]) -> Floats:
    """How near either key of each candidate is to any part of the query, float64[N].

    On the model's own scale; NaN where nothing is embedded.
    """
    asked = [_along(scale, probe) for probe in probes]
    near = np.full(len(found), math.nan)
    for key in range(2):
        known = [
            (place, vector)
            for place, one in enumerate(found)
            if (vector := (one.stored.vector, one.stored.task_vector)[key]) is not None
        ]
        if not known:
            continue
        places = [place for place, _ in known]
        held = scale.along(np.stack([vector for _, vector in known]))
        for part, along in enumerate(asked):
            cosines = np.array([found[place].cosines[part][key] for place in places])
            told = scale.of(cosines, scale.expected(along, held))
            near[places] = np.fmax(near[places], told)
    return near


def _along(scale: Scale, probe: Probe) -> Floats:
    """How far any window of a part of the query lies along each language, float64[L]."""
    if not probe.vectors:
        return np.zeros(1)
    vectors, weights = zip(*probe.vectors, strict=True)
    along: Floats = (scale.along(np.stack(vectors)) * np.array(weights)[:, None]).max(axis=0)
    return along


def _asked(conditions: Conditions) -> list[dict[int, float]]:
    """The informative words of each passage of a query, with those of its error: their rarity."""
    rare = rarity()
    first, *others = conditions.probes
    beside = {term for probe in others for term in terms(probe.text)}
    return [
        {number_of(term): said for term in {*terms(text), *beside} if (said := rare.of(term)) > 0}
        for text, _ in first.passages
    ]
