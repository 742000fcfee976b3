"""Lean clients of the newer protocol: JSON-RPC over HTTP/1.1 and over pipes, no SDK.

A client of a library would cost as much as the server and share its two cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from benchmarks.child import ROOT

PROTOCOL = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientCapabilities": {},
}
_LIMIT = 16 * 1024**2


class CallFailedError(Exception):
    """A call was refused or broke off; the message holds what came."""


class Client(Protocol):
    """One client with one call at a time."""

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]: ...
    async def close(self) -> None: ...


def _body(tool: str, arguments: Mapping[str, Any], number: int) -> bytes:
    params = {"name": tool, "arguments": dict(arguments), "_meta": _META}
    said = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    return json.dumps(said).encode()


def _data(said: Mapping[str, Any]) -> Mapping[str, Any]:
    result = said.get("result") or {}
    if "error" in said or result.get("isError"):
        raise CallFailedError(json.dumps(said)[:500])
    data: Mapping[str, Any] = result["structuredContent"]
    return data


class HttpClient:
    """One connection to a server's `/mcp`, kept alive.

    Args:
        url: Of the server.
        token: Its bearer token.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            "Accept: application/json, text/event-stream\r\n"
            f"MCP-Protocol-Version: {PROTOCOL}\r\nMcp-Method: tools/call\r\n"
        )
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._number = 0

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a tool; gives its data.

        Raises:
            CallFailedError: It was refused, by the door or by the tool.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._place, limit=_LIMIT)
        reader, writer = self._streams
        self._number += 1
        body = _body(tool, arguments, self._number)
        head = f"{self._head}Mcp-Name: {tool}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        status, headers = await _heading(reader)
        text = await _content(reader, headers)
        if status != 200:
            raise CallFailedError(f"{status}: {text[:300]!r}")
        if headers.get("content-type", "").startswith("text/event-stream"):
            text = next(x for x in text.splitlines() if x.startswith(b"data: {"))[6:]
        return _data(json.loads(text))

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()


async def _heading(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def _content(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(parts)


class StdioClient:
    """A front of its own, spoken to over pipes. Use `started`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._number = 0

    @classmethod
    async def started(cls, store: Path, log: Path) -> StdioClient:
        """Start `lessonbank serve` for a store."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server", "serve"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, "LESSONBANK_STORE": str(store)},
                limit=_LIMIT,
            )
        return cls(process)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a tool; gives its data.

        Raises:
            CallFailedError: It was refused.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._number += 1
        self._process.stdin.write(_body(tool, arguments, self._number) + b"\n")
        while True:
            line = await self._process.stdout.readline()
            if not line:
                raise CallFailedError("the front ended")
            said = json.loads(line)
            if said.get("id") == self._number:
                return _data(said)

    async def close(self) -> None:
        """End the front by the end of its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
