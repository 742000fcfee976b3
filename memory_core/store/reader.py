"""Reading back: items by id and by scope, recalls by id, the logs in their order."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from memory_core.model import RecallRecord
from memory_core.ports import Scope, StoredItem, StoredOutcome, StoredRecall
from memory_core.store.faults import translated
from memory_core.store.schema import CODECS, ITEMS, OUTCOMES, RECALLS, Codec, TableName
from memory_core.store.tables import at_places, one_of
from memory_core.store.writer import Writer

T = TypeVar("T")

_NO_END = 2**62
SLICE = 512
"""Rows that a scan reads at a time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which recalls to list; see `memory_core.ports.Store.newest_recalls`."""

    projects: Collection[str]
    session: str
    since: float
    before: str

    def fits(self, record: RecallRecord) -> bool:
        return (
            record.project in self.projects
            and self.session in ("", record.session)
            and record.at >= self.since
        )

    def where(self, before: int) -> str:
        """Give the same as a filter of the table, for rows before a place in the log."""
        clauses = [one_of("project", self.projects), f"seq < {before}"]
        if self.session:
            clauses.append(one_of("session", [self.session]))
        if self.since:
            clauses.append(f"at >= {self.since!r}")
        return " AND ".join(clauses)


class Reader:
    """Reads the tables and what they have not got yet as one. Thread-safe."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._tables = writer.tables
        self._folder = writer.standing.folder

    def items(self, ids: Iterable[str], *, keep: bool = True) -> dict[str, StoredItem]:
        """Give the items that exist, in the order of `ids`; `keep` them in the cache."""
        catalog = self._writer.catalog
        wanted = [item_id for item_id in dict.fromkeys(ids) if item_id in catalog]
        found = {i: self._present(kept) for i, kept in self._writer.cache.get(wanted).items()}
        missing = [item_id for item_id in wanted if item_id not in found]
        if missing:
            late = self._writer.backlog.late()
            fetched = self._fetch([item_id for item_id in missing if item_id not in late])
            found |= {i: self._present(late[i]) for i in missing if i in late}
            found |= {stored.item.id: stored for stored in fetched}
            if keep:
                self._writer.cache.put(fetched)
        return {item_id: found[item_id] for item_id in wanted if item_id in found}

    def _fetch(self, ids: Sequence[str]) -> list[StoredItem]:
        catalog = self._writer.catalog
        seqs = [catalog.seq(row) for row in catalog.rows(ids).tolist()]
        fetched: list[StoredItem] = []
        for start in range(0, len(seqs), SLICE):
            where = at_places(seqs[start : start + SLICE])
            with translated(self._folder):
                rows = self._tables.scan("items", ITEMS.read_columns(), where)
            fetched += [self._present(stored) for _, stored in ITEMS.read(rows)]
        return fetched

    def _present(self, stored: StoredItem) -> StoredItem:
        """Give the item in the state that the catalog knows: LanceDB's may be a moment old."""
        row = self._writer.catalog.row(stored.item.id)
        state = stored.state if row is None else self._writer.catalog.state(row)
        return stored if state == stored.state else dataclasses.replace(stored, state=state)

    def scan_items(self, scope: Scope) -> Iterator[StoredItem]:
        """Give all items in scope, oldest first."""
        ids = self._writer.catalog.oldest_first(scope)
        for start in range(0, len(ids), SLICE):
            self._writer.standing.require_open()
            yield from self.items(ids[start : start + SLICE], keep=False).values()

    def recall(self, recall_id: str) -> StoredRecall | None:
        """Give the recall with this id, if there is one."""
        return self._record(RECALLS, recall_id)

    def outcome(self, outcome_id: str) -> StoredOutcome | None:
        """Give the outcome with this id, if there is one."""
        return self._record(OUTCOMES, outcome_id)

    def _record(self, codec: Codec[T], record_id: str) -> T | None:
        """Give the record of a log with this id: from memory, else from its one row."""
        found: T | int | None = self._writer.tail.record(codec.table, record_id)
        if not isinstance(found, int):
            return found
        with translated(self._folder):
            rows = codec.read(self._tables.scan(codec.table, None, at_places([found])))
        return rows[0][1] if rows else None

    def newest_recalls(self, wanted: Wanted, limit: int) -> list[RecallRecord]:
        """Give the newest recalls that are wanted, at most `limit`: only these are read whole."""
        before = self._writer.tail.place("recalls", wanted.before) if wanted.before else _NO_END
        if before is None:
            return []
        _, waiting = self._writer.tail.split("recalls")
        late = {entry.seq: entry.stored.record for entry in waiting}
        found = [late[seq] for seq in sorted(late, reverse=True) if seq < before]
        found = [record for record in found if wanted.fits(record)][:limit]
        with translated(self._folder):
            rows = self._tables.scan("recalls", ["seq"], wanted.where(before))
            seqs = sorted(set(rows["seq"].to_pylist()) - set(late), reverse=True)
            seqs = seqs[: limit - len(found)]
            if not seqs:
                return found
            read = RECALLS.read(self._tables.scan("recalls", None, at_places(seqs)))
        return found + [stored.record for _, stored in sorted(read, key=lambda pair: -pair[0])]

    def log(self, name: TableName) -> Iterator[tuple[int, Any]]:
        """Give (seq, record) of one log in its order, as it is at the first step."""
        seqs, waiting = self._writer.tail.split(name)
        codec = CODECS[name]
        for start in range(0, len(seqs), SLICE):
            part = seqs[start : start + SLICE]
            self._writer.standing.require_open()
            with translated(self._folder):
                rows = self._tables.scan(name, None, f"seq >= {part[0]} AND seq <= {part[-1]}")
            wanted = set(part)
            read = sorted(codec.read(rows), key=lambda pair: pair[0])
            yield from ((seq, stored) for seq, stored in read if seq in wanted)
        for entry in waiting:
            yield entry.seq, entry.stored
