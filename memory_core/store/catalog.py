"""The heads of all items, in memory: who exists, where it belongs, in which state.

About 300 bytes an item, so all items have one. This is what answers counts,
scopes and duplicates, and what a search is checked against; LanceDB's own
columns follow it. Thread-safe. Knows no vectors, no texts and no files.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from memory_core.model import FLIPS, KINDS, STATES, Event, Kind, State
from memory_core.ports import Scope

Rows = NDArray[np.int64]
"""int64[N], row numbers in the catalog."""
D = TypeVar("D", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Head:
    """What the catalog keeps of an item; `waiting`: it has no vectors yet."""

    id: str
    seq: int
    project: str
    kind: Kind
    state: State
    content_hash: str
    created_at: float
    waiting: bool = False


class Column(Generic[D]):
    """A growing array; `values()` is a view of what was there at the call."""

    def __init__(self, dtype: type[D]) -> None:
        self._data: NDArray[D] = np.zeros(1024, dtype=dtype)
        self._used = 0

    def append(self, values: Sequence[float]) -> None:
        need = self._used + len(values)
        if need > len(self._data):
            grown = np.zeros(max(need, 2 * len(self._data)), dtype=self._data.dtype)
            grown[: self._used] = self._data[: self._used]
            self._data = grown
        self._data[self._used : need] = values
        self._used = need

    def put(self, row: int, value: float) -> None:
        self._data[row] = value

    def values(self) -> NDArray[D]:
        return self._data[: self._used]


class Catalog:
    """The heads, in log order: row numbers never change."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ids: list[str] = []
        self._row: dict[str, int] = {}
        self._by_hash: dict[tuple[int, str], list[int]] = {}
        self._projects: dict[str, int] = {}
        self._project = Column(np.int32)
        self._kind = Column(np.int8)
        self._state = Column(np.int8)
        self._seq = Column(np.int64)
        self._created = Column(np.float64)
        self._waiting = Column(np.bool_)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._row

    def add(self, heads: Sequence[Head]) -> None:
        """Add heads whose ids are new."""
        with self._lock:
            projects = [self._projects.setdefault(h.project, len(self._projects)) for h in heads]
            self._project.append(projects)
            self._kind.append([KINDS.index(h.kind) for h in heads])
            self._state.append([STATES.index(h.state) for h in heads])
            self._seq.append([h.seq for h in heads])
            self._created.append([h.created_at for h in heads])
            self._waiting.append([h.waiting for h in heads])
            for head, project in zip(heads, projects, strict=True):
                row = len(self._ids)
                self._ids.append(head.id)
                self._row[head.id] = row
                self._by_hash.setdefault((project, head.content_hash), []).append(row)

    def flip(self, item_id: str, state: State) -> bool:
        """Set the item's state; tell whether that changed anything."""
        with self._lock:
            row = self._row.get(item_id)
            if row is None or self.state(row) == state:
                return False
            self._state.put(row, STATES.index(state))
            return True

    def embedded(self, rows: Iterable[int]) -> None:
        """Note that these rows have vectors now."""
        with self._lock:
            for row in rows:
                self._waiting.put(row, False)

    def lost_vectors(self, row: int) -> None:
        """Note that the vectors of a row must be made again."""
        with self._lock:
            self._waiting.put(row, True)

    # -- one item

    def row(self, item_id: str) -> int | None:
        """Give the item's row number, None for an unknown id."""
        return self._row.get(item_id)

    def id(self, row: int) -> str:
        return self._ids[row]

    def state(self, row: int) -> State:
        return STATES[int(self._state.values()[row])]

    def seq(self, row: int) -> int:
        return int(self._seq.values()[row])

    def newest(self) -> int:
        """Give the last place in the log of any item, 0 without any."""
        with self._lock:
            seqs = self._seq.values()
            return int(seqs.max()) if len(seqs) else 0

    def find_hash(self, project: str, content_hash: str) -> str | None:
        """Give the id of the oldest active item with this hash in this project, if any."""
        with self._lock:
            code = self._projects.get(project)
            if code is None:
                return None
            for row in self._by_hash.get((code, content_hash), ()):
                if self.state(row) == "active":
                    return self._ids[row]
        return None

    # -- many items

    def mask(self, scope: Scope) -> NDArray[np.bool_]:
        """Give bool[N]: which rows are in scope."""
        with self._lock:
            codes = [self._projects[p] for p in scope.projects if p in self._projects]
            keep = np.isin(self._project.values(), codes)
            keep &= np.isin(self._state.values(), [STATES.index(s) for s in scope.states])
            if scope.kinds:
                keep &= np.isin(self._kind.values(), [KINDS.index(k) for k in scope.kinds])
            return keep

    def oldest_first(self, scope: Scope) -> list[str]:
        """Give the ids in scope by creation time, then log order."""
        with self._lock:
            rows = np.flatnonzero(self.mask(scope))
            order = np.lexsort((self._seq.values()[rows], self._created.values()[rows]))
            return [self._ids[row] for row in rows[order].tolist()]

    def rows(self, ids: Iterable[str]) -> Rows:
        """Give the row numbers of those ids that are known, in the given order."""
        return np.array([self._row[i] for i in ids if i in self._row], dtype=np.int64)

    def states(self) -> Iterator[tuple[str, int, State]]:
        """Give (id, seq, state) of all items."""
        with self._lock:
            codes = self._state.values().tolist()
            seqs = self._seq.values().tolist()
        for item_id, seq, code in zip(self._ids, seqs, codes, strict=False):
            yield item_id, seq, STATES[code]

    def waiting(self) -> list[str]:
        """Give the ids of the items without vectors, in log order."""
        with self._lock:
            return [self._ids[row] for row in np.flatnonzero(self._waiting.values()).tolist()]

    def count_waiting(self) -> int:
        """Give how many items have no vectors."""
        return int(np.count_nonzero(self._waiting.values()))

    def counts(self) -> dict[tuple[str, Kind, State], int]:
        """Give how many items each (project, kind, state) has."""
        with self._lock:
            names = list(self._projects)
            columns = (c.values().tolist() for c in (self._project, self._kind, self._state))
            codes = Counter(zip(*columns, strict=True))
        return {(names[p], KINDS[k], STATES[s]): n for (p, k, s), n in codes.items()}


def states_after(events: Iterable[tuple[int, Event]], seqs: Mapping[str, int]) -> dict[str, State]:
    """Give the state that the events make of the items that existed when each was written.

    Args:
        events: (seq, event), in log order.
        seqs: The seq of each known item.
    """
    states: dict[str, State] = {}
    for seq, event in events:
        state = FLIPS.get(event.kind)
        if state is not None and seqs.get(event.item_id, seq) < seq:
            states[event.item_id] = state
    return states


# -- the same for LanceDB


def one_of(column: str, values: Iterable[str]) -> str:
    """Give the filter `column` is one of `values`, quoted."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({quoted})"


def scope_filter(scope: Scope) -> str:
    """Give the scope as a filter of LanceDB's.

    Example:
        >>> scope_filter(Scope(("a", "global")))
        "project IN ('a', 'global') AND state IN ('active')"
    """
    parts = [one_of("project", scope.projects), one_of("state", scope.states)]
    if scope.kinds:
        parts.append(one_of("kind", scope.kinds))
    return " AND ".join(parts)
