"""A writer, a standby and replicas as real processes over one bucket of a real S3 server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.memory_core.store.remote.bucket import new_url, s3_server, variables
from tests.patience import PATIENCE
from tests.server.connections import ROOT
from tests.server.web.served import Server

SECRET = "a-secret-that-writer-and-replicas-share"
OWNER = "the-owner-of-these-tests"
PROGRAM = """
import sys
from memory_core import embedder
from server.__main__ import main
from tests.memory_core.hash_embedder import HashEmbedder
embedder.SentenceEmbedder.load = staticmethod(lambda _model: HashEmbedder())
sys.exit(main())
"""
"""The command with a small model: only a store that has one can be followed."""


class Fleet:
    """Processes over one bucket; each is a machine of its own with its own folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url, self.port = folder, new_url(), port
        self.running: list[Server] = []

    @property
    def environment(self) -> dict[str, str]:
        return {
            **variables(self.port),
            "LESSONBANK_STORE": self.url,
            "LESSONBANK_TOKEN": OWNER,
            "LESSONBANK_PEER_TOKEN": SECRET,
        }

    def started(self, name: str, *words: str, port: int = 0, **more: str) -> Server:
        settings = {**self.environment, **more}
        made = Server(self.folder / name, *words, port=port, program=PROGRAM, **settings)
        self.running.append(made)
        return made

    def writer(self, name: str, *words: str) -> Server:
        """A writer whose door has a port that is known before, which it advertises."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {
            "LESSONBANK_WORKDIR": str(self.folder / name / "copy"),
            "LESSONBANK_ADVERTISE": f"http://127.0.0.1:{port}",
        }
        return self.started(name, *words, port=port, **settings)

    def replica(self, name: str) -> Server:
        return self.started(name, "--follow", self.url, "--stateless")

    def token(self, name: str, scope: str, *projects: str) -> str:
        """Make a token by the command, on yet another machine."""
        words = [word for project in projects for word in ("--project", project)]
        command = [sys.executable, "-m", "server", "--json", "token", "create", "--name", name]
        done = subprocess.run(
            [*command, "--scope", scope, *words],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return str(json.loads(done.stdout)["token"])

    def end(self) -> None:
        for one in self.running:
            one.end()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with s3_server(ROOT) as port:
        yield port


@pytest.fixture
def fleet(tmp_path: Path, port: int) -> Iterator[Fleet]:
    made = Fleet(tmp_path, port)
    yield made
    made.end()


def eventually(found: Callable[[], Any], what: str) -> Any:
    """Give the first true answer."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if answer := found():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE} s: {what}")


def ready(server: Server) -> bool:
    with server.http() as http:
        return bool(http.get(f"{server.root}/readyz").status_code == 200)


def recalled(server: Server, task: str, token: str = OWNER) -> list[str]:
    ok, said = server.call(token, "recall", task=task)
    assert ok, said
    return [item["id"] for item in said["items"]]


def test_replicas_answer_from_the_log_and_pass_changes_on(fleet: Fleet) -> None:
    writer = fleet.writer("writer")
    eventually(lambda: ready(writer), "the writer is ready")
    one, two = fleet.replica("one"), fleet.replica("two")
    eventually(lambda: ready(one) and ready(two), "the replicas are ready")

    ok, stored = one.call(OWNER, "remember", title="herons wade", content="in shallow water")
    assert ok, stored
    eventually(lambda: recalled(two, "herons") == [stored["id"]], "the other replica knows it")

    ok, answer = two.call(OWNER, "recall", task="herons")
    report = {"recall_id": answer["recall_id"], "outcome": "success", "used_ids": [stored["id"]]}
    ok, said = one.call(OWNER, "report_outcome", **report)
    assert ok, said
    assert said["credited"][0]["wins"] == 1
    every = (writer, one, two)
    eventually(
        lambda: all(wins(server, stored["id"]) == 1 for server in every),
        "the win is known everywhere",
    )
    ok, again = two.call(OWNER, "report_outcome", **report)
    assert (ok, again["status"]) == (True, "repeated")
    sent_as_models_do(one, two)


