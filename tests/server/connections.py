"""Clients for the tests: in memory, and to a real process over each transport."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent
from typing_extensions import Self

from memory_core.port import Memory
from server.app import Front
from tests.patience import PATIENCE

MODERN = "2026-07-28"
ERAS = ("legacy", MODERN)
TRANSPORTS = ("stdio", "http", "sse")
TOKEN = "a-token-of-the-tests-only"
ROOT = Path(__file__).parent.parent.parent


@asynccontextmanager
async def connected(
    memory: Memory, era: str, heard: list[str] | None = None
) -> AsyncIterator[Client]:
    """Give a client of a server in this process; `heard` collects updated URIs."""
    front = Front(memory, session="session_of_the_test")
    client = Client(front.server, mode=era, message_handler=hearing(heard))
    async with front.running(), client:
        with anyio.fail_after(PATIENCE):
            yield client


def hearing(heard: list[str] | None) -> Any:
    """Give a client's message handler that collects the URIs it is told of."""

    async def handler(message: Any) -> None:
        uri = getattr(getattr(message, "params", None), "uri", None)
        if heard is not None and uri is not None:
            heard.append(str(uri))

    return handler


def text_of(result: CallToolResult) -> str:
    """Give the one text of a tool's answer."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def data_of(result: CallToolResult) -> dict[str, Any]:
    """Give the structured answer of a call that went well."""
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def command(transport: str) -> list[str]:
    """Give the command that serves a fake memory over a transport, on a free port."""
    return [sys.executable, "-m", "tests.server.entry", transport]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Give the environment of a served process."""
    mine = {"LESSONBANK_STORE": str(tmp_path / "store"), "LESSONBANK_TOKEN": TOKEN}
    return {**os.environ, **mine, **more}


class Announcing:
    """A server's process that has told its address; `url` is what it announced.

    Args:
        words: Program and arguments.
        environment: The process's own.
        log: Where its standard error goes.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        self.url = self._announced()

    def _announced(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            _, found, rest = self.log.read_text().partition("listening on ")
            if found and "\n" in rest:
                return rest.split()[0]
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(f"no address was announced: {self.log.read_text()}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and give the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Served(Announcing):
    """A process that serves a fake memory over HTTP or SSE."""

    def __init__(self, transport: str, tmp_path: Path, **more: str) -> None:
        log = tmp_path / f"{transport}.log"
        super().__init__(command(transport), environment(tmp_path, **more), log)


@asynccontextmanager
async def client_of(
    transport: str, era: str, tmp_path: Path, url: str, heard: list[str] | None = None
) -> AsyncIterator[Client]:
    """Give a client of a real process that serves a fake memory; `url` is not for stdio."""
    async with AsyncExitStack() as stack:
        way: Any
        if transport == "stdio":
            program, *arguments = command(transport)
            way = stdio_client(
                StdioServerParameters(
                    command=program, args=arguments, cwd=ROOT, env=environment(tmp_path)
                ),
                errlog=stack.enter_context((tmp_path / "stdio.log").open("w", encoding="utf-8")),
            )
        elif transport == "sse":
            way = sse_client(url, headers={"Authorization": f"Bearer {TOKEN}"})
        else:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            http = httpx2.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False)
            await stack.enter_async_context(http)
            way = streamable_http_client(url, http_client=http)
        client = Client(way, mode=era, message_handler=hearing(heard))
        await stack.enter_async_context(client)
        with anyio.fail_after(PATIENCE):
            yield client


async def until(condition: Any) -> None:
    """Wait until `condition()` holds; the tests' own time limit says when it never will."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110  # what is awaited happens in other processes too
            await anyio.sleep(0.01)
