"""What somebody tries who wants in, wants more than was given, or wants others out."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from memory_core.caller import Caller
from memory_core.shelf import FolderShelf
from server.app import Front
from server.tokens import FILE, TokenBook
from server.web.guard import Doorkeeper, Guard
from server.web.options import DoorOptions
from tests.patience import PATIENCE
from tests.server.connections import MODERN
from tests.server.fake_memory import FakeMemory
from tests.server.web.served import ACCEPTED, HELLO, Server

CLOSE = "Connection: close"
LISTING = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("adversary")) as made:
        yield made


@pytest.fixture(scope="module")
def admin(server: Server) -> str:
    return server.token("admin")


def port_of(server: Server) -> int:
    return int(server.url.split(":")[2].split("/")[0])


def spoken(server: Server, request: str) -> tuple[int, str]:
    """Send bytes as they are; gives the status and everything that came back."""
    data = request.replace("\n", "\r\n").encode("latin-1")
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=PATIENCE) as wire:
        wire.sendall(data)
        found = b""
        while part := wire.recv(65_536):
            found += part
    return int(found.split(b" ", 2)[1]), found.decode("latin-1")


def posted(
    server: Server, path: str, *more: str, host: str = "", body: Any = LISTING, method: str = "POST"
) -> tuple[int, str]:
    """One request for tools with these lines in its head."""
    said = json.dumps(body)
    head = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host or f'127.0.0.1:{port_of(server)}'}",
        f"Accept: {ACCEPTED}",
        "Content-Type: application/json",
        CLOSE,
        f"Content-Length: {len(said)}",
        *more,
    ]
    return spoken(server, "\n".join([*head, "", said]))


# -- the head of a request -------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:1/healthz?",
        "127.0.0.1:1@evil.example",
        "127.0.0.1:x",
        "127.0.0.1:123456",
        "127.0.0.1:",
        "localhost.:1",
        "localhost.evil.example:1",
        "[::1",
        "[::1]evil.example:1",
        "evil.example#127.0.0.1:1",
        "127.0.0.1:1, evil.example",
    ],
)
def test_hosts_that_only_begin_well_are_refused(server: Server, admin: str, host: str) -> None:
    credential = f"Authorization: Bearer {admin}"
    assert posted(server, "/mcp", credential, host=host)[0] == 421
    assert posted(server, "/healthz", host=host, method="GET")[0] == 421


@pytest.mark.parametrize(
    "origins",
    [
        ["http://localhost:1@evil.example"],
        ["http://localhost:1.evil.example"],
        ["http://127.0.0.1:1/"],
        ["http://localhost:1", "http://evil.example"],
        ["null"],
        [""],
    ],
)
def test_origins_that_only_begin_well_are_refused(
    server: Server, admin: str, origins: list[str]
) -> None:
    lines = [f"Origin: {origin}" for origin in origins]
    assert posted(server, "/mcp", f"Authorization: Bearer {admin}", *lines)[0] == 403


def test_heads_that_say_two_things_are_refused(server: Server, admin: str) -> None:
    credential, host = f"Authorization: Bearer {admin}", f"Host: 127.0.0.1:{port_of(server)}"
    assert posted(server, "/mcp", credential, "Host: evil.example")[0] == 400
    assert posted(server, "/mcp", credential, "Content-Length: 7")[0] == 400
    assert posted(server, "/mcp", credential, "Transfer-Encoding: chunked")[0] == 400
    assert posted(server, "/mcp", credential, "Authorization: Bearer other")[0] == 401
    assert spoken(server, "GET /healthz HTTP/1.1\nConnection: close\n\n")[0] == 400
    assert spoken(server, "GET /healthz HTTP/1.0\n\n")[0] == 421
    forwarded = f"X-Forwarded-{host}\nX-Forwarded-For: 127.0.0.1"
    assert (
        spoken(server, f"GET /healthz HTTP/1.1\nHost: evil.example\n{forwarded}\n{CLOSE}\n\n")[0]
        == 421
    )


@pytest.mark.parametrize(
    "path",
    [
        "/mcp",
        "/mcp/",
        "//mcp",
        "/healthz/../mcp",
        "/healthz%2F..%2Fmcp",
        "/healthz%3F/../mcp",
        "/healthz%23/mcp",
        "/healthz;/mcp",
        "/HEALTHZ",
        "/healthz/",
        "http://evil.example/mcp",
        "/mcp?path=/healthz",
        "/.well-known/oauth-protected-resource/../../mcp",
        "/metrics",
        "/metrics?/healthz",
        "/messages/",
        "*",
    ],
)
def test_no_path_leads_around_the_token(server: Server, path: str) -> None:
    for method in ("POST", "GET", "DELETE", "HEAD", "OPTIONS", "PUT"):
        status, said = posted(server, path, method=method)
        assert status in (400, 401, 404), (method, path)
        assert "report_outcome" not in said
        assert "mcp-session-id" not in said.lower()


def test_a_token_counts_in_its_header_alone(server: Server, admin: str) -> None:
    assert posted(server, f"/mcp?access_token={admin}&token={admin}")[0] == 401
    assert posted(server, "/mcp", f"Cookie: token={admin}")[0] == 401
    assert posted(server, "/mcp", f"Authorization: Basic {admin}")[0] == 401
    assert posted(server, "/mcp", f"Authorization: {admin}")[0] == 401
    assert posted(server, "/mcp", f"Authorization: bearer  {admin} ")[0] == 400, "a session is due"
    _, said = posted(server, "/mcp")
    assert 'www-authenticate: Bearer realm="lessonbank"\r\n' in said
    _, said = posted(server, "/mcp", "Authorization: Bearer lb_none")
    assert 'www-authenticate: Bearer realm="lessonbank", error="invalid_token"\r\n' in said


@pytest.mark.anyio
async def test_nothing_but_http_passes_the_guard(tmp_path: Path) -> None:
    async def reached(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("it was let in")

    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def never() -> Any:
        await anyio.sleep_forever()

    keeper = Doorkeeper("local", "", TokenBook(FolderShelf(tmp_path / FILE), "local"))
    guarded = Guard(reached, DoorOptions(), keeper, open_paths=lambda _: True)
    await guarded({"type": "websocket", "path": "/healthz", "headers": []}, never, send)
    assert said == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.anyio
async def test_a_call_without_a_request_is_nobodys() -> None:
    """A front behind a door never takes the owner for a caller that it does not know."""
    memory = FakeMemory()
    front = Front(memory, caller_of=lambda _: Caller("a", "read", ("p",)))
    ctx: Any = type("Context", (), {"request": None})
    with pytest.raises(PermissionError):
        front._memory_of(ctx)
    assert Front(memory)._memory_of(ctx) is memory


# -- bodies ----------------------------------------------------------------------------

DEEP = "[" * 100_000 + "]" * 100_000
BODIES = [
    "",
    "[]",
    "7",
    "\xff\xfe",
    DEEP,
    '{"jsonrpc":"2.0","id":1e999,"method":"tools/call","params":{}}',
    '{"jsonrpc":"2.0","id":1%s,"method":"tools/call","params":{}}' % ("0" * 5_000),
    '{"jsonrpc":"2.0","id":{"a":1},"method":"tools/call","params":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"recall","arguments":7}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":[],"arguments":{}}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":[1]}}',
    '{"jsonrpc":"2.0","id":1,"method":"\\ud800","params":{"\\ud800":"\\u0000"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"recall","arguments":'
    + ("[" * 150 + "]" * 150 + "}}"),
]


@pytest.mark.parametrize("era", ["2025-11-25", MODERN])
def test_no_body_breaks_the_server_or_shows_its_inside(
    server: Server, admin: str, era: str
) -> None:
    headers = {
        "Authorization": f"Bearer {admin}",
        "Accept": ACCEPTED,
        "Content-Type": "application/json",
        "MCP-Protocol-Version": era,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "recall",
    }
    with server.http() as http:
        if era != MODERN:
            said = http.post(server.url, headers=headers, json=HELLO)
            headers["Mcp-Session-Id"] = said.headers["mcp-session-id"]
        for body in BODIES:
            answer = http.post(server.url, headers=headers, content=body.encode("latin-1"))
            assert answer.status_code in (200, 202, 400), body[:80]
            for inside in ("Traceback", 'File "', "/site-packages", str(server.store)):
                assert inside not in answer.text, body[:80]
        packed = {**headers, "Content-Encoding": "gzip"}
        assert http.post(server.url, headers=packed, content=b"\x1f\x8b\x08").status_code == 400
    assert server.call(admin, "list_lessons")[0]


def told_with_half_a_body(server: Server, path: str, *more: str) -> int:
    """The status that is answered although the body does not come."""
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port_of(server)}",
        "Content-Length: 4000000",
    ]
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=PATIENCE) as wire:
        wire.sendall("\r\n".join([*head, *more, "", "x"]).encode())
        return int(wire.recv(65_536).split(b" ", 2)[1])


def test_nothing_that_strangers_send_is_kept(tmp_path: Path) -> None:
    """They are answered before their body is there: a thousand of them fill no memory."""
    secret = "x" * 24
    with Server(tmp_path, LESSONBANK_PEER_TOKEN=secret) as server:
        for path in ("/healthz", "/readyz"):
            assert told_with_half_a_body(server, path) == 405
        for path in ("/mcp", "/metrics", "/peer/call/remember", "/peer/"):
            assert told_with_half_a_body(server, path) == 401, path
        for wrong in (f"Bearer {secret}y", secret, f"Bearer {server.token('admin')}"):
            line = f"Authorization: {wrong}"
            assert told_with_half_a_body(server, "/peer/call/remember", line) == 401
        peer = f"Authorization: Bearer {secret}"
        body = {"request": {"title": "t", "content": "c", "project": "p"}, "caller": None}
        assert posted(server, "/peer/call/remember", peer, body=body)[0] == 200
        for path in ("/peer/call/stats", "/peer/call/reembed", "/peer/call/%2e%2e/stop"):
            assert posted(server, path, peer, body=body)[0] == 404, path
        for path in ("/mcp", "/metrics"):
            assert posted(server, path, peer, method="GET")[0] == 401, "a peer is no client"


# -- what belongs to others ------------------------------------------------------------


def test_ids_of_a_hidden_project_work_nowhere_and_tell_nothing(server: Server) -> None:
    owner, token = server.token("whole"), server.token("part", "admin", "seen")
    _, item = server.call(owner, "remember", title="t", content="hidden", project="hidden")
    _, recall = server.call(owner, "recall", task="hidden", project="hidden")
    report = {"task": "t", "outcome": "failure", "error": "E: hidden", "report_id": "r"}
    _, outcome = server.call(owner, "report_outcome", project="hidden", **report)

    def said(tool: str, real: str, field: str, **more: Any) -> None:
        made_up = real[:-4] + "0000"
        value = [real] if field.endswith("_ids") else real
        found = server.call(token, tool, **{field: value, **more})
        value = [made_up] if field.endswith("_ids") else made_up
        assert not found[0]
        nothing = server.call(token, tool, **{field: value, **more})
        assert (found[0], found[1].replace(real, made_up)) == nothing

    lesson = {"title": "t", "content": "c"}
    said("remember", item["id"], "supersedes", **lesson)
    said("remember", outcome["outcome_id"], "outcome_id", **lesson)
    said("report_outcome", recall["recall_id"], "recall_id", outcome="success")
    for field in ("used_ids", "helpful_ids", "harmful_ids"):
        said("report_outcome", item["id"], field, outcome="success", task="t")
    said("forget", item["id"], "item_id", reason="r")
    ok, mine = server.call(token, "report_outcome", **report)
    assert ok
    assert mine["status"] == "recorded", "a report_id is its project's"
    assert (mine["learning"]["reports"], mine["signature"]) != (2, outcome["signature"])


def test_sessions_of_one_name_do_not_meet_across_projects(server: Server) -> None:
    owner = server.token("either")
    for project in ("left", "right"):
        server.call(owner, "remember", title="t", content="sharpen chisels", project=project)
    left, right = (server.token(name, "write", name) for name in ("left", "right"))
    _, first = server.call(left, "recall", task="sharpen chisels", session="shared")
    _, other = server.call(right, "recall", task="sharpen chisels", session="shared")
    assert "no outcome yet" not in other["note"]
    _, again = server.call(left, "recall", task="chisels are blunt, sharpen them", session="shared")
    assert first["recall_id"] in again["note"]


def test_a_token_of_two_projects_is_served_in_both(server: Server) -> None:
    both, owner = server.token("both", "write", "p1", "p2"), server.token("anyone")
    _, item = server.call(both, "remember", title="of p2", content="c2", project="p2")
    assert json.loads(server.read(both, f"memory://lessons/{item['id']}")[1])["project"] == "p2"
    _, recall = server.call(both, "recall", task="c2", project="p2")
    ok, _ = server.call(both, "report_outcome", recall_id=recall["recall_id"], outcome="success")
    assert ok
    _, first = server.call(both, "remember", title="of p1", content="c1")
    assert server.read(owner, f"memory://lessons/{first['id']}")[0]
    names = {"p1", "p2"}
    assert set(json.loads(server.read(both, "memory://stats")[1])["projects"]) == names
    assert not server.call(both, "recall", task="c", project="p1 ,p2")[0]


def test_nobody_retires_or_revives_what_another_wrote(server: Server) -> None:
    mine, theirs = server.token("writer-1", "write", "w"), server.token("writer-2", "write", "w")
    lesson = {"title": "the same", "content": "words"}
    _, item = server.call(theirs, "remember", **lesson)
    _, own = server.call(mine, "remember", title="another", content="of mine")
    _, again = server.call(mine, "remember", **lesson)
    assert (again["status"], again["id"]) == ("duplicate", item["id"])
    assert not server.call(mine, "forget", item_id=item["id"], reason="r")[0]
    assert not server.call(mine, "remember", supersedes=item["id"], title="x", content="y")[0]
    _, over = server.call(mine, "remember", supersedes=own["id"], **lesson)
    assert (over["status"], over["id"]) == ("superseded", item["id"])
    assert server.call(theirs, "forget", item_id=item["id"], reason="r")[0]
    server.call(mine, "remember", **lesson)
    state = json.loads(server.read(mine, f"memory://lessons/{item['id']}")[1])
    assert (state["state"], state["source"]) == ("retired", "writer-2")


# -- the log ---------------------------------------------------------------------------


def test_the_log_holds_no_token_and_no_text_of_a_client(server: Server, admin: str) -> None:
    posted(server, f"/mcp/{admin}?token={admin}", f"Authorization: Bearer {admin}")
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJteXNlbGYifQ.c2lnbmF0dXJl"
    posted(server, f"/{jwt}", host=f"{jwt}.example")
    posted(server, "/healthz", 'X-Request-ID: a", "level": "forged', method="GET")
    server.call(admin, "my private words")
    server.call(admin, "recall", task="my private words", colour="my private words")
    server.read(admin, "memory://lessons/my-private-words")
    log = server.log.read_text()
    for secret in (admin[16:], jwt[4:], "forged", "private"):
        assert secret not in log, secret
    for line in log.splitlines()[1:]:
        assert line[0] != "{" or json.loads(line)["level"]
