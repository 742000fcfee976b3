"""An agent of LangChain, whose tools share one session with the server."""

from __future__ import annotations

import asyncio
import os

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from langchain_openai import ChatOpenAI


async def main() -> None:
    if url := os.environ.get("MCP_URL"):
        headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
        entry = {"transport": "streamable_http", "url": url, "headers": headers}
    else:
        command = os.environ["MCP_COMMAND"]
        entry = {"transport": "stdio", "command": command, "args": ["serve"]}
    client = MultiServerMCPClient({"lessonbank": entry})
    model = ChatOpenAI(model="scripted", base_url=os.environ["MODEL_URL"])
    async with client.session("lessonbank") as session:
        agent = create_agent(model, await load_mcp_tools(session))
        asked = {"messages": [{"role": "user", "content": os.environ["PROMPT"]}]}
        print((await agent.ainvoke(asked))["messages"][-1].content)


asyncio.run(main())
