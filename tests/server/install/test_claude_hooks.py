"""Claude Code's hooks stand beside those of others, one of ours for each event."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import InvalidInput
from server.install.claude_hooks import EVENTS, handler, is_ours, with_hooks, without_hooks
from server.install.clients import Machine, hooks_file
from tests.server.install.conftest import COMMAND, Install

LINE = f"{shlex.quote(COMMAND)} hook claude-code"
FOREIGN = """\
{
  "permissions": {"allow": ["Read(//c/Users/**)"]},
  "hooks": {
    "Stop": [
      {"hooks": [{"type": "command", "command": "say done"}]}
    ],
    "PreToolUse": [
      {"matcher": "Bash", "hooks": [{"type": "command", "command": "guard"}]}
    ]
  },
  "model": "opus"
}
"""


def commands(file: Path, event: str) -> list[str]:
    hooks = json.loads(file.read_text())["hooks"]
    return [one["command"] for group in hooks.get(event, []) for one in group["hooks"]]


@pytest.fixture
def settings(machine: Machine) -> Path:
    file = hooks_file(machine, "user")
    file.parent.mkdir(parents=True)
    return file


def test_a_fresh_file_has_one_hook_for_each_event(settings: Path, installed: Install) -> None:
    answer = installed("claude-code")
    assert [(one.part, one.status) for one in answer.changes] == [
        ("server", "added"),
        ("hooks", "added"),
    ]
    made = {"type": "command", "command": LINE, "timeout": 10}
    assert json.loads(settings.read_text()) == {
        "hooks": {
            "UserPromptSubmit": [{"hooks": [made]}],
            "PostToolUseFailure": [{"matcher": "*", "hooks": [made]}],
            "Stop": [{"hooks": [made]}],
        }
    }


def test_hooks_of_others_stay_and_come_back_as_they_were(
    settings: Path, installed: Install
) -> None:
    settings.write_text(FOREIGN)
    installed("claude-code")
    assert commands(settings, "Stop") == ["say done", LINE]
    assert commands(settings, "PreToolUse") == ["guard"]
    assert commands(settings, "UserPromptSubmit") == [LINE]
    installed("claude-code", uninstall=True)
    assert settings.read_text() == FOREIGN


def test_installing_twice_changes_nothing(settings: Path, installed: Install) -> None:
    settings.write_text(FOREIGN)
    installed("claude-code")
    before = settings.read_text()
    assert [one.status for one in installed("claude-code").changes] == ["already there"] * 2
    assert settings.read_text() == before


def test_a_size_that_a_person_chose_stays() -> None:
    made = handler([COMMAND], [], "linux")
    text = with_hooks("{}", made).replace("claude-code", "claude-code --max-tokens 200")
    assert with_hooks(text, made) == text


def test_a_read_only_file_stops_all_before_anything_is_written(
    settings: Path, machine: Machine, installed: Install
) -> None:
    settings.write_text(FOREIGN)
    settings.chmod(0o400)
    with pytest.raises(InvalidInput, match="is read-only"):
        installed("claude-code")
    assert settings.read_text() == FOREIGN
    assert not (machine.home / ".claude.json").exists()


def test_hooks_of_an_older_place_are_updated_where_they_stand() -> None:
    old = {"type": "command", "command": "/old/lessonbank hook claude-code", "timeout": 99}
    whole = {"hooks": {event: [{"hooks": [{"command": "a"}, old, old]}] for event in EVENTS}}
    made = handler([COMMAND], [], "linux")
    after = json.loads(with_hooks(json.dumps(whole), made))
    for event in EVENTS:
        assert after["hooks"][event] == [
            {"hooks": [{"command": "a"}, {"type": "command", "command": LINE, "timeout": 99}]}
        ]


def test_a_change_of_system_changes_the_form_of_the_hook() -> None:
    windows = handler(["C:\\Program Files\\lb\\lessonbank.exe"], [], "win32")
    assert windows["args"] == ["hook", "claude-code"]
    text = with_hooks("{}", windows)
    assert with_hooks(text, windows) == text
    back = json.loads(with_hooks(text, handler([COMMAND], [], "linux")))
    assert back["hooks"]["Stop"] == [
        {"hooks": [{"type": "command", "command": LINE, "timeout": 10}]}
    ]
    assert json.loads(without_hooks(text)) == {}


@pytest.mark.parametrize("option", ["", "C:\\my\\store"])
def test_a_windows_path_that_needs_no_quotes_is_a_line_for_any_shell(option: str) -> None:
    options = ["--store", option] if option else []
    made = handler(["C:\\Users\\me\\bin\\lessonbank.exe"], options, "win32")
    said = " --store C:/my/store" if option else ""
    assert made["command"] == f"C:/Users/me/bin/lessonbank.exe hook claude-code{said}"
    assert "args" not in made
    assert is_ours(made)


@pytest.mark.parametrize(
    ("found", "ours"),
    [
        ({"command": "lessonbank hook claude-code"}, True),
        ({"command": "'/a b/lessonbank' hook claude-code --store /x"}, True),
        ({"command": "/x/python -P -m server hook claude-code"}, True),
        ({"command": "C:\\x\\lessonbank.exe", "args": ["hook", "claude-code"]}, True),
        ({"command": "/x/lessonbank --store /y hook claude-code"}, True),
        ({"command": "/x/notlessonbank hook claude-code"}, False),
        ({"command": "lessonbank stats"}, False),
        ({"command": "echo lessonbank"}, False),
        ({"url": "http://127.0.0.1/lessonbank hook claude-code"}, False),
        ("lessonbank hook claude-code", False),
    ],
)
def test_only_our_own_hooks_are_taken_for_ours(found: object, ours: bool) -> None:
    assert is_ours(found) is ours


@pytest.mark.parametrize(
    "word", ["plain", "two words", "it's", 'a "quote"', "$HOME", "a\\b", "ü;&|", "`x`"]
)
def test_a_shell_reads_the_line_as_it_was_meant(word: str, tmp_path: Path) -> None:
    program = tmp_path / f"lessonbank {word}".replace("/", "")
    program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o755)
    made = handler([str(program)], ["--project", word], "linux")
    ran = subprocess.run(["sh", "-c", made["command"]], capture_output=True, check=True, text=True)
    assert json.loads(ran.stdout) == ["hook", "claude-code", "--project", word]


def test_what_the_person_has_set_is_passed_on_as_options(
    settings: Path, installed: Install
) -> None:
    installed("claude-code", {"LESSONBANK_STORE": "/my store"}, project="p")
    assert commands(settings, "Stop") == [f"{LINE} --store '/my store' --project p"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"hooks": []}', "'hooks' is no object"),
        ('{"hooks": {"Stop": {}}}', "'Stop' is no list"),
        ("[]", "is no object"),
        ('{"hooks": {}, }', "a comma after the last member, which this client does not read"),
        ("{// mine\n}", "a comment, which this client does not read"),
    ],
)
def test_settings_that_make_no_sense_stop_all_before_anything_is_written(
    text: str, said: str, settings: Path, machine: Machine, installed: Install
) -> None:
    settings.write_text(text)
    with pytest.raises(InvalidInput, match=said) as refused:
        installed("claude-code")
    assert str(settings) in str(refused.value)
    assert settings.read_text() == text
    assert not (machine.home / ".claude.json").exists()


def test_hooks_can_be_left_out(settings: Path, installed: Install) -> None:
    (change,) = installed("claude-code", hooks=False).changes
    assert change.part == "server"
    assert not settings.exists()


def test_a_named_configuration_leaves_hooks_out_unless_their_file_is_named(
    tmp_path: Path, settings: Path, installed: Install
) -> None:
    mine, hooks = str(tmp_path / "mine.json"), tmp_path / "hooks.json"
    answer = installed("claude-code", config=mine)
    assert [one.part for one in answer.changes] == ["server"]
    assert any("--settings" in note for note in answer.notes)
    assert not settings.exists()
    installed("claude-code", config=mine, settings=str(hooks))
    assert commands(hooks, "Stop") == [LINE]


def test_the_configured_folder_and_the_project_are_honoured(
    tmp_path: Path, machine: Machine, installed: Install
) -> None:
    installed("claude-code", {"CLAUDE_CONFIG_DIR": str(tmp_path / "other")})
    assert "lessonbank" in json.loads((tmp_path / "other/.claude.json").read_text())["mcpServers"]
    assert commands(tmp_path / "other/settings.json", "Stop") == [LINE]
    installed("claude-code", scope="project")
    assert commands(machine.folder / ".claude/settings.json", "Stop") == [LINE]


def test_odd_groups_of_others_are_stepped_over() -> None:
    odd: dict[str, Any] = {"hooks": {"Stop": [None, {"matcher": "x"}, {"hooks": "text"}, {}]}}
    after = with_hooks(json.dumps(odd), handler([COMMAND], [], "linux"))
    assert json.loads(after)["hooks"]["Stop"][:4] == odd["hooks"]["Stop"]
    assert json.loads(without_hooks(after)) == odd
