"""A real server in a process of its own, for clients that are processes too."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE

"""Seconds after which a server that has not announced its address counts as broken."""


@contextmanager
def serving(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Serve until the end of the block; gives the address that the server announced.

    Args:
        command: Serves over HTTP or SSE, on a free port.
        environment: What is added to this process's own.
        log: Where standard error goes.
    """
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        _, found, rest = log.read_text().partition("listening on ")
        if found and "\n" in rest:
            return rest.split()[0]
        time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")
