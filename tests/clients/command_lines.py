"""The clients that are programs of their own: how each is set up and started.

Each is pinned in `npm/NAME/package.json`. What `lessonbank install` knows is set up by it.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.clients.place import NAME, NPM, Place, Start, node

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


def _script(folder: Path, name: str) -> str:
    return str(folder / "node_modules" / name)
