"""What a shared store had in place of the log before version 4: a table for each kind of record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from memory_core.store.item_table import table_name
from memory_core.store.log import Line, line_of
from memory_core.store.remote.bucket import BATCH, Place, SharedLog
from memory_core.store.schema import CODECS, TableName, entry_of

ORDER: tuple[TableName, ...] = ("outcomes", "events", "recalls", "items")
"""Outcomes first: what one names is there already when its table is read."""
_EVERY = "seq IS NOT NULL"


class FourTables:
    """The tables of one generation, read only. For one thread at a time.

    Args:
        log: Of the same place and generation.
    """

    def __init__(self, log: SharedLog) -> None:
        self._log, self.generation = log, log.generation
        self._open: dict[TableName, Any] = {}

    def _tables(self) -> Iterator[tuple[TableName, Any]]:
        for name in ORDER:
            if name not in self._open:
                self._open[name] = self._log.opened(table_name(name, self.generation))
            yield name, self._open[name]

    def refresh(self) -> int:
        """Look for the newest versions and give their sum."""
        for _, table in self._tables():
            table.checkout_latest()
        return self.version()

    def version(self) -> int:
        """Give the sum of the versions that are seen."""
        return sum(int(table.version) for _, table in self._tables())

    def count(self) -> int:
        """Give how many rows the tables have."""
        return sum(int(table.count_rows()) for _, table in self._tables())

    def places(self, where: str = "") -> list[Place]:
        """Give the place of every row that `where` keeps, in no special order."""
        found: list[Place] = []
        for name, table in self._tables():
            query = table.search().select(["seq", "id"]).where(where or _EVERY).limit(None)
            rows = query.to_arrow().select(["seq", "id"]).to_pydict()
            found += [(seq, name, i) for seq, i in zip(rows["seq"], rows["id"], strict=True)]
        return found

    def lines(self, where: str, *, vectors: bool = True) -> Iterator[list[Line]]:
        """Give the rows that `where` keeps as lines of a log, some at a time.

        Args:
            where: A filter.
            vectors: Whether to read their vectors.
        """
        for name, table in self._tables():
            codec = CODECS[name]
            wanted = [each for each in codec.read_columns() if vectors or each not in codec.vectors]
            names = [each for each in wanted if each in table.schema.names]
            query = table.search().select(names).where(where).limit(None)
            for batch in query.to_batches(batch_size=BATCH):
                rows = codec.read(pa.Table.from_batches([batch]))
                yield [line_of(entry_of(seq, name, stored)) for seq, stored in rows]

    def move(self) -> None:
        """Write all of it to the log, which is made anew: a move that was cut off left a part.

        The tables stay until `drop`.
        """
        self._log.drop(self._log.name)
        self._log.create()
        for lines in self.lines(_EVERY):
            self._log.add(lines)

    def drop(self) -> None:
        """Drop the tables."""
        for name in ORDER:
            self._log.drop(table_name(name, self.generation))
