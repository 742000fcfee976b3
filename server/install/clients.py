"""The clients: where their configuration files are, and of which form they are.

Sources: Claude Code https://code.claude.com/docs/en/mcp and /settings (user scope in
`~/.claude.json`, with CLAUDE_CONFIG_DIR inside of that folder); Claude Desktop
https://modelcontextprotocol.io/quickstart/user; Cursor https://cursor.com/docs/mcp;
VS Code https://code.visualstudio.com/docs/copilot/reference/mcp-configuration;
Windsurf https://docs.windsurf.com/windsurf/cascade/mcp. This module reads no file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from memory_core.addresses import working_directory
from memory_core.errors import InvalidInput, shown

USER, PROJECT = "user", "project"


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides about places; `system` is a `sys.platform`."""

    system: str
    home: Path
    folder: Path
    environ: Mapping[str, str]

    @classmethod
    def this(cls) -> Machine:
        """Give the machine and the working directory of this process."""
        return cls(sys.platform, Path.home(), working_directory(), os.environ)

    def applications(self) -> Path:
        """Give the folder in which desktop programs keep their settings."""
        if self.system == "win32":
            return Path(self.environ.get("APPDATA") or self.home / "AppData" / "Roaming")
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")


@dataclass(frozen=True, slots=True)
class Client:
    """One client: `root` is the key that holds the servers, `typed` whether entries say stdio."""

    name: str
    title: str
    root: str
    typed: bool = False
    comments: bool = True
    after: str = ""


CLIENTS = {
    one.name: one
    for one in (
        Client(
            "claude-code",
            "Claude Code",
            "mcpServers",
            typed=True,
            comments=False,
            after="Open sessions have it after a restart; /mcp and /hooks show it.",
        ),
        Client(
            "claude-desktop",
            "Claude Desktop",
            "mcpServers",
            comments=False,
            after="Quit Claude Desktop wholly, from its tray or menu, and open it again.",
        ),
        Client("cursor", "Cursor", "mcpServers", after="Restart Cursor, or reload its window."),
        Client(
            "vscode",
            "VS Code",
            "servers",
            typed=True,
            after="Run `MCP: List Servers` in VS Code and start lessonbank.",
        ),
        Client(
            "windsurf",
            "Windsurf",
            "mcpServers",
            after="Refresh Windsurf's MCP servers, or restart it.",
        ),
    )
}


def servers_file(client: Client, machine: Machine, scope: str) -> Path:
    """Give the file that holds the client's MCP servers.

    Raises:
        InvalidInput: The client has no file for this scope.
    """
    if scope not in (USER, PROJECT):
        raise InvalidInput("scope", f"= {shown(scope)} is not known", "Use user or project.")
    if scope == PROJECT:
        return _in_project(client, machine)
    places = {
        "claude-code": _claude_code_folder(machine, machine.home) / ".claude.json",
        "claude-desktop": _claude_desktop_folder(machine) / "claude_desktop_config.json",
        "cursor": machine.home / ".cursor" / "mcp.json",
        "vscode": machine.applications() / "Code" / "User" / "mcp.json",
        "windsurf": machine.home / ".codeium" / "windsurf" / "mcp_config.json",
    }
    return places[client.name]


def hooks_file(machine: Machine, scope: str) -> Path:
    """Give Claude Code's settings file, which holds its hooks."""
    if scope == PROJECT:
        return machine.folder / ".claude" / "settings.json"
    return _claude_code_folder(machine, machine.home / ".claude") / "settings.json"


def _in_project(client: Client, machine: Machine) -> Path:
    places = {
        "claude-code": Path(".mcp.json"),
        "cursor": Path(".cursor") / "mcp.json",
        "vscode": Path(".vscode") / "mcp.json",
    }
    if client.name not in places:
        raise InvalidInput(
            "scope", f"= 'project' does not exist in {client.title}", "Leave --scope out."
        )
    if not machine.folder.is_dir():
        raise InvalidInput(
            "scope", "= 'project' needs a working directory, which was removed", "Change into one."
        )
    return machine.folder / places[client.name]


def _claude_code_folder(machine: Machine, default: Path) -> Path:
    configured = machine.environ.get("CLAUDE_CONFIG_DIR")
    return Path(configured).expanduser() if configured else default


def _claude_desktop_folder(machine: Machine) -> Path:
    """On Windows the store's edition keeps its settings in its own folder, if it is there."""
    usual = machine.applications() / "Claude"
    if machine.system != "win32":
        return usual
    local = Path(machine.environ.get("LOCALAPPDATA") or machine.home / "AppData" / "Local")
    own = [
        *sorted((local / "Claude-Data").glob("[Cc]laude*")),
        *sorted(local.glob("Packages/Claude_*/LocalCache/Roaming/Claude")),
    ]
    return next((one for one in own if one.is_dir()), usual)
