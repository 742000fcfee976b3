"""The product under test: its real service over a real store, in a temporary folder.

A `Shelf` is one seed's memories, remembered once through the service; a
`Product` is one condition's copy of it. What the store's search finds does not
depend on outcomes, so its answers are kept on the shelf and shared by the
conditions and the rivals of a seed; everything else runs as it is served.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.learning.conditions import Report
from benchmarks.learning.stream import Memory, Slate, Stream, Task
from memory_core.answers import RecallAnswer, ScorerReport
from memory_core.ports import Candidate, Embedder, Probe, Scope, Store, StoredItem
from memory_core.redaction import redact
from memory_core.requests import OutcomeRequest, RecallRequest, RememberRequest, parse
from memory_core.scorer.experts.expert import Expert, View
from memory_core.scorer.panel import Floats, panel_of
from memory_core.service import lessons, recalling, reporting
from memory_core.service.catalogue import said_of
from memory_core.service.conditions import conditions_of
from memory_core.service.service import MemoryService
from memory_core.settings import ScorerMode, Settings
from memory_core.store.lance_store import LanceStore

PROJECT = "bench"
FIRST_TIME = 1_750_000_000.0
HOUR = 3600.0
"""Between two tasks: what just failed in one is no session memory of the next."""
LEARNED_WITHIN = 120.0
READ_WITHIN = 3_600.0
NONE: Mapping[str, Any] = {}
_SLATES = 256
"""Slates that are kept for the rivals."""
MOST_TOKENS = 20_000
"""Of an answer: no item is left out for its length."""


@contextmanager
def numbered_ids() -> Iterator[None]:
    """Number ids instead of drawing them, so that ties between items fall alike in every run."""
    count = itertools.count(1)

    def numbered(prefix: str) -> str:
        return f"{prefix}_{next(count):012x}{0:016x}"

    rooms: tuple[Any, ...] = (lessons, recalling, reporting)
    drawn = [room.new_id for room in rooms]
    for room in rooms:
        room.new_id = numbered
    try:
        yield
    finally:
        for room, before in zip(rooms, drawn, strict=True):
            room.new_id = before


class _SearchOnce:
    """A store whose search answers are remembered; everything else is the store's own."""

    def __init__(self, store: Store, shelf: Shelf) -> None:
        self._store, self._shelf = store, shelf

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def search(self, probes: Sequence[Probe], scope: Scope, limit: int) -> list[Candidate]:
        return self._shelf.search(self._store, probes, scope, limit)


class Shelf:
    """The memories of one seed, in a store, and what was found in it so far.

    Args:
        stream: Whose memories.
        embedder: Of the store.
        folder: An empty folder of its own.
    """

    def __init__(self, stream: Stream, embedder: Embedder, folder: Path) -> None:
        self.stream, self.embedder = stream, embedder
        self.folder = folder
        self.ids: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.said: dict[str, str] = {}
        self._found: dict[object, list[Candidate]] = {}
        self._items: dict[str, StoredItem] = {}
        self._fill()

    def _fill(self) -> None:
        """Remember all before the model comes: no search for near-duplicates at each of them."""
        with numbered_ids(), _service(self.folder / "full", "similarity") as service:
            for memory in self.stream.memories:
                self._remember(service, memory)
            service.attach(self.embedder)
            _read_whole(service)
            service.compact()

    def _remember(self, service: MemoryService, memory: Memory) -> None:
        answer = service.lessons.remember(
            parse(
                RememberRequest,
                {
                    "title": memory.title,
                    "description": memory.description,
                    "content": memory.content,
                    "task": memory.task,
                    "kind": memory.kind,
                    "project": memory.project,
                },
            )
        )
        self.ids[memory.key] = answer.id
        self.keys.setdefault(answer.id, memory.key)

    def copy(self, name: str) -> Path:
        """Give a fresh copy of the filled store's folder."""
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.folder / "full", target)
        return target

    def search(
        self, store: Store, probes: Sequence[Probe], scope: Scope, limit: int
    ) -> list[Candidate]:
        """Search once; the same query later gives the same candidates."""
        key = (tuple(probe.text for probe in probes), scope, limit)
        found = self._found.get(key)
        if found is None:
            found = [self._shared(candidate) for candidate in store.search(probes, scope, limit)]
            self._found[key] = found
        return found

    def _shared(self, candidate: Candidate) -> Candidate:
        """The candidate with the one copy of its item that is kept."""
        stored = self._items.setdefault(candidate.stored.item.id, candidate.stored)
        self.said.setdefault(stored.item.id, said_of(stored.item))
        return replace(candidate, stored=stored)


@contextmanager
def _service(
    folder: Path,
    mode: ScorerMode,
    *,
    settings: Mapping[str, Any] = NONE,
    clock: Callable[[], float] = lambda: FIRST_TIME,
    wrap: Callable[[Store], Store] = lambda store: store,
) -> Iterator[MemoryService]:
    """Give a service that waits for its model, as the server starts it; closed at the end."""
    chosen = {"bar": 0.0, **settings}  # the order is measured: nothing is left out
    service = MemoryService(
        Settings(store=folder, scorer_mode=mode, **chosen),
        wrap(LanceStore.open(folder, maintain=False)),
        project=PROJECT,
        notify=lambda _change: None,
        clock=clock,
    )
    try:
        yield service
    finally:
        service.close()


