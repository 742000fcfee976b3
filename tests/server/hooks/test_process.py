"""The real command as a process of its own, beside a host that only looks like one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from server.host.place import PROTOCOL, Announcement, place_of
from tests.patience import PATIENCE
from tests.server.hooks.recorded import NAMES, answer, data, open_recall

ANSWERS: dict[str, Any] = {
    "/call/recall": answer(),
    "/call/check": answer(recall_id="rec_2"),
    "/call/recalls": {"recalls": [open_recall("rec_3")], "open": 1},
}
HEAVY = ("pydantic", "anyio", "mcp", "mcp_types", "torch", "lancedb", "starlette", "argparse")


class _Looks(BaseHTTPRequestHandler):
    """Answers calls as the host does: one JSON line."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"answer": ANSWERS[self.path]}).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """A store whose host answers from a table."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Looks) as looks:
        thread = threading.Thread(target=looks.serve_forever, daemon=True)
        thread.start()
        place = place_of(tmp_path / "store")
        port = looks.server_address[1]
        place.lock.touch()
        place.announce(Announcement(os.getpid(), "0", PROTOCOL, "token", port=port))
        yield place.store
        looks.shutdown()
        thread.join()


def run(
    store: Path, given: bytes, repository: Path, *options: str
) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m server hook claude-code` as a client would."""
    known = {name: value for name, value in os.environ.items() if "LESSONBANK" not in name}
    environ = {
        **known,
        "LESSONBANK_STORE": str(store),
        "PYTHONPATH": str(repository),
        "CLAUDE_CODE_ENTRYPOINT": "cli",
    }
    return subprocess.run(
        [sys.executable, *options, "-m", "server", "hook", "claude-code"],
        input=given,
        capture_output=True,
        env=environ,
        cwd=store.parent,
        check=False,
        timeout=PATIENCE,
    )


EXPECTED = {
    "user_prompt_submit": "rec_1",
    "post_tool_use_failure_bash": "rec_2",
    "post_tool_use_failure_edit": "rec_2",
    "post_tool_use_failure_mcp": "rec_2",
    "post_tool_use_error": "rec_2",
}
"""A stop asks nothing here: no client runs a server, so no model has the tool that it names."""


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_payload_is_answered_or_met_with_silence(
    name: str, store: Path, repository: Path
) -> None:
    ran = run(store, data(name), repository)
    assert ran.returncode == 0
    assert ran.stderr == b""
    if name not in EXPECTED:
        assert ran.stdout == b""
        return
    said = json.loads(ran.stdout)["hookSpecificOutput"]
    assert said["hookEventName"] == json.loads(data(name))["hook_event_name"]
    assert EXPECTED[name] in said["additionalContext"]


@pytest.mark.parametrize("given", [b"", b"nonsense", b'{"hook_event_name": "Stop"}'])
def test_the_process_never_fails_the_client(given: bytes, tmp_path: Path, repository: Path) -> None:
    ran = run(tmp_path / "none", given, repository)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert not (tmp_path / "none").exists()


def test_a_wrong_setting_is_no_failure_either(store: Path, repository: Path) -> None:
    environ = {**os.environ, "LESSONBANK_HOLDOUT": "lots", "PYTHONPATH": str(repository)}
    ran = subprocess.run(
        [sys.executable, "-m", "server", "hook", "claude-code", "--store", str(store)],
        input=data("user_prompt_submit"),
        capture_output=True,
        env=environ,
        check=False,
        timeout=PATIENCE,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_a_hook_imports_nothing_heavy(store: Path, repository: Path) -> None:
    ran = run(store, data("user_prompt_submit"), repository, "-X", "importtime")
    assert ran.stdout
    modules = {line.rpartition(b"|")[2].strip().decode() for line in ran.stderr.splitlines()}
    assert "server.hooks.command" in modules
    assert {name.partition(".")[0] for name in modules} & set(HEAVY) == set()
