"""The clients that a run meets, and what is expected of each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.clients import command_lines
from tests.clients.place import NPM, Place, Start


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

    @property
    def version(self) -> str:
        """The pinned version of its package."""
        if self.folder.parent == NPM:
            pins = json.loads((self.folder / "package.json").read_text(encoding="utf-8"))
            return str(pins["dependencies"][self.package])
        pinned = (self.folder / "requirements.txt").read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(self.package)}==(\S+)", pinned, re.MULTILINE)
        return found[1] if found else "?"


CLIENTS = (
    Client(
        "claude-code",
        "Claude Code",
        NPM / "claude-code",
        "@anthropic-ai/claude-code",
        partial(command_lines.claude_code, hooks=False),
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
)
