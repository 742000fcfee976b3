"""What a command costs before and beside its question: processor time against Python's start.

Every command is a process of its own. Those that ask the shared host are started by turns
with the least that any Python program must do; the host's own time is not counted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.child import ROOT
from benchmarks.command import parser_of, run
from benchmarks.report import Report, Table
from benchmarks.stopwatch import percentile

NAME = "commands"
CLAIM = "a command that only asks the host starts about as fast as Python does"
TURNS = 40
LEAST = ("pass", "import argparse, json")
ASKED: tuple[tuple[str, ...], ...] = (
    ("--version",),
    ("lessons",),
    ("recalls",),
    ("recall", "read a CSV export from Excel"),
)


def _once(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command; give its seconds, and those of a processor."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def measure(options: argparse.Namespace) -> Report:
    """Start each by turns, with one host that is there."""
    turns = 8 if options.quick else TURNS
    script = Path(sys.executable).with_name("lessonbank")
    console = [str(script)] if script.exists() else [sys.executable, "-m", "server"]
    with tempfile.TemporaryDirectory(prefix="lessonbank-commands-") as store:
        environment = {**os.environ, "LESSONBANK_STORE": store, "LESSONBANK_PROJECT": "commands"}
        cases = {f"python -c '{code}'": [sys.executable, "-c", code] for code in LEAST}
        cases |= {f"lessonbank {words[0]}": [*console, *words] for words in ASKED}
        _once([*console, "stats"], environment)  # starts the host and waits for the model
        try:
            taken: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
            for _ in range(turns):
                for name, command in cases.items():
                    taken[name].append(_once(command, environment))
        finally:
            _once([*console, "host", "stop"], environment)
    base = percentile([processor for _, processor in next(iter(taken.values()))], 50)
    rows = tuple(
        (
            name,
            round(1000 * percentile([wall for wall, _ in ones], 50), 1),
            round(1000 * percentile([processor for _, processor in ones], 50), 1),
            round(percentile([processor for _, processor in ones], 50) / base, 2),
        )
        for name, ones in taken.items()
    )
    columns = ("command", "ms (median)", "ms of a processor", "x python -c pass")
    note = f"{turns} starts of each, by turns, beside a host that has loaded."
    return Report(NAME, CLAIM, quick=options.quick, tables=[Table("starts", columns, rows, note)])


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
