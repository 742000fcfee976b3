"""Every ready configuration starts the server that it names."""

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

CONFIGS = Path(__file__).parents[2] / "client_examples" / "configs"
ROOT_KEYS = {
    "claude_code.mcp.json": "mcpServers",
    "claude_desktop_config.json": "mcpServers",
    "cursor.mcp.json": "mcpServers",
    "vscode.mcp.json": "servers",
    "windsurf.mcp_config.json": "mcpServers",
}
TOOLS = ["check", "forget", "list_lessons", "recall", "remember", "report_outcome"]


def entry(name: str) -> dict[str, Any]:
    """The one server of a configuration file."""
    whole = json.loads((CONFIGS / name).read_text(encoding="utf-8"))
    assert list(whole) == [ROOT_KEYS[name]]
    assert list(whole[ROOT_KEYS[name]]) == ["lessonbank"]
    found: dict[str, Any] = whole[ROOT_KEYS[name]]["lessonbank"]
    assert found.get("type", "stdio") == "stdio"
    return found


def installed(command: str) -> str:
    """The command as this environment installed it, as a client would find it on the PATH."""
    found = shutil.which(command, path=str(Path(sys.executable).parent))
    assert found, f"{command} is not installed next to {sys.executable}"
    return found


def test_there_is_a_configuration_for_every_client() -> None:
    assert sorted(path.name for path in CONFIGS.iterdir()) == sorted(ROOT_KEYS)


@pytest.mark.anyio
@pytest.mark.parametrize("name", sorted(ROOT_KEYS))
async def test_configuration_starts_a_server_that_lists_its_tools(
    name: str, tmp_path: Path
) -> None:
    given = entry(name)
    parameters = StdioServerParameters(
        command=installed(given["command"]),
        args=given["args"],
        env={**given["env"], "LESSONBANK_STORE": str(tmp_path / "store")},
    )
    async with Client(parameters, mode="legacy") as client:
        about = client.server_info
        tools = (await client.list_tools()).tools
    assert about
    assert about.name == "lessonbank"
    assert sorted(tool.name for tool in tools) == TOOLS


def test_all_configurations_and_the_documented_command_start_the_same_server(
    repository: Path,
) -> None:
    commands = {(entry(name)["command"], *entry(name)["args"]) for name in ROOT_KEYS}
    assert commands == {("lessonbank", "serve")}
    text = (repository / "client_examples" / "README.md").read_text(encoding="utf-8")
    added = re.search(r"^claude mcp add .* -- (.+)$", text, re.MULTILINE)
    assert added
    assert tuple(shlex.split(added.group(1))) in commands
