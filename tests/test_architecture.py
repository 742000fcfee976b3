"""The layers, as pyproject.toml states them, and what they promise at run time."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections import Counter
from difflib import unified_diff
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement

from tests.module_map import BEGIN, END, listing
from tests.test_repository import project

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


@pytest.mark.parametrize("package", ["memory_core", "server"])
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    """Imports in functions count: what is loaded late is still needed."""
    graph = grimp.build_graph(package, cache_dir=None, exclude_type_checking_imports=True)
    left = {one: graph.find_modules_directly_imported_by(one) for one in graph.modules}
    while leaves := [one for one, needed in left.items() if not needed & left.keys()]:
        for one in leaves:
            del left[one]
    assert not left, f"in a circle, or above one: {sorted(left)}"


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


# -- imports in functions ---------------------------------------------------------------

LATE = {
    "models, stores and web frameworks come when they are used": {
        "memory_core.bootstrap", "memory_core.doctor", "memory_core.doctor.examination",
        "memory_core.doctor.store_checks", "memory_core.embedder", "memory_core.model_files",
        "memory_core.service.feed", "memory_core.store.opening", "memory_core.store.remote.placed",
        "memory_core.store.remote.reaching", "memory_core.store.remote.sharing",
        "server.cli.in_process", "server.host.process", "server.serve",
    },
    "a command imports what it runs and no more": {
        "server.__main__", "server.cli.apart", "server.cli.asking", "server.cli.arguments",
        "server.cli.command", "server.cli.commands", "server.cli.edit", "server.cli.parsing",
        "server.cli.terminal", "server.typed", "server.plain",
    },
    "a hook answers in milliseconds, most of them without a host": {
        "server.ending", "server.hooks.command", "server.hooks.journal", "server.host.announced",
        "server.host.asking", "server.host.direct",
    },
    "only to word a mistake": {"memory_core.errors", "memory_core.projects"},
    "only where no folder is given": {"memory_core.folders"},
    "only on one kind of system": {"server.lines", "server.web.serving"},
}  # fmt: skip
"""Modules that import in functions, by the reason."""


def test_a_module_imports_at_its_head_unless_there_is_a_reason(repository: Path) -> None:
    found = set()
    for path in sources(repository):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [
            n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        inner = (each for function in functions for each in ast.walk(function))
        if any(isinstance(each, ast.Import | ast.ImportFrom) for each in inner):
            parts = path.relative_to(repository).with_suffix("").parts
            found.add(".".join(parts).removesuffix(".__init__"))
    assert found == set().union(*LATE.values())


# -- one word a thing -----------------------------------------------------------------

REPEATED_CLASSES = {
    "Candidate": 2, "Conditions": 2, "Evidence": 2, "Failure": 2, "Found": 2, "HostEnded": 2,
    "Learned": 2, "Member": 2, "Memory": 3, "Named": 2, "Rarity": 2, "Record": 3, "Shared": 3,
    "Standing": 3, "Weights": 2, "_Answer": 3, "_Report": 2,
}  # fmt: skip
REPEATED_MODULES = {
    "answers": 2, "app": 2, "asking": 3, "command": 3, "evidence": 2, "identity": 2,
    "in_process": 2, "joining": 2, "journal": 2, "names": 2, "opening": 2, "projects": 2,
    "reading": 2, "render": 2, "shelf": 2, "standing": 2, "starting": 2, "tokens": 2, "typed": 2,
    "writer": 2,
}  # fmt: skip
"""Names that stand for more than one thing today, and how many. To shrink, never to grow."""


def test_no_further_class_or_module_bears_a_name_that_another_has(repository: Path) -> None:
    classes, names = Counter[str](), Counter[str]()
    for path in sources(repository):
        if path.stem not in ("__init__", "__main__"):
            names[path.stem] += 1
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes.update(node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for counted, allowed in ((classes, REPEATED_CLASSES), (names, REPEATED_MODULES)):
        grown = {name: n for name, n in counted.items() if n > allowed.get(name, 1)}
        assert not grown, f"another name is needed for one of each: {grown}"


def sources(repository: Path) -> list[Path]:
    """Every module of the product."""
    return [path for one in ("memory_core", "server") for path in (repository / one).rglob("*.py")]


# -- what others keep private ---------------------------------------------------------

PRIVATE = {
    "_session_owners": "server/web/application.py",
    "session._connection": "server/changes.py",
    "uvicorn.protocols": "server/web/patience.py",
    "lancedb.background_loop": "memory_core/store/queries.py",
}
"""Each name that a package does not promise, and the one module that relies on it."""


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_name_of_another_package_is_used_in_one_place(
    name: str, repository: Path
) -> None:
    used = [path for path in sources(repository) if name in path.read_text(encoding="utf-8")]
    assert [path.relative_to(repository).as_posix() for path in used] == [PRIVATE[name]]


@pytest.mark.parametrize("package", ["lancedb", "mcp", "uvicorn"])
def test_a_package_with_private_names_in_use_has_an_upper_bound(
    package: str, repository: Path
) -> None:
    lines = [Requirement(line) for line in project(repository)["project"]["dependencies"]]
    wanted = [line for line in lines if line.name == package]
    operators = {one.operator for line in wanted for one in line.specifier}
    assert operators & {"<", "~="}, f"{package}: {wanted}"


def test_uvicorn_still_has_what_the_patient_protocol_overrides_and_asks() -> None:
    protocol = importlib.import_module("uvicorn.protocols.http.h11_impl").H11Protocol
    missing = [
        name
        for name in (
            "connection_made",
            "connection_lost",
            "data_received",
            "_unset_keepalive_if_required",
            "on_response_complete",
        )
        if not hasattr(protocol, name)
    ]
    assert not missing, f"uvicorn's H11Protocol has no {missing}: see server/web/patience.py"


def test_the_sdk_still_keeps_the_owners_of_sessions_and_the_connection_of_one() -> None:
    manager = importlib.import_module("mcp.server.streamable_http_manager")
    session = importlib.import_module("mcp.server.session").ServerSession
    made = inspect.getsource(manager.StreamableHTTPSessionManager.__init__)
    assert "self._session_owners" in made, "see server/web/application.py"
    assert "self._connection" in inspect.getsource(session.__init__), "see server/changes.py"


def test_lancedb_still_has_the_loop_that_its_blocking_calls_run_on() -> None:
    loop = importlib.import_module("lancedb.background_loop").LOOP
    assert callable(loop.run), "see memory_core/store/queries.py"


# -- the document ---------------------------------------------------------------------


def test_the_document_lists_every_module_and_no_other(repository: Path) -> None:
    text = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = text.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    there = listing(repository).splitlines()
    differ = [line for line in unified_diff(told, there, lineterm="", n=0) if line[:1] in "+-"]
    assert not differ, "`make map` writes the list anew:\n" + "\n".join(differ)
