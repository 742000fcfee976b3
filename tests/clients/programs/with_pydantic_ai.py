"""An agent of pydantic-ai."""

from __future__ import annotations

import os

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

PATIENCE = 120.0
"""Seconds; the default of 5 to begin is short for a busy machine."""


def main() -> None:
    if url := os.environ.get("MCP_URL"):
        headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
        entry = {"url": url, "headers": headers}
    else:
        entry = {"command": os.environ["MCP_COMMAND"], "args": ["serve"]}
    model = OpenAIChatModel("scripted", provider=OpenAIProvider(os.environ["MODEL_URL"]))
    servers = {"mcpServers": {"lessonbank": entry}}
    toolset = MCPToolset(servers, init_timeout=PATIENCE, read_timeout=PATIENCE)
    print(Agent(model, toolsets=[toolset]).run_sync(os.environ["PROMPT"]).output)


main()
