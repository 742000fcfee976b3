"""An agent of OpenAI Agents; STRICT=1 makes every argument required, as its strict mode does."""

from __future__ import annotations

import asyncio
import os

from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled
from agents.mcp import MCPServer, MCPServerStdio, MCPServerStreamableHttp
from openai import AsyncOpenAI

PATIENCE = 120.0
"""Seconds for one call; the default of 5 is short for the first recall on a busy machine."""


def server() -> MCPServer:
    url = os.environ.get("MCP_URL")
    if not url:
        command = {"command": os.environ["MCP_COMMAND"], "args": ["serve"]}
        return MCPServerStdio(command, client_session_timeout_seconds=PATIENCE)
    headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
    return MCPServerStreamableHttp(
        {"url": url, "headers": headers}, client_session_timeout_seconds=PATIENCE
    )


async def main() -> None:
    set_tracing_disabled(True)
    model = OpenAIResponsesModel("scripted", AsyncOpenAI(base_url=os.environ["MODEL_URL"]))
    async with server() as memory:
        agent = Agent(
            "deployer",
            model=model,
            mcp_servers=[memory],
            mcp_config={"convert_schemas_to_strict": "STRICT" in os.environ},
        )
        print((await Runner.run(agent, os.environ["PROMPT"])).final_output)


asyncio.run(main())
