"""A bucket on a real S3 server, for tests of the store and of the service over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_core.store.remote import follower, lease, session, uploading
from tests.memory_core.store.remote.bucket import new_url, s3_server, variables


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
    monkeypatch.setattr(follower, "SECONDS", 0.02)
    return new_url()
