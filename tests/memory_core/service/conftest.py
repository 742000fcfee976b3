"""A real service over real LanceDB in a temporary folder, a hashing embedder and a set clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_core.answers import (
    ItemDetail,
    ListAnswer,
    OutcomeAnswer,
    RecallAnswer,
    RememberAnswer,
    StateAnswer,
)
from memory_core.port import Change
from memory_core.requests import (
    CheckRequest,
    ForgetRequest,
    ItemRequest,
    ListRequest,
    OutcomeRequest,
    RecallRequest,
    RememberRequest,
    parse,
)
from memory_core.service.service import MemoryService
from memory_core.settings import ScorerMode, Settings
from memory_core.store.lance_store import LanceStore
from tests.memory_core.hash_embedder import HashEmbedder
from tests.patience import PATIENCE


class Bench:
    """A service driven as the doors drive it: by validated requests."""

    def __init__(
        self,
        folder: Path,
        mode: ScorerMode = "learned",
        project: str = "demo",
        **more: float,
    ) -> None:
        self.now = 1_000_000.0
        self.changes: list[Change] = []
        settings = Settings(store=folder, scorer_mode=mode, **more)  # type: ignore[arg-type]
        self.service = MemoryService(
            settings,
            LanceStore.open(folder, maintain=False),
            project=project,
            notify=self.changes.append,
            clock=lambda: self.now,
        )

    def attach(self, dimension: int = 64, name: str = "hash-embedder@000000000000") -> Bench:
        """Give the service its model."""
        self.service.attach(HashEmbedder(dimension, name))
        return self

    def remember(self, title: str, content: str = "Do it so.", **more: Any) -> RememberAnswer:
        request = parse(RememberRequest, {"title": title, "content": content, **more})
        return self.service.lessons.remember(request)

    def recall(self, task: str, **more: Any) -> RecallAnswer:
        return self.service.recall(parse(RecallRequest, {"task": task, **more}))

    def check(self, **more: Any) -> RecallAnswer:
        return self.service.check(parse(CheckRequest, more))

    def report(self, outcome: str, **more: Any) -> OutcomeAnswer:
        return self.service.report_outcome(parse(OutcomeRequest, {"outcome": outcome, **more}))

    def lessons(self, **more: Any) -> ListAnswer:
        return self.service.reading.list_lessons(parse(ListRequest, more))

    def forget(self, item_id: str, **more: Any) -> StateAnswer:
        request = parse(ForgetRequest, {"item_id": item_id, "reason": "wrong", **more})
        return self.service.lessons.forget(request)

    def restore(self, item_id: str) -> StateAnswer:
        request = parse(ForgetRequest, {"item_id": item_id, "reason": "right after all"})
        return self.service.lessons.restore(request)

    def show(self, item_id: str, project: str = "") -> ItemDetail:
        return self.service.reading.get(ItemRequest(item_id=item_id, project=project))

    def settle(self) -> None:
        """Wait until everything reported is learned."""
        trainer = self.service.core.trainer
        assert trainer is not None
        assert trainer.settle(PATIENCE)

    def ids(self, task: str, **more: Any) -> list[str]:
        """The ids that a recall serves, in order."""
        return [item.id for item in self.recall(task, **more).items]


OpenBench = Callable[..., Bench]


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[OpenBench]:
    """Opens services on the test's own store; each is closed at the end."""
    opened: list[Bench] = []

    def build(
        mode: ScorerMode = "learned", *, model: bool = True, project: str = "demo", **more: float
    ) -> Bench:
        for earlier in opened:
            earlier.service.close()
        bench = Bench(tmp_path / "store", mode, project, **more)
        opened.append(bench)
        return bench.attach() if model else bench

    yield build
    for bench in opened:
        bench.service.close()


@pytest.fixture
def bench(open_bench: OpenBench) -> Bench:
    """One open service with its model."""
    return open_bench()


PARSERS = [
    ("Parse dates with a format", "Give the format string to the date parser."),
    ("Parse dates by guessing", "Let the date parser guess the format of the dates."),
    ("Parse dates as text", "Split the date text on its separators."),
]


@pytest.fixture
def parsers(bench: Bench) -> list[str]:
    """Three lessons about one topic; their ids."""
    return [bench.remember(title, content, task="parse dates").id for title, content in PARSERS]
