"""A server of the HTTP door as a child process, with a token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import ROOT
from benchmarks.hosts.stage import until

TOKEN = "the-token-of-the-benchmark"


@dataclass(frozen=True, slots=True)
class Served:
    """Where it listens, and its process id."""

    url: str
    pid: int


@contextmanager
def served(store: Path | str, log: Path, *words: str) -> Iterator[Served]:
    """Serve a store (a folder, or the URL of a shared one) over HTTP until the end of the block."""
    command = [sys.executable, "-m", "server", "serve", "--transport", "http", "--port", "0"]
    environment = {
        **os.environ,
        "LESSONBANK_STORE": str(store),
        "LESSONBANK_TOKEN": TOKEN,
        "LESSONBANK_LOG_LEVEL": "WARNING",
    }
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, *words],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        until(lambda: "listening on " in log.read_text(), "the HTTP door")
        url = log.read_text().partition("listening on ")[2].split()[0]
        yield Served(url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
