"""The items' LanceDB table: with `queries`, what searches them.

Distance is cosine, in both and nowhere else. Ids are kept unique by the caller;
there is no index on `id` and no `merge_insert` (both duplicate rows under some
of LanceDB's versions). Every handle reads the latest version
(`read_consistency_interval` = 0): a stale one also writes wrongly.

Mutations must come one at a time (the writer's lock); reads from any thread.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import lancedb
from lancedb.index import FTS, Bitmap, IvfSq

from memory_core.model import State
from memory_core.ports import Vector
from memory_core.store import disk, faults, queries
from memory_core.store.catalog import one_of
from memory_core.store.schema import ITEMS, TableName

FOLDER = "lance"
VERSION = lancedb.__version__
_FOREVER = timedelta(days=36500)
_CACHES = (32 * 2**20, 16 * 2**20)
"""Bytes of LanceDB's caches for indexes and for metadata: each text index that was built anew
leaves its forerunner there until the cache is full."""
_LARGE_CACHES = (256 * 2**20, 64 * 2**20)
"""The same once vectors are searched in LanceDB's index."""
_ITEMS = re.compile(r"items(_g[0-9]+)?")
_SLICE = 500
_ROUNDS = 8


def table_name(name: TableName, generation: int) -> str:
    """Give the name on disk: re-embedding writes a new generation beside the old."""
    return name if generation == 1 or name == "events" else f"{name}_g{generation}"


def at_places(seqs: Iterable[int]) -> str:
    """Give the filter for the rows with these places in the log."""
    return f"seq IN ({', '.join(map(str, seqs))})"


