"""The stored records: items, recalls, outcomes and events.

All are immutable and append-only; counters, states and the scorer are folds
over them. This module knows no storage, no network and no learning.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["strategy", "pitfall", "fact"]
State = Literal["active", "retired", "archived"]
Outcome = Literal["success", "partial", "failure", "unknown"]
Mode = Literal["learned", "similarity", "keyword", "withheld"]
Door = Literal["recall", "prompt", "check"]
"""How a recall was asked for: by the agent, by a client's hook on a prompt, or as a check."""
EventKind = Literal[
    "retire", "restore", "archive", "supersede", "correct", "reembed", "rename", "merge"
]

KINDS: tuple[Kind, ...] = ("strategy", "pitfall", "fact")
STATES: tuple[State, ...] = ("active", "retired", "archived")
OUTCOMES: tuple[Outcome, ...] = ("success", "partial", "failure", "unknown")
FLIPS: Mapping[EventKind, State] = {
    "retire": "retired",
    "supersede": "retired",
    "correct": "retired",
    "archive": "archived",
    "restore": "active",
}
"""What each event makes of its item; an event that is not here changes no state."""
GLOBAL_PROJECT = "global"
"""Items of this project are seen from every project."""


def new_id(prefix: str) -> str:
    """Give a fresh id that sorts by time: `prefix` + 48-bit milliseconds + 64 random bits.

    Example:
        >>> new_id("item").startswith("item_")
        True
    """
    return f"{prefix}_{int(time.time() * 1000):012x}{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Item:
    """One stored unit of memory.

    `created_at` is seconds since the epoch (UTC). `embedder` names the model
    that wrote its vectors, "" while they are still to be computed.
    `derived_from` holds the recall ids that were active when it was written;
    `outcome_id` the outcome it was learned from; `trust` is in [0, 1].
    """

    id: str
    project: str
    kind: Kind
    title: str
    content: str
    description: str = ""
    task: str = ""
    tags: tuple[str, ...] = ()
    evidence: str = ""
    source: str = ""
    trust: float = 1.0
    supersedes: str = ""
    derived_from: tuple[str, ...] = ()
    outcome_id: str = ""
    content_hash: str = ""
    created_at: float = 0.0
    embedder: str = ""

    @property
    def text(self) -> str:
        """What `vector` is the embedding of: title, description and content."""
        return "\n".join(part for part in (self.title, self.description, self.content) if part)


@dataclass(frozen=True, slots=True)
class Served:
    """One candidate of a recall, in the order of the answer.

    `position` is 0-based for what was served and -1 for a candidate that was
    considered and not served. `experts` holds what was seen of it at that moment,
    in the order that its recall names (`RecallRecord.facts`); empty in keyword
    mode. `propensity` is
    1 when the order is deterministic. With
    exploration on it is the probability of this item at this position given the
    items before it (1: the position was fixed); for a candidate that was not
    served, its probability at the first drawn position (0: it could not have
    been drawn). `place` is its 0-based rank in plain hybrid similarity, -1 where
    that is not known.
    """

    item_id: str
    position: int
    score: float
    similarity: float
    experts: tuple[float, ...] = ()
    evidence_mass: float = 0.0
    propensity: float = 1.0
    place: int = -1


@dataclass(frozen=True, slots=True)
class RecallRecord:
    """One served answer and all that is needed to learn from its outcome.

    `holdout` in [0, 0.5] is the chance that this recall had of being withheld
    (answered with no items, to measure whether memory helps); 0 where it had none.
    `facts` names the values of each candidate's `experts`, in their order, with
    spaces between them (`memory_core.scorer.facts.FACTS` of that day).
    """

    id: str
    project: str
    task: str
    at: float
    context: str = ""
    error: str = ""
    session: str = ""
    source: str = ""
    door: Door = "recall"
    candidates: tuple[Served, ...] = ()
    mode: Mode = "similarity"
    weight: float = 0.0
    scorer_version: str = ""
    holdout: float = 0.0
    facts: str = ""

    @property
    def withheld(self) -> bool:
        """Whether memory was left out on purpose: its outcome teaches nothing."""
        return self.mode == "withheld"

    @property
    def served(self) -> tuple[Served, ...]:
        """What was served, in the order of the answer."""
        answered = (candidate for candidate in self.candidates if candidate.position >= 0)
        return tuple(sorted(answered, key=lambda candidate: candidate.position))

    @property
    def served_ids(self) -> tuple[str, ...]:
        """The ids of what was served, in the order of the answer."""
        return tuple(candidate.item_id for candidate in self.served)


@dataclass(frozen=True, slots=True)
class Credit:
    """What one item earned from one outcome: `value` in [-1, 1], learning `weight` >= 0."""

    item_id: str
    value: float
    weight: float

    @property
    def earned(self) -> float:
        """The credit as it is told everywhere, in [-1, 1]: its value, as far as it is learned."""
        return round(self.value * min(self.weight, 1.0), 3)


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """One judged report. A correction is a new record whose `supersedes` names the old.

    `reward` is in [0, 1]; `strength` in [0, 1] scales the learning weight;
    `outcome` is the judged one and `reported` what the caller said. `held_out`
    outcomes are never trained on; `trust` in [0, 1] is what its source may still teach.
    """

    id: str
    project: str
    outcome: Outcome
    reported: Outcome
    reward: float
    strength: float
    at: float
    recall_id: str = ""
    task: str = ""
    session: str = ""
    source: str = ""
    why: str = ""
    used: tuple[str, ...] | None = None
    helpful: tuple[str, ...] = ()
    harmful: tuple[str, ...] = ()
    credits: tuple[Credit, ...] = ()
    error: str = ""
    error_normalised: str = ""
    error_class: str = ""
    fingerprint: str = ""
    signature_id: str = ""
    evidence: str = ""
    steps: tuple[str, ...] = ()
    attempt_group: str = ""
    report_id: str = ""
    supersedes: str = ""
    trust: float = 1.0
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A state flip or another fact about an item that is not an outcome.

    `detail` of "supersede" and "correct" is the id of the item that takes its place; a
    correction says the same, so that the record passes on to it. Of a rename and a merge of
    projects it is the old and the new name, as JSON.
    """

    id: str
    kind: EventKind
    item_id: str
    at: float
    reason: str = ""
    source: str = ""
    detail: str = field(default="")