def sent_as_models_do(one: Server, two: Server) -> None:
    """Ids of another project in what refers to them, nulls, text for objects; a claimed name."""
    ok, kept = one.call(OWNER, "remember", title="egrets", content="c", project="lab", tags=None)
    assert ok, kept
    eventually(lambda: detail_of(two, kept["id"]), "the other replica knows it")
    ok, answer = two.call(OWNER, "recall", task="egrets", project="lab", sessionId="s")
    assert ok, answer
    ok, said = two.call(
        OWNER,
        "report_outcome",
        recall_id=f"`{answer['recall_id']}`.",
        outcome="Completed",
        evidence="{'exit_code': 1, 'log': None}",
        lessons=[{"title": "of egrets", "content": "c", "kind": None}, None],
        source="system",
    )
    assert ok, said
    assert said["judged"]["outcome"] == "failure"
    assert "'lab'" in said["note"]
    lesson = said["lessons"][0]["id"]
    detail = eventually(lambda: detail_of(one, lesson), "the lesson came to the other replica")
    assert (detail["project"], detail["source"]) == ("lab", "local"), "its token says who writes"
    ok, gone = one.call(OWNER, "forget", item_id=f"memory://lessons/{kept['id']}", reason="r")
    assert (ok, gone["state"]) == (True, "retired")


def wins(server: Server, item_id: str) -> int:
    ok, text = server.read(OWNER, f"memory://lessons/{item_id}")
    return int(json.loads(text)["wins"]) if ok else -1


def test_a_token_of_the_bucket_works_everywhere_and_keeps_its_limits(fleet: Fleet) -> None:
    writer = fleet.writer("writer")
    eventually(lambda: ready(writer), "the writer is ready")
    replica = fleet.replica("one")
    eventually(lambda: ready(replica), "the replica is ready")
    token = fleet.token("agent", "write", "lab")
    eventually(lambda: allowed(replica, token), "the replica knows the token")
    ok, said = replica.call(token, "remember", title="t", content="c", source="me")
    assert ok, said
    detail = eventually(lambda: detail_of(replica, said["id"]), "the item came back")
    assert (detail["source"], detail["project"]) == ("agent", "lab")
    assert not replica.call(token, "remember", title="u", content="c", project="shop")[0]
    assert not replica.call(token, "recall", task="t", project="shop")[0]


def allowed(server: Server, token: str) -> bool:
    with server.http() as http:
        headers = {"Authorization": f"Bearer {token}"}
        return bool(http.get(f"{server.root}/metrics", headers=headers).status_code == 200)


def detail_of(server: Server, item_id: str) -> Any:
    ok, text = server.read(OWNER, f"memory://lessons/{item_id}")
    return json.loads(text) if ok else None


def test_a_standby_takes_over_from_a_writer_that_was_killed(fleet: Fleet) -> None:
    writer = fleet.writer("writer", "--standby")
    eventually(lambda: ready(writer), "the writer is ready")
    standby = fleet.writer("standby", "--standby")
    replica = fleet.replica("one")
    eventually(lambda: ready(replica), "the replica is ready")
    ok, before = replica.call(OWNER, "remember", title="before", content="the writer died")
    assert ok, before
    assert not ready(standby)
    assert standby.process.poll() is None
    eventually(lambda: recalled(replica, "before"), "it is in the bucket")
    writer.process.send_signal(signal.SIGKILL)
    ok, after = replica.call(OWNER, "remember", title="after", content="the writer died")
    assert ok, after
    assert ready(standby)
    eventually(
        lambda: set(recalled(replica, "writer died")) == {before["id"], after["id"]},
        "both are known",
    )
    assert recalled(standby, "before writer died")


def test_a_replica_without_the_secret_only_reads_and_leaves_nothing(fleet: Fleet) -> None:
    writer = fleet.writer("writer")
    eventually(lambda: ready(writer), "the writer is ready")
    folder = fleet.folder / "temporary"
    folder.mkdir()
    settings: dict[str, Any] = {"LESSONBANK_PEER_TOKEN": "", "TMPDIR": str(folder)}
    replica = fleet.started("one", "--follow", fleet.url, **settings)
    eventually(lambda: ready(replica), "the replica is ready")
    ok, said = replica.call(OWNER, "remember", title="t", content="c")
    assert not ok
    assert "only follows" in said
    assert str(fleet.folder) not in said
    assert len(list(folder.glob("lessonbank-follow-*"))) == 1
    assert replica.end() == 0
    assert not list(folder.glob("lessonbank-follow-*"))
