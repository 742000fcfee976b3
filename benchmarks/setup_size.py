"""From nothing to installed: how long it takes and how much it occupies."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from benchmarks.child import ROOT
from benchmarks.command import parser_of, run
from benchmarks.report import Cell, Report, Table

NAME = "setup_size"
CLAIM = "a fresh environment, `pip install -c constraints.txt .`, and what it weighs"
LARGEST = 8
PROGRAM = "import server.cli, memory_core.bootstrap"


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def size_of(distribution: Distribution) -> int:
    """Bytes of a distribution's files, as its record lists them."""
    sizes = 0
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if path.is_file() and not path.is_symlink():
            sizes += path.stat().st_size
    return sizes


def sizes_under(site: Path) -> Mapping[str, int]:
    """Bytes of every distribution in a site-packages folder, by name."""
    sizes: dict[str, int] = defaultdict(int)
    for distribution in distributions(path=[str(site)]):
        sizes[str(distribution.metadata["Name"])] += size_of(distribution)
    return sizes


def largest(sizes: Mapping[str, int], count: int = LARGEST) -> tuple[tuple[Cell, ...], ...]:
    """Rows of the largest, of all the others together, and of all."""
    ordered = sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[tuple[Cell, ...]] = [(name, size / 1e6) for name, size in ordered[:count]]
    others = ordered[count:]
    if others:
        rows.append((f"{len(others)} others", sum(size for _, size in others) / 1e6))
    rows.append(("all", sum(sizes.values()) / 1e6))
    return tuple(rows)


def _install(python: Path, torch_index: str) -> None:
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    pins = ["--constraint", str(ROOT / "constraints.txt")]
    index = ["--extra-index-url", torch_index] if torch_index else []
    subprocess.run([*pip, *pins, *index, "torch"], check=True)
    subprocess.run([*pip, *pins, str(ROOT)], check=True)


def _site(python: Path) -> Path:
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([str(python), "-c", asked], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def measure(options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory(prefix="lessonbank-setup-") as folder:
        environment = Path(folder) / "environment"
        began = time.perf_counter()
        venv.create(environment, with_pip=True)
        made = time.perf_counter()
        _install(python_of(environment), options.torch_index)
        installed = time.perf_counter()
        subprocess.run([python_of(environment), "-c", PROGRAM], check=True, cwd=folder)
        rows = largest(sizes_under(_site(python_of(environment))))
    steps = (
        ("an empty environment", made - began),
        ("installing", installed - made),
        ("both", installed - began),
    )
    note = "Downloads included, as far as pip's cache does not hold them."
    return Report(
        NAME,
        CLAIM,
        options.quick,
        [
            Table("time", ("step", "seconds"), steps, note),
            Table("size on disk", ("package", "MB"), rows),
        ],
    )


def parser() -> argparse.ArgumentParser:
    """The command line: also where torch may come from."""
    made = parser_of(NAME, CLAIM)
    made.add_argument("--torch-index", metavar="URL", default="", help="index of torch's CPU build")
    return made


if __name__ == "__main__":
    sys.exit(run(parser(), measure))
