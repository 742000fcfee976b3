"""Every ready configuration is what an installation writes, and starts the server that it names."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from server.install.clients import CLIENTS, Machine
from server.install.command import Wish, printed
from server.install.forms import FORMS
from server.install.invocation import Invocation

CONFIGS = Path(__file__).parents[2] / "client_examples" / "configs"
FILES = {
    "claude-code": "claude_code.mcp.json",
    "claude-desktop": "claude_desktop_config.json",
    "cline": "cline_mcp_settings.json",
    "codex": "codex.config.toml",
    "continue": "continue.config.yaml",
    "copilot-cli": "copilot.mcp-config.json",
    "cursor": "cursor.mcp.json",
    "gemini-cli": "gemini.settings.json",
    "opencode": "opencode.json",
    "qwen-code": "qwen.settings.json",
    "vscode": "vscode.mcp.json",
    "windsurf": "windsurf.mcp_config.json",
    "zed": "zed.settings.json",
}
TOOLS = ["check", "forget", "list_lessons", "recall", "remember", "report_outcome"]


def entry(client: str, text: str) -> dict[str, Any]:
    """The one server of a configuration's text."""
    one = CLIENTS[client]
    found: dict[str, Any] = FORMS[one.form].value(text)[one.root]["lessonbank"]
    return found


def words(found: dict[str, Any]) -> list[str]:
    command = found["command"]
    return command if isinstance(command, list) else [command, *found["args"]]


def installed(command: str) -> str:
    """The command as this environment installed it, as a client would find it on the PATH."""
    found = shutil.which(command, path=str(Path(sys.executable).parent))
    assert found, f"{command} is not installed next to {sys.executable}"
    return found


def test_there_is_a_configuration_for_every_client() -> None:
    assert sorted(FILES) == sorted(CLIENTS)
    assert sorted(path.name for path in CONFIGS.iterdir()) == sorted(FILES.values())


@pytest.mark.parametrize("client", sorted(FILES))
def test_a_configuration_is_what_an_installation_writes(client: str, tmp_path: Path) -> None:
    machine = Machine("linux", tmp_path, tmp_path, {})
    wish = Wish(client=client, hooks=False)
    (one,) = printed(wish, machine=machine, invocation=Invocation(("lessonbank",))).snippets
    text = (CONFIGS / FILES[client]).read_text(encoding="utf-8")
    assert text == one.text
    assert words(entry(client, text)) == ["lessonbank", "serve"]


@pytest.mark.anyio
async def test_the_configurations_start_a_server_that_lists_its_tools(tmp_path: Path) -> None:
    """They all name the same words, so one start speaks for all."""
    text = (CONFIGS / FILES["codex"]).read_text(encoding="utf-8")
    command, *args = words(entry("codex", text))
    parameters = StdioServerParameters(
        command=installed(command), args=args, env={"LESSONBANK_STORE": str(tmp_path / "store")}
    )
    async with Client(parameters, mode="legacy") as client:
        about = client.server_info
        tools = (await client.list_tools()).tools
    assert about
    assert about.name == "lessonbank"
    assert sorted(tool.name for tool in tools) == TOOLS


def test_the_readmes_entries_are_what_an_installation_writes(repository: Path) -> None:
    """An entry in the table is that of the file, in one line."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+)` \|.*?`(\{.*\})` \|$", text, re.MULTILINE)
    assert {client for client, _ in rows} >= {"claude-code", "opencode", "zed"}
    for client, written in rows:
        found = entry(client, (CONFIGS / FILES[client]).read_text(encoding="utf-8"))
        assert json.loads(written) == {CLIENTS[client].root: {"lessonbank": found}}
    named = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) & set(CLIENTS)
    assert named == set(CLIENTS)
    (codex,) = re.findall(r"^\| `codex` \|.*?`(\[mcp_servers.*?)` \|$", text, re.MULTILINE)
    toml = codex.replace("; ", "\n").replace("] ", "]\n", 1)
    written = (CONFIGS / FILES["codex"]).read_text(encoding="utf-8")
    assert entry("codex", toml) == entry("codex", written)


def test_the_documented_command_starts_the_same_server(repository: Path) -> None:
    text = (repository / "client_examples" / "README.md").read_text(encoding="utf-8")
    added = re.search(r"^claude mcp add .* -- (.+)$", text, re.MULTILINE)
    assert added
    assert shlex.split(added.group(1)) == ["lessonbank", "serve"]
