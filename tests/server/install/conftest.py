"""A machine of its own for each test: nothing of the real home is read or written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from server.install.answers import InstallAnswer
from server.install.clients import Machine
from server.install.command import Wish, install
from server.install.invocation import Invocation

COMMAND = "/opt/lesson bank/bin/lessonbank"
Install = Callable[..., InstallAnswer]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    home, folder = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    folder.mkdir()
    return Machine("linux", home, folder, {})


@pytest.fixture
def installed(machine: Machine) -> Install:
    """Install with a made-up command; keywords are those of `Wish`, and `environ`."""

    def run(client: str, environ: dict[str, str] | None = None, **wish: object) -> InstallAnswer:
        here = replace(machine, environ=environ or {})
        made = Wish(client=client, **wish)  # type: ignore[arg-type]
        return install(made, machine=here, invocation=Invocation((COMMAND,)))

    return run
