"""The clients that are programs of their own: how each is set up and started.

Each is pinned in `npm/NAME/package.json`. Over stdio `lessonbank install` sets it up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.clients.model.turn import JSON
from tests.clients.place import NAME, NPM, Place, Start, node

PROMPT = "Deploy the billing service to staging with helm and check that it is healthy."


def claude_code(place: Place, *, hooks: bool) -> Start:
    """Set up Claude Code."""
    allowed: tuple[str, ...] = ()
    if place.server.url:
        address = {"type": "http", "url": place.server.url, "headers": place.server.headers}
        entry = {**address, "alwaysLoad": True}
        place.write(".claude.json", json.dumps({"mcpServers": {NAME: entry}}))
        allowed = ("--allowedTools", f"mcp__{NAME}")
    else:
        place.lessonbank("install", "claude-code", "--allow", *(() if hooks else ("--no-hooks",)))
    folder = NPM / "claude-code"
    program = _script(folder, "@anthropic-ai/claude-code/cli-wrapper.cjs")
    return Start(
        (node(folder), program, "-p", PROMPT, *allowed),
        {
            "ANTHROPIC_BASE_URL": place.model,
            "ANTHROPIC_API_KEY": "sk-ant-none",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "IS_SANDBOX": "1",  # or root is refused
            "MCP_CONNECT_TIMEOUT_MS": "120000",  # a busy machine is no fault
        },
    )


def codex(place: Place) -> Start:
    """Set up Codex, whose every turn waits for a server that is required."""
    provider = {"name": "scripted", "base_url": f"{place.model}/v1", "wire_api": "responses"}
    lines = ['model = "gpt-5"', 'model_provider = "scripted"']
    lines += _toml_table("model_providers.scripted", provider)
    if place.server.url:
        token = {"bearer_token_env_var": "LESSONBANK_TOKEN"}
        asked = {"required": True, "default_tools_approval_mode": "approve"}
        lines += _toml_table(f"mcp_servers.{NAME}", {"url": place.server.url, **token, **asked})
    place.write(".codex/config.toml", "\n".join(lines))
    _install(place, "codex")
    folder = NPM / "codex"
    program = _script(folder, "@openai/codex/bin/codex.js")
    return Start(
        (node(folder), program, "exec", "--skip-git-repo-check", PROMPT),
        {"LESSONBANK_TOKEN": place.server.token},
    )


def gemini_cli(place: Place) -> Start:
    """Set up Gemini CLI."""
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        **_gemini_servers(place),
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
    }
    place.write(".gemini/settings.json", json.dumps(settings))
    _install(place, "gemini-cli")
    folder = NPM / "gemini-cli"
    program = _script(folder, "@google/gemini-cli/bundle/gemini.js")
    return Start(
        (node(folder), program, "--skip-trust", "-p", PROMPT),
        {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": place.model},
    )


def qwen_code(place: Place) -> Start:
    """Set up Qwen Code."""
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        **_gemini_servers(place),
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
    }
    place.write(".qwen/settings.json", json.dumps(settings))
    _install(place, "qwen-code")
    folder = NPM / "qwen-code"
    return Start(
        (node(folder), _script(folder, ".bin/qwen"), "-p", PROMPT),
        {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{place.model}/v1",
            "OPENAI_MODEL": "scripted",
        },
    )


def opencode(place: Place) -> Start:
    """Set up opencode."""
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "scripted",
        "options": {"baseURL": f"{place.model}/v1", "apiKey": "none"},
        "models": {"scripted": {"name": "scripted", "tool_call": True}},
    }
    settings: JSON = {"provider": {"scripted": provider}, "autoupdate": False, "share": "disabled"}
    if place.server.url:
        entry = {"type": "remote", "url": place.server.url, "headers": place.server.headers}
        settings["mcp"] = {NAME: {**entry, "enabled": True}}
    place.write(".config/opencode/opencode.json", json.dumps(settings))
    _install(place, "opencode")
    found = sorted((NPM / "opencode" / "node_modules").glob("opencode-*/bin/opencode"))
    program = str(found[-1])  # the build for older processors, where there are two
    return Start(
        (program, "run", "--model", "scripted/scripted", PROMPT),
        {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"},
    )


def cline(place: Place) -> Start:
    """Set up Cline's command line."""
    if place.server.url:
        address = {"type": "streamableHttp", "url": place.server.url}
        servers = {"mcpServers": {NAME: {**address, "headers": place.server.headers}}}
        place.write(".cline/data/settings/cline_mcp_settings.json", json.dumps(servers))
    _install(place, "cline")
    settings = {
        "provider": "openai-compatible",
        "apiKey": "none",
        "baseUrl": f"{place.model}/v1",
        "model": "scripted",
    }
    told = {"updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    known = {
        "version": 1,
        "lastUsedProvider": "openai-compatible",
        "modes": {},
        "providers": {"openai-compatible": {"settings": settings, **told}},
    }
    place.write(".cline/data/settings/providers.json", json.dumps(known))
    program = _script(NPM / "cline", ".bin/cline")
    return Start(
        (program, "-P", "openai-compatible", "-m", "scripted", PROMPT),
        {"CLINE_NO_AUTO_UPDATE": "1"},
    )


def _install(place: Place, client: str) -> None:
    """Add the server over stdio as a user does, to the settings that are there."""
    if not place.server.url:
        place.lessonbank("install", client, "--allow")


def _gemini_servers(place: Place) -> JSON:
    if not place.server.url:
        return {}
    entry = {"httpUrl": place.server.url, "headers": place.server.headers, "trust": True}
    return {"mcpServers": {NAME: entry}}


def _toml_table(name: str, values: Mapping[str, object]) -> list[str]:
    """Give a table's lines; TOML writes texts, numbers and lists as JSON does."""
    return [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]


def _script(folder: Path, name: str) -> str:
    return str(folder / "node_modules" / name)
