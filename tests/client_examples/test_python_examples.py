"""The Python examples run alone, against the real server, and hold what they assert."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE


@pytest.mark.parametrize("name", ["python_client.py", "agent_loop.py"])
def test_example_runs_alone_and_keeps_its_promises(
    name: str, repository: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, repository / "client_examples" / name],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(tmp_path.iterdir()), "an example leaves nothing where it was started"


@pytest.mark.parametrize("name", ["python_client.py", "agent_loop.py"])
def test_example_imports_nothing_of_this_repository(name: str, repository: Path) -> None:
    text = (repository / "client_examples" / name).read_text(encoding="utf-8")
    for package in ("server", "memory_core", "benchmarks", "tests", "client_examples"):
        assert f"from {package}" not in text
        assert f"import {package}" not in text
