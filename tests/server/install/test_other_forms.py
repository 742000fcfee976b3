"""Configurations in TOML and YAML: merged, left alone where they must be, and given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml

from memory_core.errors import InvalidInput
from server.install.clients import CLIENTS, Machine, servers_file
from server.install.command import Wish, printed
from server.install.invocation import Invocation
from tests.server.install.conftest import COMMAND, Install

TOML = """\
# my Codex
model = "gpt-5"   # the good one

[mcp_servers.files]   # keep this one
command = "npx"
args = ["-y", "some-server"]

[profiles.fast]
model = "o4-mini"
"""
YAML = """\
# my assistant
name: Mine
version: 0.0.1
mcpServers:
  - name: files   # keep this one
    command: npx
    args:
      - -y
      - some-server

# the models
models:
    - name: local
      provider: ollama
"""
TEXTS = {"codex": TOML, "continue": YAML}
NAMES = sorted(TEXTS)


@pytest.fixture
def file(machine: Machine, request: pytest.FixtureRequest) -> Path:
    client: str = request.node.callspec.params["client"]
    path = servers_file(CLIENTS[client], machine, "user")
    path.parent.mkdir(parents=True)
    return path


def read(client: str, text: str) -> dict[str, Any]:
    """The whole file, a list of servers by their names."""
    if client == "codex":
        return tomlkit.parse(text).unwrap()
    whole: dict[str, Any] = yaml.safe_load(text)
    whole["mcpServers"] = {one.pop("name"): one for one in whole.get("mcpServers") or ()}
    return whole


def entry(client: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = read(client, text)[CLIENTS[client].root]["lessonbank"]
    return found


def expected(client: str) -> dict[str, Any]:
    limits = {"required": True, "startup_timeout_sec": 60} if client == "codex" else {}
    return {"command": COMMAND, "args": ["serve"], **limits}


@pytest.mark.parametrize("client", NAMES)
def test_a_fresh_file_holds_the_server_and_is_gone_afterwards(
    client: str, file: Path, machine: Machine, installed: Install
) -> None:
    file.parent.rmdir()
    installed(client)
    assert entry(client, file.read_text()) == expected(client)
    if client == "continue":
        assert {"name", "version", "schema"} < set(read(client, file.read_text()))
    installed(client, uninstall=True)
    assert list(machine.home.iterdir()) == []


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_an_existing_file_keeps_all_and_is_given_back(
    client: str, end: str, file: Path, installed: Install
) -> None:
    before = TEXTS[client].rstrip("\n") if not end else TEXTS[client].replace("\n", end)
    file.write_text(before, newline="")
    installed(client, store="/my store")
    after = file.read_bytes().decode()
    whole = read(client, after)
    ours = whole[CLIENTS[client].root].pop("lessonbank")
    assert ours == {**expected(client), "env": {"LESSONBANK_STORE": "/my store"}}
    assert whole == read(client, before)
    for line in before.split("\n"):
        assert line in after
    assert "already there" in {one.status for one in installed(client, store="/my store").changes}
    assert file.read_bytes().decode() == after
    installed(client, uninstall=True)
    assert file.read_bytes().decode().rstrip("\r\n") == before.rstrip("\r\n")


@pytest.mark.parametrize("client", NAMES)
def test_an_older_entry_is_updated_and_keeps_what_a_person_set(
    client: str, file: Path, installed: Install
) -> None:
    file.write_text(TEXTS[client])
    installed(client, store="/old")
    text = file.read_text().replace(COMMAND, "/old/lessonbank")
    text = text.replace("startup_timeout_sec = 60", "startup_timeout_sec = 7 # mine")
    file.write_text(text)
    (change,) = installed(client, store="/new").changes
    assert change.status == "updated"
    found = entry(client, file.read_text())
    assert found["command"] == COMMAND
    assert found["env"] == {"LESSONBANK_STORE": "/new"}
    if client == "codex":
        assert "startup_timeout_sec = 7 # mine" in file.read_text()


@pytest.mark.parametrize(
    ("client", "text", "said"),
    [
        ("codex", 'a = 1\nb = "open\n', "no valid TOML at line 2, column"),
        ("codex", "mcp_servers = 3\n", "'mcp_servers' is no object"),
        ("continue", "a: 1\nb: [open\n", "no valid YAML at line 3, column 1"),
        ("continue", "mcpServers: words\n", "'mcpServers' is no list of servers"),
        ("continue", "- a\n- b\n", "is no"),
        ("continue", "mcpServers: [{name: a, command: b}]\n", "a list in one line"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_and_left_untouched(
    client: str, text: str, said: str, file: Path, installed: Install
) -> None:
    file.write_text(text)
    with pytest.raises(InvalidInput) as refused:
        installed(client)
    assert said in str(refused.value)
    assert str(file) in str(refused.value)
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("codex", 'mcp_servers = { files = { command = "npx" } }\n'),
        ("codex", '[mcp_servers]\nfiles.command = "npx"\n'),
        ("codex", "[mcp_servers]\n\n[other]\na = [\n  1,\n]\n"),
        ("codex", "# nothing yet\n"),
        ("continue", "name: a\nmcpServers: []\nmodels: []\n"),
        ("continue", "name: a\nmcpServers:\nmodels: []\n"),
        ("continue", "name: a\nmcpServers:\n- name: x\n  command: y\n"),
        ("continue", "name: a\nversion: 1.0.0"),
        ("continue", "# nothing yet\n"),
    ],
)
def test_every_way_to_write_it_takes_an_entry_and_gives_it_back(
    client: str, text: str, file: Path, installed: Install
) -> None:
    file.write_text(text)
    installed(client)
    assert entry(client, file.read_text()) == expected(client)
    others = read(client, file.read_text())
    installed(client, uninstall=True)
    left = read(client, file.read_text()) if file.read_text().strip() else {}
    del others[CLIENTS[client].root]["lessonbank"]
    assert {key: one for key, one in left.items() if one} == {
        key: one for key, one in others.items() if one
    }


@pytest.mark.parametrize("client", NAMES)
def test_another_server_of_this_name_is_left_alone(
    client: str, file: Path, installed: Install
) -> None:
    foreign = {
        "codex": '[mcp_servers.lessonbank]\ncommand = "other"\n',
        "continue": "mcpServers:\n  - name: lessonbank\n    command: other\n",
    }[client]
    file.write_text(foreign)
    with pytest.raises(InvalidInput, match="does not run this lessonbank"):
        installed(client)
    (change,) = installed(client, uninstall=True).changes
    assert change.status == "left alone"
    assert file.read_text() == foreign


def test_comments_that_were_written_behind_our_table_stay(
    machine: Machine, installed: Install
) -> None:
    installed("codex")
    file = servers_file(CLIENTS["codex"], machine, "user")
    file.write_text(file.read_text() + "\n# mine\n[tui]\nx = 1\n")
    installed("codex", uninstall=True)
    assert file.read_text() == "\n# mine\n[tui]\nx = 1\n"


@pytest.mark.parametrize("client", NAMES)
def test_what_is_printed_is_what_is_written(
    client: str, file: Path, machine: Machine, installed: Install
) -> None:
    answer = printed(Wish(client=client), machine=machine, invocation=Invocation((COMMAND,)))
    installed(client)
    (snippet,) = answer.snippets
    assert Path(snippet.file).read_text() == snippet.text
