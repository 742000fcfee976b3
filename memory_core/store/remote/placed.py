"""The index at a place of LanceDB's that is no folder: a bucket, or its remote service.

For a store whose items are too many for one machine's search. The log stays on the machine;
what stands here may be thrown away, as in a folder. A search asks for the newest version, one
request more than a folder's.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb

from memory_core.addresses import is_database
from memory_core.store import faults
from memory_core.store.item_table import ItemTable
from memory_core.store.remote.bucket import STORAGE_OPTIONS

_ITEMS = re.compile(r"items(_g[0-9]+)?")
_NEWEST = timedelta(0)
_SECONDS = 30.0
"""For which a request to the service may wait for its answer."""


class PlacedTable(ItemTable):
    """The items' table under a URL.

    Args:
        url: s3://, gs:// or az://BUCKET/PREFIX, or db://DATABASE/PREFIX.
        generation: Of the vectors.
        dimension: Of the vectors.
    """

    elsewhere = True

    def __init__(self, url: str, generation: int, dimension: int) -> None:
        self.url = url
        super().__init__(Path(), generation, dimension)

    def _connected(self) -> Any:
        if is_database(self.url):
            from memory_core.store.remote.database import Database

            return Database(self.url, _SECONDS)
        self._session = lancedb.Session(*self._caches)
        return lancedb.connect(
            self.url,
            storage_options=STORAGE_OPTIONS,
            read_consistency_interval=_NEWEST,
            session=self._session,
        )

    async def _for_searching(self) -> Any:
        if is_database(self.url):
            return await self._db.table_for_searching(self.name)
        connection = await lancedb.connect_async(
            self.url,
            storage_options=STORAGE_OPTIONS,
            read_consistency_interval=_NEWEST,
            session=self._session,
        )
        return await connection.open_table(self.name)

    def names(self) -> list[str]:
        if is_database(self.url):
            return list(self._db.names())
        return sorted(self._db.list_tables().tables)

    def path(self) -> Path:
        raise NotImplementedError(f"a table at {self.url} has no path")

    def _exists(self) -> bool:
        return self.name in self.names()

    def trust(self) -> None:
        """Nothing to do: what was acknowledged there is kept."""

    def sync(self) -> None:
        """Nothing to do, likewise."""

    def wipe(self) -> None:
        self.close()
        for name in self.names():
            if _ITEMS.fullmatch(name):
                self._db.drop_table(name)

    def fragments(self) -> int:
        """Give 0 where they are the service's own business, or nobody answers now."""
        if is_database(self.url):
            return 0
        with suppress(*faults.FAULTS):
            return super().fragments()
        return 0

    def merge(self) -> None:
        if not is_database(self.url):  # the service does so itself
            super().merge()

    def clean(self, keep: timedelta) -> None:
        if not is_database(self.url):
            super().clean(keep)
