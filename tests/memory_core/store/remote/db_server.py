"""A stand-in for LanceDB's remote service: its HTTP API over plain LanceDB tables in a folder.

Written from what lancedb's client sends and takes, for want of a server that could be run here:
it shows that the client's requests are used rightly, not how the service itself behaves.
Prints its port, lives until killed.

Usage: python -m tests.memory_core.store.remote.db_server FOLDER [PORT]
"""

from __future__ import annotations

import io
import json
import re
import socket
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import lancedb
import pyarrow as pa
import uvicorn
from lancedb.index import FTS, Bitmap, IvfSq
from lancedb.query import MatchQuery
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

KEY = "a-key-of-the-tests"
STREAM = "application/vnd.apache.arrow.stream"
FILE = "application/vnd.apache.arrow.file"
_NAMES = {
    pa.string(): "string",
    pa.int64(): "int64",
    pa.float64(): "double",
    pa.float32(): "float",
    pa.bool_(): "bool",
    pa.binary(): "binary",
}
Query = dict[str, str]


def type_of(kind: pa.DataType) -> dict[str, Any]:
    """An Arrow type in the words of the API."""
    if pa.types.is_struct(kind):
        return {"type": "struct", "fields": [field_of(each) for each in kind]}
    if pa.types.is_fixed_size_list(kind):
        fields = [field_of(kind.value_field)]
        return {"type": "fixed_size_list", "fields": fields, "length": kind.list_size}
    if pa.types.is_list(kind):
        return {"type": "list", "fields": [field_of(kind.value_field)]}
    return {"type": _NAMES[kind]}


def field_of(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, "nullable": field.nullable, "type": type_of(field.type)}


class ItemTable:
    """What each request does to the tables. Each opens its table anew, at its latest version."""

    def __init__(self, folder: str) -> None:
        self._db: Any = lancedb.connect(folder, read_consistency_interval=timedelta(0))

    def names(self) -> list[str]:
        return sorted(self._db.list_tables().tables)

    def create(self, name: str, _: Query, body: bytes) -> Response:
        try:
            self._db.create_table(name, data=pa.ipc.open_stream(body).read_all())
        except ValueError as error:
            return PlainTextResponse(str(error), 409)
        return JSONResponse({"table": name})

    def drop(self, name: str, _: Query, __: bytes) -> Response:
        self._db.drop_table(name)
        return JSONResponse({})

    def describe(self, name: str, _: Query, __: bytes) -> Response:
        table = self._db.open_table(name)
        fields = [field_of(each) for each in table.schema]
        return JSONResponse({"table": name, "version": table.version, "schema": {"fields": fields}})

    def count_rows(self, name: str, _: Query, body: bytes) -> Response:
        where = json.loads(body).get("predicate")
        return PlainTextResponse(str(self._db.open_table(name).count_rows(where)))

    def insert(self, name: str, _: Query, body: bytes) -> Response:
        table = self._db.open_table(name)
        return JSONResponse({"version": table.add(pa.ipc.open_stream(body).read_all()).version})

    def update(self, name: str, _: Query, body: bytes) -> Response:
        asked = json.loads(body)
        table = self._db.open_table(name)
        done = table.update(where=asked["predicate"], values_sql=dict(asked["updates"]))
        return JSONResponse({"rows_updated": done.rows_updated, "version": done.version})

    def delete(self, name: str, _: Query, body: bytes) -> Response:
        done = self._db.open_table(name).delete(json.loads(body)["predicate"])
        return JSONResponse({"version": done.version, "num_deleted_rows": 0})

    def merge_insert(self, name: str, query: Query, body: bytes) -> Response:
        merge = self._db.open_table(name).merge_insert(query["on"])
        if query.get("when_matched_update_all") == "true":
            merge = merge.when_matched_update_all()
        if query.get("when_not_matched_insert_all") == "true":
            merge = merge.when_not_matched_insert_all()
        done = merge.execute(pa.ipc.open_stream(body).read_all(), on_bad_vectors="null")
        numbers = ("version", "num_inserted_rows", "num_updated_rows", "num_deleted_rows")
        return JSONResponse({each: getattr(done, each) for each in numbers})

    def add_columns(self, name: str, _: Query, body: bytes) -> Response:
        table = self._db.open_table(name)
        done = table.add_columns(list(pa.ipc.open_stream(body).schema))
        return JSONResponse({"version": done.version})

    def drop_columns(self, name: str, _: Query, body: bytes) -> Response:
        done = self._db.open_table(name).drop_columns(json.loads(body)["columns"])
        return JSONResponse({"version": done.version})

    def create_index(self, name: str, _: Query, body: bytes) -> Response:
        asked = json.loads(body)
        kinds = {"FTS": FTS, "BITMAP": Bitmap}
        made = kinds.get(asked["index_type"].upper(), IvfSq)
        config = made(distance_type="cosine") if made is IvfSq else made()
        self._db.open_table(name).create_index(asked["column"], config=config, replace=True)
        return JSONResponse({})

    def index_list(self, name: str, _: Query, __: bytes) -> Response:
        found = self._db.open_table(name).list_indices()
        told = [
            {"index_name": each.name, "columns": each.columns, "status": "done"} for each in found
        ]
        return JSONResponse({"indexes": told})

    def index_stats(self, name: str, query: Query, _: bytes) -> Response:
        found = self._db.open_table(name).index_stats(query["index"])
        kept = ("num_indexed_rows", "num_unindexed_rows", "index_type", "distance_type")
        return JSONResponse({each: getattr(found, each) for each in kept})

    def restore(self, name: str, _: Query, body: bytes) -> Response:
        table = self._db.open_table(name)
        table.checkout(json.loads(body)["version"])
        table.restore()
        return JSONResponse({"version": table.version})

    def _search(self, name: str, asked: dict[str, Any]) -> Any:
        table = self._db.open_table(name)
        if asked.get("full_text_query"):
            words, (column,) = (asked["full_text_query"][k] for k in ("query", "columns"))
            match = MatchQuery(words, column)  # type: ignore[call-arg]
            return table.search(match, query_type="fts")
        if asked.get("vector"):
            nearest = table.search(asked["vector"], vector_column_name=asked["vector_column"])
            return nearest.distance_type("cosine")
        return table.search()

    def query(self, name: str, _: Query, body: bytes) -> Response:
        asked = json.loads(body)
        search = self._search(name, asked)
        if asked.get("columns") is not None:
            search = search.select(asked["columns"])
        if asked.get("filter"):
            search = search.where(asked["filter"])
        if asked.get("with_row_id"):
            search = search.with_row_id(True)
        most = asked["k"]
        found = search.limit(most if most < 1 << 32 else None).to_arrow()
        out = io.BytesIO()
        with pa.ipc.new_file(out, found.schema) as writer:
            writer.write_table(found)
        return Response(out.getvalue(), media_type=FILE)


