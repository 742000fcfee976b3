"""The three parts that the memory service joins, as protocols.

`memory_core.bootstrap` names the concrete classes; everyone else sees these.
Vectors are float32, unit length, of the embedder's dimension `d`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from memory_core.model import Event, Item, Kind, OutcomeRecord, RecallRecord, State

Vector = NDArray[np.float32]
"""float32[d], unit length."""
Matrix = NDArray[np.float32]
"""float32[N, d], rows of unit length."""


class Embedder(Protocol):
    """Turns text into unit vectors. Thread-safe."""

    @property
    def name(self) -> str:
        """Identity of the model: its name and the start of its weights' SHA-256."""

    @property
    def dimension(self) -> int: ...

    @property
    def window(self) -> int:
        """Word pieces of a text that are read; what stands behind them is not."""

    def pieces(self, text: str) -> int:
        """Count the word pieces of a text."""

    def embed_query(self, text: str) -> Vector:
        """Give float32[d] for one query, cached by text."""

    def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        """Give float32[d] for each query, cached by text; the new ones in one batch."""

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Give float32[N, d]; N = 0 gives an array of shape (0, d)."""

    def knows(self, word: str) -> bool:
        """Tell whether a word in small letters is a common one: a misspelt one is not."""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item with its vectors and its present state.

    `vector` embeds the item's text; `task_vector` the task it came from (None
    when it has none). Both are None while the item waits for a model.
    """

    item: Item
    state: State
    vector: Vector | None
    task_vector: Vector | None


@dataclass(frozen=True, slots=True)
class StoredRecall:
    """A recall with the vector of its conditions (None while there was no model)."""

    record: RecallRecord
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """An outcome with the vector of its failure's conditions (None: no failure, or no model)."""

    record: OutcomeRecord
    signature: Vector | None


LogKind = Literal["recalls", "outcomes", "events"]
Record = StoredItem | StoredRecall | StoredOutcome | Event
"""What the log consists of."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One part of a query: its text for the full-text leg and its vectors (None: no model yet).

    `vector` is the first window's. `further` has the other windows of a long text
    with the weight in (0, 1] that a cosine with each of them counts. `said` has the words of its
    passages with their weights in (0, 1], each searched for by itself; () : the text as a whole.
    """

    text: str
    vector: Vector | None
    further: tuple[tuple[Vector, float], ...] = ()
    said: tuple[tuple[str, float], ...] = ()

    @property
    def vectors(self) -> tuple[tuple[Vector, float], ...]:
        """All windows with their weights; none while there is no model."""
        return () if self.vector is None else ((self.vector, 1.0), *self.further)

    @property
    def passages(self) -> tuple[tuple[str, float], ...]:
        """What is searched for by its words, with weights of which one is 1."""
        return self.said or ((self.text, 1.0),)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items a query may see: these projects, kinds (empty: all of them) and states."""

    projects: tuple[str, ...]
    kinds: tuple[Kind, ...] = ()
    states: tuple[State, ...] = ("active",)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One hybrid candidate.

    `similarity` is the dense similarity in [-1, 1]: per probe the better of the
    two keys' cosines, averaged over the probes. A key's cosine with a
    probe of several windows is the best of theirs, each times its window's weight.
    `keyword` is the BM25 score of their terms (0: no match). `fused` is the plain order's
    value: the similarity, and with the store's own weights the share that the item holds
    of what the query's words say, and `named`. `cosines` holds, per probe, (content, task)
    cosines, task cosine NaN where the item has no task. `named`: it holds a code,
    identifier, flag, version, host or number of the query that at most two other items in
    scope hold.
    """

    stored: StoredItem
    similarity: float
    keyword: float
    fused: float
    cosines: tuple[tuple[float, float], ...]
    named: bool = False


@dataclass(frozen=True, slots=True)
class SharedState:
    """How far a process is from its shared store.

    `waiting`: records of this process that the store has not got; `behind`: seconds
    since this process last had all that the store has, and the store all of its own.
    """

    role: Literal["writer", "follower"]
    waiting: int
    behind: float


@dataclass(frozen=True, slots=True)
class StoreSizes:
    """Sizes: bytes on disk, fragments of the index, items that it has not got yet.

    `shared`: None for a store in a folder of its own.
    """

    bytes: int
    fragments: int
    unindexed: int
    shared: SharedState | None = None


