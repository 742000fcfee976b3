"""A shared store in LanceDB's remote service, Cloud or Enterprise: db://DATABASE/PREFIX.

The log's table is called PREFIX_log. Two more stand for the small objects
that a bucket has beside its log, one a row. In PREFIX_objects the lease and the
others that are changed: an update that asks for a row's tag changes it for one
caller only. In PREFIX_files what is written once. The service merges, indexes and
cleans up by itself; a search asks the working copy, as everywhere.

Key and place come from LANCEDB_API_KEY, LANCEDB_REGION (us-east-1) and
LANCEDB_HOST (the URL of a server of one's own).
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

import lancedb
import pyarrow as pa
from lancedb.remote import ClientConfig, RetryConfig, TimeoutConfig

from memory_core.store.faults import says
from memory_core.store.meta import FILE as META
from memory_core.store.remote.bucket import FAULTS, SharedLog, bucket_faults
from memory_core.store.remote.objects import CONNECT, HEAD, LEASE, TIMEOUT, Found, Objects
from memory_core.store.schema import TABLES

REGION = "us-east-1"
TABLE_SECONDS = 30.0
"""For which a request on a table may wait for its answer, or for more of it."""
ONCE = (LEASE, META, HEAD, "tokens.json")
"""Objects whose making must have one winner: their rows come with the table, empty."""
_OBJECTS, _FILES = "objects", "files"
_SCHEMA = pa.schema([("name", pa.string()), ("tag", pa.string()), ("content", pa.binary())])
_NAME = re.compile(rf"{_OBJECTS}|{_FILES}|({'|'.join(('log', *TABLES))})(_g[0-9]+)?")
"""What a store's tables are called; other names are another prefix's that begins like this one."""
_PAGE = 100
_MISSING = ("was not found", "not found", "does not exist")
_T = TypeVar("_T")


class Database:
    """The tables of one prefix in a database, under their names without it.

    No request is repeated here: repeating an append whose answer was lost doubles it.
    Every read is of the newest version.

    Args:
        url: db://DATABASE/PREFIX.
        silence: Seconds for which the other side may say nothing.
        whole: Seconds that a request may take with its body; None: as long as it says something.
    """

    def __init__(self, url: str, silence: float, whole: float | None = None) -> None:
        name, _, prefix = url.partition("://")[2].partition("/")
        self._prefix = f"{prefix}_"
        connect = timedelta(seconds=min(CONNECT, silence))
        limit = None if whole is None else timedelta(seconds=whole)
        self._address = f"db://{name}"
        self._how: dict[str, Any] = {
            "region": os.environ.get("LANCEDB_REGION") or REGION,
            "host_override": os.environ.get("LANCEDB_HOST") or None,
            "read_consistency_interval": timedelta(0),
            "client_config": ClientConfig(
                retry_config=RetryConfig(retries=0, connect_retries=0, read_retries=0, statuses=[]),
                timeout_config=TimeoutConfig(
                    timeout=limit,
                    connect_timeout=connect,
                    read_timeout=timedelta(seconds=silence),
                ),
            ),
        }
        self._connection: Any = lancedb.connect(self._address, **self._how)

    async def table_for_searching(self, name: str) -> Any:
        """Give a table's handle for LanceDB's event loop."""
        key = os.environ.get("LANCEDB_API_KEY")  # read by the other connection itself
        connection = await lancedb.connect_async(self._address, api_key=key, **self._how)
        return await connection.open_table(self._prefix + name)

    def names(self) -> list[str]:
        """Give the names of the tables of this prefix, sorted."""
        found: list[str] = []
        token: str | None = None
        while True:
            page = self._connection.list_tables(page_token=token, limit=_PAGE)
            found += page.tables
            token = page.page_token
            if not token or not page.tables:
                break
        ours = (each.removeprefix(self._prefix) for each in found if each.startswith(self._prefix))
        return sorted({name for name in ours if _NAME.fullmatch(name)})

    def open_table(self, name: str) -> Any:
        """Give a table's handle."""
        return self._connection.open_table(self._prefix + name)

    def create_table(self, name: str, **made_of: Any) -> Any:
        """Make a table that is not there yet."""
        return self._connection.create_table(self._prefix + name, **made_of)

    def drop_table(self, name: str) -> None:
        """Drop a table."""
        self._connection.drop_table(self._prefix + name)


