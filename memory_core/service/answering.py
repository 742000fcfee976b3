"""A ranked answer: its candidates best first, why each stands where it stands, and its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from memory_core.answers import FailureWarning, RecalledItem
from memory_core.model import Mode, Served
from memory_core.ports import Candidate
from memory_core.scorer.experts import EVIDENCE, EXPERTS, FUSED, LABELS, START
from memory_core.scorer.facts import FACTS
from memory_core.scorer.panel import Floats, Values
from memory_core.scorer.relevance import BY_MEANING, SIGNS

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

    `relevance` float64[N] in [0, 1] is how far each is about the task, of the `signs`
    float64[N, S], in the order of plain similarity (see `places`), and `chances` float64[N] the
    same as it is told; what is told below `bar` is not served. `asked` says what was asked with.
    """

    candidates: tuple[Candidate, ...]
    places: tuple[int, ...]
    ranking: Ranking | None
    mode: Mode
    weight: float
    relevance: Floats
    chances: Floats
    signs: Values
    bar: float
    asked: Literal["task", "error"] = "task"

    def about(self, rank: int) -> float:
        """The relevance of the candidate at this rank, to four places."""
        return round(float(self.relevance[self.places[rank]]), 4)

    def told(self, rank: int) -> float:
        """The chance that the candidate at this rank is about the task, to four places."""
        return round(float(self.chances[self.places[rank]]), 4)

    def fits(self, rank: int) -> bool:
        """Whether the candidate at this rank may be served."""
        return self.told(rank) >= self.bar

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
    """Why it is served and stands here, in one sentence: its strongest sign, and what moved it.

    Places by likeness are among the items that fit. Evidence counts every report that an item
    was served in, `wins` and `losses` only those that name it or put it first, so an item
    without a win may have good evidence.
    """
    sign, ranking = _sign(ranked, rank), ranked.ranking
    if ranking is None or ranked.mode != "learned":
        return f"{sign}."
    place = ranked.places[rank]
    if ranking.penalty[place] > 0:
        return f"{sign}; it just failed in this session."
    said = _experience(ranked, rank, wins, losses)
    among = [one for one in range(len(ranked.places)) if one == rank or ranked.fits(one)]
    was = sorted(among, key=ranked.places.__getitem__).index(rank)
    up, moved = was > among.index(rank), was != among.index(rank)
    if not moved:
        return f"{sign}; it {said}." if said else f"{sign}."
    sign += f"; moved {'up' if up else 'down'} from place {was + 1} by likeness"
    if not said:
        return f"{sign}, for {_mover(ranked, ranking, rank, among, up=up)}."
    agrees = (ranked.evidence(rank)[0] > 0) == up
    return f"{sign}: it {said}." if agrees else f"{sign}, though it {said}."


def _sign(ranked: Ranked, rank: int) -> str:
    """What tells most that the item is about what was asked, in words."""
    asked, candidate = ranked.asked, ranked.candidates[rank]
    signs = dict(zip(SIGNS, ranked.signs[ranked.places[rank]].tolist(), strict=True))
    shares = signs["words"] > 0 or candidate.keyword > 0
    if candidate.named and shares:
        return f"Shares a name or a number with the {asked}"
    if ranked.mode == "keyword":
        return f"Shares words with the {asked}" if shares else "Stored here; shares no word with it"
    weigh = dict(zip(SIGNS, BY_MEANING.signs, strict=True))
    meaning = sum(weigh[one] * signs[one] for one in ("near", "agreement"))
    words = sum(weigh[one] * signs[one] for one in ("words", "rarest", "whole"))
    if shares and words >= meaning:
        return f"Shares words with the {asked}"
    if signs["near"] <= 0:
        return f"Has little in common with the {asked}"
    content, task = np.nan_to_num(np.array(candidate.cosines), nan=-1.0).max(axis=0)
    like = "Comes from a task like" if task > content else "Is near in meaning to"
    return f"{like} the {asked}"


def _mover(ranked: Ranked, ranking: Ranking, rank: int, among: Sequence[int], *, up: bool) -> str:
    """What tells it most from the items that it passed, or that passed it."""
    place = ranked.places[rank]
    passed = [
        ranked.places[at]
        for at in among
        if (
            at > rank and ranked.places[at] < place
            if up
            else at < rank and ranked.places[at] > place
        )
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