def _read_whole(service: MemoryService) -> None:
    """Wait until long items are read: what is found must not hang on when.

    Raises:
        TimeoutError: It does not come to an end.
    """
    long_items = service.core.long_items
    if long_items is not None and not long_items.settle(READ_WITHIN):
        raise TimeoutError(f"long items are not read after {READ_WITHIN:.0f} seconds")


class Product:
    """One condition's memory: recalls, reports, and waits until the learner is done.

    Use `opened`.
    """

    def __init__(self, shelf: Shelf, service: MemoryService, clock: list[float], name: str) -> None:
        self._shelf, self._service, self._clock = shelf, service, clock
        self.name = name
        self._recalls: dict[int, str] = {}
        self._slates: OrderedDict[str, Slate] = OrderedDict()

    def show(self, number: int, task: Task) -> tuple[str, ...]:
        """Recall for a task of the stream; keys in the order served."""
        self._clock[0] = FIRST_TIME + (number + 1) * HOUR
        answer = self._recall(task, f"task {number}")
        self._recalls[number] = answer.recall_id
        return self._served(answer)

    def look(self, task: Task) -> tuple[str, ...]:
        """Recall for a held-out task: a session of its own that nothing is reported in."""
        return self._served(self._recall(task, "held out"))

    def hear(self, report: Report) -> None:
        """Report what became of a task, and wait until it is learned."""
        request = report.request(self._recalls[report.number], self._shelf.ids)
        self._service.report_outcome(parse(OutcomeRequest, request))
        self.settle()

    def settle(self) -> None:
        """Wait until every report is learned.

        Raises:
            TimeoutError: The learner does not come to an end.
        """
        trainer = self._service.core.trainer
        if trainer is not None and not trainer.settle(LEARNED_WITHIN):
            raise TimeoutError(f"reports are not learned after {LEARNED_WITHIN:.0f} seconds")

    def slate(self, task: Task) -> Slate:
        """The candidates of a task as the scorer gets them, for the rivals."""
        slate = self._slates.get(task.key)
        if slate is None:
            slate = self._slates[task.key] = self._slate(task)
            if len(self._slates) > _SLATES:
                self._slates.popitem(last=False)
        return slate

    def _slate(self, task: Task) -> Slate:
        core = self._service.core
        text, context, error = (redact(one)[0] for one in (task.text, task.context, task.error))
        conditions = conditions_of(core.embedder, text, context, error)
        found = core.store.search(conditions.probes, core.scope(task.project), recalling.CANDIDATES)
        assert conditions.vector is not None
        keys = tuple(self._shelf.keys[candidate.stored.item.id] for candidate in found)
        texts = core.texts_of(conditions.task_text, conditions.error_text, found)
        return Slate(panel_of(conditions.vector, found, texts), keys)

    def said(self, key: str) -> str:
        """What a memory says: the product shows equal texts once."""
        return self._shelf.said[self._shelf.ids[key]]

    def calibration(self) -> float | None:
        return self.scorer().calibration_error

    def scorer(self) -> ScorerReport:
        """What the learner says of itself."""
        return self._service.scorer()

    def _recall(self, task: Task, session: str) -> RecallAnswer:
        asked = {
            "task": task.text,
            "context": task.context,
            "error": task.error,
            "project": task.project,
            "session": session,
            "k": self._shelf.stream.k,
            "max_tokens": MOST_TOKENS,
        }
        return self._service.recall(parse(RecallRequest, asked))

    def _served(self, answer: RecallAnswer) -> tuple[str, ...]:
        return tuple(self._shelf.keys[item.id] for item in answer.items)


@contextmanager
def opened(
    shelf: Shelf,
    mode: ScorerMode = "learned",
    settings: Mapping[str, Any] = NONE,
    without: frozenset[str] = frozenset(),
) -> Iterator[Product]:
    """Open a fresh copy of a shelf as the product serves it; the copy is removed at the end.

    Args:
        shelf: Whose memories.
        mode: Of the scorer.
        settings: Other settings of the product, by name.
        without: Experts that say nothing, by name.
    """
    name = " ".join(("learned", *(f"without {one}" for one in sorted(without))))
    folder = shelf.copy(name.replace(" ", "-"))
    clock = [FIRST_TIME]
    with (
        numbered_ids(),
        _service(
            folder,
            mode,
            settings=settings,
            clock=lambda: clock[0],
            wrap=lambda store: cast(Store, _SearchOnce(store, shelf)),
        ) as service,
    ):
        service.attach(shelf.embedder)
        _read_whole(service)
        _silence(service, without)
        yield Product(shelf, service, clock, name)
    shutil.rmtree(folder, ignore_errors=True)


class _Silent(Expert):
    """An expert whose every value is 0: whatever its weight, nothing is moved."""

    def says(self, view: View) -> Floats:
        return np.zeros(view.panel.size)


def _silence(service: MemoryService, without: frozenset[str]) -> None:
    trainer = service.core.trainer
    if trainer is not None:
        experts = trainer.learner.experts
        trainer.learner.experts = tuple(_Silent() if e.name in without else e for e in experts)


@contextmanager
def shelved(stream: Stream, embedder: Embedder) -> Iterator[Shelf]:
    """Fill a shelf in a temporary folder, removed at the end."""
    place = tempfile.mkdtemp(prefix="lessonbank-learning-", dir=_scratch())
    try:
        yield Shelf(stream, embedder, Path(place))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _scratch() -> str | None:
    """A folder in memory where there is one: the store's syncs are not what is measured."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() else None
