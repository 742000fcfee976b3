"""Runs the official conformance suite for both revisions against two servers.

    python -m tests.conformance        (`make conformance` installs the packages first)

`product` is `python -m server serve --transport http` as it is, with a new store; its
baselines name what needs tools, resources and prompts that only the suite's own examples
have. `fixtures` is the same command with those beside lessonbank's own (tests-only); its
baselines name only what a revision does not require. Prints a table of checks and exits
non-zero when a check failed or warned that no baseline names, or when a baseline names one
that passes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.conformance import access
from tests.conformance.judging import Verdict, baseline_in, judge, results_in, unscored_in
from tests.node.serving import serving

HERE = Path(__file__).parent
BIN = HERE / "node_modules" / ".bin"
PACKAGE = HERE / "node_modules" / "@modelcontextprotocol" / "conformance"
REVISIONS = ("2025-11-25", "2026-07-28")
MODULES = {"product": "server", "fixtures": "tests.conformance.fixtures"}
OLDEST_NODE = 22
SECONDS = 240
"""Most that one run of the suite may take; it takes about ten."""


@contextmanager
def _served(server: str, folder: Path) -> Iterator[str]:
    """Serve over HTTP with a store in `folder`, and end all that was started."""
    store = folder / f"{server}-store"
    environment = {"LESSONBANK_STORE": str(store), "LESSONBANK_PROJECT": "default"}
    command = [sys.executable, "-m", MODULES[server]]
    arguments = ["serve", "--transport", "http", "--port", "0", *access.SERVE]
    try:
        environment |= access.ENVIRONMENT
        with serving([*command, *arguments], environment, folder / f"{server}.log") as url:
            yield url
    finally:
        stop = [sys.executable, "-m", "server", "--store", str(store), "host", "stop"]
        subprocess.run(stop, check=True, stdout=subprocess.DEVNULL)


def _environment() -> dict[str, str]:
    """Put the Node of the packages first; where Node is new enough there is none of them."""
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **access.ENVIRONMENT, "PATH": path}


def _node(environment: Mapping[str, str]) -> str:
    """Give the path of a Node that can run the suite, or "" when there is none."""
    node = shutil.which("node", path=environment["PATH"])
    if node is None:
        return ""
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", told.stdout)
    return node if version and int(version[1]) >= OLDEST_NODE else ""


def _run(node: str, server: str, revision: str, url: str, folder: Path) -> Verdict:
    """Run the suite once and judge what it left in its output folder."""
    baseline = HERE / "baselines" / f"{server}.{revision}.yml"
    results = folder / f"{server}-{revision}"
    results.mkdir()
    suite = [str(PACKAGE / "dist" / "index.js"), "server", "--url", url]
    options = ["--requirements", revision, "--expected-failures", str(baseline)]
    done = subprocess.run(
        [node, *access.SUITE, *suite, *options, "--output-dir", str(results)],
        cwd=HERE,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    verdict = judge(results_in(results), baseline_in(baseline))
    problems = [*verdict.problems, *_more_problems(server, revision, baseline)]
    planned = re.search(r"\((\d+) scenarios\)", done.stdout)
    if not planned or int(planned[1]) != len(results_in(results)):
        problems.append(f"not every scenario ran: {done.stderr[-400:]}")
    if done.returncode and not problems:
        problems.append(f"the suite ended with {done.returncode}: {done.stdout[-400:]}")
    return Verdict(verdict.passed, verdict.expected, tuple(problems))


def _more_problems(server: str, revision: str, baseline: Path) -> list[str]:
    """Hold the fixtures to it: what a revision requires may not be in their baseline."""
    if server != "fixtures":
        return []
    unscored = unscored_in(PACKAGE / "requirements" / f"{revision}.yaml")
    return [
        f"REQUIRED by {revision} and excused: {entry}"
        for entry in baseline_in(baseline)
        if entry.partition(":")[0] not in unscored
    ]


def table(verdicts: Mapping[tuple[str, str], Verdict]) -> str:
    """Give one row for each revision and server, in checks."""
    rows = [f"{'revision':<12}{'server':<10}{'passed':>8}{'expected':>10}{'failed':>8}"]
    rows += [
        f"{revision:<12}{server:<10}{one.passed:>8}{one.expected:>10}{len(one.problems):>8}"
        for (revision, server), one in sorted(verdicts.items())
    ]
    return "\n".join([*rows, "(checks; expected: by baseline)"])


def main() -> int:
    """Run both revisions against both servers, one after the other, and print the table."""
    node = _node(_environment())
    if not PACKAGE.is_dir() or not node:
        print(f"The suite, or Node {OLDEST_NODE} or newer to run it, is missing.")
        print(f"Remove {HERE.name}/node_modules and run `make conformance`.")
        return 2
    began = time.monotonic()
    verdicts: dict[tuple[str, str], Verdict] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        for server in MODULES:
            with _served(server, Path(made)) as url:
                for revision in REVISIONS:
                    verdicts[revision, server] = _run(node, server, revision, url, Path(made))
    for (revision, server), verdict in verdicts.items():
        for problem in verdict.problems:
            print(f"FAILED {revision} {server}: {problem}")
    print(f"{table(verdicts)}\n{time.monotonic() - began:.0f} s")
    return 1 if any(one.problems for one in verdicts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
