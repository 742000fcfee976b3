"""What a memory has folded is a function of its log: lived, read again or followed, bit for bit."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Set
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from memory_core.ports import Record, StoredItem, StoredOutcome, StoredRecall
from memory_core.requests import (
    EditRequest,
    ForgetRequest,
    OutcomeRequest,
    ProjectRequest,
    RecallRequest,
    RememberRequest,
    parse,
)
from memory_core.scorer import checkpoint
from memory_core.service.evaluating import evaluate
from memory_core.service.service import MemoryService
from memory_core.settings import Settings
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.store.fake_store import FakeStore
from tests.patience import PATIENCE

MODEL = HashEmbedder(32, "hash-embedder@000000000000")
TOPICS = ("dates", "files", "sockets", "queues")
SOURCES = ("", "ann", "ann", "ben")
STEPS = 90


def put(store: FakeStore, record: Record) -> bool:
    """Add a record to a store."""
    if isinstance(record, StoredItem):
        store.add_items([record])
    elif isinstance(record, StoredRecall):
        store.add_recall(record)
    elif isinstance(record, StoredOutcome):
        store.add_outcome(record)
    else:
        store.add_event(record)
    return True


# -- what is compared --------------------------------------------------------------


def plain(value: object) -> object:
    """A value without its objects: floats by their bits, what is ordered in its order."""
    if isinstance(value, OrderedDict):
        return [(plain(k), plain(v)) for k, v in value.items()]
    if isinstance(value, Counter):
        value = {name: number for name, number in value.items() if number}
    if isinstance(value, Mapping):
        return {repr(plain(k)): plain(v) for k, v in sorted(value.items(), key=repr)}
    if isinstance(value, Set):
        return sorted(repr(plain(one)) for one in value)
    if isinstance(value, list | tuple | deque):
        return [plain(one) for one in value]
    if not type(value).__module__.startswith("memory_core") or callable(value):
        return bits(value)
    names = [f.name for f in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else ()
    return {name: plain(getattr(value, name)) for name in names or vars(value)}


def bits(value: object) -> object:
    """A number or an array to its last bit, a text as it is; locks, functions and such as none."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, float | np.floating):
        return float(value).hex()
    return value if isinstance(value, str | bytes | int | np.integer) else None


def folded(memory: MemoryService) -> dict[str, object]:
    """All that a memory has folded, by name."""
    core = memory.core
    assert core.trainer is not None
    assert core.notebook.causes is not None
    assert core.trainer.settle(PATIENCE)
    assert core.notebook.causes.settle(PATIENCE)
    learner = vars(core.trainer.learner)
    return {
        "tally": plain(core.tally),
        "quotas": plain(core.quotas),
        "holdout": plain(core.holdout),
        "open recalls": plain(core.open_recalls),
        "speech": plain(core.speech),
        "lineage": plain(core.lineage),
        "names": plain(core.names),
        "catalogue": plain(core.catalogue),
        "reports": plain(core.reports),
        "mistakes": plain(core.notebook),
        "networks": plain(core.trainer.learner.networks.state()),
        **{f"learner's {name}": plain(value) for name, value in learner.items()},
    }