def application(folder: str) -> Starlette:
    tables = ItemTable(folder)

    async def listed(request: Request) -> Response:
        if request.headers.get("x-api-key") != KEY:
            return PlainTextResponse("Unauthorized", 401)
        names = await run_in_threadpool(tables.names)
        first = int(request.query_params.get("page_token") or 0)
        last = first + int(request.query_params.get("limit") or 10)
        page = {"tables": names[first:last]}
        return JSONResponse({**page, "page_token": str(last)} if last < len(names) else page)

    async def asked(request: Request) -> Response:
        if request.headers.get("x-api-key") != KEY:
            return PlainTextResponse("Unauthorized", 401)
        name, verb = request.path_params["name"], request.path_params["verb"]
        if verb in ("query", "count_rows") and "x-lancedb-min-timestamp" not in request.headers:
            return PlainTextResponse("A read that may be of an old version", 400)
        body = await request.body()
        if verb != "create" and name not in await run_in_threadpool(tables.names):
            return PlainTextResponse(f"Table {name} was not found", 404)
        query = dict(request.query_params)
        of_an_index = re.fullmatch("index/(.+)/stats", verb)
        if of_an_index is not None:
            verb, query["index"] = "index_stats", of_an_index[1]
        work: Callable[[str, Query, bytes], Response] = getattr(tables, verb.replace("/", "_"))
        return await run_in_threadpool(work, name, query, body)

    return Starlette(
        routes=[
            Route("/v1/namespace/$/table/list", listed),
            Route("/v1/table/{name}/{verb:path}/", asked, methods=["POST"]),
        ]
    )


def main(folder: str, port: int) -> None:
    server = uvicorn.Server(uvicorn.Config(application(folder), log_level="error"))
    # asyncio switches Nagle's algorithm off for sockets that name TCP, else each answer takes 40 ms
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.listen()
    sys.stdout.write(f"{bound.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
