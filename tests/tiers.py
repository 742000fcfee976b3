"""Three tiers of tests: quick ones, the usual ones, thorough ones.

A test is quick, to be run at each save, by what its module imports, and what the modules of
tests that these import do: no processes, sockets, servers, LanceDB or models. No test is marked by
hand. A test is thorough by where it stands (`THOROUGH`): `make test` leaves it to `make thorough`.
`.ci/run` runs both, so nothing is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
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


THOROUGH = {
    "benchmarks": "what measures the product is run, and is not the product",
    "client_examples": "programs that stand beside the product",
    "deploy": "files that stand beside the product",
    "memory_core/service/test_following.py": "what another machine wrote is followed",
    "memory_core/store/remote": "stores that are shared by machines, and their faults",
    "memory_core/test_doctor_bucket.py": "the same",
    "server/host/test_buckets.py": "the same",
    "server/host/test_fronts.py": "fronts and hosts that are ended and replaced",
    "server/host/test_kills.py": "the same, again and again",
    "server/host/test_life.py": "the same",
    "server/host/test_mishaps.py": "hosts that hang, or lose their files",
    "server/peers": "writers, replicas and standbys of a shared store",
    "server/test_launch.py": "starts beside what a project has of the same names",
    "server/web/test_matrix.py": "every door with every kind of access",
    "server/web/test_teams.py": "many people with tokens at one door",
    "test_restart.py": "servers that are killed and started again",
}
"""Folders and modules below tests/ whose tests are thorough, and why these."""


def is_thorough(item: pytest.Item) -> bool:
    """Say whether a test is left to the thorough tier."""
    return is_below(item.path.relative_to(ROOT / "tests"))


def is_below(module: Path) -> bool:
    """Say whether a module, by its path below tests/, is of the thorough tier."""
    return any(str(one) in THOROUGH for one in (module, *module.parents))


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


TIERS: dict[str, Callable[[pytest.Item], bool]] = {
    "quick": is_quick,
    "usual": lambda item: not is_thorough(item),
    "thorough": is_thorough,
}
"""Which tests each tier takes; the quick ones are among the usual ones."""
