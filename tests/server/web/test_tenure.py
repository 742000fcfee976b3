"""Streams end with the token that opened them; sessions and subscriptions have bounds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from memory_core.shelf import FolderShelf
from server.tokens import FILE, TokenBook
from server.web import guard, tenure
from server.web.guard import Doorkeeper, Guard
from server.web.options import DoorOptions
from tests.patience import PATIENCE
from tests.server.connections import MODERN
from tests.server.web.served import ACCEPTED, HELLO, META, Server

IMPATIENT = (
    "import sys; from server import changes; from server.web import application, tenure;"
    "tenure.RECHECK = 0.2; application.SESSIONS = 4; changes.MOST_URIS = 3;"
    "from server.__main__ import main; sys.exit(main())"
)
LISTING = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("tenure"), program=IMPATIENT) as made:
        yield made


@pytest.fixture(scope="module")
def sse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sse")
    with Server(folder, transport="sse", program=IMPATIENT) as made:
        yield made


# -- streams ---------------------------------------------------------------------------


def headers_of(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": ACCEPTED, **more}


def opened(server: Server, http: httpx2.Client, token: str) -> dict[str, str]:
    """Open a session of the handshake era; gives the headers of its requests."""
    answer = http.post(server.url, headers=headers_of(token), json=HELLO)
    assert answer.status_code == 200, answer.text
    headers = headers_of(token)
    headers["Mcp-Session-Id"] = answer.headers["mcp-session-id"]
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert http.post(server.url, headers=headers, json=ready).status_code == 202
    return headers


def test_a_revoked_token_hears_nothing_more_in_its_session(server: Server) -> None:
    token = server.token("hearing")
    with server.http() as http:
        headers = opened(server, http, token)
        with http.stream("GET", server.url, headers=headers) as stream:
            assert stream.status_code == 200
            server.book.revoke("hearing")
            stream.read()  # to its end, which comes by itself
        assert http.post(server.url, headers=headers, json=LISTING).status_code == 401


def test_a_revoked_token_hears_nothing_more_of_what_it_listens_to(server: Server) -> None:
    token = server.token("listening")
    headers = headers_of(token)
    headers.update({"MCP-Protocol-Version": MODERN, "Mcp-Method": "subscriptions/listen"})
    wanted = {"resourceSubscriptions": ["memory://stats"]}
    params = {"notifications": wanted, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    with server.http() as http:
        with http.stream("POST", server.url, headers=headers, json=body) as stream:
            assert stream.status_code == 200
            lines = stream.iter_lines()
            assert any("acknowledged" in line for line in lines)
            server.book.revoke("listening")
            assert not [line for line in lines if line.startswith("data: {")]
        assert http.post(server.url, headers=headers, json=body).status_code == 401


def test_a_revoked_token_hears_nothing_more_over_sse(sse: Server) -> None:
    token = sse.token("old")
    with sse.http() as http:
        with http.stream("GET", sse.url, headers=headers_of(token)) as stream:
            lines = stream.iter_lines()
            where = next(line[6:] for line in lines if line.startswith("data: /messages/"))
            other = headers_of(sse.token("other"))
            for headers, status in ((other, 404), (headers_of(token), 202)):
                answer = http.post(f"{sse.root}{where}", headers=headers, json=HELLO)
                assert answer.status_code == status, "a session is its token's own"
            assert any("serverInfo" in line for line in lines)
            sse.book.revoke("old")
            assert not [line for line in lines if line.startswith("data: ")]
        again = http.post(f"{sse.root}{where}", headers=headers_of(token), json=LISTING)
        assert again.status_code == 401
    assert "without completing response" not in sse.log.read_text()


@pytest.mark.anyio
async def test_a_stream_ends_when_its_credential_expires() -> None:
    said: list[Any] = []

    async def telling(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await anyio.sleep_forever()

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        await anyio.sleep_forever()

    async def good() -> bool:
        return False

    with anyio.fail_after(PATIENCE / 2):  # far below the seconds between two looks
        assert tenure.RECHECK >= 30
        await tenure.Tenure(telling, good, time.time() + 0.05)({}, receive, send)
    assert said[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.anyio
async def test_a_cancelled_request_leaves_no_place_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(guard, "AT_ONCE", 1)
    book = TokenBook(FolderShelf(tmp_path / FILE), "local")
    _, text = book.create("one")
    scopes: list[anyio.CancelScope] = []

    async def holding(_scope: Any, _receive: Any, _send: Any) -> None:
        scopes[-1].cancel()
        await anyio.sleep_forever()

    async def nothing(_message: Any = None) -> Any:
        return {"type": "http.disconnect"}

    guarded = Guard(holding, DoorOptions(), Doorkeeper("l", "", book), open_paths=lambda _: False)
    headers = [(b"host", b"localhost:1"), (b"authorization", f"Bearer {text}".encode())]
    for _ in range(3):
        scope = {"type": "http", "method": "GET", "path": "/mcp", "headers": headers}
        with anyio.CancelScope() as cancelled:
            scopes.append(cancelled)
            await guarded(scope, nothing, nothing)
        assert cancelled.cancelled_caught, "it was let in, and cancelled there"
    assert not guarded._at_once


# -- sessions --------------------------------------------------------------------------


def test_a_session_is_for_who_may_do_what_its_opener_could(server: Server) -> None:
    """A token of the same name that may do less does not take over what was opened before."""
    first = server.token("renewed", "write", "one", "two")
    with server.http() as http:
        headers = opened(server, http, first)
        same = server.token("renewed", "write", "one", "two")
        headers["Authorization"] = f"Bearer {same}"
        assert http.post(server.url, headers=headers, json=LISTING).status_code == 200
        for one in server.book.tokens():
            if one.name == "renewed":
                server.book.revoke(one.id)
        less = server.token("renewed", "write", "one")
        headers["Authorization"] = f"Bearer {less}"
        for method in ("POST", "GET", "DELETE"):
            answer = http.request(method, server.url, headers=headers, json=LISTING)
            assert answer.status_code == 404, method


def test_one_token_does_not_take_all_sessions(server: Server) -> None:
    eager, calm = server.token("eager"), server.token("calm")
    with server.http() as http:
        held = [opened(server, http, eager) for _ in range(4)]
        full = http.post(server.url, headers=headers_of(eager), json=HELLO)
        assert (full.status_code, full.headers["Retry-After"]) == (429, "60")
        opened(server, http, calm)
        assert server.call(eager, "list_lessons")[0], "the newer protocol needs none"
        assert http.delete(server.url, headers=held[0]).status_code == 200
        opened(server, http, eager)


def test_subscriptions_are_bounded(server: Server) -> None:
    token = server.token("greedy", "read")
    subscribe = {"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe"}
    with server.http() as http:
        headers = opened(server, http, token)

        def refused(uri: str) -> bool:
            body = {**subscribe, "params": {"uri": uri}}
            return '"error"' in http.post(server.url, headers=headers, json=body).text

        assert [refused(f"memory://lessons/{n}") for n in range(5)] == [False] * 3 + [True] * 2
        assert not refused("memory://lessons/1"), "again is no more"
    with server.http() as http:
        headers = opened(server, http, token)
        assert refused("memory://lessons/" + "x" * 3_000)
    for uris in (["memory://a"] * 4, ["memory://" + "x" * 3_000]):
        params = {"notifications": {"resourceSubscriptions": uris}}
        assert "error" in server.ask(token, "subscriptions/listen", params)
