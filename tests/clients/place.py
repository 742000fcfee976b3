"""Where one run happens: its home, its working folder, its model and its server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.node.place import LESSONBANK

HERE = Path(__file__).parent
NPM, PYTHON = HERE / "npm", HERE / "python"
NAME = "lessonbank"
_NOWHERE = "http://127.0.0.1:9"
"""Where requests to other machines go: to nobody. Nothing of a check leaves this one."""


@dataclass(frozen=True, slots=True)
class Server:
    """An HTTP server that clients share; the empty one stands for stdio."""

    url: str = ""
    token: str = ""
    store: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What a client sends to be let in."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Start:
    """How a client's program is started: all words, and what its environment adds."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """One run's place; `model` is the scripted model's address for this run alone."""

    root: Path
    model: str
    server: Server

    @property
    def home(self) -> Path:
        """The home of the client and all that it starts."""
        return self.root / "home"

    @property
    def folder(self) -> Path:
        """The working directory: a project that nobody else has."""
        return self.root / "billing"

    @property
    def environment(self) -> dict[str, str]:
        """All that a program of this run finds in its environment."""
        path = [str(Path(LESSONBANK).parent), *_node_folder(), "/usr/bin", "/bin"]
        return {
            "HOME": str(self.home),
            "PATH": os.pathsep.join(path),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "HTTP_PROXY": _NOWHERE,
            "HTTPS_PROXY": _NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def make(self) -> None:
        """Make the folders."""
        for one in (self.home, self.folder, self.root / "tmp"):
            one.mkdir(parents=True)

    def write(self, name: str, text: str) -> None:
        """Write one of the client's files, below its home."""
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def lessonbank(self, *words: str) -> str:
        """Run one of our commands as this run's user; gives its standard output."""
        store = ("--store", self.server.store) if self.server.store else ()
        done = subprocess.run(
            [LESSONBANK, *store, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"lessonbank {' '.join(words)}: {done.stderr}")
        return done.stdout


def _node_folder() -> list[str]:
    node = shutil.which("node")
    return [str(Path(node).parent)] if node else []


def node(folder: Path) -> str:
    """Give the Node that a folder's packages bring along, else the machine's own."""
    own = folder / "node_modules" / ".bin" / "node"
    return str(own) if own.exists() else "node"


def python(folder: Path) -> str:
    """Give the Python of a folder's own environment."""
    return str(folder / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python")
