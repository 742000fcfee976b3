"""A client starts this very installation, by an absolute path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from server.install.invocation import this_installation

ELSEWHERE = Path("/nowhere/temporary")


def test_the_script_beside_the_python_is_the_command(tmp_path: Path) -> None:
    script = tmp_path / "lessonbank"
    script.write_text("")
    found = this_installation(
        executable=str(tmp_path / "python"), scripts=tmp_path, temporary=ELSEWHERE
    )
    assert found.words == (str(script),)
    assert found.notes == ()


def test_the_windows_script_is_found(tmp_path: Path) -> None:
    (tmp_path / "lessonbank.exe").write_text("")
    found = this_installation(scripts=tmp_path, temporary=ELSEWHERE)
    assert found.words == (str(tmp_path / "lessonbank.exe"),)


def test_without_a_script_the_module_runs_and_the_person_is_told(tmp_path: Path) -> None:
    found = this_installation(executable="/py/bin/python", scripts=tmp_path, temporary=ELSEWHERE)
    safe = ["-P"] if sys.version_info >= (3, 11) else []
    assert list(found.words) == ["/py/bin/python", *safe, "-m", "lessonbank"]
    assert "no lessonbank script" in found.notes[0]


@pytest.mark.parametrize(
    "python",
    [
        "/home/me/.cache/uv/archive-v0/abc/bin/python",
        "/home/me/.cache/uv/environments-v2/lb/bin/python",
        "/home/me/.local/pipx/.cache/1234/bin/python",
        "/home/me/.cache/pipx/1234/bin/python",
        "/nowhere/temporary/venv/bin/python",
    ],
)
def test_a_temporary_place_is_named_with_what_to_do(python: str, tmp_path: Path) -> None:
    (tmp_path / "lessonbank").write_text("")
    (note,) = this_installation(executable=python, scripts=tmp_path, temporary=ELSEWHERE).notes
    assert "uv tool install lessonbank" in note
    assert "pipx install lessonbank" in note


@pytest.mark.parametrize(
    "python",
    [
        "/home/me/.local/pipx/venvs/lessonbank/bin/python",
        "/home/me/.local/share/uv/tools/lessonbank/bin/python",
        "/home/me/project/.venv/bin/python",
    ],
)
def test_a_lasting_place_needs_no_word(python: str, tmp_path: Path) -> None:
    (tmp_path / "lessonbank").write_text("")
    assert not this_installation(executable=python, scripts=tmp_path, temporary=ELSEWHERE).notes
