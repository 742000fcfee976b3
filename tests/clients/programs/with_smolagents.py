"""An agent of smolagents that calls tools."""

from __future__ import annotations

import os

from mcp import StdioServerParameters
from smolagents import MCPClient, OpenAIServerModel, ToolCallingAgent


def main() -> None:
    if url := os.environ.get("MCP_URL"):
        headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
        where: dict[str, object] | StdioServerParameters = {
            "url": url,
            "transport": "streamable-http",
            "headers": headers,
        }
    else:
        where = StdioServerParameters(command=os.environ["MCP_COMMAND"], args=["serve"])
    model = OpenAIServerModel("scripted", api_base=os.environ["MODEL_URL"])
    with MCPClient(where, structured_output=False) as tools:
        print(ToolCallingAgent(tools=tools, model=model, max_steps=8).run(os.environ["PROMPT"]))


main()
