"""Where a check runs: the command, the store, the address and the token of its server."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TOKEN = "a-token-of-the-checks-only"
LESSONBANK = (
    shutil.which(
        "lessonbank", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    )
    or "lessonbank"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One server as clients reach it; `url` is "" over stdio."""

    url: str
    store: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the server's settings need, and nothing of the user's own."""
        return {
            "LESSONBANK_STORE": str(self.store),
            "LESSONBANK_TOKEN": TOKEN,
            "LESSONBANK_PROJECT": "default",
        }


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the contract; `problem` is "" when it was kept."""

    name: str
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the promise was kept."""
        return not self.problem
