"""A crew of one agent of CrewAI."""

from __future__ import annotations

import os

from crewai import LLM, Agent, Crew, Task
from crewai_tools import MCPServerAdapter
from mcp import StdioServerParameters


def main() -> None:
    if url := os.environ.get("MCP_URL"):
        headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
        where: dict[str, object] | StdioServerParameters = {
            "url": url,
            "transport": "streamable-http",
            "headers": headers,
        }
    else:
        where = StdioServerParameters(
            command=os.environ["MCP_COMMAND"], args=["serve"], env=dict(os.environ)
        )
    llm = LLM(model="openai/gpt-4o", base_url=os.environ["MODEL_URL"], api_key="none")
    with MCPServerAdapter(where, connect_timeout=120) as tools:
        agent = Agent(
            role="deployer", goal="deploy", backstory="deploys", tools=tools, llm=llm, max_iter=10
        )
        task = Task(description=os.environ["PROMPT"], expected_output="one line", agent=agent)
        print(Crew(agents=[agent], tasks=[task]).kickoff().raw)


main()
