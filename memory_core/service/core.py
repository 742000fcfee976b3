"""What the service's rooms share: the parts, the folds over the log, and one lock.

Built by `memory_core.service.opening`; every room takes a `Core`.
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from memory_core.answers import FailureWarning, Learning
from memory_core.caller import Caller
from memory_core.errors import InvalidInput, StoreUnavailable, UnknownItem, shown
from memory_core.model import (
    GLOBAL_PROJECT,
    Event,
    EventKind,
    Item,
    OutcomeRecord,
    new_id,
)
from memory_core.port import Change
from memory_core.ports import Candidate, Embedder, Record, Scope, Store, StoredItem
from memory_core.projects import DEFAULT_PROJECT, near_names
from memory_core.proven import ProvenNames
from memory_core.reading import WINDOW
from memory_core.repositories import earlier_names, folders_changed
from memory_core.scorer.episode import Episode, Traits, build_episode
from memory_core.scorer.panel import Texts, item_key
from memory_core.scorer.relevance import Scale
from memory_core.service.catalogue import Catalogue, Line
from memory_core.service.fold import NOWHERE, Fold, LogPlace, Reports
from memory_core.service.holdout import Holdout
from memory_core.service.lineage import Lineage
from memory_core.service.long_items import LongItems
from memory_core.service.notebook import Notebook
from memory_core.service.open_recalls import OpenRecalls
from memory_core.service.project_names import ProjectNames
from memory_core.service.quota import Quotas
from memory_core.service.speaking import Speech
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
from memory_core.words import terms

if TYPE_CHECKING:  # torch comes with it, later
    from memory_core.service.trainer import Trainer

DAY = 86_400.0
"""Seconds."""
FOLDER = "the folder of the project got another name"
NOT_SHOWN = "The record covers all projects: it is shown to tokens that see them all."
MOST_READ = 20_000
"""Items whose sketches are kept (2 KiB each); those read first go first."""


def number_of(term: str) -> int:
    """A search term as a number of 32 bits."""
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class Read:
    """What is read of one item: content and task sketched, its words uint32[W], distinct."""

    content: Sketch
    structure: Sketch
    words: NDArray[np.uint32]


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
    proven: ProvenNames = field(default_factory=ProvenNames)
    quotas: Quotas = field(init=False)
    lineage: Lineage = field(default_factory=Lineage)
    tally: Tally = field(init=False)
    holdout: Holdout = field(default_factory=Holdout)
    speech: Speech = field(init=False)
    open_recalls: OpenRecalls = field(default_factory=OpenRecalls)
    notebook: Notebook = field(default_factory=Notebook)
    names: ProjectNames = field(default_factory=ProjectNames)
    catalogue: Catalogue = field(init=False)
    reports: Reports = field(default_factory=Reports)
    lock: threading.RLock = field(default_factory=threading.RLock)
    notes: list[str] = field(default_factory=list)
    scale: Scale = field(default_factory=Scale)
    _looked: dict[str, int] = field(default_factory=dict)
    _read: dict[str, Read] = field(default_factory=dict)
    lengthy: list[str] = field(default_factory=list)
    long_items: LongItems | None = None

    def __post_init__(self) -> None:
        own = self.settings.source
        self.quotas = Quotas({own, self.proven.claimed(own)}, self.proven.proven)
        self.tally = Tally(self.lineage)
        self.catalogue = Catalogue(self.names.covers)
        self.speech = Speech(self.catalogue.size)

    def take(self, record: Record, place: LogPlace = NOWHERE) -> None:
        """Let all that is known take in one record, stored and in log order, under the lock.

        An item that may be longer than a window is read whole.
        """
        for fold in self._folds():
            fold.take(place, record)
        if isinstance(record, StoredItem):
            self._read_whole(record.item)

    def _folds(self) -> Iterator[Fold]:
        yield from (self.catalogue, self.lineage, self.names, self.tally, self.holdout)
        yield from (self.speech, self.quotas, self.open_recalls, self.reports, self.notebook)
        if self.trainer is not None:
            yield self.trainer

    def project_of(self, asked: str, caller: Caller) -> str:
        """The key of the project of a call that no id decides: the one it names.

        Else the caller's own, else the one that this process was started in.
        """
        name = asked.strip()
        if asked and not name:
            raise InvalidInput(
                "project", f"= {shown(asked)} is blank", "Leave it out, or name a project."
            )
        project = caller.project_of(name, self.project)
        if caller.projects is None:  # a token's names are exact
            project = self.catalogue.written(project)
            self._rejoin(project)
        return self.names.key(project, caller.projects)

    def _rejoin(self, project: str) -> None:
        """Give a project without items those of the folder whose name it is now.

        Only where the former name was by the folder's place: then nobody else has it.
        """
        changed = folders_changed(self.settings.store)
        if self.catalogue.holds(project) or self._looked.get(project) == changed:
            return
        self._looked[project] = changed
        with self.lock:
            for earlier, by_place in earlier_names(self.settings.store, project):
                old = self.names.shown(earlier)
                if not by_place or old == self.names.shown(project) or not self.holds(earlier):
                    continue
                kind: EventKind = "merge" if project in self.tally.projects() else "rename"
                names = json.dumps([old, project])
                event = Event(new_id("ev"), kind, "", self.clock(), FOLDER, "system", names)
                with suppress(StoreUnavailable):  # of a follower: its writer will
                    self.store.add_event(event)
                    self.take(event)

    def holds(self, project: str) -> bool:
        """Whether items are stored in a project, under any of its names."""
        return any(self.catalogue.holds(name) for name in self.names.covers(project))

    def shown(self, project: str, caller: Caller) -> str:
        """What a project is called now, to this caller."""
        return self.names.shown(project, caller.projects)

    def line_of(self, item_id: str, caller: Caller, field: str = "item_id") -> Line:
        """The line of an item, in whatever project it is: an id says where it belongs.

        Raises:
            UnknownItem: No such item, or of a project that the caller does not see.
        """
        line = self.catalogue.get(item_id)
        if line is None or not caller.sees(line.project):
            raise UnknownItem(item_id, field)
        return line

    def elsewhere(self, because: str, project: str, named: str, caller: Caller) -> str:
        """What is to say of a call whose id, given as `because`, is of another project; or ""."""
        if not because or project in self.names.covers(named):
            return ""
        there, here = self.shown(project, caller), self.shown(named, caller)
        what = f"{because} names items" if because.endswith("_ids") else f"{because} is"
        return f"{what} of project {shown(there)}, so this counts there, not in {shown(here)}."

    def source_of(self, given: str, caller: Caller) -> str:
        """Who writes: the caller's own name; the store's owner may give another.

        One that is somebody else's is marked as claimed.
        """
        return caller.source or self.proven.claimed(given or self.settings.source)

    def looked_in(self, project: str, caller: Caller) -> tuple[str, int, str]:
        """Give (project, items elsewhere, note) for an answer that found nothing.

        The note is for a project that holds nothing at all, "" otherwise.
        """
        name, own = self.shown(project, caller), self.scope(project).projects
        elsewhere, others, held = 0, set(), 0
        for (stored, _, state), count in self.store.count_items().items():
            if stored in own:
                held += count * (stored != GLOBAL_PROJECT)
            elif state == "active" and caller.sees(stored):
                elsewhere += count
                others.add(self.shown(stored, caller))
        if held or not elsewhere:
            return name, elsewhere, ""
        near = near_names(name, others) or ((DEFAULT_PROJECT,) if DEFAULT_PROJECT in others else ())
        before = [one for one, _ in earlier_names(self.settings.store, project) if self.holds(one)]
        if before and caller.projects is None:
            return (
                name,
                elsewhere,
                (
                    f"Nothing is stored in project {shown(name)}; this folder was project "
                    f"{shown(before[0])} before: `lessonbank projects merge {before[0]} {name}`."
                ),
            )
        there = f", such as {' and '.join(map(shown, near))}" if near else ""
        plural = "item lies" if elsewhere == 1 else "items lie"
        note = (
            f"Nothing is stored in project {shown(name)}; {elsewhere:,} {plural} in others{there}."
        )
        return name, elsewhere, note

    def scope(self, project: str) -> Scope:
        """What a project sees: the items under all its names, and the global ones."""
        return Scope(tuple(dict.fromkeys((*self.names.covers(project), GLOBAL_PROJECT))))

    def _read_whole(self, item: Item) -> None:
        if len(item.text.encode("utf-8", "replace")) <= WINDOW:
            return
        with self.lock:
            self.lengthy.append(item.id)
            if self.long_items is not None:
                self.long_items.add([item.id])

    def read_long_items(self, embedder: Embedder | None) -> None:
        """Read long items with this model from now on; None: with no model any more."""
        with self.lock:
            before, self.long_items = self.long_items, None
        if before is not None:
            before.close()
        if embedder is not None:
            with self.lock:
                self.long_items = LongItems(self.store, embedder, self.settings.store)
                self.long_items.add(self.lengthy)

    def announce(self, changes: Iterable[Change]) -> None:
        """Tell subscribers; not under the lock."""
        for change in changes:
            for name in self.names.hearing(change.project):
                key = name if change.subject == "project" else change.key
                self.notify(replace(change, project=name, key=key))

    def age_days(self, since: float) -> float:
        """Days from `since` (seconds since the epoch) to now, at least 0, to two places."""
        return round(max(self.clock() - since, 0.0) / DAY, 2)

    def items(self, ids: tuple[str, ...]) -> dict[str, StoredItem]:
        return self.store.get_items(ids) if ids else {}

    def texts_of(self, task: str, error: str, found: Sequence[Candidate]) -> Texts:
        """What the scorer reads of the candidates' texts, beside a task and its error."""
        asked, names = structure_sketch(task or error), names_of(error) or names_of(task)
        texts = [self.read(candidate.stored.item) for candidate in found]
        if not texts:
            return Texts(np.zeros((0, SIZE), np.float32), np.zeros(0), np.zeros(0))
        contents = np.stack([read.content for read in texts])
        structures = np.stack([read.structure for read in texts])
        held = [named_share(names, candidate.stored.item.text) for candidate in found]
        return Texts(contents, (structures @ asked).astype(np.float64), np.array(held))

    def earlier_of(self, found: Sequence[Candidate]) -> dict[str, int]:
        """The places of candidates whose record an earlier wording's is, by its id."""
        return {
            earlier: place
            for place, candidate in enumerate(found)
            for earlier in self.lineage.earlier(candidate.stored.item.id)
        }

    def as_worded_now(self, warnings: Iterable[FailureWarning]) -> tuple[FailureWarning, ...]:
        """Warnings with the items that they name as they are worded now."""
        latest = self.lineage.latest
        return tuple(
            one.model_copy(update={"item_ids": tuple(dict.fromkeys(map(latest, one.item_ids)))})
            for one in warnings
        )

    def read(self, item: Item) -> Read:
        """The sketches of an item's content and of how its task was asked (else of its title)."""
        known = self._read.get(item.id)
        if known is None:
            text = "\n".join((item.text, item.task, *item.tags))
            words = {number_of(term) for term in terms(text)}
            known = Read(
                content_sketch(item.content),
                structure_sketch(item.task or item.title),
                np.array(sorted(words), dtype=np.uint32),
            )
            while len(self._read) >= MOST_READ:
                self._read.pop(next(iter(self._read)), None)
            self._read[item.id] = known
        return known

    def episode_of(self, outcome: OutcomeRecord, place: LogPlace) -> Episode:
        """What the learner needs of an outcome."""
        named = (*place.served, *(outcome.used or ()), *outcome.helpful, *outcome.harmful)
        found = self.items(tuple(dict.fromkeys(named)))
        keys = {item_id: item_key(stored) for item_id, stored in found.items()}
        traits = Traits(
            keys={i: key for i, key in keys.items() if key is not None},
            pitfalls=frozenset(i for i, stored in found.items() if stored.item.kind == "pitfall"),
            contents={i: self.read(stored.item).content for i, stored in found.items()},
        )
        return build_episode(
            outcome,
            place.record,
            place.query,
            owner=place.owner,
            traits=traits,
            dimension=self.store.dimension,
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
            return Learning(reports=self.tally.standing(), weight=0.0, proof=why)
        learner = trainer.learner
        return Learning(
            reports=self.tally.standing(),
            weight=round(learner.snapshot.weight, 3),
            proof=learner.record.proof().sentence,
        )

    def _learning_of(self, projects: tuple[str, ...]) -> Learning:
        """The same for who sees these projects only."""
        trainer = self.trainer
        return Learning(
            reports=self.tally.standing(projects),
            weight=round(trainer.learner.snapshot.weight, 3) if trainer is not None else 0.0,
            proof=NOT_SHOWN,
        )
