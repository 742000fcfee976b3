"""The guarded door of a real process: hosts, tokens, limits, health, metrics, logs, TLS."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ResourceUpdated

from memory_core.shelf import FolderShelf
from server.tokens import FILE, TokenBook
from server.web import guard, patience
from server.web.options import DoorOptions
from tests.patience import PATIENCE
from tests.server.connections import hearing, until
from tests.server.web.served import ACCEPTED, HELLO, Server

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("door"), "--allowed-host", "memory.example.org") as made:
        yield made


@pytest.fixture(scope="module")
def admin(server: Server) -> str:
    return server.token("admin")


def sent(url: str, token: str, **headers: str) -> int:
    given = {"Authorization": f"Bearer {token}", "Accept": ACCEPTED, **headers}
    with httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
        return int(http.post(url, headers=given, json=PING).status_code)


def test_a_slash_at_the_end_changes_nothing_and_nothing_redirects(
    server: Server, admin: str
) -> None:
    assert sent(f"{server.url}/", admin) == sent(server.url, admin)
    assert sent(f"{server.url}/", "unknown") == 401
    for path in ("healthz/", "mcp//", "mcp/other"):
        assert sent(f"{server.root}/{path}", admin) == 404


# -- who gets in -----------------------------------------------------------------------


def test_a_token_opens_the_door_until_it_is_revoked(server: Server) -> None:
    token = server.token("passing")
    assert server.call(token, "list_lessons")[0]
    server.book.revoke("passing")
    assert sent(server.url, token) == 401


def test_hosts_and_origins_are_checked_whoever_calls(server: Server, admin: str) -> None:
    port = server.url.split(":")[2].split("/")[0]
    good = sent(server.url, admin)
    assert good in (200, 400)
    for host in ("memory.example.org", "memory.example.org:8443", f"localhost:{port}"):
        assert sent(server.url, admin, Host=host) == good, host
    for host in ("evil.example", f"127.0.0.1.evil.example:{port}", "", "memory.example.org.evil"):
        assert sent(server.url, admin, Host=host) == 421, host
    for origin in ("http://evil.example", "null", "https://memory.example.org"):
        assert sent(server.url, admin, Origin=origin) == 403, origin
    for path in ("healthz", "readyz", "metrics"):
        with server.http() as http:
            answer = http.get(f"{server.root}/{path}", headers={"Host": "evil.example"})
        assert answer.status_code == 421


def test_every_network_is_guarded_like_the_own_machine(tmp_path: Path) -> None:
    """Bound to 0.0.0.0 the SDK alone would check neither Host nor Origin nor tokens."""
    with Server(tmp_path, "--host", "0.0.0.0") as server:
        token = server.token("any")
        assert sent(server.url, token) in (200, 400)
        assert sent(server.url, token, Host="evil.example") == 421
        assert sent(server.url, token, Origin="http://evil.example") == 403
        assert sent(server.url, "lb_nothing") == 401
        assert "plain HTTP beyond this machine" in server.log.read_text()


def test_without_tokens_nobody_gets_in_and_the_server_says_how(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        assert "lessonbank token create" in server.log.read_text()
        assert sent(server.url, "anything") == 401
        assert server.call(server.token("first"), "list_lessons")[0], "without a restart"


def test_no_auth_lets_everybody_in_and_says_so(tmp_path: Path) -> None:
    with Server(tmp_path, "--no-auth") as server:
        assert "--no-auth" in server.log.read_text()
        ok, said = server.call("", "remember", title="t", content="c", source="me")
        assert ok, said
        detail = json.loads(server.read("", f"memory://lessons/{said['id']}")[1])
        assert detail["source"] == "local"


def test_what_a_token_writes_has_its_name(server: Server, admin: str) -> None:
    token = server.token("writer", "write")
    _, said = server.call(token, "remember", title="mine", content="c", source="somebody else")
    detail = json.loads(server.read(admin, f"memory://lessons/{said['id']}")[1])
    assert detail["source"] == "writer"


def test_a_session_belongs_to_the_token_that_opened_it(server: Server, admin: str) -> None:
    other = server.token("other")
    with server.http() as http:
        headers = {"Authorization": f"Bearer {admin}", "Accept": ACCEPTED}
        session = http.post(server.url, headers=headers, json=HELLO).headers["mcp-session-id"]
        headers["Mcp-Session-Id"] = session
        call = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        assert http.post(server.url, headers=headers, json=call).status_code == 200
        headers["Authorization"] = f"Bearer {other}"
        assert http.post(server.url, headers=headers, json=call).status_code == 404


def test_stateless_keeps_no_session(tmp_path: Path) -> None:
    with Server(tmp_path, "--stateless") as server, server.http() as http:
        headers = {"Authorization": f"Bearer {server.token('a')}", "Accept": ACCEPTED}
        call = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        answer = http.post(server.url, headers=headers, json=call)
        assert answer.status_code == 200
        assert "mcp-session-id" not in answer.headers
        assert "report_outcome" in answer.text


# -- how much --------------------------------------------------------------------------


def test_a_token_that_sends_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    with Server(tmp_path, "--rate", "30") as server:  # a burst of 5
        eager, calm = server.token("eager"), server.token("calm")
        assert sent(server.url, eager) != 429
        assert 429 in (sent(server.url, eager) for _ in range(500))
        assert sent(server.url, calm) != 429


@pytest.mark.anyio
async def test_a_token_has_so_many_requests_open_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(guard, "AT_ONCE", 3)
    book = TokenBook(FolderShelf(tmp_path / FILE), "local")
    eager, calm = (book.create(name)[1] for name in ("eager", "calm"))
    held, begun = anyio.Event(), 0

    async def holding(_scope: Any, _receive: Any, send: Any) -> None:
        nonlocal begun
        begun += 1
        await held.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    keeper = guard.Doorkeeper("local", "", book)
    guarded = guard.Guard(holding, DoorOptions(), keeper, open_paths=lambda _: False)
    found: list[int] = []

    async def never() -> Any:
        await anyio.sleep_forever()

    async def ask(token: str) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                found.append(message["status"])

        headers = [(b"host", b"localhost:1"), (b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/mcp", "headers": headers}
        await guarded(scope, never, send)

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask, eager)
            await until(lambda: begun == 3)
            await ask(eager)
            assert found == [429]
            tasks.start_soon(ask, calm)
            await until(lambda: begun == 4)
            held.set()
    assert found == [429, 200, 200, 200, 200]
    await ask(eager)
    assert found[-1] == 200, "those that ended make room"


def test_bodies_that_are_too_large_are_refused(server: Server, admin: str) -> None:
    with server.http() as http:
        headers = {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"}
        answer = http.post(server.url, headers=headers, content=b"x" * (5 * 1024**2))
    assert answer.status_code == 413


def test_many_refused_credentials_are_told_to_wait_and_good_ones_are_not(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        found = (sent(server.url, f"lb_{n}") for n in range(2_000))
        assert next(status for status in found if status != 401) == 429
        assert server.call(server.token("good"), "list_lessons")[0]


def test_whoever_is_refused_cannot_choose_the_address_that_is_counted(tmp_path: Path) -> None:
    """A proxy that passes a client's own header on would let it count as thousands."""
    with Server(tmp_path, FORWARDED_ALLOW_IPS="*") as server:
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            addresses = (f"192.0.2.{n % 250}" for n in range(2_000))
            found = (sent(server.url, "lb_no", **{name: address}) for address in addresses)
            assert next(status for status in found if status != 401) == 429, name