class DatabaseLog(SharedLog):
    """The log in a database. For one thread at a time."""

    def _connected(self) -> Database:
        with bucket_faults(self.url):
            return Database(self.url, TABLE_SECONDS)

    def names(self) -> list[str]:
        return [name for name in self._db.names() if name not in (_OBJECTS, _FILES)]

    def fragments(self) -> int:
        """Give 0: the service merges them itself."""
        return 0

    def compact(self) -> None:
        """Leave it to the service."""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class DatabaseObjects(Objects):
    """Objects as rows of one table: name, tag, content. An empty tag: there is none."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        super().__init__(url)
        with bucket_faults(url):
            self._database = Database(url, timeout, timeout)
        self._opened: dict[str, Any] = {}

    def _run(self, name: str, work: Callable[[Any], _T], *, make: bool) -> _T | None:
        """Do something with a table; None when it is not there and shall not be made."""
        self.requests += 1
        with bucket_faults(self.url):
            table = self._opened.get(name)
            if table is None:
                table = self._table(name, make=make)
                if table is None:
                    return None
                self._opened[name] = table
            return work(table)

    def _table(self, name: str, *, make: bool) -> Any:
        found = self._found(name)
        if found is not None or not make:
            return found
        rows = [(each, "", b"") for each in ONCE] if name == _OBJECTS else []
        try:
            return self._database.create_table(name, data=_rows(rows))
        except FAULTS:  # somebody else was making it
            found = self._found(name)
            if found is None:
                raise
            return found

    def _found(self, name: str) -> Any:
        try:
            return self._database.open_table(name)
        except FAULTS as error:
            if says(error, _MISSING):
                return None
            raise

    def get(self, name: str) -> Found | None:
        def work(table: Any) -> list[dict[str, Any]]:
            found = table.search().where(f"name = {_text(name)} AND tag <> ''").limit(1)
            return cast("list[dict[str, Any]]", found.to_arrow().to_pylist())

        rows = self._run(_place(name), work, make=False)
        return Found(bytes(rows[0]["content"]), rows[0]["tag"]) if rows else None

    def put_new(self, name: str, content: bytes) -> str | None:
        tag = uuid.uuid4().hex
        if name in ONCE:
            return self._replaced(name, "", tag, content)

        def work(table: Any) -> int:
            merge = table.merge_insert("name").when_not_matched_insert_all()
            return int(merge.execute(_rows([(name, tag, content)])).num_inserted_rows)

        return tag if self._run(_place(name), work, make=True) else None

    def put_over(self, name: str, content: bytes, tag: str) -> str | None:
        return self._replaced(name, tag, uuid.uuid4().hex, content) if tag else None

    def _replaced(self, name: str, tag: str, new: str, content: bytes) -> str | None:
        """Give the row of this name and tag another one; None when there is no such row."""

        def work(table: Any) -> int:
            where = f"name = {_text(name)} AND tag = {_text(tag)}"
            changed = table.update(where=where, values={"tag": new, "content": content})
            return int(changed.rows_updated)

        return new if self._run(_place(name), work, make=True) else None

    def put(self, name: str, content: bytes) -> None:
        row = _rows([(name, uuid.uuid4().hex, content)])

        def work(table: Any) -> None:
            merge = table.merge_insert("name")
            merge.when_matched_update_all().when_not_matched_insert_all().execute(row)

        self._run(_place(name), work, make=True)

    def delete(self, name: str) -> None:
        where = f"name = {_text(name)}"

        def work(table: Any) -> None:
            if name in ONCE:
                table.update(where=where, values={"tag": "", "content": b""})
            else:
                table.delete(where)

        self._run(_place(name), work, make=False)

    def names(self, folder: str) -> list[str]:
        def work(table: Any) -> list[str]:
            found = table.search().where("tag <> ''").select(["name"]).limit(None).to_arrow()
            return cast("list[str]", found["name"].to_pylist())

        inside = f"{folder}/" if folder else ""
        places = (_FILES,) if folder else (_OBJECTS, _FILES)
        found = [name for place in places for name in self._run(place, work, make=False) or ()]
        return sorted(name for name in found if name.startswith(inside))


def _place(name: str) -> str:
    """Give the table of an object."""
    return _OBJECTS if name in ONCE else _FILES


def _rows(rows: list[tuple[str, str, bytes]]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(_SCHEMA.names, row, strict=True)) for row in rows], schema=_SCHEMA
    )
