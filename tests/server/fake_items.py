"""What the fake memory keeps of an item, and the port's answers made from it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from memory_core.answers import Credited, ItemDetail, ItemOutcome, LessonLine, RecalledItem
from memory_core.model import Item, Outcome, State, new_id
from memory_core.requests import OutcomeRequest, RememberRequest


def words(text: str) -> set[str]:
    """Give the words of a text, folded."""
    return set(re.findall(r"\w+", text.lower()))


@dataclass
class Kept:
    """An item with what became of it."""

    item: Item
    state: State = "active"
    wins: int = 0
    losses: int = 0
    recalls: int = 0
    superseded_by: str = ""
    outcomes: list[ItemOutcome] = field(default_factory=list)

    def count(self, outcome: Outcome, request: OutcomeRequest) -> None:
        self.wins += outcome == "success"
        self.losses += outcome == "failure"
        self.outcomes.append(
            ItemOutcome(
                outcome_id=new_id("outcome"),
                outcome=outcome,
                credit=0.5,
                at="2026-11-01T00:00:00Z",
                task=request.task,
                error=request.error,
            )
        )

    def credited(self) -> Credited:
        return Credited(id=self.item.id, credit=0.5, wins=self.wins, losses=self.losses)

    def recalled(self, similarity: float) -> RecalledItem:
        item = self.item
        return RecalledItem(
            id=item.id,
            kind=item.kind,
            title=item.title,
            description=item.description,
            content=item.content,
            score=similarity,
            relevance=0.5,
            similarity=similarity,
            wins=self.wins,
            losses=self.losses,
            age_days=(time.time() - item.created_at) / 86400,
            source=item.source,
            why="shares words with the task",
        )

    def line(self) -> LessonLine:
        return LessonLine(
            id=self.item.id,
            kind=self.item.kind,
            title=self.item.title,
            state=self.state,
            project=self.item.project,
            wins=self.wins,
            losses=self.losses,
            recalls=self.recalls,
            age_days=0.0,
        )

    def detail(self) -> ItemDetail:
        item = self.item
        return ItemDetail(
            id=item.id,
            kind=item.kind,
            state=self.state,
            project=item.project,
            title=item.title,
            description=item.description,
            content=item.content,
            task=item.task,
            tags=item.tags,
            evidence=item.evidence,
            source=item.source,
            trust=item.trust,
            created_at="2026-11-01T00:00:00Z",
            embedder=item.embedder,
            wins=self.wins,
            losses=self.losses,
            recalls=self.recalls,
            supersedes=item.supersedes,
            superseded_by=self.superseded_by,
            derived_from=item.derived_from,
            outcome_id=item.outcome_id,
            pair=(),
            outcomes=tuple(self.outcomes),
        )


def kept_from(request: RememberRequest, project: str) -> Kept:
    """Make a new item of what is to be remembered."""
    return Kept(
        Item(
            id=new_id("item"),
            project=project,
            kind=request.kind,
            title=request.title,
            content=request.content,
            description=request.description,
            task=request.task,
            tags=request.tags,
            evidence=request.evidence,
            source=request.source or "local",
            supersedes=request.supersedes,
            outcome_id=request.outcome_id,
            created_at=time.time(),
        )
    )
