"""The store in a few dictionaries: the `Store` protocol without a disk.

For tests of whatever stands above the store, and the oracle for the real one.
Its keyword score is plain BM25 over lower-case words (no stemming).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from memory_core.errors import StoreMismatch, StoreUnavailable
from memory_core.model import FLIPS, Event, Item, Kind, RecallRecord, State
from memory_core.ports import (
    Candidate,
    Embedder,
    LogKind,
    Matrix,
    Probe,
    Record,
    Scope,
    StoredItem,
    StoredOutcome,
    StoredRecall,
    StoreSizes,
    Vector,
)
from memory_core.store.parts import WEIGHT

T = TypeVar("T", bound=Record)
_WORD = re.compile(r"[^\W_]+")


def words_of(item: Item) -> list[str]:
    parts = (item.title, item.description, item.content, *item.tags, item.task)
    return _WORD.findall(" ".join(parts).lower())


class FakeStore:
    """Keeps everything in memory, in the order in which it came."""

    def __init__(self, embedder_name: str = "", dimension: int = 0) -> None:
        self._name, self._dimension = embedder_name, dimension
        self._items: dict[str, StoredItem] = {}
        self._parts: dict[str, Matrix] = {}
        self._recalls: dict[str, StoredRecall] = {}
        self._outcomes: dict[str, StoredOutcome] = {}
        self._events: dict[str, Event] = {}
        self._log: list[tuple[Mapping[str, Record], str]] = []
        self._closed = False

    @property
    def embedder_name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return self._dimension

    def bind_embedder(self, name: str, dimension: int) -> None:
        self._require_open()
        if (name, dimension) == (self._name, self._dimension):
            return
        if self._name and (self._items or self._recalls or self._outcomes or self._events):
            raise StoreMismatch(
                f"The store holds vectors of {self._name!r}, not {name!r}."
                " Run `lessonbank reembed`."
            )
        self._name, self._dimension = name, dimension

    def count_waiting(self) -> int:
        self._require_open()
        return sum(stored.vector is None for stored in self._items.values())

    def embed_waiting(self, embedder: Embedder) -> None:
        self._require_open()
        for item_id, stored in self._items.items():
            if stored.vector is None:
                self._items[item_id] = self._embedded(stored, embedder)

    def _embedded(self, stored: StoredItem, embedder: Embedder) -> StoredItem:
        item = replace(stored.item, embedder=embedder.name)
        task = embedder.embed_documents([item.task])[0] if item.task.strip() else None
        return StoredItem(item, stored.state, embedder.embed_documents([item.text])[0], task)

    # -- items

    def add_items(self, items: Sequence[StoredItem]) -> None:
        self._require_open()
        for stored in items:
            for vector in (stored.vector, stored.task_vector):
                self._check(vector)
                if vector is not None and stored.item.embedder != self._name:
                    raise ValueError(f"item {stored.item.id!r} has another model's vectors")
        for stored in items:
            self._append(self._items, stored.item.id, stored)

    def _append(self, kept: dict[str, T], record_id: str, record: T) -> None:
        """Add a record whose id is new, at the end of the log."""
        if record_id not in kept:
            kept[record_id] = record
            self._log.append((kept, record_id))

    def _check(self, vector: Vector | None) -> None:
        if vector is not None and vector.shape != (self._dimension,):
            raise ValueError(f"shape {vector.shape}, the store's dimension is {self._dimension}")

    def add_parts(self, item_id: str, parts: Matrix) -> bool:
        self._require_open()
        for part in parts:
            self._check(part)
        return item_id in self._items and self._parts.setdefault(item_id, parts) is not None

    def get_items(self, ids: Iterable[str]) -> dict[str, StoredItem]:
        self._require_open()
        return {i: self._items[i] for i in dict.fromkeys(ids) if i in self._items}

    def find_hash(self, project: str, content_hash: str) -> StoredItem | None:
        self._require_open()
        for stored in self._items.values():
            item = stored.item
            same = (item.project, item.content_hash) == (project, content_hash)
            if same and stored.state == "active":
                return stored
        return None

    def scan_items(self, scope: Scope) -> Iterator[StoredItem]:
        self._require_open()
        return iter(sorted(self._in(scope), key=lambda stored: stored.item.created_at))

    def _in(self, scope: Scope) -> list[StoredItem]:
        return [
            stored
            for stored in self._items.values()
            if stored.item.project in scope.projects
            and stored.state in scope.states
            and (not scope.kinds or stored.item.kind in scope.kinds)
        ]

    def count_items(self) -> Mapping[tuple[str, Kind, State], int]:
        self._require_open()
        return Counter((s.item.project, s.item.kind, s.state) for s in self._items.values())

    def search(self, probes: Sequence[Probe], scope: Scope, limit: int) -> list[Candidate]:
        self._require_open()
        found = [self._measured(stored, probes) for stored in self._in(scope)]
        if len(found) > limit:
            proposed = self._proposed(found, probes, max(limit, 0))
            found = [c for c in found if c.stored.item.id in proposed]
        known = sorted(
            c.similarity
            for c in found
            if not all(math.isnan(x) for pair in c.cosines for x in pair)
        )
        middling = known[len(known) // 2] if known else 0.0
        most = max((c.keyword for c in found), default=0.0) or 1.0
        best = []
        for c in found:
            unknown = all(math.isnan(x) for pair in c.cosines for x in pair)
            near = middling if unknown else c.similarity
            best.append(replace(c, fused=near + 0.5 * c.keyword / most))
        best.sort(key=lambda c: (-c.fused, -c.similarity, c.stored.item.id))
        return best[: max(limit, 0)]

    def _proposed(
        self, found: Sequence[Candidate], probes: Sequence[Probe], limit: int
    ) -> set[str]:
        """The ids that any leg gives: both keys and the words of each probe, `limit` each."""
        proposed: set[str] = set()
        for index, probe in enumerate(probes):
            legs = [{c.stored.item.id: c.cosines[index][key] for c in found} for key in range(2)]
            legs.append(
                {c.stored.item.id: self._bm25(c.stored.item, probe.text) or math.nan for c in found}
            )
            for leg in legs:
                values = sorted((-v, i) for i, v in leg.items() if not math.isnan(v))
                proposed.update(i for _, i in values[:limit])
        return proposed

    def _measured(self, stored: StoredItem, probes: Sequence[Probe]) -> Candidate:
        pairs = []
        for probe in probes:
            self._check(probe.vector)
            for further, _ in probe.further:
                self._check(further)
            keys = (stored.vector, stored.task_vector)
            content, task = (_best(probe, key) for key in keys)
            parts = [_best(probe, part) for part in self._parts.get(stored.item.id, ())]
            told = [x for x in (content, *(WEIGHT * x for x in parts)) if not math.isnan(x)]
            pairs.append((max(told, default=math.nan), task))
        known = [[x for x in pair if not math.isnan(x)] for pair in pairs]
        best = [max(pair) for pair in known if pair]
        similarity = sum(best) / len(best) if best else 0.0
        keyword = sum(self._bm25(stored.item, probe.text) for probe in probes)
        return Candidate(stored, similarity, keyword, 0.0, tuple((a, b) for a, b in pairs))

    def most_held(self, asked: Sequence[Mapping[str, float]], scope: Scope) -> list[float]:
        self._require_open()
        told = [words_of(stored.item) for stored in self._in(scope)]
        return [
            max((sum(one[word] for word in one if word in words) for words in told), default=0.0)
            for one in asked
        ]

    def _bm25(self, item: Item, text: str) -> float:
        documents = [words_of(stored.item) for stored in self._items.values()]
        mean = sum(map(len, documents)) / len(documents) or 1.0
        counts, score = Counter(words_of(item)), 0.0
        for word in dict.fromkeys(_WORD.findall(text.lower())):
            holding = sum(word in document for document in documents)
            rarity = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            length = 0.25 + 0.75 * counts.total() / mean
            score += rarity * counts[word] * 2.2 / (counts[word] + 1.2 * length)
        return score

    # -- log

    def add_recall(self, recall: StoredRecall, *, durable: bool = False) -> None:
        self._require_open()
        self._check(recall.vector)
        self._append(self._recalls, recall.record.id, recall)

    def get_recall(self, recall_id: str) -> StoredRecall | None:
        self._require_open()
        return self._recalls.get(recall_id)

    def recall_ids(self) -> list[str]:
        self._require_open()
        return list(self._recalls)

    def newest_recalls(
        self,
        projects: Collection[str],
        session: str = "",
        *,
        since: float = 0.0,
        before: str = "",
        limit: int,
    ) -> list[RecallRecord]:
        self._require_open()
        ids = list(self._recalls)
        older = ids[: ids.index(before)] if before in ids else [] if before else ids
        records = [self._recalls[one].record for one in reversed(older)]
        return [
            one
            for one in records
            if one.project in projects and session in ("", one.session) and one.at >= since
        ][:limit]

    def add_outcome(self, outcome: StoredOutcome) -> None:
        self._require_open()
        self._check(outcome.signature)
        self._append(self._outcomes, outcome.record.id, outcome)

    def add_event(self, event: Event) -> None:
        self._require_open()
        if event.id in self._events:
            return
        self._append(self._events, event.id, event)
        state = FLIPS.get(event.kind)
        stored = self._items.get(event.item_id)
        if state is not None and stored is not None:
            self._items[event.item_id] = replace(stored, state=state)

    def whole_log(self, after: int = 0) -> Iterator[tuple[int, Record]]:
        """All records behind a place, items too, in log order; an item is given as it is now."""
        places = enumerate(self._log[after:], after + 1)
        return iter([(place, kept[one]) for place, (kept, one) in places])

    def log(self, *kinds: LogKind) -> Iterator[tuple[int, StoredRecall | StoredOutcome | Event]]:
        self._require_open()
        classes = {"recalls": StoredRecall, "outcomes": StoredOutcome, "events": Event}
        wanted = tuple(classes[kind] for kind in kinds)
        for place, record in self.whole_log():
            if isinstance(record, wanted) and not isinstance(record, StoredItem):
                yield place, record

    def recalls(self) -> Iterator[StoredRecall]:
        self._require_open()
        return iter(list(self._recalls.values()))

    def get_outcome(self, outcome_id: str) -> StoredOutcome | None:
        self._require_open()
        return self._outcomes.get(outcome_id)

    def outcomes(self) -> Iterator[StoredOutcome]:
        self._require_open()
        return iter(list(self._outcomes.values()))

    def events(self) -> Iterator[Event]:
        self._require_open()
        return iter(list(self._events.values()))

    # -- keeping

    def sizes(self) -> StoreSizes:
        self._require_open()
        return StoreSizes(0, 0, 0)

    def compact(self) -> None:
        self._require_open()

    def reembed(
        self, embedder: Embedder, progress: Callable[[int, int], None] | None = None
    ) -> tuple[int, int]:
        self._require_open()
        done = 0
        same = embedder.name == self._name
        for item_id, stored in self._items.items():
            if not same or stored.vector is None:
                self._items[item_id] = self._embedded(stored, embedder)
                done += 1
        for recall_id, recall in self._recalls.items():
            vector = embedder.embed_query(recall.record.task)
            self._recalls[recall_id] = StoredRecall(recall.record, vector)
        for outcome_id, outcome in self._outcomes.items():
            if outcome.signature is not None or outcome.record.outcome == "failure":
                signature = embedder.embed_query(outcome.record.error)
                self._outcomes[outcome_id] = StoredOutcome(outcome.record, signature)
        self._name, self._dimension = embedder.name, embedder.dimension
        if progress is not None:
            progress(done, done)
        return done, len(self._items) - done

    def close(self) -> None:
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("The store is closed. Open it again to use it.")


def _best(probe: Probe, key: Vector | None) -> float:
    told = [_cosine(vector, key) * weight for vector, weight in probe.vectors]
    return max(told) if told else math.nan


def _cosine(one: Vector | None, other: Vector | None) -> float:
    if one is None or other is None:
        return math.nan
    return float(np.dot(one.astype(np.float64), other.astype(np.float64)))
