"""Every client's configuration is merged, left alone where it must be, and given back."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import InvalidInput
from server.install.clients import CLIENTS, Machine, servers_file
from server.install.command import Wish, printed
from server.install.files import BACKUP, Source, write
from server.install.invocation import Invocation
from server.install.jsonc import parse
from tests.server.install.conftest import COMMAND, Install

NAMES = sorted(name for name, one in CLIENTS.items() if one.form == "json")
COMMENTING = sorted(name for name in NAMES if CLIENTS[name].comments)

EXISTING = """\
{
    "theme": "dark",
    "ROOT": {
        "files": {
            "command": "npx",
            "args": ["-y", "some-server"],
            "env": {"KEY": "a // value"}
        }
    },
    "later": [1, 2.50, null]
}
"""
COMMENTED = """\
{
  // servers that I use
  "ROOT": {
    "files": { "command": "npx" }, // keep this one
    /* "old": { "command": "gone" }, */
  },
  "inputs": [], // none yet
}
"""


def of(client: str, text: str) -> str:
    return text.replace("ROOT", CLIENTS[client].root)


@pytest.fixture
def file(machine: Machine, request: pytest.FixtureRequest) -> Path:
    """The client's own file on this machine, not yet there; its folder is."""
    client: str = request.node.callspec.params["client"]
    path = servers_file(CLIENTS[client], machine, "user")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def expected(client: str) -> dict[str, Any]:
    """The whole entry, as each client wants it."""
    plain: dict[str, Any] = {"command": COMMAND, "args": ["serve"]}
    special: dict[str, dict[str, Any]] = {
        "claude-code": {"type": "stdio", **plain, "alwaysLoad": True},
        "vscode": {"type": "stdio", **plain},
        "opencode": {
            "type": "local",
            "command": [COMMAND, "serve"],
            "enabled": True,
            "timeout": 30_000,
        },
        "cline": {**plain, "disabled": False, "timeout": 60},
        "zed": {"source": "custom", **plain},
        "copilot-cli": {"type": "local", **plain, "tools": ["*"]},
    }
    return special.get(client, plain)


def env_of(client: str, text: str) -> dict[str, str] | None:
    found = json.loads(text)[CLIENTS[client].root]["lessonbank"]
    given: dict[str, str] | None = found.get(CLIENTS[client].variables)
    return given


