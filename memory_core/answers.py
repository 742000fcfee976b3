"""The answers of the memory port: what clients read. Knows pydantic and the records' words only."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from memory_core.model import Door, Kind, Mode, Outcome, State
from memory_core.proof_answers import Proof, ProofDetails, Speaking


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class RecalledItem(_Answer):
    """One recalled item: its text, why it stands here and what became of it before.

    `relevance` in [0, 1] is the chance that it is about the task, apart from how well it did.
    """

    id: str
    kind: Kind
    title: str
    description: str
    content: str
    score: float
    relevance: float
    similarity: float
    wins: int
    losses: int
    age_days: float
    source: str
    why: str


class FailureWarning(_Answer):
    """A failure seen before in like conditions; `last_seen` is ISO 8601 UTC."""

    signature_id: str
    seen: int
    last_seen: str
    summary: str
    item_ids: tuple[str, ...]


class RecallAnswer(_Answer):
    """What `recall` and `check` answer.

    In every answer `note` says what the caller should know of this very call (what is
    degraded, unreported or was read otherwise), and `next` what to do now, in one
    sentence; "" for nothing.
    `project` is the one that was looked in. `elsewhere` counts items of other projects that the
    caller sees, where nothing was found; else it is 0.
    """

    recall_id: str
    items: tuple[RecalledItem, ...]
    warnings: tuple[FailureWarning, ...]
    abstained: bool
    mode: Mode
    weight: float
    note: str = ""
    next: str = ""
    project: str = ""
    elsewhere: int = 0


class NearDuplicate(_Answer):
    """An item that says nearly the same; `similarity` is the cosine in [-1, 1]."""

    id: str
    title: str
    similarity: float


class RememberAnswer(_Answer):
    """What `remember` answers; the item is on disk when it does.

    `record` says of an item that supersedes whether it keeps the record, and why; else "".
    """

    id: str
    status: Literal["added", "duplicate", "superseded"]
    near_duplicates: tuple[NearDuplicate, ...] = ()
    redacted: tuple[str, ...] = ()
    note: str = ""
    next: str = ""


class EditAnswer(_Answer):
    """What `edit` answers: the item that now stands in the place of `was`, and its record.

    `record` says whether the record passed on to it ("kept") and `why`.
    """

    id: str
    was: str
    title: str
    status: Literal["edited", "unchanged", "duplicate"]
    record: Literal["kept", "new"]
    why: str
    wins: int
    losses: int
    recalls: int
    redacted: tuple[str, ...] = ()
    note: str = ""


class Judged(_Answer):
    """How the report was read: the outcome that counts, its strength in [0, 1], and why."""

    outcome: Outcome
    strength: float
    why: str


class Credited(_Answer):
    """What one item earned (credit in [-1, 1]) and its counters after it."""

    id: str
    credit: float
    wins: int
    losses: int


class Learning(_Answer):
    """The learner after this report; `proof` is one line of its held-out record."""

    reports: int
    weight: float
    proof: str


class OutcomeAnswer(_Answer):
    """What `report_outcome` answers."""

    outcome_id: str
    status: Literal["recorded", "repeated", "corrected"]
    judged: Judged
    credited: tuple[Credited, ...]
    signature: str
    lessons: tuple[RememberAnswer, ...]
    next: str
    learning: Learning
    note: str = ""


class LessonLine(_Answer):
    """One line of `list_lessons`; `created_at` is ISO 8601 UTC."""

    id: str
    kind: Kind
    title: str
    state: State
    project: str
    wins: int
    losses: int
    recalls: int
    age_days: float
    created_at: str = ""


class ListAnswer(_Answer):
    """One page of items; `next_cursor` is "" on the last. See `RecallAnswer` for the rest."""

    items: tuple[LessonLine, ...]
    total: int
    next_cursor: str
    note: str = ""
    next: str = ""
    project: str = ""
    elsewhere: int = 0


class ProjectLine(_Answer):
    """One project: its active items, what was recalled and reported in it, its other names."""

    name: str
    items: int
    recalls: int
    reports: int
    aliases: tuple[str, ...] = ()


class ProjectsAnswer(_Answer):
    """The projects that the caller sees; `project` is that of calls that name none."""

    projects: tuple[ProjectLine, ...]
    project: str


class ProjectChanged(_Answer):
    """What became of a project; `items` counts those that changed hands, `ids` are the new ones."""

    action: Literal["rename", "merge", "move"]
    project: str
    into: str
    items: int
    ids: tuple[str, ...] = ()


class StateAnswer(_Answer):
    """An item's state after `forget` or `restore`."""

    id: str
    title: str
    state: State
    was: State
    note: str = ""
    next: str = ""


