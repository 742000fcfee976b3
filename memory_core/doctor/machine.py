"""Checks of the machine: Python, processor, packages, disk space and port.

LanceDB and torch are imported in a process of their own: where the processor
lacks what they were built for, the import ends the process that tries it.
"""

from __future__ import annotations

import json
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from memory_core.doctor.results import Check, failed, not_checked, passed, warned

_OLDEST = (3, 10)
_FEATURES = ("avx2", "fma", "f16c")
"""What LanceDB's wheels for x86_64 are built for."""
_CPUINFO = Path("/proc/cpuinfo")
_IMPORTED = {
    "mcp": "mcp",
    "pydantic": "pydantic",
    "numpy": "numpy",
    "scipy": "scipy",
    "pyarrow": "pyarrow",
    "lancedb": "lancedb",
    "torch": "torch",
    "safetensors": "safetensors",
    "sentence-transformers": "sentence_transformers",
}
"""Distribution to module, those that others build on first."""
_IMPORT_SECONDS = 120
_LEAST_FREE = 200 * 1024**2
_SOON_FULL = 1024**3

_PROGRAM = """
import importlib, json, sys
sys.path[:] = [place for place in sys.path if place]
for name in sys.argv[1:]:
    print(json.dumps(["begin", name, ""]), flush=True)
    try:
        importlib.import_module(name)
    except BaseException as error:
        print(json.dumps(["failed", name, f"{type(error).__name__}: {error}"[:300]]), flush=True)
    else:
        print(json.dumps(["done", name, ""]), flush=True)
"""


def check_python(found: Sequence[int] | None = None) -> Check:
    """Check that this Python is new enough."""
    here = tuple(found or sys.version_info)[:3]
    shown = ".".join(str(part) for part in here)
    if here[:2] < _OLDEST:
        oldest = ".".join(str(part) for part in _OLDEST)
        return failed(
            "python",
            f"Python {shown} is older than {oldest}.",
            f"Install Python {oldest} or newer and install lessonbank with it.",
        )
    return passed("python", f"Python {shown} on {platform.system()} {platform.machine()}.")


def _flags(cpuinfo: Path) -> set[str] | None:
    """Give the features that Linux reports of the first processor, None elsewhere."""
    try:
        with cpuinfo.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.partition(":")[2].split())
    except OSError:
        return None
    return None


def check_processor(machine: str | None = None, cpuinfo: Path = _CPUINFO) -> Check:
    """Check for the processor features that LanceDB's x86_64 wheels need."""
    kind = (machine or platform.machine()).lower()
    if kind not in ("x86_64", "amd64"):
        return passed("processor", f"{kind}: LanceDB needs no special features there.")
    flags = _flags(cpuinfo)
    if flags is None:
        return not_checked(
            "processor", "This system does not report processor features; LanceDB needs AVX2."
        )
    missing = [name.upper() for name in _FEATURES if name not in flags]
    if missing:
        return failed(
            "processor",
            f"This processor lacks {', '.join(missing)}: LanceDB would end the process.",
            "Use a machine from 2014 or later, or replace the package: "
            "pip uninstall lancedb, then pip install lancedb-compat.",
        )
    return passed("processor", f"{kind} with {', '.join(name.upper() for name in _FEATURES)}.")


def _run_imports(modules: Sequence[str]) -> tuple[dict[str, str], str, int | None]:
    """Import the modules in a process of their own.

    Returns:
        The failures by module; the module at which the process ended ("" when it
        came through); its exit code (None: it took too long).
    """
    command = [sys.executable, "-c", _PROGRAM, *modules]
    code: int | None
    try:
        done = subprocess.run(  # noqa: S603 (our own program in our own interpreter)
            command, capture_output=True, text=True, timeout=_IMPORT_SECONDS, check=False
        )
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b"").decode("utf-8", "replace"), None
    failures: dict[str, str] = {}
    under_way = ""
    for line in output.splitlines():
        if not line.startswith("["):
            continue
        state, name, what = json.loads(line)
        under_way = name if state == "begin" else ""
        if state == "failed":
            failures[name] = what
    return failures, under_way, code


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def check_packages(imported: dict[str, str] | None = None, *, loaded: bool = False) -> Check:
    """Check that the packages can be imported; takes seconds, unless a host has `loaded` them."""
    if loaded:
        versions = ", ".join(f"{name} {_version(name)}" for name in _IMPORTED)
        return passed("packages", f"{versions}; the running host has loaded them.")
    names = _IMPORTED if imported is None else imported
    failures, ended_at, code = _run_imports(list(names.values()))
    if ended_at:
        how = "took too long" if code is None else f"ended the process (exit code {code})"
        return failed(
            "packages",
            f"Importing {ended_at} {how}.",
            f"Install it again: pip install --force-reinstall {ended_at.replace('_', '-')}. "
            "If it stays, see what the processor check says.",
        )
    if failures:
        name, what = next(iter(failures.items()))
        return failed(
            "packages",
            f"{name} cannot be imported ({what}).",
            "Install lessonbank again: pip install --force-reinstall lessonbank",
        )
    return passed("packages", ", ".join(f"{name} {_version(name)}" for name in names) + ".")


def check_disk(folder: Path) -> Check:
    """Check the free space where the store lies or will lie."""
    place = next((one for one in (folder, *folder.parents) if one.is_dir()), Path(folder.anchor))
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return not_checked("disk space", f"{place} does not report its space ({error.strerror}).")
    shown = f"{free / 1024**3:,.1f} GB free at {place}."
    move = "Free some space, or set LESSONBANK_STORE to a folder on another disk."
    if free < _LEAST_FREE:
        return failed("disk space", f"Only {shown}", move)
    return (
        warned("disk space", f"Only {shown}", move)
        if free < _SOON_FULL
        else passed("disk space", shown)
    )


def check_port(port: int, host: str = "127.0.0.1") -> Check:
    """Check that the default port of the HTTP doors is free; stdio needs none."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there it would share the port instead of refusing it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return warned(
                "port",
                f"Port {port} on {host} cannot be bound ({error.strerror}).",
                "Only --transport http and sse need it: pass --port 0 for a free one.",
            )
    return passed("port", f"Port {port} on {host} is free.")