def differences(one: object, other: object, path: str = "") -> Iterator[str]:
    """Where two plain values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            yield from differences(one.get(name), other.get(name), f"{path}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}/{place}")
    elif one != other:
        yield f"{path}: {one!r:.150} | {other!r:.150}"


# -- a life ------------------------------------------------------------------------


class Life:
    """A memory that is used at random, and one that follows it.

    Args:
        folder: For checkpoints.
        seed: Of what happens.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self.draw = folder, random.Random(seed)
        self.now = 1_000_000.0
        self._numbers = count()
        self._opened: list[MemoryService] = []
        self.store = FakeStore()
        self.memory = self._open(self.store)
        self.followed = FakeStore()
        self.follower = self._open(self.followed)
        self._followed = 0
        self._recalls: list[tuple[str, list[str]]] = []
        self._items: list[str] = []

    def _open(self, store: FakeStore, kept: Path | None = None) -> MemoryService:
        folder = self._folder / str(next(self._numbers))
        if kept is not None:
            shutil.copytree(kept, folder)
        memory = MemoryService(
            Settings(store=folder, holdout=0.2),
            store,
            project="demo",
            notify=lambda _: None,
            clock=lambda: self.now,
        )
        self._opened.append(memory)
        memory.attach(MODEL)
        return memory

    def close(self) -> None:
        for memory in self._opened:
            memory.close()

    def follow(self, most: int | None = None) -> None:
        """Let the follower take what is new, one by one; `most` so many records."""
        for place, record in list(self.store.whole_log(self._followed))[:most]:
            self.follower.follow([record], partial(put, self.followed))
            self._followed = place

    def rebuilt(self, kept: Path | None = None, *, followed: bool = False) -> MemoryService:
        """A memory that reads the log again, with the checkpoints of a folder.

        As the one that is used has it, or as far as the follower has followed it.
        """
        store = FakeStore(MODEL.name, MODEL.dimension)
        for _, record in (self.followed if followed else self.store).whole_log():
            put(store, record)
        return self._open(store, kept)

    def saved(self, folder: Path) -> Path:
        """A store's folder with a checkpoint of the learner as it is now."""
        trainer = self.memory.core.trainer
        assert trainer is not None
        assert trainer.settle(PATIENCE)
        *_, last = self.store.outcomes()
        checkpoint.save(trainer.learner, folder / "learner", last.record.id, MODEL.name)
        return folder

    # -- what happens

    def step(self) -> None:
        self.now += self.draw.choice((0.0, 0.0, 1.0, 60.0, 700.0, 9_000.0))
        acts: tuple[tuple[int, Callable[[], None]], ...] = (
            (5, self.remember),
            (8, self.recall),
            (9, self.report),
            (3, self.correct),
            (1, self.report_task),
            (2, self.forget),
            (2, self.edit),
            (1, self.change_project),
        )
        weights, calls = zip(*acts, strict=True)
        self.draw.choices(calls, weights)[0]()

    def project(self) -> str:
        return self.draw.choice(("demo", "demo", "shop"))

    def remember(self) -> None:
        topic, way = self.draw.choice(TOPICS), self.draw.randrange(6)
        given = {
            "title": f"{topic} way {way}",
            "content": f"Handle {topic} by {way}.",
            "task": f"use {topic}",
            "project": self.project(),
        }
        answer = self.memory.lessons.remember(parse(RememberRequest, given))
        self._items.append(answer.id)

    def recall(self) -> None:
        asked = {
            "task": f"use {self.draw.choice(TOPICS)} for job {self.draw.randrange(9)}",
            "session": f"s{self.draw.randrange(3)}",
            "project": self.project(),
        }
        answer = self.memory.recall(parse(RecallRequest, asked))
        self._recalls.append((answer.recall_id, [item.id for item in answer.items]))

    def report(self) -> None:
        if self._recalls:
            self._tell(*self._recalls[-self.draw.randint(1, min(4, len(self._recalls)))])

    def correct(self) -> None:
        """Report once more, or late, on any recall there was."""
        if self._recalls:
            self._tell(*self.draw.choice(self._recalls))

    def _tell(self, recall_id: str, served: list[str]) -> None:
        told: dict[str, object] = {
            "recall_id": recall_id,
            "outcome": self.draw.choice(("success", "failure", "partial", "unknown")),
        }
        labels = self.draw.sample(served, self.draw.randint(0, min(2, len(served))))
        told[self.draw.choice(("used_ids", "helpful_ids", "harmful_ids"))] = labels
        if told["outcome"] == "failure":
            topic = self.draw.choice(TOPICS)
            told["error"] = f"{self.draw.choice(('ValueError', 'OSError'))}: {topic} not closed"
        held = self.memory.core.reports.by_owner.get(recall_id)
        told["source"] = held.source if held is not None else self.draw.choice(SOURCES)
        self.memory.report_outcome(parse(OutcomeRequest, told))

    def report_task(self) -> None:
        told = {
            "task": f"use {self.draw.choice(TOPICS)}",
            "outcome": "success",
            "report_id": f"r{self.draw.randrange(10**9)}",
            "project": self.project(),
        }
        self.memory.report_outcome(parse(OutcomeRequest, told))

    def forget(self) -> None:
        """Forget an item, or bring one back."""
        if self._items:
            lessons = self.memory.lessons
            given = {"item_id": self.draw.choice(self._items), "reason": "r"}
            act = self.draw.choice((lessons.forget, lessons.restore))
            act(parse(ForgetRequest, given))

    def edit(self) -> None:
        active = [one for one in self._items if self._is_active(one)]
        if active:
            change = self.draw.choice(("tags", "content"))
            text = f"n{self.draw.randrange(50)}"
            given = {
                "item_id": self.draw.choice(active),
                change: [text] if change == "tags" else f"Another {text} way.",
            }
            answer = self.memory.lessons.edit(parse(EditRequest, given))
            self._items.append(answer.id)

    def _is_active(self, item_id: str) -> bool:
        line = self.memory.core.catalogue.get(item_id)
        return line is not None and line.state == "active"

    def change_project(self) -> None:
        """Move an item, or give a project another name."""
        active = [one for one in self._items if self._is_active(one)]
        if active and self.draw.random() < 0.7:
            given = {"action": "move", "item_ids": [self.draw.choice(active)], "into": "lab"}
            answer = self.memory.projects.change_project(parse(ProjectRequest, given))
            self._items += answer.ids
        elif "shop" in self.memory.projects.known():
            given = {"action": "rename", "project": "shop", "into": "market"}
            self.memory.projects.change_project(parse(ProjectRequest, given))


