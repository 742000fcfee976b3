"""Any sequence of calls, restarts and kills: the store stays equal to the fake."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from memory_core.model import EventKind
from memory_core.store.lance_store import LanceStore
from tests.memory_core.store.fake_store import FakeStore
from tests.memory_core.store.making import (
    EMBEDDER,
    EVERYTHING,
    P,
    abandon,
    event,
    item,
    outcome,
    probe,
    recall,
    same,
    waiting,
)

NUMBERS = st.integers(0, 12)
WORDS = st.sampled_from(["alpha", "beta gamma", "alpha gamma", "delta", ""])
KINDS = st.sampled_from(["retire", "restore", "archive", "supersede", "reembed"])


class StoreMachine(RuleBasedStateMachine):
    """Drives a real store and its oracle side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.real = LanceStore.open(Path(self.folder.name) / "store", maintain=False)
        self.fake = FakeStore()
        self.events = 0

    @initialize()
    def bind(self) -> None:
        for store in (self.real, self.fake):
            store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)

    @rule(numbers=st.lists(NUMBERS, max_size=4), words=WORDS, without_model=st.booleans())
    def add_items(self, numbers: list[int], words: str, without_model: bool) -> None:
        make = waiting if without_model else item
        items = [make(n, words, project="pq"[n % 2], task=words if n % 3 else "") for n in numbers]
        self.real.add_items(items)
        self.fake.add_items(items)

    @rule(number=NUMBERS, kind=KINDS)
    def add_event(self, number: int, kind: EventKind) -> None:
        made = event(self.events, kind, number)
        self.events += 1
        self.real.add_event(made)
        self.fake.add_event(made)

    @rule(number=NUMBERS, durable=st.booleans())
    def add_recall(self, number: int, durable: bool) -> None:
        self.real.add_recall(recall(number, candidates=number % 3), durable=durable)
        self.fake.add_recall(recall(number, candidates=number % 3), durable=durable)

    @rule(number=NUMBERS, failed=st.booleans())
    def add_outcome(self, number: int, failed: bool) -> None:
        self.real.add_outcome(outcome(number, failed=failed))
        self.fake.add_outcome(outcome(number, failed=failed))

    @rule()
    def embed_waiting(self) -> None:
        self.real.embed_waiting(EMBEDDER)
        self.fake.embed_waiting(EMBEDDER)

    @rule(hard=st.booleans())
    def restart(self, hard: bool) -> None:
        if hard:
            abandon(self.real)
        else:
            self.real.close()
        self.real = LanceStore.open(self.real.path, maintain=False)

    @rule(hard=st.booleans())
    def lose_the_index(self, hard: bool) -> None:
        if hard:
            abandon(self.real)
        else:
            self.real.close()
        shutil.rmtree(self.real.path / "lance")
        self.real = LanceStore.open(self.real.path, maintain=False)

    @rule(job=st.sampled_from(["drain", "text", "compact"]))
    def tidy(self, job: str) -> None:
        if job == "compact":
            self.real.compact()
        elif job == "drain":
            self.real._writer.drain()
        elif len(self.real._writer.catalog):
            with self.real._writer.lance:
                self.real._writer.index.refresh_text()

    @rule(words=WORDS, limit=st.integers(1, 6))
    def search(self, words: str, limit: int) -> None:
        found = self.real.search([probe(words)], P, limit)
        expected = self.fake.search([probe(words)], P, limit)
        assert len(found) <= limit
        whole = sum(1 for _ in self.fake.scan_items(P)) <= limit
        if whole:
            assert {c.stored.item.id for c in found} == {c.stored.item.id for c in expected}
        similarities = {c.stored.item.id: c.similarity for c in expected}
        for candidate in found:
            item_id = candidate.stored.item.id
            assert same(candidate.stored, self.fake.get_items([item_id])[item_id])
            if item_id in similarities:
                assert math.isclose(candidate.similarity, similarities[item_id], abs_tol=1e-6)

    @invariant()
    def everything_is_there_once_and_in_order(self) -> None:
        items = zip(self.real.scan_items(EVERYTHING), self.fake.scan_items(EVERYTHING), strict=True)
        recalls = zip(self.real.recalls(), self.fake.recalls(), strict=True)
        outcomes = zip(self.real.outcomes(), self.fake.outcomes(), strict=True)
        assert all(same(*pair) for pairs in (items, recalls, outcomes) for pair in pairs)
        assert list(self.real.events()) == list(self.fake.events())
        assert dict(self.real.count_items()) == dict(self.fake.count_items())
        assert self.real.count_waiting() == self.fake.count_waiting()

    def teardown(self) -> None:
        self.real.close()
        self.folder.cleanup()


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
