"""Shared places for tests, the variables that lead to them, and ways to look inside.

A real S3 server, and a stand-in for LanceDB's remote service (see `db_server`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb

from memory_core.addresses import is_database
from memory_core.store.packing import unpacked
from memory_core.store.remote.bucket import log_name
from memory_core.store.remote.database import Database
from memory_core.store.remote.reaching import log_at
from tests.memory_core.store.remote.db_server import KEY
from tests.patience import PATIENCE

NAME = "lessons"
LIMITS = {"timeout": "10s", "client_max_retries": "1", "client_retry_timeout": "20"}
"""No look into a bucket takes longer than a test waits."""


@contextmanager
def _serving(module: str, root: Path, *words: str) -> Iterator[int]:
    """Run one of the servers beside this module; give its port."""
    command = [sys.executable, "-m", f"tests.memory_core.store.remote.{module}", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True) as child:
        try:
            assert child.stdout is not None
            yield int(child.stdout.readline())
        finally:
            child.kill()


@contextmanager
def s3_server(root: Path, port: int = 0) -> Iterator[int]:
    """Run a server with an empty bucket; give its port."""
    with _serving("s3_server", root, str(port)) as there:
        made = urllib.request.Request(f"http://127.0.0.1:{there}/{NAME}", method="PUT")
        urllib.request.urlopen(made, timeout=PATIENCE).close()
        yield there


@contextmanager
def database_server(root: Path, folder: Path, port: int = 0) -> Iterator[int]:
    """Run a stand-in for LanceDB's remote service; give its port."""
    with _serving("db_server", root, str(folder), str(port)) as there:
        yield there


def variables(port: int) -> dict[str, str]:
    """What the environment must hold so that s3:// leads to this port."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
    }


def database_variables(port: int) -> dict[str, str]:
    """What the environment must hold so that db:// leads to this port."""
    return {"LANCEDB_API_KEY": KEY, "LANCEDB_HOST": f"http://127.0.0.1:{port}"}


def new_url() -> str:
    """A prefix that nobody has used."""
    return f"s3://{NAME}/{uuid.uuid4().hex[:12]}"


def new_database_url() -> str:
    """A prefix in a database that nobody has used."""
    return f"db://{NAME}/p{uuid.uuid4().hex[:12]}"


def lance_at(url: str) -> Any:
    """The tables of a shared store, as anybody opens them."""
    if is_database(url):
        return Database(url, PATIENCE)
    return lancedb.connect(
        f"{url}/lance", read_consistency_interval=timedelta(0), storage_options=LIMITS
    )


def names(url: str) -> list[str]:
    """The names of the tables there."""
    return log_at(url, 1).names()


def lines(url: str, generation: int = 1) -> list[dict[str, Any]]:
    """The lines of the shared log, as anybody reads them, by their place."""
    table = lance_at(url).open_table(log_name(generation))
    return list(table.search().limit(None).to_arrow().sort_by("seq").to_pylist())


def rows(url: str, kind: str, generation: int = 1) -> list[dict[str, Any]]:
    """The records of a kind that the shared log holds, by their place, with their vectors."""
    return [
        json.loads(unpacked(line["payload"])) | {n: line[n] for n in ("seq", "first", "second")}
        for line in lines(url, generation)
        if line["name"] == kind
    ]


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: It does not within these seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def environment(port: int, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that uses the server at this port."""
    return {**base, **variables(port)}
