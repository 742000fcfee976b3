"""The command run in this process over a fake memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from memory_core.port import Memory
from memory_core.settings import Settings
from server.cli import main
from tests.server.fake_memory import FakeMemory


@dataclass
class Shell:
    """Runs commands against one fake memory and keeps what they printed."""

    capsys: pytest.CaptureFixture[str]
    store: Path
    memory: FakeMemory = field(default_factory=FakeMemory)
    settings: list[Settings] = field(default_factory=list)
    out: str = ""
    err: str = ""

    def run(self, *argv: str, stdin: bytes = b"", memory: Memory | None = None) -> int:
        self.memory.closed = False
        opened = self._opens(memory or self.memory)
        code = main(
            ["--store", str(self.store), *argv], open_memory=opened, stdin=io.BytesIO(stdin)
        )
        self.out, self.err = self.capsys.readouterr()
        return code

    def json(self, *argv: str, stdin: bytes = b"") -> Any:
        self.run("--json", *argv, stdin=stdin)
        return json.loads(self.out)

    def _opens(self, memory: Memory) -> Callable[[Settings], Memory]:
        def opened(settings: Settings) -> Memory:
            self.settings.append(settings)
            return memory

        return opened

    def remembered(self, title: str = "Open Excel files with utf-8-sig", **options: str) -> str:
        given = [word for name, value in options.items() for word in (f"--{name}", value)]
        answer = self.json("remember", title, "It takes the mark off.", *given)
        return str(answer["id"])