class ItemTable:
    """The table of one generation in a folder.

    Args:
        root: The folder.
        generation: Of the vectors.
        dimension: Of the vectors, 0 while there is no model.
    """

    elsewhere = False
    """Whether it is in another place than a folder, which may not answer."""

    def __init__(self, root: Path, generation: int, dimension: int) -> None:
        self.root = root
        self.generation = generation
        self.dimension = dimension
        self._db = self._connected()
        self._handle: Any = None
        self._searching: queries.SearchHandle | None = None
        self._synced: set[str] = set()

    _caches = _CACHES
    _session: Any = None

    def expect_large(self) -> None:
        """Make LanceDB's caches large enough for vector indexes."""
        if self._caches != _LARGE_CACHES:
            self._caches = _LARGE_CACHES
            self._db = self._connected()
            self.close()

    def _connected(self) -> Any:
        self._session = lancedb.Session(*self._caches)
        return lancedb.connect(
            str(self.root), read_consistency_interval=timedelta(0), session=self._session
        )

    # -- opening

    @property
    def name(self) -> str:
        """The table's name on the disk."""
        return table_name("items", self.generation)

    def names(self) -> list[str]:
        """Give the names of all tables that exist, of every generation."""
        return sorted(p.stem for p in self.root.glob("*.lance"))

    def create(self) -> None:
        """Create the table of this generation if it is not there."""
        if self.name not in self.names():
            self._db.create_table(self.name, schema=ITEMS.schema(self.dimension))

    def missing_columns(self) -> list[str]:
        """Give the columns that the table should have and has not."""
        present = set(self.open().schema.names)
        wanted = ITEMS.schema(self.dimension).names
        return [column for column in wanted if column not in present]

    def drop(self, name: str) -> None:
        """Drop the table with this name on disk, if it is there."""
        if name in self.names():
            self._db.drop_table(name)

    def path(self) -> Path:
        """Give the table's folder."""
        return self.root / f"{self.name}.lance"

    def open(self) -> Any:
        """Give the table's handle."""
        if self._handle is None:
            self._handle = self._db.open_table(self.name)
        return self._handle

    def _read(self, run: Any) -> Any:
        """Run a read; once more at the latest version when clean-up took its files away."""
        try:
            return run(self.open())
        except (RuntimeError, OSError) as error:
            if not faults.is_gone(error) or not self._exists():
                raise
            table = self.open()
            table.checkout_latest()
            return run(table)

    def _search(self, query: queries.Query) -> Any:
        """Search the items; once more with a new handle when clean-up took its files away."""
        handle = self._searching or self._search_handle()
        try:
            return handle.run(query)
        except (RuntimeError, OSError) as error:
            if not faults.is_gone(error) or not self._exists():
                raise
            return self._search_handle().run(query)

    def _search_handle(self) -> queries.SearchHandle:
        self._searching = handle = queries.SearchHandle(self._for_searching)
        return handle

    async def _for_searching(self) -> Any:
        """Open the items' table on LanceDB's event loop, for reads of its latest version."""
        connection = await lancedb.connect_async(
            str(self.root), read_consistency_interval=timedelta(0), session=self._session
        )
        return await connection.open_table(self.name)

    def _exists(self) -> bool:
        return self.path().exists()

    def close(self) -> None:
        """Let the handles go, and with them the files that LanceDB holds open."""
        self._handle = None
        self._searching = None

    def trust(self) -> None:
        """Take all files that the items' table has now for synced."""
        self._synced = disk.paths_under(self.path())

    def sync(self) -> None:
        """Return only when every file of the items' table is on the disk."""
        disk.sync_new(self.path(), self._synced)

    def wipe(self) -> None:
        """Delete the items' tables of every generation, also what of them cannot be opened."""
        self.close()
        self._synced = set()
        for name in self.names():
            if _ITEMS.fullmatch(name):
                shutil.rmtree(self.root / f"{name}.lance", ignore_errors=True)

    def switch(self, generation: int, dimension: int) -> None:
        """Read and write another generation from now on."""
        self._text_index = False
        self.generation, self.dimension = generation, dimension
        self.close()

    # -- writing

    def add(self, rows: Any) -> None:
        """Append an Arrow table of this table's schema."""
        self.open().add(rows)

    def delete(self, seqs: Sequence[int]) -> None:
        """Delete the rows with these places in the log."""
        self.open().delete(at_places(seqs))

    def set_states(self, states: Mapping[str, State]) -> int:
        """Write the denormalised state of these items; the same state twice changes nothing.

        Returns:
            How many versions of the table that made, at the most.
        """
        commits = 0
        by_state: dict[State, list[str]] = {}
        for item_id, state in states.items():
            by_state.setdefault(state, []).append(item_id)
        for state, ids in by_state.items():
            for start in range(0, len(ids), _SLICE):
                where = one_of("id", ids[start : start + _SLICE])
                self.open().update(where=where, values={"state": state})
                commits += 1
        return commits

    # -- reading

    def scan(self, columns: Sequence[str] | None, where: str = "") -> Any:
        """Give these columns (None: all) of the rows that `where` keeps, in no special order."""

        def run(table: Any) -> Any:
            query = table.search()
            if columns is not None:
                query = query.select([c for c in columns if c in table.schema.names])
            if where:
                query = query.where(where)
            return query.limit(None).to_arrow()

        return self._read(run)

    def nearest(self, column: str, vector: Vector, limit: int, where: str) -> list[str]:
        """Give the ids of the items whose `column` is nearest to `vector`, nearest first."""
        found = self._search(queries.nearest(column, vector, limit, where))
        return cast("list[str]", found["id"].to_pylist())

    def matching(self, words: str, limit: int, where: str) -> list[tuple[str, float]]:
        """Give (id, BM25 score) of the items that hold one of these words, best first."""
        if not words or limit < 1 or not self.has_text_index():
            return []
        found = self._search(queries.matching(words, limit, where))
        return list(zip(found["id"].to_pylist(), found["_score"].to_pylist(), strict=True))

    # -- indexes and keeping

    def _index_names(self) -> dict[str, str]:
        return {index.columns[0]: index.name for index in self.open().list_indices()}

    def has_text_index(self) -> bool:
        """Tell whether the full-text index exists (it is made with the first rows)."""
        if not self._text_index:
            self._text_index = "search_text" in self._index_names()
        return self._text_index

    _text_index = False

    def build_text_index(self) -> None:
        """Build the full-text index anew.

        A new build is what gives all rows scores of the same statistics; it is
        also cheaper than `optimize`, which keeps the counts of replaced rows.
        """
        config = FTS(with_position=False)
        self.open().create_index("search_text", config=config, replace=True)
        self._text_index = True

    def build_filter_indexes(self) -> None:
        """Index what a scope filters on, so that a filter does not read every row."""
        present = self._index_names()
        for column in ("project", "kind", "state"):
            if column not in present:
                self.open().create_index(column, config=Bitmap())

    def build_vector_index(self, column: str) -> None:
        """Build the approximate index of one vector column anew (all its rows)."""
        config = IvfSq(distance_type=queries.DISTANCE)
        self.open().create_index(column, config=config, replace=True)

    def unindexed(self, column: str) -> int | None:
        """Give how many rows the column's index does not hold yet; None without an index."""
        name = self._index_names().get(column)
        if name is None:
            return None
        stats = self.open().index_stats(name)
        return None if stats is None else int(stats.num_unindexed_rows)

    def segments(self, column: str) -> int:
        """Give of how many parts the column's index consists (0: no index)."""
        name = self._index_names().get(column)
        stats = self.open().index_stats(name) if name else None
        return int(stats.num_indices or 1) if stats is not None else 0

    def count(self, where: str = "") -> int:
        """Give how many rows `where` keeps."""
        return int(self._read(lambda table: table.count_rows(where or None)))

    def go_back(self, version: int) -> None:
        """Make an earlier version the newest again."""
        self.open().checkout(version)
        self.open().restore()

    def version(self) -> int:
        """Give the table's present version."""
        return int(self.open().version)

    def fragments(self) -> int:
        """Give of how many fragments the table consists."""
        stats = self.open().stats()
        return int(stats["fragment_stats"]["num_fragments"])

    def merge(self) -> None:
        """Merge the table's fragments and bring its indexes up to date; nothing is deleted.

        Goes on until another round would change nothing: clean-up is such a
        round too, and must not write a version that nobody has synced.
        """
        for _ in range(_ROUNDS):
            before = self.version()
            self.open().optimize(cleanup_older_than=_FOREVER)
            if self.version() == before:
                return

    def clean(self, keep: timedelta) -> None:
        """Delete old versions and left-over files. Only after what is newer has been synced."""
        keep = max(keep, timedelta(milliseconds=1))
        self.open().optimize(cleanup_older_than=keep, delete_unverified=True)