class Store(Protocol):
    """The single writer of one store folder. Thread-safe; writes go through one serialised path.

    Every `add_*` returns only when the record is durable on disk (a power cut
    keeps it), except `add_recall(..., durable=False)`, which a later durable
    write makes durable too.
    """

    @property
    def embedder_name(self) -> str:
        """The model that wrote this store's vectors, "" for an empty store."""

    @property
    def dimension(self) -> int: ...

    def bind_embedder(self, name: str, dimension: int) -> None:
        """Fix the model of an empty store, or check that it is this one's.

        Raises:
            StoreMismatch: Another model wrote this store; the sentence names both
                and the command that re-embeds it.
        """

    def count_waiting(self) -> int:
        """Items that wait for a model (no vectors yet)."""

    def embed_waiting(self, embedder: Embedder) -> None:
        """Give vectors to the items that wait for a model, durably."""

    # items
    def add_items(self, items: Sequence[StoredItem]) -> None:
        """Add items (ids unique; an id that exists already is left as it is)."""

    def get_items(self, ids: Iterable[str]) -> dict[str, StoredItem]: ...
    def add_parts(self, item_id: str, parts: Matrix) -> bool:
        """Let a long item be found by its parts, float32[P, d], as long as the store is open.

        They are derived from its text and kept in memory. False: there is no such item,
        or no room for more.
        """

    def find_hash(self, project: str, content_hash: str) -> StoredItem | None:
        """The active item of this project with this content hash, if any."""

    def scan_items(self, scope: Scope) -> Iterator[StoredItem]:
        """All items in scope, oldest first (vectors included)."""

    def count_items(self) -> Mapping[tuple[str, Kind, State], int]:
        """Counts by (project, kind, state)."""

    def search(self, probes: Sequence[Probe], scope: Scope, limit: int) -> list[Candidate]:
        """Hybrid candidates, best `fused` first, ties by similarity then id; at most `limit`.

        The dense leg searches both keys of every probe that has a vector; the keyword
        leg searches for the terms of their texts (`memory_core.words`). With no vectors
        only the keyword leg answers.
        When at most `limit` items are in scope, all of them are candidates.
        """

    def most_held(self, asked: Sequence[Mapping[str, float]], scope: Scope) -> list[float]:
        """The most weight that one item in scope holds of each of several sets of terms.

        Args:
            asked: Terms (`memory_core.words`) with their weights, at least 0.
            scope: Which items.

        Returns:
            One sum a set, at least 0; all 0 where the words are not held in memory.
        """

    # log
    def add_recall(self, recall: StoredRecall, *, durable: bool = False) -> None: ...
    def get_recall(self, recall_id: str) -> StoredRecall | None: ...
    def recall_ids(self) -> list[str]:
        """The ids of all recalls."""

    def newest_recalls(
        self,
        projects: Collection[str],
        session: str = "",
        *,
        since: float = 0.0,
        before: str = "",
        limit: int,
    ) -> list[RecallRecord]:
        """The newest recalls of some projects, the last one first, at most `limit`.

        Args:
            projects: Whose.
            session: Of this one only, "" for all.
            since: Seconds since the epoch.
            before: Older than this recall, "" for the end of the log.
            limit: How many.
        """

    def add_outcome(self, outcome: StoredOutcome) -> None: ...
    def get_outcome(self, outcome_id: str) -> StoredOutcome | None: ...
    def add_event(self, event: Event) -> None:
        """Append the event and apply its state flip."""

    def log(self, *kinds: LogKind) -> Iterator[tuple[int, StoredRecall | StoredOutcome | Event]]:
        """All records of these kinds with their places, which rise, as of the first step."""

    def recalls(self) -> Iterator[StoredRecall]:
        """All recalls, in log order."""

    def outcomes(self) -> Iterator[StoredOutcome]:
        """All outcomes, in log order (the order in which they were acknowledged)."""

    def events(self) -> Iterator[Event]: ...

    # keeping
    def sizes(self) -> StoreSizes: ...
    def compact(self) -> None:
        """Bring the index up to date, merge its fragments, drop its old versions."""

    def reembed(
        self, embedder: Embedder, progress: Callable[[int, int], None] | None = None
    ) -> tuple[int, int]:
        """Rewrite the vectors of items, recalls and signatures with `embedder`.

        Works on a shadow copy that replaces the old tables at the end by one atomic
        step: stopped half-way, the store stays as it was and the next call goes on.

        Returns:
            (items rewritten, items that already had this embedder's vectors).
        """

    def close(self) -> None:
        """Bring the index up to date and let go; safe to call again."""
