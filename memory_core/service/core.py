"""What the service's rooms share: the parts, the folds over the log, and one lock.

Built by `memory_core.service.opening`; every room takes a `Core`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from memory_core.caller import Caller
from memory_core.errors import InvalidInput, UnknownItem, shown
from memory_core.model import GLOBAL_PROJECT, Item, OutcomeRecord, RecallRecord
from memory_core.port import Change, Learning
from memory_core.ports import Candidate, Embedder, Scope, Store, StoredItem
from memory_core.scorer.episode import Traits
from memory_core.scorer.panel import Texts, item_key
from memory_core.service.catalogue import Catalogue, Line
from memory_core.service.holdout import Holdout
from memory_core.service.lineage import Lineage
from memory_core.service.notebook import Notebook
from memory_core.service.open_recalls import OpenRecalls
from memory_core.service.quota import Quotas
from memory_core.service.tally import Tally
from memory_core.settings import Settings
from memory_core.sketch import (
    SIZE,
    Sketch,
    content_sketch,
    named_share,
    names_of,
    structure_sketch,
)

if TYPE_CHECKING:  # torch comes with it, later
    from memory_core.service.trainer import Trainer

DAY = 86_400.0
"""Seconds."""
NOT_SHOWN = "The record covers all projects: it is shown to tokens that see them all."
MOST_READ = 20_000
"""Items whose sketches are kept (2 KiB each); those read first go first."""


@dataclass(slots=True)
class Core:
    """The shared state. `lock` guards every write and fold; `embedder` and `trainer` come late."""

    settings: Settings
    store: Store
    project: str
    notify: Callable[[Change], None]
    clock: Callable[[], float] = time.time
    embedder: Embedder | None = None
    trainer: Trainer | None = None
    quotas: Quotas = field(init=False)
    lineage: Lineage = field(default_factory=Lineage)
    tally: Tally = field(init=False)
    holdout: Holdout = field(default_factory=Holdout)
    open_recalls: OpenRecalls = field(default_factory=OpenRecalls)
    notebook: Notebook = field(default_factory=Notebook)
    catalogue: Catalogue = field(default_factory=Catalogue)
    reported: dict[str, OutcomeRecord] = field(default_factory=dict)
    by_outcome_id: dict[str, OutcomeRecord] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    by_report_id: dict[tuple[str, str], OutcomeRecord] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    notes: list[str] = field(default_factory=list)
    read: dict[str, tuple[Sketch, Sketch]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.quotas = Quotas(self.settings.source)
        self.tally = Tally(self.lineage)

    def project_of(self, asked: str, caller: Caller) -> str:
        """The project of a call that no id decides: the one it names, else the caller's own.

        Else the one that this process was started in.
        """
        name = asked.strip()
        if asked and not name:
            raise InvalidInput(
                "project", f"= {shown(asked)} is blank", "Leave it out, or name a project."
            )
        return caller.project_of(name, self.project)

    def line_of(self, item_id: str, caller: Caller, field: str = "item_id") -> Line:
        """The line of an item, in whatever project it is: an id says where it belongs.

        Raises:
            UnknownItem: No such item, or of a project that the caller does not see.
        """
        line = self.catalogue.get(item_id)
        if line is None or not caller.sees(line.project):
            raise UnknownItem(item_id, field)
        return line

    def source_of(self, given: str, caller: Caller) -> str:
        """Who writes: the caller's own name; the store's owner may give another."""
        return caller.source or given or self.settings.source

    def scope(self, project: str) -> Scope:
        """What a project sees: its own items and the global ones."""
        return Scope((project,) if project == GLOBAL_PROJECT else (project, GLOBAL_PROJECT))

    def count_recall(self, recall: RecallRecord) -> None:
        """Count one served or withheld answer."""
        self.tally.count_recall(recall)
        self.holdout.count_recall(recall)
        self.open_recalls.count_recall(recall)

    def announce(self, changes: Iterable[Change]) -> None:
        """Tell subscribers; not under the lock."""
        for change in changes:
            self.notify(change)

    def owner_of(self, outcome: OutcomeRecord) -> str:
        """Who an outcome counts for once: its recall, else the first of its corrections."""
        return outcome.recall_id or self.owners.get(outcome.supersedes, outcome.id)

    def age_days(self, since: float) -> float:
        """Days from `since` (seconds since the epoch) to now, at least 0, to two places."""
        return round(max(self.clock() - since, 0.0) / DAY, 2)

    def items(self, ids: tuple[str, ...]) -> dict[str, StoredItem]:
        return self.store.get_items(ids) if ids else {}

    def texts_of(self, task: str, error: str, found: Sequence[Candidate]) -> Texts:
        """What the scorer reads of the candidates' texts, beside a task and its error."""
        asked, names = structure_sketch(task or error), names_of(error) or names_of(task)
        texts = [self._texts(candidate.stored.item) for candidate in found]
        if not texts:
            return Texts(np.zeros((0, SIZE), np.float32), np.zeros(0), np.zeros(0))
        contents = np.stack([content for content, _ in texts])
        structures = np.stack([structure for _, structure in texts])
        held = [named_share(names, candidate.stored.item.text) for candidate in found]
        return Texts(contents, (structures @ asked).astype(np.float64), np.array(held))

    def earlier_of(self, found: Sequence[Candidate]) -> dict[str, int]:
        """The places of candidates whose record an earlier wording's is, by its id."""
        return {
            earlier: place
            for place, candidate in enumerate(found)
            for earlier in self.lineage.earlier(candidate.stored.item.id)
        }

    def _texts(self, item: Item) -> tuple[Sketch, Sketch]:
        """The sketches of an item's content and of how its task was asked (else of its title)."""
        known = self.read.get(item.id)
        if known is None:
            known = (content_sketch(item.content), structure_sketch(item.task or item.title))
            while len(self.read) >= MOST_READ:
                self.read.pop(next(iter(self.read)), None)
            self.read[item.id] = known
        return known

    def traits_of(self, ids: tuple[str, ...]) -> Traits:
        """What the learner reads of items that were served or named."""
        found = self.items(ids)
        keys = {item_id: item_key(stored) for item_id, stored in found.items()}
        return Traits(
            keys={i: key for i, key in keys.items() if key is not None},
            pitfalls=frozenset(i for i, stored in found.items() if stored.item.kind == "pitfall"),
            contents={i: self._texts(stored.item)[0] for i, stored in found.items()},
        )

    @property
    def learner_missing(self) -> bool:
        """Whether there are outcomes to learn from and no learner yet."""
        return (
            self.trainer is None
            and self.tally.reports() > 0
            and self.settings.scorer_mode != "similarity"
        )

    def learning(self, caller: Caller) -> Learning:
        """The learner in one line, for an answer."""
        if caller.projects is not None:
            return self._learning_of(caller.projects)
        trainer = self.trainer
        if trainer is None:
            why = (
                "The learner is off."
                if self.settings.scorer_mode == "similarity"
                else "The learner is loading."
            )
            return Learning(reports=self.tally.reports(), weight=0.0, proof=why)
        learner = trainer.learner
        return Learning(
            reports=self.tally.reports(),
            weight=round(learner.snapshot.weight, 3),
            proof=learner.record.proof().sentence,
        )

    def _learning_of(self, projects: tuple[str, ...]) -> Learning:
        """The same for who sees these projects only."""
        trainer = self.trainer
        return Learning(
            reports=self.tally.reports(projects),
            weight=round(trainer.learner.snapshot.weight, 3) if trainer is not None else 0.0,
            proof=NOT_SHOWN,
        )
