"""The HTTP doors of a real process: who gets in, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio import to_thread

from memory_core.errors import InvalidInput
from memory_core.settings import read_settings
from server.serve import run
from server.web import serving
from server.web.options import DoorOptions
from tests.patience import PATIENCE
from tests.server.connections import MODERN, TOKEN, Served

pytestmark = pytest.mark.anyio
doors = pytest.mark.parametrize("transport", ["http", "sse"])

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
GOOD = {
    "Authorization": f"Bearer {TOKEN}",
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}


META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


def client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=PATIENCE, trust_env=False)


async def status(url: str, method: str, **headers: str) -> int:
    async with client() as http, http.stream(method, url, headers=headers, json=PING) as response:
        return int(response.status_code)


@doors
async def test_only_this_machine_with_the_token_gets_in(
    transport: str, served_url: Callable[[str], str]
) -> None:
    url = served_url(transport)
    method = "POST" if transport == "http" else "GET"
    ok = await status(url, method, **GOOD)
    assert ok in (200, 400)  # 400: a ping without a session; it was let in all the same
    refused = {
        "no token": {**GOOD, "Authorization": ""},
        "another token": {**GOOD, "Authorization": f"Bearer {TOKEN}x"},
        "another scheme": {**GOOD, "Authorization": f"Basic {TOKEN}"},
        "no scheme": {**GOOD, "Authorization": TOKEN},
    }
    for why, headers in refused.items():
        assert await status(url, method, **headers) == 401, why
    assert await status(url, method, **GOOD, Host="evil.example") == 421
    assert await status(url, method, **GOOD, Origin="http://evil.example") == 403
    assert await status(url, method, **GOOD, Origin="null") == 403
    assert await status(url, method, **GOOD, Origin=url.rsplit("/", 1)[0]) == ok


@doors
async def test_no_path_is_open_without_the_token(
    transport: str, served_url: Callable[[str], str]
) -> None:
    root = served_url(transport).rsplit("/", 1)[0]
    async with client() as http:
        for path in ("/", "/mcp", "/sse", "/messages/", "/nothing"):
            response = await http.post(root + path, json=PING)
            assert response.status_code == 401
            assert "lessonbank token create" in response.json()["error_description"]
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_body_that_is_too_large_is_refused(served_url: Callable[[str], str]) -> None:
    async with client() as http:
        body = b"x" * (5 * 1024 * 1024)
        response = await http.post(served_url("http"), headers=GOOD, content=body)
    assert response.status_code == 413


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
async def test_a_lone_surrogate_is_refused_by_the_tool(
    version: str, served_url: Callable[[str], str]
) -> None:
    url, headers = served_url("http"), {**GOOD, "MCP-Protocol-Version": version}
    params: dict[str, Any] = {"name": "recall", "arguments": {"task": "a\ud800b"}}
    async with client() as http:
        if version == MODERN:
            params["_meta"] = META
            headers |= {"Mcp-Method": "tools/call", "Mcp-Name": "recall"}
        else:
            hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
            answer = await http.post(url, headers=headers, json=hello)
            headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
        call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
        answer = await http.post(url, headers=headers, content=json.dumps(call))
    assert answer.status_code == 200, answer.text
    assert "task holds a lone surrogate at position 1" in answer.text


@doors
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_with_streams_open(
    transport: str, number: signal.Signals, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    with Served(transport, tmp_path, TRACE=str(trace)) as served:
        async with client() as http:
            if transport == "sse":
                open_stream = http.stream("GET", served.url, headers=GOOD)
            else:
                open_stream = http.stream("POST", served.url, headers=listening(), json=LISTEN)
            async with open_stream as response:
                assert response.status_code == 200
                await anext(response.aiter_lines())
                assert await to_thread.run_sync(served.end, number) == 0
        assert "Traceback" not in served.log.read_text()
    assert trace.read_text().split() == ["closed"]


LISTEN: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "subscriptions/listen",
    "params": {"_meta": META, "notifications": {"resourceSubscriptions": ["memory://stats"]}},
}


def listening() -> dict[str, str]:
    return {**GOOD, "MCP-Protocol-Version": MODERN, "Mcp-Method": "subscriptions/listen"}


async def test_the_memory_outlives_the_connections_of_sse(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with Served("sse", tmp_path, TRACE=str(trace)) as served:
        for _ in range(2):
            async with client() as http, http.stream("GET", served.url, headers=GOOD) as stream:
                await anext(stream.aiter_lines())
        assert not trace.exists()
        assert served.end() == 0
    assert trace.read_text().split() == ["closed"]


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "127.0.0.1.x"])
def test_an_address_that_is_not_this_machines_is_refused_by_name(host: str) -> None:
    with pytest.raises(InvalidInput, match=r"is no address|cannot be bound") as refused:
        run("http", DoorOptions(host=host, port=0), settings=read_settings({}))
    assert host in str(refused.value)


def test_a_taken_port_and_an_impossible_one_are_refused_by_number() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port = {port} cannot be bound"):
            run("http", DoorOptions(port=port), settings=read_settings({}))
    with pytest.raises(InvalidInput, match="port = 70000 cannot be bound"):
        run("sse", DoorOptions(host="localhost", port=70_000), settings=read_settings({}))


def test_an_unknown_transport_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="'carrier pigeon'"):
        run("carrier pigeon", settings=read_settings({}))


def test_the_address_of_either_family_is_told_as_a_url() -> None:
    options = DoorOptions(host="localhost", port=0)
    with serving.bound(options) as four:
        port = four.getsockname()[1]
        assert serving.url_of("http", options, four) == f"http://127.0.0.1:{port}/mcp"
        assert four.proto == socket.IPPROTO_TCP, "else every answer waits for an acknowledgement"
    if not socket.has_ipv6:
        return
    try:
        six = serving.bound(DoorOptions(host="[::1]", port=0))
    except InvalidInput:
        return  # this machine has no loopback of IPv6
    with six:
        assert serving.url_of("sse", options, six) == f"http://[::1]:{six.getsockname()[1]}/sse"
