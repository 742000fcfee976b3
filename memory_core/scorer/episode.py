"""An episode: one recall, what was served and used, and its outcome, as the learner reads it.

Built from the log alone (an outcome, its recall, the items' keys), so that a
rebuild sees exactly what the live learner saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from memory_core.model import Credit, OutcomeRecord, RecallRecord
from memory_core.ports import Matrix, Vector
from memory_core.scorer.experts import EXPERTS
from memory_core.scorer.facts import about_of, experts_of
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.shares import holder_of
from memory_core.scorer.stack import position_weights

UNUSED_ATTENTION = 0.05
LABEL_WEIGHT = 1.5


@dataclass(frozen=True, slots=True)
class Traits:
    """What the learner reads of items, by id: keys, which of them warn, sketches of their advice.

    `keys` float32[d] each, `contents` float32[SIZE] each.
    """

    keys: Mapping[str, Vector] = field(default_factory=dict)
    pitfalls: frozenset[str] = frozenset()
    contents: Mapping[str, Vector] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Episode:
    """What the learner learns from. Served items come in the order of the answer.

    `experts` is float64[S, E] as logged when served (zeros in keyword mode),
    `keys` float32[S, d], `attention` float64[S] >= 0 (who mattered: by position,
    or by what the report says was used), `labels` float64[S] in [-1, 1] with NaN
    where the report says nothing of the item. `owner` is the recall (a later
    outcome of it replaces the earlier one). `places` int64[S] are the ranks of
    what was served in plain hybrid similarity, and `rival` float64[S, E] the
    experts' values of similarity's own first S; both empty where not known.
    `contents` are the sketches of what the items advise, by id; `used` the places of
    the used items, empty where the report does not say, which `reports_use` tells apart;
    `signs` float64[S, K] are the signs of what was served, empty where not logged. `source`
    is whose report it is, `whole` whether it counts where reports are counted (see
    `memory_core.scorer.shares`).
    """

    owner: str
    outcome_id: str
    project: str
    session: str
    at: float
    query: Vector | None
    ids: tuple[str, ...]
    experts: Values
    mass: Floats
    keys: Matrix
    pitfall: Floats
    attention: Floats
    labels: Floats
    reward: float
    strength: float
    scored: bool
    held_out: bool
    trust: float = 1.0
    correction: bool = False
    credits: tuple[Credit, ...] = ()
    places: tuple[int, ...] = ()
    rival: Values = field(default_factory=lambda: np.zeros((0, len(EXPERTS))))
    contents: Mapping[str, Vector] = field(default_factory=dict)
    used: tuple[int, ...] = ()
    reports_use: bool = False
    signs: Values = field(default_factory=lambda: np.zeros((0, 0)))
    source: str = ""
    whole: bool = True

    @property
    def skipped(self) -> tuple[tuple[int, int], ...]:
        """Pairs of places (used, not used although above it)."""
        return tuple(
            (place, above)
            for place in self.used
            for above in range(place)
            if above not in self.used
        )

    @property
    def row(self) -> Floats:
        """Attention-weighted expert values, float64[E]."""
        return self.attention @ self.experts if len(self.ids) else np.zeros(len(EXPERTS))


def attention_of(outcome: OutcomeRecord, ids: tuple[str, ...], about: Floats) -> Floats:
    """Who mattered, float64[S]: the used items where the report says, else by position and task.

    What was far less about the task than another item has a share of its position's weight
    only: what it did not speak of did not decide how the task ended.

    Args:
        outcome: The report.
        ids: Of what was served.
        about: The relevance of each, float64[S] in [0, 1]; NaN where it is not known.
    """
    if outcome.used is None:
        return position_weights(len(ids)) * shares_of(about)
    used = [item_id for item_id in ids if item_id in outcome.used]
    if not used:
        return np.zeros(len(ids))
    shares = position_weights(len(used))
    share = dict(zip(used, (shares / shares.sum()).tolist(), strict=True))
    return np.array([share.get(item_id, UNUSED_ATTENTION) for item_id in ids])


def shares_of(about: Floats) -> Floats:
    """How much of its weight each item has by its relevance, float64[S] in [0, 1].

    All of it from half of the most relevant one's relevance on, below that in proportion; all
    of it where none is known.
    """
    if not len(about) or np.isnan(about).any() or about.max() <= 0:
        return np.ones(len(about))
    shares: Floats = np.minimum(2.0 * about / about.max(), 1.0)
    return shares


def labels_of(outcome: OutcomeRecord, ids: tuple[str, ...]) -> Floats:
    """Per-item labels, float64[S]: +1 helpful, -1 harmful, NaN unknown."""
    return np.array(
        [
            1.0 if item_id in outcome.helpful else -1.0 if item_id in outcome.harmful else np.nan
            for item_id in ids
        ]
    )


def _named(outcome: OutcomeRecord) -> tuple[str, ...]:
    """The items that a report without a recall names."""
    return tuple(dict.fromkeys((*(outcome.used or ()), *outcome.helpful, *outcome.harmful)))


def _about(recall: RecallRecord | None, count: int) -> Floats:
    """The logged relevance of what was served, float64[S]; NaN where there is none."""
    if recall is None:
        return np.full(count, np.nan)
    return np.array([(*about_of(recall, c), np.nan)[0] for c in recall.served], dtype=np.float64)


def _signs(recall: RecallRecord | None) -> Values:
    """The logged signs of what was served, float64[S, K]; empty where one has none."""
    found = [about_of(recall, c)[1:] for c in recall.served] if recall is not None else []
    return np.array(found) if found and all(found) else np.zeros((0, 0))


def _rival(recall: RecallRecord | None) -> tuple[tuple[int, ...], Values]:
    """Similarity's ranks of what was served, and the values of its own first as many."""
    nothing = (), np.zeros((0, len(EXPERTS)))
    if recall is None or recall.door == "check" or not recall.served:
        return nothing
    places = tuple(c.place for c in recall.served)
    logged = {c.place: experts_of(recall, c) for c in recall.candidates}
    own = {place: values for place, values in logged.items() if values}
    first = [own[place] for place in range(len(places)) if place in own]
    if min(places) < 0 or len(first) < len(places):
        return nothing
    return places, np.array(first)


