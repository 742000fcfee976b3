"""`lessonbank install` as people run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.__main__ import main as start
from server.cli import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, with nothing set that places depend on."""
    for name in ("CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "LESSONBANK_STORE", "LESSONBANK_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def test_a_client_is_set_up_once_and_taken_out_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "claude-code"]) == 0
    said = capsys.readouterr().out
    assert "server: installed" in said
    assert "hooks: installed" in said
    assert str(home / ".claude.json") in said
    assert main(["install", "claude-code"]) == 0
    assert capsys.readouterr().out.count("already installed") == 2
    assert main(["install", "claude-code", "--uninstall"]) == 0
    assert capsys.readouterr().out.count("removed") == 2
    assert main(["install", "claude-code", "--uninstall"]) == 0
    assert capsys.readouterr().out.count("not installed, nothing to remove") == 2
    assert list(home.iterdir()) == []  # what was not there before is not there after


def test_json_says_the_same_for_programs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "install", "cursor", "--store", "/my/store"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["changes"][0]["status"] == "added"
    found = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]["lessonbank"]
    assert Path(found["command"]).is_absolute()
    assert found["args"][-1] == "serve"
    assert found["env"] == {"LESSONBANK_STORE": "/my/store"}


def test_a_dry_run_and_a_print_write_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "vscode", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "would be installed" in said
    assert '+    "lessonbank": {' in said
    assert main(["install", "windsurf", "--print"]) == 0
    said = capsys.readouterr().out
    assert str(home / ".codeium" / "windsurf" / "mcp_config.json") in said
    assert '"mcpServers": {' in said
    assert list(home.iterdir()) == []


def test_a_machine_without_clients_is_told_to_name_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "--all", "--dry-run"]) == 0
    assert "lessonbank install CLIENT" in capsys.readouterr().out
    (home / ".cursor").mkdir()
    assert main(["install", "--all", "--dry-run"]) == 0
    assert "lessonbank install CLIENT" not in capsys.readouterr().out


def test_a_file_that_makes_no_sense_is_one_sentence_and_exit_code_1(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "mine.json"
    file.write_text("{\n  oops\n}")
    assert main(["install", "cursor", "--config", str(file)]) == 1
    err = capsys.readouterr().err
    assert "no valid JSON at line 2, column 3" in err
    assert "Nothing was changed" in err
    assert file.read_text() == "{\n  oops\n}"
    assert list(home.iterdir()) == [file]


def test_an_unknown_client_is_one_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "emacs"]) == 2
    assert "Use one of claude-code" in capsys.readouterr().err


def test_the_installed_server_and_hook_start(home: Path, repository: Path) -> None:
    assert main(["install", "claude-code", "--store", str(home / "store")]) == 0
    made = json.loads((home / ".claude.json").read_text())["mcpServers"]["lessonbank"]
    words = [made["command"], *made["args"]]
    environ = {**made["env"], "HOME": str(home), "PYTHONPATH": str(repository)}
    ran = subprocess.run(
        [*words, "--help"], capture_output=True, env=environ, check=True, text=True, cwd=home
    )
    assert "serve" in ran.stdout
    settings = json.loads((home / ".claude" / "settings.json").read_text())
    line = settings["hooks"]["Stop"][0]["hooks"][0]["command"]
    ran = subprocess.run(
        ["sh", "-c", line],
        input='{"hook_event_name": "Stop", "session_id": "s"}',
        capture_output=True,
        env=environ,
        check=True,
        text=True,
        cwd=home,
    )
    assert (ran.stdout, ran.stderr) == ("", "")


def test_a_hook_needs_no_command_line_and_still_has_help(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["lessonbank", "hook", "--help"])
    assert start() == 0
    assert "standard input" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["lessonbank", "hook", "emacs"])
    assert start() == 0
    assert capsys.readouterr().out == ""
    assert main(["--store", str(home), "hook", "emacs"]) == 0
