"""A room with real hosts for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.host.room import Room


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setenv("LESSONBANK_MODEL", str(tmp_path / "no-model"))
    with tempfile.TemporaryDirectory(prefix="lb-") as runtime:  # short enough for a socket
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        found = Room(tmp_path)
        try:
            yield found
        finally:
            found.close()