def build_episode(
    outcome: OutcomeRecord,
    recall: RecallRecord | None,
    query: Vector | None,
    *,
    owner: str,
    traits: Traits,
    dimension: int,
) -> Episode:
    """Join an outcome with its recall.

    Args:
        outcome: The judged report.
        recall: The recall that it belongs to, None when it was reported by task.
        query: float32[d], the recall's conditions.
        owner: Whose outcome this is: a later one of the same owner replaces it.
        traits: Of the items; one that is missing gets a zero key and a zero sketch.
        dimension: d.
    """
    served = recall.served if recall is not None else ()
    ids = tuple(c.item_id for c in served) if recall is not None else _named(outcome)
    zero = np.zeros(dimension, np.float32)
    experts = [experts_of(recall, c) for c in served] if recall is not None else []
    scored = bool(experts) and all(experts)
    places, rival = _rival(recall)
    return Episode(
        owner=owner,
        outcome_id=outcome.id,
        project=outcome.project,
        session=outcome.session,
        at=outcome.at,
        query=query,
        ids=ids,
        experts=np.array(experts) if scored else np.zeros((len(ids), len(EXPERTS))),
        mass=np.array([c.evidence_mass for c in served], dtype=np.float64)
        if served
        else np.zeros(len(ids)),
        keys=np.stack([traits.keys.get(item_id, zero) for item_id in ids])
        if ids
        else np.zeros((0, dimension), np.float32),
        pitfall=np.array([float(item_id in traits.pitfalls) for item_id in ids]),
        attention=attention_of(outcome, ids, _about(recall, len(ids))),
        labels=labels_of(outcome, ids),
        reward=outcome.reward,
        strength=outcome.strength,
        scored=scored,
        held_out=outcome.held_out,
        trust=outcome.trust,
        correction=bool(outcome.supersedes),
        credits=outcome.credits,
        places=places,
        rival=rival,
        contents=traits.contents,
        source=holder_of(outcome.source),
        reports_use=outcome.used is not None,
        signs=_signs(recall),
        used=tuple(place for place, item_id in enumerate(ids) if item_id in (outcome.used or ())),
    )
