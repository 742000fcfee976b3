"""Calling the tools unasked is asked for, shown, and taken away again only where it is ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import InvalidInput
from server.cli.installing import install_all
from server.install.claude_hooks import RULE
from server.install.clients import CLIENTS, TOOLS, Machine, hooks_file, servers_file
from server.install.command import Wish
from server.install.invocation import Invocation
from tests.server.install.conftest import COMMAND, Install

IN_ENTRY = {
    "codex": 'default_tools_approval_mode = "approve"',
    "gemini-cli": '"trust": true',
    "qwen-code": '"trust": true',
    "cline": '"autoApprove"',
}


@pytest.fixture
def settings(machine: Machine) -> Path:
    file = hooks_file(machine, "user")
    file.parent.mkdir(parents=True)
    return file


def rules(file: Path) -> Any:
    return json.loads(file.read_text()).get("permissions", {}).get("allow")


@pytest.mark.parametrize("client", ["claude-code", *IN_ENTRY])
def test_nothing_is_allowed_unless_it_was_asked_for(
    client: str, machine: Machine, installed: Install
) -> None:
    answer = installed(client)
    assert any(f"lessonbank install {client} --allow" in note for note in answer.notes)
    texts = [Path(one.file).read_text() for one in answer.changes]
    assert not any(sign in text for text in texts for sign in (RULE, *IN_ENTRY.values()))


@pytest.mark.parametrize("client", IN_ENTRY)
def test_where_the_entry_holds_it_it_comes_and_goes_with_the_entry(
    client: str, machine: Machine, installed: Install
) -> None:
    (shown,) = installed(client, allow=True, dry_run=True).changes
    assert IN_ENTRY[client] in shown.diff
    installed(client)
    answer = installed(client, allow=True)
    assert [one.status for one in answer.changes] == ["updated"]
    file = servers_file(CLIENTS[client], machine, "user")
    assert IN_ENTRY[client] in file.read_text()
    assert any("without asking" in note for note in answer.notes)
    assert any("without asking" in note for note in installed(client).notes)
    installed(client, uninstall=True)
    assert list(machine.home.iterdir()) == []


def test_claude_codes_rule_is_shown_added_once_and_removed(
    settings: Path, machine: Machine, installed: Install
) -> None:
    shown = installed("claude-code", allow=True, dry_run=True)
    assert f'"{RULE}"' in shown.changes[1].diff
    assert not settings.exists()
    for _ in range(2):
        installed("claude-code", allow=True)
        assert rules(settings) == [RULE]
    installed("claude-code", uninstall=True)
    assert not settings.exists()


@pytest.mark.parametrize("theirs", [[RULE], ["Bash(ls)", RULE], [f"{RULE}__*"]])
def test_a_rule_that_a_person_wrote_stays(
    theirs: list[str], settings: Path, installed: Install
) -> None:
    before = json.dumps({"permissions": {"allow": theirs}}, indent=2)
    settings.write_text(before)
    installed("claude-code", allow=True)
    assert rules(settings) == theirs
    installed("claude-code", uninstall=True)
    assert settings.read_text() == before


def test_a_rule_of_ours_goes_and_those_of_others_stay(settings: Path, installed: Install) -> None:
    before = json.dumps({"permissions": {"allow": ["Bash(ls)"], "deny": ["Read(.env)"]}}, indent=2)
    settings.write_text(before)
    installed("claude-code", allow=True)
    assert rules(settings) == ["Bash(ls)", RULE]
    installed("claude-code")
    installed("claude-code", uninstall=True)
    assert json.loads(settings.read_text()) == json.loads(before)


def test_the_rule_alone_can_be_had_without_hooks(settings: Path, installed: Install) -> None:
    answer = installed("claude-code", allow=True, hooks=False)
    assert [one.part for one in answer.changes] == ["server", "permissions"]
    assert json.loads(settings.read_text()) == {"permissions": {"allow": [RULE]}}


@pytest.mark.parametrize("text", ['{"permissions": []}', '{"permissions": {"allow": {}}}'])
def test_permissions_of_another_form_stop_all(
    text: str, settings: Path, machine: Machine, installed: Install
) -> None:
    settings.write_text(text)
    with pytest.raises(InvalidInput, match="permissions"):
        installed("claude-code", allow=True)
    assert settings.read_text() == text
    assert not (machine.home / ".claude.json").exists()


def test_a_client_without_such_a_setting_says_so(installed: Install) -> None:
    notes = installed("cursor", allow=True).notes
    assert any("Cursor has no setting" in note for note in notes)


def test_the_tools_that_are_named_are_all_there_are() -> None:
    from server.definitions import definitions

    assert set(TOOLS) == {one.name for one in definitions()}


@pytest.mark.parametrize("text", ['{"mcpServers": {}}', '{\n  "mcpServers": {}\n}\n'])
def test_a_list_of_servers_that_was_empty_before_is_so_again(
    text: str, machine: Machine, installed: Install
) -> None:
    file = servers_file(CLIENTS["cursor"], machine, "user")
    file.parent.mkdir()
    file.write_text(text)
    installed("cursor")
    installed("cursor", uninstall=True)
    assert file.read_text() == text


def test_a_file_that_others_have_written_in_since_stays(
    machine: Machine, installed: Install
) -> None:
    installed("cursor")
    file = servers_file(CLIENTS["cursor"], machine, "user")
    file.write_text(file.read_text().replace("{", '{"mine": 1,', 1))
    installed("cursor", uninstall=True)
    assert json.loads(file.read_text()) == {"mine": 1}


# -- all of them -------------------------------------------------------------------


def everywhere(machine: Machine, **wish: Any) -> Any:
    made = Wish(client="", **wish)
    return install_all(made, machine=machine, invocation=Invocation((COMMAND,)))


def test_all_that_are_there_are_set_up_and_one_that_fails_stops_no_other(
    machine: Machine, tmp_path: Path
) -> None:
    for name in (".codex", ".cursor", ".qwen", ".config/zed"):
        (machine.home / name).mkdir(parents=True)
    (machine.home / ".cursor" / "mcp.json").write_text("{ oops")
    program = tmp_path / "bin" / "opencode"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    here = Machine(machine.system, machine.home, machine.folder, {"PATH": str(program.parent)})
    shown = everywhere(here, dry_run=True)
    assert not (machine.home / ".codex" / "config.toml").exists()
    answer = everywhere(here)
    assert [one.client for one in answer.done] == ["codex", "opencode", "qwen-code", "zed"]
    assert [one.client for one in shown.done] == [one.client for one in answer.done]
    assert [one.client for one in answer.failed] == ["cursor"]
    assert "line 1, column 3" in answer.failed[0].error
    assert set(answer.absent) == set(CLIENTS) - {
        *(one.client for one in answer.done),
        "cursor",
    }
    gone = everywhere(here, uninstall=True)
    assert {change.status for one in gone.done for change in one.changes} == {"removed"}


@pytest.mark.parametrize("wish", [{"config": "x"}, {"settings": "x"}, {"scope": "project"}])
def test_what_is_of_one_client_is_no_wish_for_all(wish: dict[str, str], machine: Machine) -> None:
    with pytest.raises(InvalidInput, match="Leave"):
        everywhere(machine, **wish)
