"""What a command imports that only asks the host: next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from memory_core import folders

HEAVY = (
    *("pydantic", "anyio", "asyncio", "httpx2", "mcp", "numpy", "torch", "lancedb"),
    *("importlib.metadata", "platformdirs", "http.client", "email", "logging"),
    *("dataclasses", "inspect", "pathlib", "typing", "hashlib", "tempfile", "shutil", "socket"),
)

PROGRAM = f"""
import sys
before = set(sys.modules)
from server.cli.command import main
from server.cli.arguments import parser
from server.cli import asking, render, showing
from server.host import asking
words = ["lessons", "--limit", "3"]
parser(words).parse_args(words)
main(["--version"])
print(*sorted(set({HEAVY!r}) & (set(sys.modules) - before)))
"""


def test_a_command_imports_nothing_heavy(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=repository, capture_output=True, text=True, check=True
    )
    version, heavy = done.stdout.split("\n", 1)
    assert version.startswith("lessonbank ")
    assert not heavy.strip()


@pytest.mark.parametrize("base", ["", "  ", "/somewhere/data"])
def test_the_users_data_folder_is_the_one_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", base)
    expected = platformdirs.user_data_dir("lessonbank", appauthor=False)
    assert os.path.normpath(folders.user_data_folder()) == os.path.normpath(expected)
