"""A ranked answer: its candidates best first, why each stands where it stands, and its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memory_core.model import Mode, Served
from memory_core.port import FailureWarning, RecalledItem
from memory_core.ports import Candidate
from memory_core.scorer.panel import EVIDENCE

if TYPE_CHECKING:  # torch comes with it, later
    from memory_core.scorer.learner import Ranking

ITEM_OVERHEAD = 260
"""Characters that an item's other fields take in an answer."""
CUT = " [cut to fit max_tokens]"


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates best first, with what the log and the answer need of each."""

    candidates: tuple[Candidate, ...]
    places: tuple[int, ...]
    ranking: Ranking | None
    mode: Mode
    weight: float

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
            experts=tuple(float(v) for v in self.ranking.experts[place]),
            evidence_mass=float(self.ranking.mass[place]),
        )


def tokens_of(warnings: Sequence[FailureWarning]) -> int:
    """What these warnings take of an answer, in tokens (characters / 4)."""
    return sum(len(w.summary) + 30 * len(w.item_ids) + 80 for w in warnings) // 4


def why(ranked: Ranked, rank: int, wins: int, losses: int) -> str:
    """One line: its record, and how the learned part moved it."""
    if ranked.mode == "keyword":
        return "matches by words; no model yet"
    evidence, mass = ranked.evidence(rank)
    record = f"{wins} wins, {losses} losses" if wins + losses else "not tried yet"
    if ranked.ranking is None or ranked.mode != "learned":
        return f"nearest by similarity; {record}"
    place = ranked.places[rank]
    if ranked.ranking.penalty[place] > 0:
        return f"just failed in this session, moved down; {record}"
    if mass >= 0.2 and abs(evidence) >= 0.1:
        record += f"; {'worked' if evidence > 0 else 'failed'} in like conditions"
    shift = place - rank
    if shift == 0:
        return f"similarity's rank {place + 1} kept; {record}"
    return f"moved {'up' if shift > 0 else 'down'} from similarity's rank {place + 1}; {record}"


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
