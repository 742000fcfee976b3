"""Programs in a home of their own, and what they leave running.

A run is recognised by its home, which every process that it starts inherits: Linux
shows each process's environment, command and start. Nothing else on the machine is
looked at or ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PROCESSES = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY = 0.1
_PATIENCE = 20
"""Seconds in which what a client has started must end after it."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a run; `started` is in seconds since the epoch."""

    pid: int
    command: tuple[str, ...]
    started: float

    @property
    def serves(self) -> bool:
        """Whether this is the server that a client starts over stdio."""
        named = any(Path(word).name == "lessonbank" for word in self.command)
        return named and "serve" in self.command


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended; `code` is None when its time was over."""

    code: int | None
    out: str
    err: str
    seconds: float
    served: float | None
    """When the first server of the run was started, in seconds since the epoch."""


def run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
) -> Ended:
    """Run a program to its end, with this environment and nothing else of ours.

    Args:
        command: The program and its arguments.
        environment: All of it; HOME tells the run's processes from others.
        folder: The working directory; standard output and error go to files beside it.
        seconds: Most that it may take.
    """
    home = environment["HOME"]
    out, err = folder.parent / "stdout.txt", folder.parent / "stderr.txt"
    began = time.monotonic()
    with out.open("wb") as to_out, err.open("wb") as to_err, _watching(home) as seen:
        program = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            start_new_session=True,
        )
        try:
            code: int | None = program.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
    took = time.monotonic() - began
    said, errors = (one.read_text(encoding="utf-8", errors="replace") for one in (out, err))
    return Ended(code, said, errors, took, seen.served)


def left_running(home: str) -> list[Process]:
    """Give what still runs when a run has had time to end; all of it is then ended.

    Args:
        home: The run's home.
    """
    deadline = time.monotonic() + _PATIENCE
    while (found := of_home(home)) and time.monotonic() < deadline:
        time.sleep(_EVERY)
    for process in found:
        _end(process.pid)
    return found


def of_home(home: str) -> list[Process]:
    """Give the living processes whose HOME is `home`."""
    mark = f"HOME={home}".encode()
    found = []
    for entry in _PROCESSES.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(_process(entry))
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
    return found


def _process(entry: Path) -> Process:
    words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
    numbers = (entry / "stat").read_text().rpartition(")")[2].split()
    up = float((_PROCESSES / "uptime").read_text().split()[0])
    age = up - int(numbers[19]) / _TICKS
    return Process(int(entry.name), tuple(filter(None, words)), time.time() - age)


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@dataclass(slots=True)
class _Seen:
    served: float | None = None
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _watching(home: str) -> Iterator[_Seen]:
    """Note when the first server of a home was started."""
    seen = _Seen()

    def look() -> None:
        while not seen.over.wait(_EVERY):
            starts = [one.started for one in of_home(home) if one.serves]
            if starts:
                seen.served = min(starts)
                return

    thread = threading.Thread(target=look, name="watch", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        seen.over.set()
        thread.join()
