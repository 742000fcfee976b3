"""A ranked answer: its candidates best first, why each stands where it stands, and its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memory_core.answers import FailureWarning, RecalledItem
from memory_core.model import Mode, Served
from memory_core.ports import Candidate
from memory_core.scorer.experts import EVIDENCE, EXPERTS, FUSED, LABELS, START
from memory_core.scorer.facts import FACTS
from memory_core.scorer.panel import Floats, Values

if TYPE_CHECKING:  # torch comes with it, later
    from memory_core.scorer.learner import Ranking

ITEM_OVERHEAD = 260
"""Characters that an item's other fields take in an answer."""
CLEAR_MASS = 0.2
CLEAR_EVIDENCE = 0.1
"""Mass and evidence from which what became of an item is told."""
CUT = " [cut to fit max_tokens]"


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates best first, with what the log and the answer need of each.

    `relevance` float64[N] in [0, 1] is the chance that each is about the task, of the `signs`
    float64[N, S], in the order of plain similarity (see `places`); what is below `bar` is not
    served.
    """

    candidates: tuple[Candidate, ...]
    places: tuple[int, ...]
    ranking: Ranking | None
    mode: Mode
    weight: float
    relevance: Floats
    signs: Values
    bar: float

    def about(self, rank: int) -> float:
        """The relevance of the candidate at this rank, to four places."""
        return round(float(self.relevance[self.places[rank]]), 4)

    def fits(self, rank: int) -> bool:
        """Whether the candidate at this rank may be served."""
        return self.about(rank) >= self.bar

    @property
    def facts(self) -> str:
        """The names of the values that `served` logs of each candidate."""
        return "" if self.ranking is None else FACTS

    def score(self, rank: int) -> float:
        if self.ranking is None:
            return self.candidates[rank].fused
        return float(self.ranking.score[self.places[rank]])

    def evidence(self, rank: int) -> tuple[float, float]:
        """The learned evidence in [-1, 1] and its mass of the candidate at this rank."""
        if self.ranking is None:
            return 0.0, 0.0
        place = self.places[rank]
        return float(self.ranking.experts[place, EVIDENCE]), float(self.ranking.mass[place])

    def served(self, rank: int, position: int) -> Served:
        candidate = self.candidates[rank]
        base = Served(
            candidate.stored.item.id,
            position,
            round(self.score(rank), 6),
            round(candidate.similarity, 6),
        )
        if self.ranking is None:
            return base
        place = self.places[rank]
        return replace(
            base,
            experts=(  # see `Ranked.facts`
                *(float(v) for v in self.ranking.experts[place]),
                self.about(rank),
                *(round(float(v), 6) for v in self.signs[place]),
            ),
            evidence_mass=float(self.ranking.mass[place]),
        )


def tokens_of(warnings: Sequence[FailureWarning]) -> int:
    """What these warnings take of an answer, in tokens (characters / 4)."""
    return sum(len(w.summary) + 30 * len(w.item_ids) + 80 for w in warnings) // 4


def why(ranked: Ranked, rank: int, wins: int, losses: int) -> str:
    """Why it stands here, in one sentence: its place by likeness, and what moved it.

    Evidence counts every report that an item was served in, `wins` and `losses` only those
    that name it or put it first, so an item without a win may have good evidence.
    """
    if ranked.mode == "keyword":
        shares = ranked.candidates[rank].keyword > 0
        return "Shares words with the task." if shares else "Stored here; shares no word with it."
    if ranked.ranking is None or ranked.mode != "learned":
        return f"Place {rank + 1} by likeness."
    place = ranked.places[rank]
    if ranked.ranking.penalty[place] > 0:
        return f"Just failed in this session; place {place + 1} by likeness."
    said = _experience(ranked, rank, wins, losses)
    if place == rank:
        return f"Place {place + 1} by likeness{'; ' if said else ''}{said}."
    moved = f"Moved {'up' if place > rank else 'down'} from place {place + 1} by likeness"
    if not said:
        return f"{moved}, for {_mover(ranked, ranked.ranking, rank)}."
    agrees = (ranked.evidence(rank)[0] > 0) == (place > rank)
    return f"{moved}: it {said}." if agrees else f"{moved}, though it {said}."


def _mover(ranked: Ranked, ranking: Ranking, rank: int) -> str:
    """What tells it most from the items that it passed, or that passed it."""
    place = ranked.places[rank]
    up = place > rank
    passed = [
        other
        for at, other in enumerate(ranked.places)
        if (at > rank and other < place if up else at < rank and other > place)
    ]
    weights = ranking.snapshot.fit.weights.copy()
    weights[FUSED] -= START[FUSED]  # the rest of it is the likeness that it is moved against
    apart = (ranking.experts[place] - ranking.experts[passed].mean(axis=0)) * weights
    most = int(np.argmax(apart if up else -apart))
    return LABELS[EXPERTS[most]]


def _experience(ranked: Ranked, rank: int, wins: int, losses: int) -> str:
    """What became of it in like conditions, "" where little is known."""
    evidence, mass = ranked.evidence(rank)
    if mass < CLEAR_MASS or abs(evidence) < CLEAR_EVIDENCE:
        return ""
    if evidence > 0:
        return "worked in like conditions" if wins else "was served where like work succeeded"
    return "failed in like conditions" if losses else "was served where like work failed"


def cut(item: RecalledItem, excess: int) -> RecalledItem:
    """The item shortened by about `excess` characters: content first, then description."""
    content = item.content[: max(len(item.content) - excess - len(CUT), 40)]
    excess -= len(item.content) - len(content)
    kept = max(len(item.description) - max(excess, 0), 0)
    return item.model_copy(
        update={"content": content + CUT, "description": item.description[:kept]}
    )


def size_of(item: RecalledItem) -> int:
    """What this item takes of an answer, in characters."""
    return (
        len(item.title) + len(item.description) + len(item.content) + len(item.why) + ITEM_OVERHEAD
    )