@pytest.mark.parametrize("client", NAMES)
def test_a_fresh_file_holds_the_server_and_belongs_to_its_owner(
    client: str, file: Path, installed: Install
) -> None:
    answer = installed(client, hooks=False)
    assert json.loads(file.read_text()) == {CLIENTS[client].root: {"lessonbank": expected(client)}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [(one.file, one.status, one.backup) for one in answer.changes] == [
        (str(file), "added", "")
    ]
    assert CLIENTS[client].after in answer.notes


@pytest.mark.parametrize("client", NAMES)
def test_an_existing_file_keeps_all_it_has_and_a_copy_is_kept(
    client: str, file: Path, installed: Install
) -> None:
    before = of(client, EXISTING)
    file.write_text(before)
    file.chmod(0o640)
    (change,) = installed(client, hooks=False).changes
    after = file.read_text()
    whole = json.loads(after)
    assert list(whole) == ["theme", CLIENTS[client].root, "later"]
    assert list(whole[CLIENTS[client].root]) == ["files", "lessonbank"]
    assert whole[CLIENTS[client].root]["lessonbank"] == expected(client)
    assert all(line.rstrip("},") in after for line in before.splitlines())
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    copy = file.with_name(file.name + BACKUP)
    assert change.backup == str(copy)
    assert copy.read_text() == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640
    assert names_in(file.parent) == sorted([file.name, copy.name])


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("text", ["", " \n", "{}", "{}\n"])
def test_an_empty_file_counts_as_an_empty_object(
    client: str, text: str, file: Path, installed: Install
) -> None:
    file.write_text(text)
    installed(client, hooks=False)
    assert json.loads(file.read_text()) == {CLIENTS[client].root: {"lessonbank": expected(client)}}


@pytest.mark.parametrize("client", COMMENTING)
def test_comments_survive_installing_and_uninstalling(
    client: str, file: Path, installed: Install
) -> None:
    before = of(client, COMMENTED)
    file.write_text(before)
    installed(client)
    after = file.read_text()
    for comment in ("// servers that I use", "// keep this one", "// none yet"):
        assert comment in after
    assert '/* "old": { "command": "gone" }, */' in after
    assert parse(after).value()[CLIENTS[client].root]["lessonbank"] == expected(client)
    installed(client, uninstall=True)
    assert file.read_text() == before


@pytest.mark.parametrize("client", sorted(set(NAMES) - set(COMMENTING)))
def test_comments_are_refused_where_the_client_does_not_read_them(
    client: str, file: Path, installed: Install
) -> None:
    before = of(client, COMMENTED)
    file.write_text(before)
    with pytest.raises(InvalidInput, match=r"line 2, column 3 \(a comment, which this client"):
        installed(client, hooks=False)
    assert file.read_text() == before


@pytest.mark.parametrize("client", NAMES)
def test_installing_twice_changes_nothing_and_says_so(
    client: str, file: Path, installed: Install
) -> None:
    file.write_text(of(client, EXISTING))
    installed(client)
    before = file.read_bytes(), file.stat().st_mtime_ns
    answer = installed(client)
    assert {one.status for one in answer.changes} == {"already there"}
    assert {one.backup for one in answer.changes} == {""}
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("text", [EXISTING, '{"ROOT":{"a":{"command":"b"}}}', "{}\n", '{"x": 1}\n'])
def test_uninstalling_gives_the_file_back(
    client: str, text: str, file: Path, installed: Install
) -> None:
    file.write_text(of(client, text))
    installed(client, hooks=False)
    answer = installed(client, uninstall=True, hooks=False)
    (change,) = answer.changes
    assert change.status == "removed"
    assert answer.notes[-1] == "Open sessions keep it until they restart."
    assert file.read_text() == of(client, text)


@pytest.mark.parametrize("client", NAMES)
def test_uninstalling_what_is_not_there_says_so_and_makes_no_file(
    client: str, file: Path, installed: Install
) -> None:
    answer = installed(client, uninstall=True)
    assert {one.status for one in answer.changes} == {"not there"}
    assert not file.exists()
    file.write_text(of(client, EXISTING))
    assert {one.status for one in installed(client, uninstall=True).changes} == {"not there"}
    assert file.read_text() == of(client, EXISTING)


@pytest.mark.parametrize("client", NAMES)
def test_a_dry_run_shows_the_change_and_writes_nothing(
    client: str, file: Path, installed: Install
) -> None:
    file.write_text(of(client, EXISTING))
    answer = installed(client, dry_run=True)
    assert file.read_text() == of(client, EXISTING)
    assert names_in(file.parent) == [file.name]
    assert answer.dry_run
    assert {one.status for one in answer.changes} == {"added"}
    added = [line for line in answer.changes[0].diff.splitlines() if line.startswith("+")]
    assert any(COMMAND in line for line in added)


@pytest.mark.parametrize("client", NAMES)
def test_what_is_printed_is_what_is_written(
    client: str, file: Path, machine: Machine, installed: Install
) -> None:
    answer = printed(Wish(client=client), machine=machine, invocation=Invocation((COMMAND,)))
    assert not file.exists()
    installed(client)
    for one in answer.snippets:
        assert Path(one.file).read_text() == one.text


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3 ("," or "}" was expected)'),
        ("not json", "line 1, column 1 (a value was expected)"),
        ("[]", "is no object"),
        ('{"ROOT": []}', "is no object"),
        ('{"ROOT": 3}', "is no object"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_and_left_untouched(
    client: str, text: str, said: str, file: Path, installed: Install
) -> None:
    file.write_text(of(client, text))
    with pytest.raises(InvalidInput) as refused:
        installed(client, hooks=False)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)
    assert file.read_text() == of(client, text)
    assert names_in(file.parent) == [file.name]


@pytest.mark.parametrize("client", NAMES)
def test_a_file_that_is_not_utf8_is_refused_with_its_place(
    client: str, file: Path, installed: Install
) -> None:
    file.write_bytes(b'{\n "a": "\xff"}')
    with pytest.raises(InvalidInput, match="not UTF-8 at line 2, column 8"):
        installed(client)


@pytest.mark.parametrize("client", NAMES)
def test_a_read_only_file_is_refused_and_stays(client: str, file: Path, installed: Install) -> None:
    file.write_text("{}")
    file.chmod(0o444)
    with pytest.raises(InvalidInput, match="is read-only"):
        installed(client, hooks=False)
    assert file.read_text() == "{}"
    assert names_in(file.parent) == [file.name]


@pytest.mark.parametrize("client", NAMES)
def test_a_file_that_cannot_be_read_is_refused(client: str, file: Path, installed: Install) -> None:
    file.mkdir()
    with pytest.raises(InvalidInput, match="cannot be read"):
        installed(client)


@pytest.mark.parametrize("client", NAMES)
def test_a_symbolic_link_stays_and_its_target_is_written(
    client: str, file: Path, tmp_path: Path, installed: Install
) -> None:
    target = tmp_path / "dotfiles" / "shared.json"
    target.parent.mkdir()
    target.write_text(of(client, EXISTING))
    file.symlink_to(target)
    (change,) = installed(client, hooks=False).changes
    assert file.is_symlink()
    assert "lessonbank" in json.loads(target.read_text())[CLIENTS[client].root]
    assert change.backup == str(target) + BACKUP
    assert names_in(file.parent) == [file.name]


@pytest.mark.parametrize("client", NAMES)
def test_a_link_that_leads_nowhere_is_filled_and_a_loop_is_refused(
    client: str, file: Path, tmp_path: Path, installed: Install
) -> None:
    target = tmp_path / "not" / "there.json"
    file.symlink_to(target)
    installed(client, hooks=False)
    assert file.is_symlink()
    assert target.is_file()
    file.unlink()
    file.symlink_to(file)
    with pytest.raises(InvalidInput, match="cannot be"):
        installed(client, hooks=False)


@pytest.mark.parametrize("client", NAMES)
def test_an_entry_of_an_older_place_is_updated_and_keeps_what_others_added(
    client: str, file: Path, installed: Install
) -> None:
    root = CLIENTS[client].root
    old = {
        "command": "uvx",
        "args": ["lessonbank", "serve"],
        "disabled": False,
        CLIENTS[client].variables: {"LESSONBANK_SOURCE": "me"},
    }
    file.write_text(json.dumps({root: {"lessonbank": old, "other": {"command": "x"}}}, indent=2))
    (change,) = installed(client, hooks=False, store="/data/store").changes
    assert change.status == "updated"
    found = json.loads(file.read_text())[root]["lessonbank"]
    assert found["command"] == expected(client)["command"]
    assert found["disabled"] is False
    assert found[CLIENTS[client].variables] == {
        "LESSONBANK_SOURCE": "me",
        "LESSONBANK_STORE": "/data/store",
    }


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize(
    "foreign",
    [
        {"url": "http://127.0.0.1:8377/mcp"},
        {"command": "notlessonbank", "args": []},
        {"command": "python", "args": [1]},
        "text",
    ],
)
def test_another_server_of_this_name_is_left_alone(
    client: str, foreign: object, file: Path, installed: Install
) -> None:
    before = json.dumps({CLIENTS[client].root: {"lessonbank": foreign}})
    file.write_text(before)
    with pytest.raises(InvalidInput, match="does not run this lessonbank"):
        installed(client, hooks=False)
    (change,) = installed(client, hooks=False, uninstall=True).changes
    assert change.status == "left alone"
    assert file.read_text() == before


@pytest.mark.parametrize("client", NAMES)
def test_only_what_the_person_has_set_is_passed_on(
    client: str, file: Path, machine: Machine, installed: Install
) -> None:
    installed(client, hooks=False)
    assert env_of(client, file.read_text()) is None
    environ = {"LESSONBANK_STORE": "own/store", "LESSONBANK_PROJECT": "p", "LESSONBANK_TOKEN": "t"}
    installed(client, environ, hooks=False)
    assert env_of(client, file.read_text()) == {
        "LESSONBANK_STORE": str(machine.home / "own/store"),
        "LESSONBANK_PROJECT": "p",
    }


@pytest.mark.parametrize("url", ["s3://lessons/team", "db://lessons/team"])
def test_a_shared_store_stays_a_url_and_its_keys_are_asked_for(
    url: str, machine: Machine, installed: Install
) -> None:
    given = {"LESSONBANK_STORE": url, "LANCEDB_API_KEY": "sk_secret"}
    answer = installed("cursor", given, hooks=False)
    (change,) = answer.changes
    text = Path(change.file).expanduser().read_text(encoding="utf-8")
    assert json.loads(text)["mcpServers"]["lessonbank"]["env"] == {"LESSONBANK_STORE": url}
    assert "sk_secret" not in text
    assert any("LANCEDB_*" in note for note in answer.notes)


@pytest.mark.parametrize("client", NAMES)
def test_line_ends_and_a_byte_order_mark_stay(client: str, file: Path, installed: Install) -> None:
    file.write_bytes(b'\xef\xbb\xbf{\r\n\t"a": 1\r\n}\r\n')
    installed(client, hooks=False)
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf{\r\n\t")
    assert data.count(b"\n") == data.count(b"\r\n")
    installed(client, hooks=False, uninstall=True)
    assert file.read_bytes() == b'\xef\xbb\xbf{\r\n\t"a": 1\r\n}\r\n'


@pytest.mark.parametrize(
    ("client", "scope", "place"),
    [
        ("claude-code", "project", ".mcp.json"),
        ("cursor", "project", ".cursor/mcp.json"),
        ("vscode", "project", ".vscode/mcp.json"),
        ("codex", "project", ".codex/config.toml"),
        ("gemini-cli", "project", ".gemini/settings.json"),
        ("opencode", "project", "opencode.json"),
        ("qwen-code", "project", ".qwen/settings.json"),
        ("zed", "project", ".zed/settings.json"),
        ("copilot-cli", "project", ".github/mcp.json"),
    ],
)
def test_the_project_has_files_of_its_own(
    client: str, scope: str, place: str, machine: Machine, installed: Install
) -> None:
    answer = installed(client, scope=scope, hooks=False)
    assert (machine.folder / place).is_file()
    assert any("paths of this machine" in note for note in answer.notes)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"client": "emacs"}, "client = 'emacs' is not known"),
        ({"client": "cursor", "scope": "world"}, "scope = 'world' is not known"),
        ({"client": "windsurf", "scope": "project"}, "does not exist in Windsurf"),
        ({"client": "claude-desktop", "scope": "project"}, "does not exist in Claude Desktop"),
        ({"client": "cline", "scope": "project"}, "does not exist in Cline"),
        ({"client": "continue", "scope": "project"}, "does not exist in Continue"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence(
    wish: dict[str, str], said: str, installed: Install
) -> None:
    with pytest.raises(InvalidInput, match=said):
        installed(**wish)


HOME = Path("/home/me")
ENVIRONS = {
    "linux": {"XDG_CONFIG_HOME": "/config"},
    "darwin": {},
    "win32": {"APPDATA": "/roaming", "LOCALAPPDATA": "/nowhere"},
}


@pytest.mark.parametrize(
    ("client", "system", "place"),
    [
        ("claude-code", "linux", "/home/me/.claude.json"),
        ("claude-code", "win32", "/home/me/.claude.json"),
        ("claude-desktop", "linux", "/config/Claude/claude_desktop_config.json"),
        (
            "claude-desktop",
            "darwin",
            "/home/me/Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "win32", "/roaming/Claude/claude_desktop_config.json"),
        ("cursor", "darwin", "/home/me/.cursor/mcp.json"),
        ("vscode", "linux", "/config/Code/User/mcp.json"),
        ("vscode", "darwin", "/home/me/Library/Application Support/Code/User/mcp.json"),
        ("vscode", "win32", "/roaming/Code/User/mcp.json"),
        ("windsurf", "linux", "/home/me/.codeium/windsurf/mcp_config.json"),
        ("codex", "linux", "/home/me/.codex/config.toml"),
        ("gemini-cli", "linux", "/home/me/.gemini/settings.json"),
        ("opencode", "linux", "/config/opencode/opencode.json"),
        ("opencode", "darwin", "/home/me/.config/opencode/opencode.json"),
        ("qwen-code", "linux", "/home/me/.qwen/settings.json"),
        ("cline", "linux", "/home/me/.cline/data/settings/cline_mcp_settings.json"),
        ("continue", "linux", "/home/me/.continue/config.yaml"),
        ("zed", "linux", "/config/zed/settings.json"),
        ("zed", "darwin", "/home/me/.config/zed/settings.json"),
        ("zed", "win32", "/roaming/Zed/settings.json"),
        ("copilot-cli", "linux", "/home/me/.copilot/mcp-config.json"),
    ],
)
def test_each_system_has_its_own_places(client: str, system: str, place: str) -> None:
    machine = Machine(system, HOME, Path("/project"), ENVIRONS[system])
    assert servers_file(CLIENTS[client], machine, "user") == Path(place)


@pytest.mark.parametrize(
    ("client", "variable", "place"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("gemini-cli", "GEMINI_CLI_HOME", ".gemini/settings.json"),
        ("opencode", "OPENCODE_CONFIG_DIR", "opencode.json"),
        ("opencode", "OPENCODE_CONFIG", ""),
        ("opencode", "XDG_CONFIG_HOME", "opencode/opencode.json"),
        ("qwen-code", "QWEN_HOME", "settings.json"),
        ("cline", "CLINE_DIR", "data/settings/cline_mcp_settings.json"),
        ("cline", "CLINE_DATA_DIR", "settings/cline_mcp_settings.json"),
        ("cline", "CLINE_MCP_SETTINGS_PATH", ""),
        ("continue", "CONTINUE_GLOBAL_DIR", "config.yaml"),
        ("zed", "XDG_CONFIG_HOME", "zed/settings.json"),
        ("copilot-cli", "COPILOT_HOME", "mcp-config.json"),
    ],
)
def test_a_clients_own_variable_says_where_its_files_are(
    client: str, variable: str, place: str
) -> None:
    machine = Machine("linux", HOME, Path("/project"), {variable: "/elsewhere"})
    assert servers_file(CLIENTS[client], machine, "user") == Path("/elsewhere") / place


def test_a_file_of_opencode_with_comments_is_the_one_that_is_written(
    machine: Machine, installed: Install
) -> None:
    file = machine.home / ".config" / "opencode" / "opencode.jsonc"
    file.parent.mkdir(parents=True)
    file.write_text("{ // mine\n}\n")
    (change,) = installed("opencode").changes
    assert change.file == str(file)
    assert "// mine" in file.read_text()


def test_the_store_edition_of_claude_desktop_keeps_its_own_folder(tmp_path: Path) -> None:
    own = tmp_path / "Packages" / "Claude_x1" / "LocalCache" / "Roaming" / "Claude"
    own.mkdir(parents=True)
    machine = Machine("win32", HOME, HOME, {"LOCALAPPDATA": str(tmp_path)})
    assert servers_file(CLIENTS["claude-desktop"], machine, "user").parent == own


def test_a_named_file_wins_over_the_clients_place(tmp_path: Path, installed: Install) -> None:
    named = tmp_path / "elsewhere.json"
    (change,) = installed("cursor", config=str(named)).changes
    assert change.file == str(named)
    assert named.is_file()


def test_a_change_by_another_program_is_not_overwritten(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, installed: Install
) -> None:
    file = servers_file(CLIENTS["cursor"], machine, "user")
    file.parent.mkdir()
    file.write_text("{}")

    def late(source: Source, text: str) -> Path | None:
        file.write_text('{"new": 1}')
        return write(source, text)

    monkeypatch.setattr("server.install.plan.write", late)
    with pytest.raises(InvalidInput, match="changed by another program"):
        installed("cursor")
    assert file.read_text() == '{"new": 1}'
