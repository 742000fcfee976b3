"""Real fronts over stdio: light, tough, and gone with their clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.subscriptions import ResourceUpdated

from server.host.direct import health
from tests.patience import PATIENCE
from tests.server.connections import MODERN, data_of, hearing
from tests.server.connections import until as until_async
from tests.server.host.room import Room, alive, until

pytestmark = [
    pytest.mark.anyio,
    # the handshake era's own calls are deprecated in the SDK; clients of it still use them
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]

HEAVY = ("torch", "lance", "pyarrow", "numpy", "scipy", "tokenizers")
FRONT = """
import os, pathlib, sys
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
from server.cli import main
sys.exit(main(["serve"]))
"""
LESSON = {"title": "Strip the mark", "content": "Open it with utf-8-sig."}


class Front:
    """A real `lessonbank serve` and its client."""

    def __init__(self, room: Room, name: str) -> None:
        self.room = room
        self.pid_file = room.store.parent / f"{name}.pid"

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text())

    @asynccontextmanager
    async def running(
        self, era: str = "legacy", heard: list[str] | None = None
    ) -> AsyncIterator[Client]:
        environment = {
            **os.environ,
            "LESSONBANK_STORE": str(self.room.store),
            "LESSONBANK_PROJECT": "room",
        }
        parameters = StdioServerParameters(
            command=sys.executable, args=["-c", FRONT, str(self.pid_file)], env=environment
        )
        client = Client(
            stdio_client(parameters),
            mode=era,
            message_handler=hearing(heard),
            read_timeout_seconds=PATIENCE,
        )
        async with client:
            with anyio.fail_after(PATIENCE):
                yield client


def _mapped(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text()


async def test_a_front_answers_without_a_host_and_loads_nothing_heavy(room: Room) -> None:
    front = Front(room, "front")
    async with front.running() as client:
        assert len((await client.list_tools()).tools) == 6
        assert not room.store.exists() or room.host() is None
        answer = await client.call_tool("remember", LESSON)
        assert not answer.is_error
        assert not (await client.call_tool("recall", {"task": "strip the mark"})).is_error
        maps = _mapped(front.pid)
        assert [name for name in HEAVY if f"/{name}" in maps or f"lib{name}" in maps] == []
        held = _mapped(room.living().pid)
        assert "lance" in held, "what this test looks for is seen where it is"


async def test_a_front_survives_its_host(room: Room) -> None:
    async with Front(room, "front").running() as client:
        assert not (await client.call_tool("remember", LESSON)).is_error
        for _ in range(3):
            assert room.kill()
            answer = await client.call_tool("recall", {"task": "strip the mark"})
            assert not answer.is_error
            assert [item["title"] for item in data_of(answer)["items"]] == [LESSON["title"]]


async def test_an_outcome_in_one_client_is_seen_by_another_and_both_eras_are_told(
    room: Room,
) -> None:
    heard: list[str] = []
    writing, old, new = (Front(room, name) for name in ("writer", "old", "new"))
    async with (
        writing.running() as writer,
        old.running("legacy", heard) as reader,
        new.running(MODERN) as listener,
    ):
        stored = data_of(await writer.call_tool("remember", LESSON))
        uri = f"memory://lessons/{stored['id']}"
        await reader.subscribe_resource(uri)
        async with listener.listen(resource_subscriptions=[uri]) as stream:
            await until_async(lambda: (health(room.living()) or {}).get("fronts") == 3)
            recall = data_of(await writer.call_tool("recall", {"task": "strip the mark"}))
            await writer.call_tool(
                "report_outcome", {"recall_id": recall["recall_id"], "outcome": "success"}
            )
            assert await anext(stream) == ResourceUpdated(uri)
            await until_async(lambda: uri in heard)
        seen = data_of(await reader.call_tool("recall", {"task": "strip the mark"}))
    assert [(item["id"], item["wins"]) for item in seen["items"]] == [(stored["id"], 1)]


async def test_a_front_ends_with_its_client_and_the_host_goes_on(room: Room) -> None:
    front = Front(room, "front")
    async with front.running() as client:
        await client.call_tool("remember", LESSON)
        pid = front.pid
        host = room.living().pid
    until(lambda: not alive(pid))
    assert alive(host)
    until(lambda: (health(room.living()) or {}).get("fronts") == 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_front_that_is_ended_leaves_nothing_behind(room: Room, number: int) -> None:
    with _bare_front(room) as process:
        _send(process, _INITIALIZE, _INITIALIZED, _CALL)
        _until_answered(process, 2)
        host = room.living().pid
        process.send_signal(number)
        process.wait(PATIENCE)
    until(lambda: (health(room.living()) or {}).get("fronts") == 0)
    assert room.hosts() == [host]


def test_a_front_whose_parent_dies_ends(room: Room, tmp_path: Path) -> None:
    pid_file = tmp_path / "orphan.pid"
    parent = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {FRONT!r}, {str(pid_file)!r}],"
        " stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)\n"
        "print('there', flush=True)\ntime.sleep(600)\n"
    )
    environment = {**os.environ, "LESSONBANK_STORE": str(room.store)}
    with subprocess.Popen(  # our own lines
        [sys.executable, "-c", parent], stdout=subprocess.DEVNULL, env=environment
    ) as process:
        until(lambda: pid_file.exists() and pid_file.read_text())
        process.kill()
    pid = int(pid_file.read_text())
    until(lambda: not alive(pid))


async def test_a_client_that_never_reads_its_output_hinders_nobody(room: Room) -> None:
    with _bare_front(room) as deaf:
        _send(deaf, _INITIALIZE, _INITIALIZED)
        for number in range(400):
            _send(deaf, _CALL.replace(b'"id":2', b'"id":%d' % (number + 10)))
        async with Front(room, "other").running() as client:
            for _ in range(5):
                answer = await client.call_tool("remember", LESSON)
                assert not answer.is_error
        deaf.kill()


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from server.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_disk_that_takes_nothing_is_said_in_one_sentence(room: Room) -> None:
    answer = subprocess.run(  # our own lines
        [sys.executable, "-c", FULL_DISK, "--store", str(room.store), "lessons"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("lessonbank: ")
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert room.hosts() == []


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(room: Room) -> None:
    room.store = Path("/proc/lessonbank/store")
    answer = room.command("lessons")
    assert answer.returncode == 1
    assert "/proc/lessonbank/store" in answer.stderr
    assert answer.stderr.count("\n") == 1, answer.stderr


# -- a front without a client library ------------------------------------------------

_INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",'
    b'"capabilities":{},"clientInfo":{"name":"test","version":"1"}}}\n'
)
_INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
_CALL = (
    b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"recall",'
    b'"arguments":{"task":"strip the mark"}}}\n'
)


def _bare_front(room: Room) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "LESSONBANK_STORE": str(room.store)}
    return subprocess.Popen(  # our own module
        [sys.executable, "-m", "server", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def _send(process: subprocess.Popen[bytes], *lines: bytes) -> None:
    assert process.stdin is not None
    for line in lines:
        process.stdin.write(line)
    process.stdin.flush()


def _until_answered(process: subprocess.Popen[bytes], request_id: int) -> None:
    assert process.stdout is not None
    wanted = b'"id":%d' % request_id
    for line in process.stdout:
        if wanted in line:
            return
    raise AssertionError("the front ended without an answer")
