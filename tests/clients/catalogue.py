"""The clients that a run meets, and what is expected of each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.clients import command_lines, frameworks
from tests.clients.place import NPM, PYTHON, Place, Start


@dataclass(frozen=True, slots=True)
class Client:
    """One client in one way of use.

    Attributes:
        name: What the command line calls it.
        title: What the table calls it.
        folder: Where its packages are pinned.
        package: The one whose version the table shows.
        start: Sets it up at a place and says how it is started.
        transports: Those that it speaks, of stdio and http.
        quick: Whether it belongs to the quick part.
        deferred: Whether it shows a model every server's tools only after a search.
        only_answer: Whether its standard output is the model's answer and nothing else.
        hooked: Whether our hooks speak to its model.
        strict: Whether its model has to fill in every argument.
        careless: Whether it is also met with a careless model.
        stays: What names the process that it leaves running for its next start, "" for none.
    """

    name: str
    title: str
    folder: Path
    package: str
    start: Callable[[Place], Start]
    transports: tuple[str, ...] = ("stdio", "http")
    quick: bool = False
    deferred: bool = False
    only_answer: bool = False
    hooked: bool = False
    strict: bool = False
    careless: bool = False
    stays: str = ""

    @property
    def version(self) -> str:
        """The pinned version of its package."""
        if self.folder.parent == NPM:
            pins = json.loads((self.folder / "package.json").read_text(encoding="utf-8"))
            return str(pins["dependencies"][self.package])
        pinned = (self.folder / "requirements.txt").read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(self.package)}==(\S+)", pinned, re.MULTILINE)
        return found[1] if found else "?"


def _program(name: str, program: str, *, strict: bool = False) -> Callable[[Place], Start]:
    return partial(frameworks.python_program, name=name, program=program, strict=strict)


CLIENTS = (
    Client(
        "claude-code",
        "Claude Code",
        NPM / "claude-code",
        "@anthropic-ai/claude-code",
        partial(command_lines.claude_code, hooks=False),
        careless=True,
        only_answer=True,
    ),
    Client(
        "claude-code-hooks",
        "Claude Code, our hooks",
        NPM / "claude-code",
        "@anthropic-ai/claude-code",
        partial(command_lines.claude_code, hooks=True),
        transports=("stdio",),
        quick=True,
        only_answer=True,
        hooked=True,
    ),
    Client(
        "codex",
        "Codex",
        NPM / "codex",
        "@openai/codex",
        command_lines.codex,
        quick=True,
        only_answer=True,
    ),
    Client(
        "gemini-cli",
        "Gemini CLI",
        NPM / "gemini-cli",
        "@google/gemini-cli",
        command_lines.gemini_cli,
    ),
    Client(
        "opencode", "opencode", NPM / "opencode", "opencode-ai", command_lines.opencode, quick=True
    ),
    Client(
        "qwen-code",
        "Qwen Code",
        NPM / "qwen-code",
        "@qwen-code/qwen-code",
        command_lines.qwen_code,
        deferred=True,
    ),
    Client(
        "cline", "Cline", NPM / "cline", "cline", command_lines.cline, stays="--cline-hub-daemon"
    ),
    Client(
        "openai-agents",
        "OpenAI Agents",
        PYTHON / "openai-agents",
        "openai-agents",
        _program("openai-agents", "with_openai_agents"),
    ),
    Client(
        "openai-agents-strict",
        "OpenAI Agents, strict",
        PYTHON / "openai-agents",
        "openai-agents",
        _program("openai-agents", "with_openai_agents", strict=True),
        strict=True,
    ),
    Client(
        "pydantic-ai",
        "pydantic-ai",
        PYTHON / "pydantic-ai",
        "pydantic-ai-slim",
        _program("pydantic-ai", "with_pydantic_ai"),
    ),
    Client(
        "langchain",
        "LangChain",
        PYTHON / "langchain",
        "langchain",
        _program("langchain", "with_langchain"),
    ),
    Client("crewai", "CrewAI", PYTHON / "crewai", "crewai", _program("crewai", "with_crewai")),
    Client(
        "smolagents",
        "smolagents",
        PYTHON / "smolagents",
        "smolagents",
        _program("smolagents", "with_smolagents"),
    ),
    Client(
        "vercel-ai", "Vercel AI SDK", NPM / "vercel-ai", "ai", frameworks.vercel_ai, careless=True
    ),
)
