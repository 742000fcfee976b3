"""The clients: where their configuration files are, and of which form they are.

Sources: Claude Code https://code.claude.com/docs/en/mcp and /settings (user scope in
`~/.claude.json`, with CLAUDE_CONFIG_DIR inside of that folder); Claude Desktop
https://modelcontextprotocol.io/quickstart/user; Cursor https://cursor.com/docs/mcp;
VS Code https://code.visualstudio.com/docs/copilot/reference/mcp-configuration;
Windsurf https://docs.windsurf.com/windsurf/cascade/mcp; Zed https://zed.dev/docs/ai/mcp.
Codex, Gemini CLI, opencode, Qwen Code, Cline, Continue and Copilot CLI: what the programs
themselves write, and read back in `mcp list`. This module reads no file.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from memory_core.addresses import working_directory
from memory_core.errors import InvalidInput, shown

USER, PROJECT = "user", "project"
Form = Literal["json", "toml", "yaml"]
TOOLS = ("recall", "check", "remember", "report_outcome", "list_lessons", "forget")


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

    def set_folder(self, variable: str, default: Path) -> Path:
        """Give the folder that a variable names, else the default."""
        given = self.environ.get(variable, "").strip()
        return Path(given).expanduser() if given else default

    def configurations(self) -> Path:
        """Give the folder in which command-line programs keep their settings."""
        return self.set_folder("XDG_CONFIG_HOME", self.home / ".config")

    def applications(self) -> Path:
        """Give the folder in which desktop programs keep their settings."""
        if self.system == "win32":
            return Path(self.environ.get("APPDATA") or self.home / "AppData" / "Roaming")
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")


@dataclass(frozen=True, slots=True)
class Client:
    """One client.

    `root` is the key that holds the servers. `first` and `more` are members of the entry
    before and after the command; `more` is what a person may have set otherwise, such as
    a time limit. `allowed` are those that let the model call the tools unasked, where they
    stand in the entry. With `joined` the command and its arguments are one list.
    `programs` are found on the PATH, `comments` whether the client reads them in JSON.
    """

    name: str
    title: str
    root: str = "mcpServers"
    form: Form = "json"
    first: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    allowed: Mapping[str, Any] = field(default_factory=dict)
    joined: bool = False
    comments: bool = True
    programs: tuple[str, ...] = ()
    after: str = ""

    @property
    def variables(self) -> str:
        """The entry's member that holds environment variables."""
        return "environment" if self.joined else "env"


