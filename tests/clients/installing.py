"""The clients' packages, each client in a folder of its own: exact pins, ignored by Git."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.clients.place import NPM, python

_SHOWN = 300
_SECONDS = 900
"""Most that the packages of one client may take."""


def install(folder: Path) -> str:
    """Install a client's packages, unless they are there as pinned.

    Returns:
        Why it cannot be had; "" when it is there.
    """
    npm = folder.parent == NPM
    pins = folder / ("package-lock.json" if npm else "requirements.txt")
    stamp = folder / ("node_modules" if npm else ".venv") / ".setup-done"
    pinned = pins.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == pinned:
        return ""
    for command in _npm(folder) if npm else _pip(folder, pins):
        if problem := _problem(command):
            return problem
    stamp.write_text(pinned, encoding="utf-8")
    return ""


def _npm(folder: Path) -> Sequence[Sequence[str]]:
    # not `npm ci`, which refuses a lock that lacks builds for systems that the registry lacks too
    quiet = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    return (("npm", "install", "--prefix", str(folder), *quiet),)


def _pip(folder: Path, pins: Path) -> Sequence[Sequence[str]]:
    own = python(folder)
    quiet = ("--disable-pip-version-check", "--quiet", "--no-deps")
    return (
        (sys.executable, "-m", "venv", "--clear", str(folder / ".venv")),
        (own, "-m", "pip", "install", *quiet, "--requirement", str(pins)),
    )


def _problem(command: Sequence[str]) -> str:
    """Run a command; gives its last words when it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = " ".join((done.stderr or done.stdout).split())
    return "" if done.returncode == 0 else f"{Path(command[0]).name}: {said[:_SHOWN]}"
