"""A client's server and its hooks speak of one session: real processes, children of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import client_process, client_sessions, line_file
from server.client_process import Process, client_of, runs_server

HOOK = """
import os, pathlib, sys
from server import client_sessions
from server.client_process import client_of
client_sessions.tell(pathlib.Path(sys.argv[1]), client_of(os.getpid()), sys.argv[2])
"""
SERVER = """
import os, pathlib, sys
from server.client_sessions import ClientSession
session = ClientSession(pathlib.Path(sys.argv[1]), os.environ)
print(session(), flush=True)
for line in sys.stdin:
    print(session(), flush=True)
"""


def run(program: str, *words: str, shell: bool = False) -> str:
    """Run a program as a child of this process, or of a shell that is one."""
    line = [sys.executable, "-c", program, *words]
    if shell:
        line = ["sh", "-c", '"$@"; exit $?', "sh", *line]
    ran = subprocess.run(line, capture_output=True, check=True, text=True, stdin=subprocess.DEVNULL)
    return ran.stdout.strip()


@pytest.mark.parametrize("shell", [False, True])
def test_a_server_learns_its_session_from_a_hook_of_the_same_client(
    shell: bool, tmp_path: Path
) -> None:
    line = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as server:
        assert server.stdin
        assert server.stdout
        assert server.stdout.readline().startswith("front-")
        for session in ("claude-code:first", "claude-code:after /clear"):
            run(HOOK, str(tmp_path), session, shell=shell)
            server.stdin.write("again\n")
            assert server.stdout.readline().strip() == session
        server.stdin.close()


def test_before_any_hook_the_clients_own_word_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "abc")
    assert run(SERVER, str(tmp_path)) == "claude-code:abc"


def test_a_session_of_another_client_is_not_taken(tmp_path: Path) -> None:
    other = Process(os.getpid(), 1, "another start", "claude", "claude")
    client_sessions.tell(tmp_path, other, "claude-code:theirs")
    assert run(SERVER, str(tmp_path)).startswith("front-")


def test_a_session_is_written_once_and_no_store_is_made(tmp_path: Path) -> None:
    client = Process(7, 1, "8", "claude", "claude")
    for _ in range(3):
        client_sessions.tell(tmp_path, client, "claude-code:s")
    assert (tmp_path / client_sessions.NAME).read_text() == "7:8 claude-code:s\n"
    client_sessions.tell(tmp_path / "none", client, "claude-code:s")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_client_runs_our_server_when_a_child_of_it_does(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from /proc, and from `ps` where there is none."""
    if platform != sys.platform:
        monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("COLUMNS", "60")  # what `ps` would cut its lines to
    program = tmp_path / "lessonbank"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\n")
    program.chmod(0o755)
    me = client_process._Known().get(os.getpid())
    assert me
    assert not runs_server(me)
    for line in ([str(program), "--store", "/x", "serve"], ["sh", "-c", f"{program} serve; true"]):
        with subprocess.Popen(line, stdin=subprocess.PIPE) as server:
            child = client_of(server.pid)
            assert child
            assert child.key == me.key
            while not runs_server(me):  # until the shell has started it
                assert server.poll() is None
            assert server.stdin
            server.stdin.close()
    with subprocess.Popen([str(program), "hook"], stdin=subprocess.PIPE) as hook:
        assert not runs_server(me)
        assert hook.stdin
        hook.stdin.close()


def test_where_no_process_can_be_read_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("PATH", "")
    assert client_of(os.getpid()) is None


def test_a_file_of_lines_stays_small(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    line_file.append(file, [f"{n:09}" for n in range(8_000)])
    assert file.stat().st_size < line_file.MOST_BYTES
    assert line_file.lines(file)[-2] == f"{7_999:09}"