_RESTART = "Open sessions have it after a restart"
CLIENTS = {
    one.name: one
    for one in (
        Client(
            "claude-code",
            "Claude Code",
            first={"type": "stdio"},
            more={"alwaysLoad": True},  # else the first requests go out before it is connected
            comments=False,
            programs=("claude",),
            after=f"{_RESTART}; /mcp and /hooks show it.",
        ),
        Client(
            "claude-desktop",
            "Claude Desktop",
            comments=False,
            after="Quit Claude Desktop wholly, from its tray or menu, and open it again.",
        ),
        Client(
            "cursor",
            "Cursor",
            programs=("cursor", "cursor-agent"),
            after="Restart Cursor, or reload its window.",
        ),
        Client(
            "vscode",
            "VS Code",
            root="servers",
            first={"type": "stdio"},
            programs=("code",),
            after="Run `MCP: List Servers` in VS Code and start lessonbank.",
        ),
        Client(
            "windsurf",
            "Windsurf",
            programs=("windsurf",),
            after="Refresh Windsurf's MCP servers, or restart it.",
        ),
        Client(
            "codex",
            "Codex",
            root="mcp_servers",
            form="toml",
            more={"required": True, "startup_timeout_sec": 60},  # else turn 1 is without tools
            allowed={"default_tools_approval_mode": "approve"},
            programs=("codex",),
            after=f"{_RESTART}; `codex mcp list` shows it.",
        ),
        Client(
            "gemini-cli",
            "Gemini CLI",
            allowed={"trust": True},
            programs=("gemini",),
            after=f"{_RESTART}; /mcp shows it.",
        ),
        Client(
            "opencode",
            "opencode",
            root="mcp",
            first={"type": "local"},
            more={"enabled": True, "timeout": 30_000},
            joined=True,
            programs=("opencode",),
            after=f"{_RESTART}; `opencode mcp list` shows it.",
        ),
        Client(
            "qwen-code",
            "Qwen Code",
            allowed={"trust": True},
            programs=("qwen",),
            after=f"{_RESTART}; `qwen mcp list` shows it.",
        ),
        Client(
            "cline",
            "Cline",
            more={"disabled": False, "timeout": 60},  # else 3 seconds to begin
            allowed={"autoApprove": list(TOOLS)},
            comments=False,
            programs=("cline",),
            after=f"{_RESTART}.",
        ),
        Client(
            "continue",
            "Continue",
            form="yaml",
            programs=("cn",),
            after=f"{_RESTART}.",
        ),
        Client(
            "zed",
            "Zed",
            root="context_servers",
            first={"source": "custom"},
            programs=("zed", "zeditor"),
            after="Zed starts it at once; the agent panel's settings show it.",
        ),
        Client(
            "copilot-cli",
            "Copilot CLI",
            first={"type": "local"},
            more={"tools": ["*"]},
            comments=False,
            programs=("copilot",),
            after=f"{_RESTART}; `copilot mcp list` shows it.",
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
    return _in_home(machine)[client.name]


def _in_home(machine: Machine) -> dict[str, Path]:
    home = machine.home
    return {
        "claude-code": _claude_code_folder(machine, home) / ".claude.json",
        "claude-desktop": _claude_desktop_folder(machine) / "claude_desktop_config.json",
        "cursor": home / ".cursor" / "mcp.json",
        "vscode": machine.applications() / "Code" / "User" / "mcp.json",
        "windsurf": home / ".codeium" / "windsurf" / "mcp_config.json",
        "codex": machine.set_folder("CODEX_HOME", home / ".codex") / "config.toml",
        "gemini-cli": machine.set_folder("GEMINI_CLI_HOME", home) / ".gemini" / "settings.json",
        "opencode": _opencode_file(machine),
        "qwen-code": machine.set_folder("QWEN_HOME", home / ".qwen") / "settings.json",
        "cline": _cline_file(machine),
        "continue": machine.set_folder("CONTINUE_GLOBAL_DIR", home / ".continue") / "config.yaml",
        "zed": _zed_folder(machine) / "settings.json",
        "copilot-cli": machine.set_folder("COPILOT_HOME", home / ".copilot") / "mcp-config.json",
    }


def is_here(client: Client, machine: Machine) -> bool:
    """Whether the client is on this machine: its folder, its file or its program."""
    file = servers_file(client, machine, USER)
    folders = {
        "claude-code": _claude_code_folder(machine, machine.home / ".claude"),
        "cline": machine.set_folder("CLINE_DIR", machine.home / ".cline"),
    }
    folder = folders.get(client.name, file.parent)
    if file.is_file() or (folder.is_dir() and folder != machine.home):
        return True
    path = machine.environ.get("PATH", "")
    return any(shutil.which(one, path=path) for one in client.programs) if path else False


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
        "codex": Path(".codex") / "config.toml",
        "gemini-cli": Path(".gemini") / "settings.json",
        "opencode": _with_comments_if_there(machine.folder),
        "qwen-code": Path(".qwen") / "settings.json",
        "zed": Path(".zed") / "settings.json",
        "copilot-cli": Path(".github") / "mcp.json",
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
    return machine.set_folder("CLAUDE_CONFIG_DIR", default)


def _opencode_file(machine: Machine) -> Path:
    named = machine.environ.get("OPENCODE_CONFIG", "").strip()
    if named:
        return Path(named).expanduser()
    default = machine.configurations() / "opencode"
    return _with_comments_if_there(machine.set_folder("OPENCODE_CONFIG_DIR", default))


def _with_comments_if_there(folder: Path) -> Path:
    commented = folder / "opencode.jsonc"
    return commented if commented.is_file() else folder / "opencode.json"


def _cline_file(machine: Machine) -> Path:
    named = machine.environ.get("CLINE_MCP_SETTINGS_PATH", "").strip()
    if named:
        return Path(named).expanduser()
    data = machine.set_folder("CLINE_DIR", machine.home / ".cline") / "data"
    folder = machine.set_folder("CLINE_DATA_DIR", data) / "settings"
    return folder / "cline_mcp_settings.json"


def _zed_folder(machine: Machine) -> Path:
    """Zed keeps to ~/.config on macOS too."""
    if machine.system == "win32":
        return machine.applications() / "Zed"
    if machine.system == "darwin":
        return machine.home / ".config" / "zed"
    return machine.configurations() / "zed"


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