@pytest.fixture
def live(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Life]:
    life = Life(tmp_path, request.param)
    yield life
    life.close()


@pytest.mark.parametrize("live", [0, 1, 3], indirect=True)
def test_what_is_lived_read_again_and_followed_is_the_same_to_the_last_bit(
    live: Life, tmp_path: Path
) -> None:
    kept: Path | None = None
    cuts = sorted(live.draw.sample(range(STEPS // 4, STEPS), 3))
    for step in range(STEPS):
        live.step()
        if live.draw.random() < 0.2:
            live.follow()
        if step not in cuts:
            continue
        live.follow(live.draw.randrange(4))  # it may stop between the records of one call
        assert list(differences(folded(live.follower), folded(live.rebuilt(followed=True)))) == []
        live.follow()
        lived = folded(live.memory)
        assert evaluate(live.store, "").memory == live.memory.core.holdout.gain()
        assert list(differences(lived, folded(live.follower))) == []
        assert list(differences(lived, folded(live.rebuilt()))) == []
        if kept is not None:
            assert list(differences(lived, folded(live.rebuilt(kept)))) == []
        kept = live.saved(tmp_path / f"kept-{step}")
        assert list(differences(lived, folded(live.rebuilt(kept)))) == []


@pytest.mark.parametrize("live", [0], indirect=True)
def test_a_recall_of_the_same_moment_as_an_outcome_before_it_is_open_after_a_start(
    live: Life,
) -> None:
    live.remember()
    asked = parse(RecallRequest, {"task": "use dates, files, sockets, queues", "session": "s"})
    first, told = live.memory.recall(asked), {"outcome": "success"}
    live.memory.report_outcome(parse(OutcomeRequest, {"recall_id": first.recall_id, **told}))
    second = live.memory.recall(asked)
    for memory in (live.memory, live.rebuilt()):
        found = memory.core.open_recalls.newest_first("demo", "s", live.now)
        assert [one.recall_id for one in found] == [second.recall_id]
