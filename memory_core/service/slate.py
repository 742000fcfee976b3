"""What of a ranked list is served, and what is logged with it.

Which candidates are considered depends on the query and the state alone, never
on what exploration drew: otherwise the log could not say what another order
would have led to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memory_core.answers import RecalledItem
from memory_core.model import Served
from memory_core.scorer.exploring import draw, seeded, spreads
from memory_core.service.answering import Ranked
from memory_core.service.catalogue import said_of

LOGGED = 12
"""Candidates logged with a recall at the least, the served ones included."""
TRIED = "; not the best by its record, shown to learn more (exploration)."


@dataclass(frozen=True, slots=True)
class Slate:
    """The chosen ranks in the order of the answer, and the considered ones, which are logged.

    `places` are ranks in plain hybrid similarity, by rank; {} where not known.
    `propensities` has the probability of each chosen rank at its position, and of
    each other one at the first drawn position; empty without exploration.
    `drawn` are chosen ranks that would not have been served without it.
    """

    chosen: tuple[int, ...]
    considered: tuple[int, ...]
    places: dict[int, int]
    propensities: dict[int, float] = field(default_factory=dict)
    drawn: frozenset[int] = frozenset()

    def cut(self, count: int) -> Slate:
        """The slate with its first `count` chosen ranks only."""
        return replace(self, chosen=self.chosen[:count])

    def withheld(self) -> Slate:
        """The slate of an answer with no items: everything considered, nothing chosen."""
        return Slate((), self.considered, self.places)

    def served(self, ranked: Ranked) -> tuple[Served, ...]:
        """What the log holds: the served ones in the order of the answer, then the others."""
        positions = {rank: position for position, rank in enumerate(self.chosen)}
        others = [rank for rank in self.considered if rank not in positions]
        return tuple(
            replace(
                ranked.served(rank, positions.get(rank, -1)),
                place=self.places.get(rank, -1),
                propensity=self.propensities.get(rank, 0.0) if self.propensities else 1.0,
            )
            for rank in (*self.chosen, *others)
        )

    def told(self, items: Sequence[RecalledItem]) -> tuple[RecalledItem, ...]:
        """The answer's items; those that exploration brought in say so."""
        return tuple(
            item.model_copy(update={"why": item.why.removesuffix(".") + TRIED})
            if rank in self.drawn
            else item
            for rank, item in zip(self.chosen, items, strict=False)
        )


def slate_of(ranked: Ranked, chosen: Sequence[int]) -> Slate:
    """The slate without exploration.

    Considered are the chosen ranks, similarity's own first as many (so that the log
    knows both orders), and the best of the rest up to twelve in all.
    """
    places = _places(ranked)
    own = [rank for rank, place in places.items() if place < len(chosen)]
    rest = range(len(ranked.candidates))
    considered = list(dict.fromkeys([*chosen, *own]))
    considered += [rank for rank in rest if rank not in considered][
        : max(LOGGED - len(considered), 0)
    ]
    return Slate(tuple(chosen), tuple(considered), places)


def explored(ranked: Ranked, plain: Slate, scale: float, recall_id: str) -> Slate:
    """The slate with its second and later positions drawn, where somebody may be drawn.

    Position one and similarity's own first item keep their places, and so does
    whoever may not be drawn (see `_pool`).

    Args:
        ranked: In the learned order.
        plain: The slate without exploration.
        scale: Standard deviation of an untried candidate's noise, in points of score.
        recall_id: What is drawn is a function of it.
    """
    pool = _pool(ranked, plain)
    if ranked.ranking is None or not any(rank in pool for rank in plain.chosen[1:]):
        return plain
    mass = np.array([ranked.evidence(rank)[1] for rank in range(len(ranked.candidates))])
    scores = np.array([round(ranked.score(rank), 6) for rank in range(len(ranked.candidates))])
    drawn = draw(plain.chosen, pool, scores, spreads(mass, scale), seeded(recall_id, "exploration"))
    return Slate(
        chosen=drawn.order,
        considered=plain.considered,
        places=plain.places,
        propensities=drawn.chances | dict(zip(drawn.order, drawn.propensities, strict=True)),
        drawn=frozenset(drawn.order) - frozenset(plain.chosen),
    )


def _pool(ranked: Ranked, plain: Slate) -> tuple[int, ...]:
    """Who may be drawn: relevant, not just failed in this session, and its text not said yet."""
    if ranked.ranking is None or len(plain.chosen) < 2:
        return ()
    fixed = {plain.chosen[0], ranked.places.index(0)}
    said: set[str] = set()
    pool = []
    for rank in plain.considered:
        text = said_of(ranked.candidates[rank].stored.item)
        penalised = ranked.ranking.penalty[ranked.places[rank]] > 0
        if rank not in fixed and text not in said and not penalised and ranked.fits(rank):
            pool.append(rank)
        said.add(text)
    return tuple(pool)


def _places(ranked: Ranked) -> dict[int, int]:
    """By rank the place in plain hybrid similarity, the same text counted once; {} if not known."""
    if ranked.ranking is None:
        return {}
    texts: dict[str, int] = {}
    places = {}
    for rank in sorted(range(len(ranked.places)), key=ranked.places.__getitem__):
        text = said_of(ranked.candidates[rank].stored.item)
        places[rank] = texts.setdefault(text, len(texts))
    return places
