"""What holds for every test of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_core.store import disk
from memory_core.store.remote import lease, session, uploading
from tests.memory_core.store.remote.bucket import new_url, s3_server, variables


@pytest.fixture(autouse=True)
def _no_power_cuts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out LanceDB's syncs, most of the time of a short test.

    No test cuts the power; that the syncs are made, and before what, is the
    matter of `test_durability`, which keeps them.
    """
    if request.module.__name__.rpartition(".")[2] != "test_durability":
        monkeypatch.setattr(disk, "sync_file", lambda path: None)


@pytest.fixture(scope="session")
def s3_port(repository: Path) -> Iterator[int]:
    """The port of a real S3 server that all tests of the session share."""
    with s3_server(repository) as port:
        yield port


@pytest.fixture
def bucket_url(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """An unused prefix, the variables that lead to it, and a lease that is short for tests."""
    for name, value in variables(s3_port).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(lease, "LENGTH", 2.0)
    monkeypatch.setattr(uploading, "SECONDS", 0.05)
    monkeypatch.setattr(session, "INBOX_SECONDS", 0.1)
    return new_url()
