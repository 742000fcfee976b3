"""A server as a child process, spoken to line by line, and what it weighs.

Plain JSON-RPC over pipes and no client library, so that the client's own time
is not measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[1]
PROTOCOL = "2025-11-25"
PATIENCE = 120.0
"""Seconds that any answer may take."""


class ServerEndedError(Exception):
    """The child ended or was given up; the message holds the end of its log."""


class Child:
    """A server over standard input and output; leaving it ends it.

    Args:
        command: Program and arguments.
        log: Where its standard error goes.
        environment: Added to this process's own.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        self._requests = 0
        self.started = time.perf_counter()
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def age(self) -> float:
        """Seconds since just before it was started."""
        return time.perf_counter() - self.started

    def initialize(self) -> dict[str, Any]:
        """Give the answer to `initialize`, the first thing a client asks."""
        hello = {
            "protocolVersion": PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "benchmark", "version": "0"},
        }
        return self.request("initialize", hello)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Give a tool's structured answer.

        Raises:
            ServerEndedError: There is none; the message says what was said instead.
        """
        result = self.request("tools/call", {"name": tool, "arguments": dict(arguments)})
        found = result.get("structuredContent")
        if result.get("isError") or not isinstance(found, dict):
            raise ServerEndedError(f"{tool} gave no answer: {json.dumps(result)[:400]}")
        return found

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and give its result; notifications in between are passed over."""
        self._requests += 1
        number = self._requests
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)})
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            return self._answer(number)
        finally:
            watchdog.cancel()

    def notify(self, method: str) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method})

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ServerEndedError(self._last_words()) from error

    def _answer(self, number: int) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == number and "method" not in message:
                result = message.get("result")
                if not isinstance(result, dict):
                    raise ServerEndedError(f"an error for an answer: {message.get('error')}")
                return result
        raise ServerEndedError(self._last_words())

    def _last_words(self) -> str:
        said = self.log.read_text(encoding="utf-8", errors="replace")[-2_000:]
        return f"the server ended before it answered; the end of its log:\n{said}"

    def end(self) -> None:
        """Close its input and wait; killed when it does not leave."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # the child may have left before
                pipe.close()
            if pipe is self._process.stdin:
                self._wait()

    def _wait(self) -> None:
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


# -- weight ----------------------------------------------------------------------


def resident_mb(pid: int) -> float | None:
    """Megabytes of a process in memory; None on systems without /proc."""
    for line in _proc(pid, "status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return None


def mapped(pid: int, names: Sequence[str]) -> tuple[str, ...] | None:
    """Which of these libraries a process has mapped; None on systems without /proc."""
    lines = _proc(pid, "maps")
    if not lines:
        return None
    return tuple(name for name in names if any(name in line for line in lines))


def _proc(pid: int, name: str) -> list[str]:
    path = Path("/proc") / str(pid) / name
    return path.read_text(encoding="utf-8").splitlines() if sys.platform == "linux" else []
