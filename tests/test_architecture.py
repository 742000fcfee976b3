"""The layers, as pyproject.toml states them, and what they promise at run time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

SEEN_BY_SERVER = {
    "memory_core.addresses",
    "memory_core.answers",
    "memory_core.bootstrap",
    "memory_core.caller",
    "memory_core.doctor",
    "memory_core.errors",
    "memory_core.folders",
    "memory_core.intake",
    "memory_core.version",
    "memory_core.model",
    "memory_core.port",
    "memory_core.projects",
    "memory_core.proof_answers",
    "memory_core.proven",
    "memory_core.requests",
    "memory_core.settings",
    "memory_core.shapes",
    "memory_core.shelf",
    "memory_core.unseen",
    "memory_core.vocabulary",
    "memory_core.written",
}
HEAVY = ("torch", "lancedb", "pyarrow", "sentence_transformers", "transformers", "scipy", "sklearn")


def test_every_layer_contract_is_kept(repository: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_server_sees_only_the_port_and_the_plain_modules_around_it() -> None:
    graph = grimp.build_graph("server", "memory_core", cache_dir=None)
    seen = {
        imported
        for module in graph.find_descendants("server") | {"server"}
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.startswith("memory_core")
    }
    assert seen <= SEEN_BY_SERVER | {"memory_core"}


@pytest.mark.parametrize(
    "module", ["server", "server.cli", "server.app", "server.web.oauth", "memory_core.port"]
)
def test_importing_it_loads_nothing_heavy(module: str, repository: Path) -> None:
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout.strip(), f"import {module} loads {done.stdout}"


def test_no_file_has_a_name_that_says_nothing(repository: Path) -> None:
    vague = {"utils.py", "util.py", "helpers.py", "common.py", "manager.py", "misc.py"}
    found = [
        path.relative_to(repository)
        for package in ("server", "memory_core", "benchmarks", "tests", "client_examples")
        for path in (repository / package).rglob("*.py")
        if path.name in vague and not {"node_modules", ".venv"} & set(path.parts)
    ]
    assert not found
