"""Runs every client that we do not write ourselves against the real server.

    python -m tests.node        (`make inspect` installs the packages first)

The official Inspector's command line (eras legacy, auto, modern) and the TypeScript
clients (v1; v2 in modes legacy, auto and pin) work through the tool contract over stdio,
HTTP and SSE. Prints a table of passed checks and exits non-zero when one failed.
This package knows no Python client: see tests/server.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.node.inspector import inspector_checks
from tests.node.place import HERE, LESSONBANK, Check, Place
from tests.node.serving import serving

TRANSPORTS = ("stdio", "http", "sse")
SECONDS = 300
"""Most that one TypeScript client may take for all its checks."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One cell of the table: a client in one mode over one transport."""

    client: str
    transport: str
    run: Callable[[], list[Check]]


def _served(transport: str, folder: Path) -> AbstractContextManager[str]:
    place = Place("", folder / f"served-{transport}")
    command = [LESSONBANK, "serve", "--transport", transport, "--port", "0"]
    return serving(command, place.environment, folder / f"{transport}.log")


def typescript_checks(line: str, mode: str, transport: str, place: Place) -> list[Check]:
    """Run clients.mjs once and give what it printed."""
    target = [LESSONBANK, "serve"] if transport == "stdio" else [place.url]
    done = subprocess.run(
        ["node", "clients.mjs", line, transport, mode, "--", *target],
        cwd=HERE,
        env={**os.environ, **place.environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    checks = [
        Check(found["check"], found["problem"])
        for found in map(json.loads, done.stdout.splitlines())
    ]
    if done.returncode and all(check.ok for check in checks):
        checks.append(Check("runs to its end", done.stderr[-400:] or f"exit {done.returncode}"))
    return checks


def _alone(run: Callable[[], list[Check]], place: Place) -> list[Check]:
    """Run one cell and end the host that its clients started."""
    try:
        return run()
    finally:
        _end_host(place.store)


def _end_host(store: Path) -> None:
    subprocess.run([LESSONBANK, "--store", str(store), "host", "stop"], check=True)


def lanes(folder: Path, urls: dict[str, str]) -> Iterator[Lane]:
    """Give all cells; each stdio cell has a store of its own, the others share their server's."""
    pinned = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    pins = {name.rpartition("/")[2]: version for name, version in pinned.items()}
    for transport in TRANSPORTS:
        for era in ("legacy", "auto", "modern"):
            place = Place(urls[transport], folder / f"inspector-{transport}-{era}")
            run = partial(_alone, partial(inspector_checks, transport, era, place), place)
            yield Lane(f"Inspector {pins['inspector']}, {era}", transport, run)
    ways = (("v1", "legacy"), ("v2", "legacy"), ("v2", "auto"), ("v2", "pin"))
    cells = [(line, mode, transport) for line, mode in ways for transport in TRANSPORTS]
    names = {"v1": f"TypeScript sdk {pins['sdk']}", "v2": f"TypeScript client {pins['client']}"}
    for line, mode, transport in cells:
        place = Place(urls[transport], folder / f"{line}-{transport}-{mode}")
        run = partial(_alone, partial(typescript_checks, line, mode, transport, place), place)
        yield Lane(f"{names[line]}, {mode}", transport, run)


def table(results: dict[tuple[str, str], list[Check]]) -> str:
    """Give passed/all per client and transport."""
    rows = [f"{'client':<34}" + "".join(f"{name:>10}" for name in TRANSPORTS)]
    for client in dict.fromkeys(client for client, _ in results):
        cells = [results[client, transport] for transport in TRANSPORTS]
        shown = [f"{sum(check.ok for check in cell)}/{len(cell)}" for cell in cells]
        rows.append(f"{client:<34}" + "".join(f"{text:>10}" for text in shown))
    return "\n".join(rows)


def main() -> int:
    """Run all cells, two at a time, and print the table."""
    if not (HERE / "node_modules").is_dir() or not shutil.which("node"):
        print("Node or the packages of tests/node are missing. Run `make inspect`.")
        return 2
    began = time.monotonic()
    results: dict[tuple[str, str], list[Check]] = {}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        _served("http", Path(folder)) as http,
        _served("sse", Path(folder)) as sse,
        ThreadPoolExecutor(2) as pool,
    ):
        urls = {"stdio": "", "http": http, "sse": sse}
        todo = list(lanes(Path(folder), urls))
        for lane, checks in zip(todo, pool.map(lambda lane: lane.run(), todo), strict=True):
            results[lane.client, lane.transport] = checks
            passed = sum(check.ok for check in checks)
            print(f"{passed}/{len(checks)}  {lane.client} over {lane.transport}", flush=True)
    problems = [
        f"FAILED {client} over {transport}: {check.name}: {check.problem}"
        for (client, transport), checks in results.items()
        for check in checks
        if not check.ok
    ]
    print("\n" + table(results))
    print("\n".join(["", *problems, f"{time.monotonic() - began:.0f} s"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
