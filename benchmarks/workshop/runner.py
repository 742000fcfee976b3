"""Runs a strategy on a task: a real process, a real exit code, a real traceback.

Knows nothing of memory or of which strategy is right.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workshop.model import Strategy, Task

TAIL_LINES = 30
TAIL_CHARS = 3_000
TIMEOUT_EXIT = 124
_SCRIPTS = ("attempt.py", "job.py", "step.py", "run_once.py", "worker.py")
_EXCEPTION = re.compile(r"^(?:\w+\.)*(?P<name>[A-Z]\w*|error)(?::\s*(?P<message>.*))?$")


@dataclass(frozen=True, slots=True)
class Run:
    """What one attempt left behind.

    Attributes:
        exit_code: The exit code of the process; 124 when it was stopped.
        error: The end of the traceback, empty on success.
        exception: The class of the exception, empty on success.
        message: The first line of its message.
        seconds: Wall time of the process.
    """

    exit_code: int
    error: str
    exception: str
    message: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether the check passed."""
        return self.exit_code == 0


def script(task: Task, strategy: Strategy, seed: int) -> str:
    """Write the program of one attempt: setup, the strategy's code, check.

    Args:
        task: The task to attempt.
        strategy: The strategy to follow, of any family.
        seed: Picks the names, paths and values of the setup.

    Returns:
        Python source.
    """
    parts = (
        f"SEED = {seed}\n\n\ndef pick(*options):\n    return options[SEED % len(options)]\n",
        task.shared.strip("\n"),
        task.setup.strip("\n"),
        strategy.code.strip("\n"),
        task.check.strip("\n"),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def run(task: Task, strategy: Strategy, seed: int = 0) -> Run:
    """Attempt a task with a strategy in a process of its own.

    The process is isolated from the environment's packages (``-I -S``), reads
    and writes UTF-8 by default, gets no input and works in a new folder.

    Args:
        task: The task to attempt.
        strategy: The strategy to follow, of any family.
        seed: Picks the names, paths and values of the setup.

    Returns:
        The exit code and the end of the traceback.
    """
    with tempfile.TemporaryDirectory(prefix="workshop-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / _SCRIPTS[seed % len(_SCRIPTS)]
        path.write_text(script(task, strategy, seed), encoding="utf-8")
        command = [sys.executable, "-I", "-S", "-X", "utf8", str(path)]
        started = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=task.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            text = f"{type(late).__module__}.{type(late).__name__}: {path.name}: stopped after"
            return _failed(TIMEOUT_EXIT, f"{text} {task.timeout:g} seconds", started)
        if done.returncode == 0:
            return Run(0, "", "", "", time.perf_counter() - started)
        return _failed(done.returncode, done.stderr.decode("utf-8", "replace"), started)


def _failed(exit_code: int, stderr: str, started: float) -> Run:
    """Cut the end of a traceback and name its exception."""
    lines = stderr.strip().splitlines()
    name, message = "", ""
    for line in reversed(lines):
        if found := _EXCEPTION.match(line):
            name, message = found["name"], found["message"] or ""
            break
    error = "\n".join(lines[-TAIL_LINES:])[-TAIL_CHARS:]
    return Run(exit_code, error, name, message, time.perf_counter() - started)
