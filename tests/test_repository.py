"""What the repository says of itself holds: pins, commands, settings, documents."""

from __future__ import annotations

import argparse
import configparser
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import grimp
import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from memory_core.version import VERSION
from server.cli.arguments import parser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = {".py", ".md", ".toml", ".txt", ".json", ".ts", ".mjs", ".yaml", ".yml", ".cfg", ""}
LEFT_OUT = {"node_modules", "__pycache__", "dist", "build", "results"}


def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def files(repository: Path) -> list[Path]:
    """Every text file that is ours, without what runs leave behind."""
    found = []
    for folder, folders, names in os.walk(repository):
        folders[:] = [
            name
            for name in folders
            if name == ".ci"
            or not (name in LEFT_OUT or name.startswith(".") or name.endswith((".lance", "-info")))
        ]
        paths = [Path(folder) / name for name in names]
        found += [path for path in paths if path.suffix in TEXT and path.name != ".coverage"]
    return found


def pins(repository: Path) -> dict[str, str]:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in requirements
        if pin.marker is None or pin.marker.evaluate()
    }


def needed(name: str, extras: tuple[str, ...], seen: set[str]) -> set[str]:
    """Names of everything that `name[extras]` needs here, itself included."""
    if name in seen:
        return seen
    seen.add(name)
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        marker = requirement.marker or Marker("python_version > '0'")
        if any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            needed(canonicalize_name(requirement.name), tuple(requirement.extras), seen)
    return seen


# -- the package -----------------------------------------------------------------


