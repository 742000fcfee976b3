"""The answers that show what learning is worth, on the user's own outcomes.

Part of the memory port, imported from there. Every count says in its docstring
what it counts. Intervals are 95 % and given as (low, high). Knows pydantic only.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Proof(_Answer):
    """The held-out record: learned order against similarity, on the user's own outcomes.

    A win is a held-out report whose outcome the learned scorer predicted better
    than similarity did (log loss, by 0.01 or more), a loss one that it predicted
    worse. `interval` is the exact interval of the win share, ties left out;
    `gain` the mean log loss saved, in nats.
    """

    held_out: int
    wins: int
    losses: int
    ties: int
    interval: tuple[float, float]
    gain: float
    sentence: str


class ReliabilityRow(_Answer):
    """Reports whose predicted success lay in [low, high): what was said and what happened."""

    low: float
    high: float
    reports: int
    predicted: float
    happened: float


class MovedGroup(_Answer):
    """Judged items of one direction: how many, and for how many it went well.

    An item is judged by its label; where a report has none, by the outcome if it
    was followed (used, or served first when the report does not say).
    """

    direction: Literal["up", "kept", "down"]
    judged: int
    well: int
    interval: tuple[float, float]


class OrderProof(_Answer):
    """Reports where both orders are known, split by whether learning changed the order.

    `same` and `changed` count reports (`first_changed` those with another first
    item), `same_success` and `changed_success` are mean rewards. `expected` is what
    similarity's own order was predicted to reach on the changed ones, `difference`
    how far the outcome was above it; no trial, since nobody saw that order. `right`
    and `wrong` count pairs of a helpful and a harmful item of one report on whose
    order the two disagree: right where the learned order had the helpful one first.
    """

    same: int
    same_success: float | None
    changed: int
    first_changed: int
    changed_success: float | None
    expected: float | None
    difference: float | None
    difference_interval: tuple[float, float] | None
    groups: tuple[MovedGroup, ...]
    right: int
    wrong: int
    pairs_interval: tuple[float, float]
    sentence: str


class ExpertPush(_Answer):
    """How much one expert moved the order, over the reports whose order was changed.

    `push` is the mean distance, in points of score, between what it lifted most
    and least; `decided` the reports whose first item would be another without it.
    """

    expert: str
    push: float
    decided: int


class MovedItem(_Answer):
    """One item that was moved far, and what became of it; ranks start at 1."""

    item_id: str
    title: str
    recall_id: str
    task: str
    similarity_rank: int
    served_rank: int
    verdict: Literal["well", "badly", "open"]
    at: str


class HarmReport(_Answer):
    """A failed report that similarity had seen coming better; predictions of success in [0, 1]."""

    outcome_id: str
    recall_id: str
    task: str
    first_id: str
    first_title: str
    learned: float
    similarity: float
    changed: bool
    held_out: bool
    at: str


class HarmfulItem(_Answer):
    """An item that reports call harmful, and how often."""

    item_id: str
    title: str
    state: str
    harmful: int
    helpful: int


class Harm(_Answer):
    """Harm found.

    `reports` counts failed reports, held out or with a changed order, whose failure
    similarity predicted better than the learned scorer; `newest` shows the last of
    them. `labelled` are items with harmful labels, `rollbacks` how often new
    networks predicted worse and were taken back.
    """

    reports: int
    newest: tuple[HarmReport, ...]
    labelled: tuple[HarmfulItem, ...]
    rollbacks: int
    sentence: str


class MemoryGain(_Answer):
    """Does memory help at all? Recalls answered with memory against withheld ones, at random.

    `with_memory` and `without_memory` are reported recalls since the holdout was last
    set to `share`, of `with_recalls` and `without_recalls` in all; `with_success` and
    `without_success` of them went well.
    """

    share: float
    with_memory: int
    with_success: int
    with_recalls: int
    without_memory: int
    without_success: int
    without_recalls: int
    difference: float | None
    interval: tuple[float, float]
    sentence: str


class Speaking(_Answer):
    """How often the memory spoke, checks and withheld answers apart.

    Of `recalls` answers `silent` had no item; together they had `served` items. Of the `judged`
    ones, whose report says what was followed, `used` were. `prompts` were answered for a hook
    that nobody had asked; `tokens` is about what each of them injected, on average.
    """

    recalls: int = 0
    silent: int = 0
    served: int = 0
    judged: int = 0
    used: int = 0
    prompts: int = 0
    tokens: float = 0.0


class ProofDetails(_Answer):
    """The whole proof beside its headline.

    `history` is the weight over time: (reports so far, weight), thinned.
    `calibration` is over the newest 1,000 predictions.
    """

    verdict: str
    history: tuple[tuple[int, float], ...] = ()
    calibration: tuple[ReliabilityRow, ...] = ()
    order: OrderProof | None = None
    pushes: tuple[ExpertPush, ...] = ()
    moved: tuple[MovedItem, ...] = ()
    harm: Harm | None = None
    memory: MemoryGain | None = None
    speaking: Speaking = Speaking()


class ScorerRow(_Answer):
    """One scorer on the replayed log: each report predicted from earlier ones only.

    `log_loss` (nats, lower is better), `auc` (chance that it ranks a success above
    a failure, 0.5 is guessing) and `calibration_error` judge the predictions;
    wins, losses, `interval` and `gain` compare them with similarity's, report by
    report. `agrees` is the share of recalls whose first item it would have served
    first too, `agreed_success` their mean reward.
    """

    name: str
    log_loss: float
    auc: float | None
    calibration_error: float | None
    wins: int
    losses: int
    ties: int
    interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float] | None
    agrees: float | None
    agreed_success: float | None
    verdict: Literal["base", "better", "worse", "not decided"]


class PolicyRow(_Answer):
    """What a scorer's own order would have led to: a doubly robust estimate.

    Only recalls where exploration could have shown its set count (`covered` of the
    explored ones); in `matched` of them it was shown. `success` is the estimate,
    `served_success` what was served on the same recalls; None where too few match.
    """

    name: str
    covered: int
    matched: int
    success: float | None
    interval: tuple[float, float] | None
    served_success: float | None
    difference: float | None
    difference_interval: tuple[float, float] | None
    verdict: Literal["better", "worse", "not decided", "too few"]


class Evaluation(_Answer):
    """What `lessonbank eval` found in a store's log; nothing in the store is changed."""

    store: str
    outcomes: int
    scored: int
    explored: int
    scorers: tuple[ScorerRow, ...]
    policies: tuple[PolicyRow, ...]
    memory: MemoryGain | None
    sentences: tuple[str, ...]
