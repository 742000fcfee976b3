"""Which tests are quick: all in memory, so that they can be run at each save.

A test is quick by what its module imports, and what the modules of tests that these import do: no
processes, sockets, servers, LanceDB or models. No test is marked by hand. `make test` runs all.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SLOW_IMPORTS = (
    "asyncio.subprocess",
    "benchmarks",
    "boto3",
    "lancedb",
    "memory_core.bootstrap",
    "memory_core.embedder",
    "memory_core.scorer",
    "memory_core.service",
    "memory_core.store",
    "mcp.StdioServerParameters",
    "mcp.client.stdio",
    "mcp.stdio_client",
    "moto",
    "multiprocessing",
    "sentence_transformers",
    "socket",
    "subprocess",
    "torch",
    "uvicorn",
)
"""What a quick test's modules do not import, nor anything below it."""
SLOW_EVENTS = {"subprocess.Popen", "socket.connect", "socket.bind", "os.posix_spawn", "os.exec"}
"""What a quick test is refused, should it come to it by another way."""


def is_quick(item: pytest.Item) -> bool:
    """Say whether a test needs memory alone."""
    fixtures = getattr(item, "fixturenames", ())
    beside = [one / "conftest.py" for one in item.path.parents if one != ROOT / "tests"]
    beside = [path for path in beside if ROOT / "tests" in path.parents and path.exists()]
    return (
        not is_slow(item.path)
        and not any(is_slow(path) and _defines(path, fixtures) for path in beside)
        and not {"s3_port", "database_port", "hurried"} & set(fixtures)
    )


@cache
def is_slow(path: Path) -> bool:
    """Say whether a module of tests, or one that it imports, imports something slow."""
    return any(
        name.startswith("tests.") and is_slow(found)
        if (found := _module_at(name)) is not None
        else any(f"{name}.".startswith(f"{slow}.") for slow in SLOW_IMPORTS)
        for name in _imports(path)
    )


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{one.name}" for one in node.names}
    return names


def _module_at(name: str) -> Path | None:
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    return path if name.startswith("tests.") and path.exists() else None


def _defines(path: Path, fixtures: tuple[str, ...]) -> bool:
    defined = ast.parse(path.read_text(encoding="utf-8")).body
    return any(
        isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name in fixtures
        for one in defined
    )


def forbid_slow_things(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse what a quick test may not do; given to `sys.addaudithook`."""
    if event in SLOW_EVENTS:
        text = f"a quick test came to {event} {arguments[:1]}: see tests/tiers.py"
        raise RuntimeError(text)