# -- slow clients ----------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "BODY_WITHIN", 0.05)
    sent_back: list[Any] = []

    async def reading(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        raise AssertionError("the body has no end")

    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> Any:
        found = next(parts, None)
        return found if found is not None else await anyio.sleep_forever()

    async def send(message: Any) -> None:
        sent_back.append(message)

    await patience.Patience(reading)({"type": "http"}, receive, send)
    assert sent_back[0]["status"] == 408


@pytest.mark.anyio
async def test_an_answer_that_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "READ_WITHIN", 0.05)

    async def answering(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise AssertionError("nobody reads")

    async def never(_message: Any = None) -> Any:
        await anyio.sleep_forever()

    with anyio.fail_after(PATIENCE):
        await patience.Patience(answering)({"type": "http"}, never, never)


def test_a_request_whose_head_never_ends_is_hung_up_on(
    tmp_path: Path,
) -> None:
    program = (
        "import sys; from server.web import patience; patience.HEAD_WITHIN = 0.3;"
        "from server.__main__ import main; sys.exit(main())"
    )
    with Server(tmp_path, program=program) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        for head in (b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as slow:
                slow.sendall(head)
                assert slow.recv(100) == b"", "it was closed"
        with server.http() as http:
            assert http.get(f"{server.root}/healthz").status_code == 200


# -- what it tells ---------------------------------------------------------------------


def test_health_needs_no_token_and_tells_nothing(server: Server) -> None:
    with server.http() as http:
        assert http.get(f"{server.root}/healthz").json() == {"status": "ok"}
        until_ready(server)
        assert http.get(f"{server.root}/readyz").json() == {"ready": True, "stage": "keyword"}
        assert http.get(f"{server.root}/metrics").status_code == 401


def until_ready(server: Server) -> None:
    with server.http() as http:
        for _ in range(2_000):
            if http.get(f"{server.root}/readyz").status_code == 200:
                return
    raise AssertionError("it never became ready")


def test_metrics_count_calls_and_show_the_store(server: Server, admin: str) -> None:
    server.call(admin, "recall", task="measure me")
    server.call(admin, "forget", item_id="item_none", reason="r")
    text = server.metrics(admin)
    for line in (
        'lessonbank_tool_calls_total{result="ok",tool="recall"}',
        'lessonbank_tool_calls_total{result="refused",tool="forget"}',
        'lessonbank_tool_seconds_bucket{le="0.05",tool="recall"}',
        "lessonbank_ready 1.0",
        "lessonbank_recalls ",
        "lessonbank_learner_weight ",
        'lessonbank_proof_reports{result="win"}',
        "lessonbank_unindexed_items ",
        "lessonbank_store_fragments ",
        "lessonbank_store_bytes ",
    ):
        assert line in text, line


def test_a_token_of_some_projects_sees_no_measure_of_the_whole(server: Server) -> None:
    text = server.metrics(server.token("limited", "admin", "elsewhere"))
    for name in ("tool_calls", "tool_seconds", "http_requests", "store_bytes", "proof", "queue"):
        assert f"lessonbank_{name}" not in text
    assert "lessonbank_recalls 0.0" in text


def logged(server: Server, message: str) -> list[dict[str, Any]]:
    """The lines of the log that say this."""
    lines = (line for line in server.log.read_text().splitlines() if line.startswith("{"))
    return [line for line in map(json.loads, lines) if line["message"] == message]


def test_logs_are_json_with_request_ids_and_without_texts(server: Server, admin: str) -> None:
    headers = {"X-Request-ID": "my-own.id_1", "Authorization": f"Bearer {admin}"}
    with server.http() as http:
        assert http.get(f"{server.root}/metrics", headers=headers).headers["X-Request-ID"] == (
            "my-own.id_1"
        )
        odd = http.get(f"{server.root}/healthz", headers={"X-Request-ID": "x y"}).headers
        assert odd["X-Request-ID"] != "x y"
    server.call(admin, "remember", title="a private title", content="private", kind="wrong kind")
    server.call(admin, "recall", task="a private task")
    calls = [line for line in logged(server, "call") if line["tool"] == "recall"]
    last = calls[-1]["request_id"]  # the request is logged once its answer is out
    anyio.run(until, lambda: last in {line["request_id"] for line in logged(server, "request")})
    requests = logged(server, "request")
    assert any(line["request_id"] == "my-own.id_1" for line in requests)
    assert {line["request_id"] for line in calls} <= {line["request_id"] for line in requests}
    assert calls[-1]["result"] == "ok"
    assert requests[-1]["caller"] == "token:admin"
    log = server.log.read_text()
    for secret in ("private", "wrong kind", admin.split("_", 2)[2]):
        assert secret not in log


def test_texts_are_logged_where_they_are_asked_for(tmp_path: Path) -> None:
    with Server(tmp_path, LESSONBANK_LOG_TEXT="1") as server:
        server.call(server.token("a"), "recall", task="a private task")
        assert "a private task" in server.log.read_text()


def test_no_answer_holds_a_path_or_a_trace(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        token = server.token("a", "admin")
        found: list[Any] = [
            server.call(token, "recall", task="t"),
            server.call(token, "list_lessons", cursor="nonsense"),
            server.read(token, "memory://stats"),
            server.read(token, "memory://nothing"),
            server.ask(token, "prompts/get", {"name": "nothing"}, "nothing"),
        ]
        with server.http() as http:
            for path in ("/nothing", "/mcp", "/../etc/passwd", "/metrics/x"):
                headers = {"Authorization": f"Bearer {token}"}
                found.append(http.get(server.root + path, headers=headers).text)
                found.append(http.post(server.root + path, headers=headers, content=b"{").text)
    said = str(found)
    for secret in (str(tmp_path), "Traceback", ".py", "site-packages"):
        assert secret not in said


# -- notifications ---------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_nobody_hears_of_a_project_that_it_does_not_see(server: Server, era: str) -> None:
    def work(project: str) -> str:
        title = f"news of {project} {era}"
        ok, said = server.call(owner, "remember", title=title, content="c", project=project)
        assert ok, said
        return str(said["id"])

    owner = server.token(f"owner-{era}")
    token = server.token(f"listener-{era}", "read", "seen")
    uris = [f"memory://projects/{name}/brief" for name in ("hidden", "seen")]
    uris += ["memory://stats", "memory://scorer"]
    heard: list[str] = []
    http = httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE, trust_env=False
    )
    transport = streamable_http_client(server.url, http_client=http)
    async with (
        http,
        Client(
            transport, mode=era, message_handler=hearing(heard if era == "legacy" else None)
        ) as client,
    ):
        if era == "legacy":
            for uri in uris:
                await client.subscribe_resource(uri)
            await anyio.to_thread.run_sync(work, "hidden")
            await anyio.to_thread.run_sync(work, "seen")
            await until(lambda: uris[1] in heard and uris[3] in heard)
        else:
            async with client.listen(resource_subscriptions=uris) as stream:
                await anyio.to_thread.run_sync(work, "hidden")
                await anyio.to_thread.run_sync(work, "seen")
                while uris[3] not in heard:
                    event = await anext(stream)
                    assert isinstance(event, ResourceUpdated)
                    heard.append(str(event.uri))
    assert uris[0] not in heard
    assert sorted(set(heard)) == sorted(uris[1:])
    assert len(heard) == 3, "nothing was heard when the hidden project changed"


# -- TLS -------------------------------------------------------------------------------


def certified(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of this machine for itself; gives its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, secret


def test_tls_is_served_with_the_given_certificate(tmp_path: Path) -> None:
    certificate, key = certified(tmp_path)
    words = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with Server(tmp_path, *words) as server:
        assert server.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(certificate))
        with httpx2.Client(verify=context, trust_env=False, timeout=PATIENCE) as http:
            headers = {"Authorization": f"Bearer {server.token('a')}"}
            assert http.get(f"{server.root}/metrics", headers=headers).status_code == 200


def test_options_name_the_hosts_that_they_allow() -> None:
    plain = DoorOptions(host="::1", allowed_hosts=("Memory.example.org",))
    assert {"[::1]:*", "memory.example.org", "memory.example.org:*"} <= set(plain.hosts())
    assert "localhost" not in plain.hosts()
    assert DoorOptions(host="0.0.0.0").loopback is False
    assert all("0.0.0.0" not in one for one in DoorOptions(host="0.0.0.0").hosts())


# -- stores that cannot be served ------------------------------------------------------


def test_a_server_whose_store_cannot_be_opened_ends_with_its_sentence(tmp_path: Path) -> None:
    """Whoever supervises it starts it again; it does not stay there and refuse."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "meta.json").write_text("damaged")
    with Server(tmp_path, LESSONBANK_TOKEN="the-owner-of-these-tests") as server:
        assert server.process.wait(PATIENCE) == 2
        last = json.loads(server.log.read_text().splitlines()[-1])
    assert last["level"] == "ERROR"
    assert "meta.json" in last["message"]


STUCK = """
import sys, threading
import anyio
from memory_core.in_process import InProcessMemory
from server import ending
from server.__main__ import main
async def stuck(self):
    await anyio.to_thread.run_sync(threading.Event().wait)
InProcessMemory.aclose = stuck
ending._LEAVE_WITHIN = 0.5
sys.exit(main())
"""
"""The command with a memory that never closes."""


def test_a_server_that_is_lost_ends_with_2_although_its_memory_does_not_close(
    tmp_path: Path,
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "meta.json").write_text("damaged")
    with Server(tmp_path, program=STUCK, LESSONBANK_TOKEN="the-owner-of-these-tests") as server:
        assert server.process.wait(PATIENCE) == 2
        assert "meta.json" in server.log.read_text()


def test_a_server_says_that_damaged_tokens_let_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / FILE).write_text("damaged")
    with Server(tmp_path) as server:
        assert "nobody gets in: The tokens cannot be read" in server.log.read_text()
        assert sent(server.url, "lb_something") == 503
