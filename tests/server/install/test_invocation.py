"""A client starts this very installation, by an absolute path."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from server.install import invocation
from server.install.invocation import installed_from, this_installation


def test_the_script_beside_the_python_is_the_command(tmp_path: Path) -> None:
    script = tmp_path / "lessonbank"
    script.write_text("")
    found = this_installation(executable=str(tmp_path / "python"), scripts=tmp_path)
    assert found.words == (str(script),)
    assert found.notes == ()


def test_the_windows_script_is_found(tmp_path: Path) -> None:
    (tmp_path / "lessonbank.exe").write_text("")
    found = this_installation(scripts=tmp_path)
    assert found.words == (str(tmp_path / "lessonbank.exe"),)


def test_without_a_script_the_module_runs_and_the_person_is_told(tmp_path: Path) -> None:
    found = this_installation(executable="/py/bin/python", scripts=tmp_path)
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
    ],
)
def test_a_temporary_place_is_named_with_what_to_do(python: str, tmp_path: Path) -> None:
    (tmp_path / "lessonbank").write_text("")
    (note,) = this_installation(executable=python, scripts=tmp_path).notes
    source = installed_from()
    assert f"`uv tool install {source}`" in note
    assert f"`pipx install {source}`" in note
    assert source != "lessonbank"  # nothing of that name can be had today


@pytest.mark.parametrize(
    "python",
    [
        "/home/me/.local/pipx/venvs/lessonbank/bin/python",
        "/home/me/.local/share/uv/tools/lessonbank/bin/python",
        "/home/me/project/.venv/bin/python",
        f"{tempfile.gettempdir()}/clone/.venv/bin/python",
    ],
)
def test_a_lasting_place_needs_no_word(python: str, tmp_path: Path) -> None:
    (tmp_path / "lessonbank").write_text("")
    assert not this_installation(executable=python, scripts=tmp_path).notes


class _Noted:
    def __init__(self, text: str | None) -> None:
        self._text = text

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._text


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        (
            '{"url": "file:///home/me/a%20clone", "dir_info": {"editable": true}}',
            "'/home/me/a clone'",
        ),
        (
            '{"url": "https://example.org/lb.git", "vcs_info": {"vcs": "git", "commit_id": "1"}}',
            "git+https://example.org/lb.git",
        ),
        (None, "PATH_OF_THE_CLONE"),
        ("not json", "PATH_OF_THE_CLONE"),
        ("[]", "PATH_OF_THE_CLONE"),
    ],
)
def test_where_it_was_installed_from_is_named(
    noted: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invocation, "distribution", lambda _: _Noted(noted))
    assert installed_from() == said