def test_the_page_of_the_package_leads_nowhere_that_is_not_there(repository: Path) -> None:
    hook = project(repository)["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (repository / "README.md").read_text(encoding="utf-8")
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    led = re.findall(r"\]\(([^)]+)\)", text)
    assert not [target for target in led if not target.startswith(("https://", "#"))]
    assert "docs/guide.md#hooks" in text, "what a link named is still said"
    assert ".svg" not in re.sub(r"`[^`]*`", "", text)


def test_the_source_package_holds_all_that_is_in_the_repository(repository: Path) -> None:
    build = project(repository)["tool"]["hatch"]["build"]["targets"]["sdist"]
    packed = {name.removeprefix("/") for name in build["include"]} | {"pyproject.toml"}
    ours = {one.name for one in repository.iterdir() if not one.name.startswith(".")} | {".ci"}
    left_by_runs = {"dist", "build", "results", "node_modules"}
    assert packed >= {name for name in ours - left_by_runs if not name.endswith("-info")}


# -- pins ------------------------------------------------------------------------


def test_everything_that_setup_installs_is_pinned_to_what_is_installed(repository: Path) -> None:
    pinned = pins(repository)
    for name in needed("lessonbank", ("test",), set()) - {"lessonbank"}:
        assert pinned.get(name) == metadata.version(name).partition("+")[0], name


def test_pins_hold_no_address_and_no_cuda(repository: Path) -> None:
    text = (repository / "constraints.txt").read_text(encoding="utf-8")
    assert "torch==2.13.0\n" in text
    assert not re.search(r"https?:|file:|nvidia|cuda|triton|^-", text, re.MULTILINE)


@pytest.mark.parametrize("folder", ["tests/node", "client_examples/typescript"])
def test_node_packages_are_pinned_exactly_and_their_lock_holds_no_address(
    folder: str, repository: Path
) -> None:
    package = json.loads((repository / folder / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((repository / folder / "package-lock.json").read_text(encoding="utf-8"))
    wanted = package["dependencies"] | package.get("devDependencies", {})
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]
    settings = (repository / folder / ".npmrc").read_text(encoding="utf-8")
    assert "omit-lockfile-registry-resolved=true" in settings


# -- package ---------------------------------------------------------------------


def test_the_package_is_what_the_documents_say_it_is(repository: Path) -> None:
    about = project(repository)["project"]
    assert about["name"] == "lessonbank"
    assert about["requires-python"] == ">=3.10"
    assert about["scripts"] == {"lessonbank": "lessonbank:main"}
    assert "mcp>=2.3,<3" in about["dependencies"]
    assert metadata.version("lessonbank") == VERSION
    newest = re.search(r"^## \[?([^\]\s]+)", _text(repository / "CHANGELOG.md"), re.MULTILINE)
    assert newest
    assert newest.group(1) in ("Unreleased", VERSION)


def test_every_import_of_the_product_is_a_declared_dependency(repository: Path) -> None:
    graph = grimp.build_graph(
        "server", "memory_core", include_external_packages=True, cache_dir=None
    )
    outside = {name for name in graph.modules if graph.is_module_squashed(name)}
    declared = {
        canonicalize_name(Requirement(line).name)
        for line in project(repository)["project"]["dependencies"]
    }
    distributions = metadata.packages_distributions()
    undeclared = {
        name
        for name in outside - set(sys.stdlib_module_names)
        if not declared & {canonicalize_name(one) for one in distributions.get(name, [name])}
    }
    assert not undeclared


def test_the_license_is_apache_2(repository: Path) -> None:
    text = _text(repository / "LICENSE")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "lessonbank contributors" in text


def test_hooks_and_ci_run_what_make_runs(repository: Path) -> None:
    lint = _recipe(repository, "lint")
    hooks = _text(repository / ".pre-commit-config.yaml")
    for tool in ("ruff check", "ruff format", "mypy", "lint-imports"):
        assert tool in lint
        assert tool in hooks
    run = repository / ".ci" / "run"
    assert os.access(run, os.X_OK)
    subprocess.run(["bash", "-n", str(run)], check=True)
    for target in ("setup", "test", "lint", "inspect", "conformance"):
        assert f"make {target}" in _text(run)


def _recipe(repository: Path, target: str) -> str:
    makefile = _text(repository / "Makefile")
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found, target
    return found.group(1)


@pytest.mark.parametrize(
    "target",
    ["setup", "demo", "test", "lint", "bench", "inspect", "conformance", "image-check", "clean"],
)
def test_make_knows_the_target(target: str, repository: Path) -> None:
    command = ["make", "--dry-run", "--no-print-directory", target]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -- text ------------------------------------------------------------------------


def test_no_file_holds_a_path_or_a_registry_of_the_machine_it_was_written_on(
    repository: Path,
) -> None:
    marks = {str(repository), *_registries()}
    for path in files(repository):
        text = path.read_text(encoding="utf-8")
        found = [mark for mark in marks if mark in text]
        assert not found, f"{path.relative_to(repository)} holds {found}"


def _registries() -> set[str]:
    """Package indexes that this machine is configured with, the public ones aside."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    words = re.findall(r"(?:https?|file)://[^\s']+", listed)
    return {word for word in words if "pypi.org" not in word and "pytorch.org" not in word}


def test_every_link_inside_the_documents_leads_somewhere(repository: Path) -> None:
    for path in files(repository):
        if path.suffix != ".md":
            continue
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            target = link.partition("#")[0]
            if target and not re.match(r"[a-z]+:", target):
                assert (path.parent / target).exists(), f"{path.name} links to {link}"


def test_every_make_target_that_a_document_names_exists(repository: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text(repository / "Makefile"), re.MULTILINE))
    for path in files(repository):
        if path.suffix == ".md":
            named = set(re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8")))
            assert named <= targets, f"{path.name} names {named - targets}"


def prose(repository: Path) -> list[Path]:
    """What people read, without the history of decisions."""
    return [
        path
        for path in files(repository)
        if path.suffix == ".md"
        and path.name not in ("CHANGELOG.md", "decisions.md")
        and path.relative_to(repository).parts[0] not in ("tests", "benchmarks")
    ]


def test_every_path_and_module_that_a_document_names_exists(repository: Path) -> None:
    rooms = r"(?:server|memory_core|tests|client_examples|benchmarks|docs|\.ci)"
    for document in prose(repository):
        text = _text(document)
        named = set(re.findall(rf"(?<![\w/.-])({rooms}/[\w./-]*[\w/])", text))
        for module in re.findall(rf"-m ({rooms}(?:\.\w+)*)", text):
            path = module.replace(".", "/")
            named.add(path if (repository / path).is_dir() else f"{path}.py")
        missing = [name for name in named if not (repository / name).exists()]
        assert not missing, f"{document.name} names {missing}"


def test_every_command_and_flag_that_a_document_names_exists(repository: Path) -> None:
    every = parser()
    for document in prose(repository):
        called = set(re.findall(r"`lessonbank ([a-z]+)", _text(document)))
        assert called <= _subcommands(every).keys(), f"{document.name} names {called}"
        for line in re.findall(r"\blessonbank ([^`\n|;&#()]*)", _text(document)):
            here, flags = every, set(every._option_string_actions)
            words = line.split()
            while words and words[0] in (below := _subcommands(here)):
                here = below[words.pop(0)]
                flags |= set(here._option_string_actions)
            if here is every:
                continue
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(words)))
            assert named <= flags, f"{document.name}: lessonbank {line}: {named - flags}"


def _subcommands(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [one for one in of._actions if isinstance(one, argparse._SubParsersAction)]
    return {name: below for one in found for name, below in one.choices.items()}


def test_every_setting_is_in_the_guide_and_every_setting_of_the_guide_exists(
    repository: Path,
) -> None:
    known = _settings(_text(repository / "memory_core" / "settings.py"))
    documents = [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]
    told = _settings("\n".join(_text(path) for path in documents))
    assert told == known


def _settings(text: str) -> set[str]:
    return set(re.findall(r"LESSONBANK_[A-Z_]+[A-Z]", text))


def test_editors_and_git_agree_on_line_ends(repository: Path) -> None:
    editors = configparser.ConfigParser()
    editors.read_string("[top]\n" + _text(repository / ".editorconfig"))
    assert editors["*"]["end_of_line"] == "lf"
    assert "eol=lf" in _text(repository / ".gitattributes")
    crlf = [path for path in files(repository) if b"\r\n" in path.read_bytes()]
    assert not crlf


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
