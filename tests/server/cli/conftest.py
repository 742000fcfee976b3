"""One shell for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.cli.harness import Shell


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    return Shell(capsys, tmp_path / "store")
