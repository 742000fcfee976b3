"""A working directory that was removed stops nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from memory_core.addresses import working_directory
from memory_core.errors import InvalidInput
from memory_core.projects import derive_project
from memory_core.settings import read_settings, with_store
from server.install.clients import Machine
from tests.memory_core.test_projects import repository_at
from tests.patience import PATIENCE

REMOVES = """
import os, sys
os.rmdir(os.getcwd())
from server.__main__ import main
sys.exit(main())
"""
PROMPT = b'{"hook_event_name": "UserPromptSubmit", "prompt": "fix the flaky test"}'
INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
    b'"capabilities":{},"clientInfo":{"name":"c","version":"1"}}}\n'
)


def ran_in_removed_folder(
    words: list[str], tmp_path: Path, repository: Path, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    gone = tmp_path / "gone"
    gone.mkdir()
    environ = {
        **os.environ,
        "PYTHONPATH": str(repository),
        "PWD": str(gone),
        "LESSONBANK_STORE": str(tmp_path / "store"),
        "LESSONBANK_MODEL": str(tmp_path / "no-model"),
    }
    command = [sys.executable, "-c", REMOVES, *words]
    return subprocess.run(
        command,
        cwd=gone,
        env=environ,
        input=given,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    "words",
    [
        ["lessons"],
        ["--project", "p", "lessons"],
        ["token", "list"],
        ["install", "claude-code", "--dry-run"],
        ["hook", "claude-code"],
        ["serve"],
    ],
    ids=" ".join,
)
def test_every_command_works_in_a_removed_folder(
    words: list[str], tmp_path: Path, repository: Path
) -> None:
    given = INITIALIZE if "serve" in words else PROMPT
    ran = ran_in_removed_folder(words, tmp_path, repository, given)
    assert b"Traceback" not in ran.stderr
    assert ran.returncode == 0, ran.stderr
    assert b"serverInfo" in ran.stdout or "serve" not in words


def test_a_removed_folder_of_a_repository_still_belongs_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = repository_at(tmp_path / "shop", "https://example.org/shop")
    (repository / "src").mkdir()
    monkeypatch.chdir(repository / "src")
    monkeypatch.setenv("PWD", str(repository / "src"))
    shutil.rmtree(repository / "src")
    assert derive_project(working_directory()) == derive_project(repository)


def test_a_stale_variable_does_not_name_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = repository_at(tmp_path / "other")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setenv("PWD", str(repository))
    (tmp_path / "gone").rmdir()
    assert derive_project(working_directory()) == "default"


def test_what_needs_the_removed_folder_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setenv("PWD", str(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    with pytest.raises(InvalidInput, match="'mine' is relative to the working directory"):
        with_store(read_settings({}), "mine")
    assert Machine.this().folder == tmp_path / "gone"