class ItemOutcome(_Answer):
    """One outcome that touched an item."""

    outcome_id: str
    outcome: Outcome
    credit: float
    at: str
    task: str
    error: str


class ItemDetail(_Answer):
    """A whole item: text, lineage and the outcomes that touched it.

    `pair` holds the failure/success outcome ids it came from, where known. `earlier` are the
    wordings whose record it has too, the last one first; `latest` is the wording that has this
    one's record now, "" for itself.
    """

    id: str
    kind: Kind
    state: State
    project: str
    title: str
    description: str
    content: str
    task: str
    tags: tuple[str, ...]
    evidence: str
    source: str
    trust: float
    created_at: str
    embedder: str
    wins: int
    losses: int
    recalls: int
    supersedes: str
    superseded_by: str
    derived_from: tuple[str, ...]
    outcome_id: str
    pair: tuple[str, ...]
    outcomes: tuple[ItemOutcome, ...]
    earlier: tuple[str, ...] = ()
    latest: str = ""


class Brief(_Answer):
    """A project's playbook, at most `max_tokens` (characters / 4) when rendered."""

    project: str
    works: tuple[LessonLine, ...]
    avoid: tuple[LessonLine, ...]
    mistakes: tuple[FailureWarning, ...]
    reports: int
    text: str


class Mistakes(_Answer):
    """Failure clusters, most seen first."""

    clusters: tuple[FailureWarning, ...]
    patterns: int
    next: str


class ScorerReport(_Answer):
    """`memory://scorer`: what the learner knows of itself.

    `reports` counts the outcomes that stand, `trained` every line of the log that was learned,
    a report and its correction apart.
    """

    mode: str
    version: str
    reports: int
    trained: int
    pending: int
    weight: float
    weights: dict[str, float]
    proof: Proof
    calibration_error: float | None
    rollbacks: int
    state: str
    parameters: int
    details: ProofDetails


class Shared(_Answer):
    """How far this process is from its shared store: as its writer, or as one that follows it.

    `waiting`: records that the store has not got yet; `behind_seconds`: how long ago both
    had the same.
    """

    role: Literal["writer", "follower"]
    waiting: int
    behind_seconds: float


class Stats(_Answer):
    """`memory://stats`: counts, sizes and readiness; `shared` only of a shared store.

    `items` counts by state; `projects` and `kinds` count the active ones. `unindexed`: items
    of the log that the index has not got yet.
    """

    version: str
    store: str
    projects: dict[str, int]
    items: dict[str, int]
    kinds: dict[str, int] = {}
    recalls: int
    outcomes: dict[str, int]
    bytes: int
    fragments: int
    unindexed: int
    embedder: str
    dimension: int
    readiness: str
    learner: ScorerReport
    shared: Shared | None = None
    speaking: Speaking = Speaking()


class ServedItem(_Answer):
    """An item that a recall served."""

    id: str
    title: str


class OpenRecall(_Answer):
    """One recall: its task in one line, and how many `items` it served.

    `served` names them and `outcome` says how it ended ("" for not reported; one of the same
    task may have closed it as well), where the log was asked for and not what is open alone.
    """

    recall_id: str
    door: Door
    task: str
    session: str
    age_days: float
    at: str = ""
    items: int
    project: str = ""
    withheld: bool = False
    served: tuple[ServedItem, ...] = ()
    outcome: Outcome | Literal[""] = ""
    outcome_id: str = ""


class RecallsAnswer(_Answer):
    """Recalls, the newest first; `open` counts the open ones, those not listed as well.

    `before`: ask with it for those that are older, "" for no more.
    """

    recalls: tuple[OpenRecall, ...]
    open: int
    before: str = ""


class Identified(_Answer):
    """The one that was meant: its id, and its title or task."""

    id: str
    title: str


class Compacted(_Answer):
    """What compaction did; sizes in bytes."""

    fragments_before: int
    fragments_after: int
    bytes_before: int
    bytes_after: int


class Exported(_Answer):
    """Where a store's tables were written, and how many rows each has."""

    place: str
    rows: dict[str, int]


class Reembedded(_Answer):
    """What re-embedding did."""

    embedder: str
    dimension: int
    items: int
    recalls: int
    skipped: int
