"""The clients that are programs of their own: how each is set up and started.

Each is pinned in `npm/NAME/package.json`. What `lessonbank install` knows is set up by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.clients.model.turn import JSON
from tests.clients.place import NAME, NPM, Place, Start, node
from tests.node.place import LESSONBANK

PROMPT = "Deploy the billing service to staging with helm and check that it is healthy."


def claude_code(place: Place, *, hooks: bool) -> Start:
    """Set up Claude Code, over stdio by our installer."""
    if place.server.url:
        address = {"type": "http", "url": place.server.url, "headers": place.server.headers}
        entry = {**address, "alwaysLoad": True}
        place.write(".claude.json", json.dumps({"mcpServers": {NAME: entry}}))
    else:
        place.lessonbank("install", "claude-code", *(() if hooks else ("--no-hooks",)))
    folder = NPM / "claude-code"
    return Start(
        (
            node(folder),
            _script(folder, "@anthropic-ai/claude-code/cli-wrapper.cjs"),
            "-p",
            PROMPT,
            "--allowedTools",
            f"mcp__{NAME}",
        ),
        {
            "ANTHROPIC_BASE_URL": place.model,
            "ANTHROPIC_API_KEY": "sk-ant-none",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "IS_SANDBOX": "1",  # or root is refused
        },
    )


def codex(place: Place) -> Start:
    """Set up Codex, whose every turn waits for a server that is required."""
    if place.server.url:
        server = {
            "url": place.server.url,
            "bearer_token_env_var": "LESSONBANK_TOKEN",
            "required": True,
        }
    else:
        command = {"command": LESSONBANK, "args": ["serve"]}
        server = {**command, "required": True, "startup_timeout_sec": 60}
    provider = {"name": "scripted", "base_url": f"{place.model}/v1", "wire_api": "responses"}
    lines = ['model = "gpt-5"', 'model_provider = "scripted"']
    lines += _toml_table("model_providers.scripted", provider)
    lines += _toml_table(f"mcp_servers.{NAME}", server)
    place.write(".codex/config.toml", "\n".join(lines))
    folder = NPM / "codex"
    program = _script(folder, "@openai/codex/bin/codex.js")
    flags = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    return Start(
        (node(folder), program, "exec", *flags, PROMPT), {"LESSONBANK_TOKEN": place.server.token}
    )


def gemini_cli(place: Place) -> Start:
    """Set up Gemini CLI."""
    auth = {"auth": {"selectedType": "gemini-api-key"}}
    settings = {
        "security": auth,
        "mcpServers": {NAME: _gemini_entry(place)},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
    }
    place.write(".gemini/settings.json", json.dumps(settings))
    folder = NPM / "gemini-cli"
    program = _script(folder, "@google/gemini-cli/bundle/gemini.js")
    return Start(
        (node(folder), program, "--yolo", "--skip-trust", "-p", PROMPT),
        {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": place.model},
    )


def qwen_code(place: Place) -> Start:
    """Set up Qwen Code."""
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        "mcpServers": {NAME: _gemini_entry(place)},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
    }
    place.write(".qwen/settings.json", json.dumps(settings))
    folder = NPM / "qwen-code"
    return Start(
        (node(folder), _script(folder, ".bin/qwen"), "--yolo", "-p", PROMPT),
        {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{place.model}/v1",
            "OPENAI_MODEL": "scripted",
        },
    )


def opencode(place: Place) -> Start:
    """Set up opencode."""
    if place.server.url:
        entry = {"type": "remote", "url": place.server.url, "headers": place.server.headers}
    else:
        entry = {"type": "local", "command": [LESSONBANK, "serve"]}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "scripted",
        "options": {"baseURL": f"{place.model}/v1", "apiKey": "none"},
        "models": {"scripted": {"name": "scripted", "tool_call": True}},
    }
    settings = {
        "provider": {"scripted": provider},
        "mcp": {NAME: {**entry, "enabled": True}},
        "autoupdate": False,
        "share": "disabled",
    }
    place.write(".config/opencode/opencode.json", json.dumps(settings))
    found = sorted((NPM / "opencode" / "node_modules").glob("opencode-*/bin/opencode"))
    program = str(found[-1])  # the build for older processors, where there are two
    return Start(
        (program, "run", "--model", "scripted/scripted", PROMPT),
        {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"},
    )


def cline(place: Place) -> Start:
    """Set up Cline's command line."""
    if place.server.url:
        entry = {
            "type": "streamableHttp",
            "url": place.server.url,
            "headers": place.server.headers,
        }
    else:
        entry = {"command": LESSONBANK, "args": ["serve"]}
    servers = json.dumps({"mcpServers": {NAME: entry}})
    place.write(".cline/data/settings/cline_mcp_settings.json", servers)
    provider = {
        "provider": "openai-compatible",
        "apiKey": "none",
        "baseUrl": f"{place.model}/v1",
        "model": "scripted",
    }
    known = {
        "version": 1,
        "lastUsedProvider": "openai-compatible",
        "modes": {},
        "providers": {
            "openai-compatible": {
                "settings": provider,
                "updatedAt": "2026-01-01T00:00:00.000Z",
                "tokenSource": "manual",
            }
        },
    }
    place.write(".cline/data/settings/providers.json", json.dumps(known))
    folder = NPM / "cline"
    program = _script(folder, ".bin/cline")
    return Start(
        (program, "-P", "openai-compatible", "-m", "scripted", PROMPT),
        {"CLINE_NO_AUTO_UPDATE": "1"},
    )


def _gemini_entry(place: Place) -> JSON:
    if place.server.url:
        return {"httpUrl": place.server.url, "headers": place.server.headers, "trust": True}
    return {"command": LESSONBANK, "args": ["serve"], "trust": True}


def _toml_table(name: str, values: Mapping[str, object]) -> list[str]:
    """Give a table's lines; TOML writes texts, numbers and lists as JSON does."""
    return [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]


def _script(folder: Path, name: str) -> str:
    return str(folder / "node_modules" / name)
