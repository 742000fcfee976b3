"""A real process on standard input and output, spoken to line by line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE
from tests.server.connections import MODERN, ROOT, command, environment

INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
LESSON = {"title": "A lesson", "content": "with content"}
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Process:
    """A server and what it answered; a request's answer is found by its id."""

    def __init__(self, tmp_path: Path) -> None:
        self.trace = tmp_path / "trace"
        self.log = tmp_path / "stdio.log"
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                command("stdio"),
                cwd=ROOT,
                env=environment(tmp_path, TRACE=str(self.trace), PYTHONUNBUFFERED="1"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self.lines: list[str] = []
        self._id = 0

    def send(self, method: str, params: dict[str, Any] | None = None, **more: Any) -> int:
        self._id += 1
        self.write({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params, **more})
        return self._id

    def tell(self, method: str, params: dict[str, Any] | None = None) -> None:
        self.write({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})

    def write(self, message: dict[str, Any] | str) -> None:
        line = message if isinstance(message, str) else json.dumps(message)
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def answer(self, request_id: int | str | None) -> dict[str, Any]:
        """Give the answer to a request; notifications and other answers are passed over."""
        assert self.process.stdout
        while True:
            line = self.process.stdout.readline().decode()
            assert line, f"no answer to {request_id}: {self.log.read_text()}"
            self.lines.append(line)
            message: dict[str, Any] = json.loads(line)
            if "method" not in message and message["id"] == request_id:
                return message

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        request_id = self.send("tools/call", {"name": tool, "arguments": arguments})
        result: dict[str, Any] = self.answer(request_id)["result"]
        return result

    def shake_hands(self) -> dict[str, Any]:
        result: dict[str, Any] = self.answer(self.send("initialize", INITIALIZE))["result"]
        self.tell("notifications/initialized")
        return result

    def end(self, how: int | None = None) -> int:
        """End the process by a signal, or by closing its input; gives the exit code."""
        assert self.process.stdin
        assert self.process.stdout
        if how is None:
            self.process.stdin.close()
        else:
            self.process.send_signal(how)
        self.lines += self.process.stdout.read().decode().splitlines()
        return self.process.wait(PATIENCE)

    def traced(self) -> list[str]:
        return self.trace.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    one = Process(tmp_path)
    yield one
    one.process.kill()
    one.process.wait(PATIENCE)
    for pipe in (one.process.stdin, one.process.stdout):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()


def test_nothing_but_json_rpc_is_on_standard_output(server: Process) -> None:
    server.shake_hands()
    assert not server.call("recall", task='print {"jsonrpc": "2.0", "noise": true}')["isError"]
    assert not server.call("recall", task="print and once more")["isError"]
    assert server.end() == 0
    for line in server.lines:
        assert set(json.loads(line)) <= {"jsonrpc", "id", "result", "error"}, line
    assert '{"jsonrpc": "2.0", "noise": true}' in server.log.read_text()


def test_nothing_heavy_is_loaded_when_it_answers_and_warming_comes_after(server: Process) -> None:
    server.shake_hands()
    said = server.call("recall", task="modules")["structuredContent"]["note"]
    assert said.startswith("loaded: none;")
    while "warmed: 1" not in said:
        said = server.call("recall", task="modules")["structuredContent"]["note"]
    assert said == "loaded: none; warmed: 1"


def test_a_discovering_probe_alone_warms_nothing(server: Process) -> None:
    server.answer(server.send("server/discover", {"_meta": ENVELOPE}))
    arguments = {"name": "recall", "arguments": {"task": "modules"}, "_meta": ENVELOPE}
    answer = server.answer(server.send("tools/call", arguments))
    assert "warmed: 0" in answer["result"]["structuredContent"]["note"]


def test_the_handshake_tells_who_it_is_and_how_to_use_it(server: Process) -> None:
    told = server.shake_hands()
    assert told["serverInfo"]["name"] == "lessonbank"
    assert told["protocolVersion"] == "2025-11-25"
    assert "recall" in told["instructions"]
    assert told["capabilities"]["resources"]["subscribe"] is True


def test_a_client_that_gave_up_on_its_probe_begins_with_the_handshake(server: Process) -> None:
    probe = server.send("server/discover", {"_meta": ENVELOPE})
    server.tell("notifications/cancelled", {"requestId": probe})
    begun = server.send("initialize", INITIALIZE)
    assert server.answer(begun)["result"]["serverInfo"]["name"] == "lessonbank"
    server.tell("notifications/initialized")
    listed = server.send("tools/list")
    assert len(server.answer(listed)["result"]["tools"]) == 6


def test_a_handshake_after_an_answered_probe_is_served(server: Process) -> None:
    probe = server.send("server/discover", {"_meta": ENVELOPE})
    assert MODERN in server.answer(probe)["result"]["supportedVersions"]
    begun = server.send("initialize", INITIALIZE)
    assert server.answer(begun)["result"]["serverInfo"]["name"] == "lessonbank"


def test_nulls_beside_the_arguments_are_absent(server: Process) -> None:
    server.shake_hands()
    given = {"name": "remember", "arguments": LESSON, "_meta": {"progressToken": None}}
    answer = server.answer(server.send("tools/call", given))
    assert answer["result"]["structuredContent"]["status"] == "added"


def test_the_end_of_input_ends_it_cleanly_with_everything_stored(server: Process) -> None:
    server.shake_hands()
    server.call("remember", **LESSON)
    assert server.end() == 0
    assert server.traced() == ["stored A lesson", "closed"]


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_while_input_is_open(
    server: Process, number: signal.Signals
) -> None:
    server.shake_hands()
    server.call("remember", **LESSON)
    assert server.end(number) == 0
    assert server.traced() == ["stored A lesson", "closed"]
    assert "Traceback" not in server.log.read_text()


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_any_request_ends_it_cleanly(
    server: Process, number: signal.Signals
) -> None:
    server.shake_hands()
    assert server.end(number) == 0


def test_an_end_before_any_request_ends_it_cleanly(server: Process) -> None:
    assert server.end() == 0
    assert server.lines == []
    assert server.traced() == ["closed"]


def test_calls_that_were_under_way_at_the_end_of_input_are_answered(server: Process) -> None:
    server.shake_hands()
    first = server.send("tools/call", {"name": "remember", "arguments": LESSON})
    second = server.send("tools/call", {"name": "recall", "arguments": {"task": "wait 0.05"}})
    assert server.end() == 0
    answers = {message["id"]: message for message in map(json.loads, server.lines)}
    assert answers[first]["result"]["structuredContent"]["status"] == "added"
    assert answers[second]["result"]["structuredContent"]["items"] == []


def test_a_call_that_never_ends_does_not_keep_the_process(server: Process) -> None:
    server.shake_hands()
    waiting = server.send("tools/call", {"name": "recall", "arguments": {"task": "wait 1000"}})
    assert server.end() == 0
    answer = json.loads(server.lines[-1])
    assert answer["id"] == waiting
    assert "Connection closed" in answer["error"]["message"]
    assert server.traced() == ["asked", "closed"]


def test_a_change_that_never_ends_does_not_keep_the_process(server: Process) -> None:
    server.shake_hands()
    slow = {"name": "remember", "arguments": {"title": "wait 1000", "content": "c"}}
    server.send("tools/call", slow)
    assert server.end() == 0
    assert server.traced() == ["asked"]


def test_a_cancelled_change_is_finished_and_stored(server: Process) -> None:
    server.shake_hands()
    slow = {"name": "remember", "arguments": {"title": "wait 0.1", "content": "c"}}
    request_id = server.send("tools/call", slow)
    while not server.trace.exists():
        server.call("list_lessons")
    server.tell("notifications/cancelled", {"requestId": request_id})
    assert server.end() == 0
    assert server.traced() == ["asked", "stored wait 0.1", "closed"]


def test_a_client_that_no_longer_reads_ends_it(server: Process) -> None:
    server.shake_hands()
    assert server.process.stdout
    server.process.stdout.close()
    server.send("tools/list")
    assert server.process.wait(PATIENCE) == 0
    assert server.traced() == ["closed"]


def test_a_line_that_is_no_message_is_answered_and_the_next_one_too(server: Process) -> None:
    server.shake_hands()
    refused = {
        "nonsense": -32700,
        '{"jsonrpc": "2.0", "id": 7': -32700,
        "[1, 2]": -32600,
        '{"id": 3}': -32600,
        "[" * 100_000: -32700,
    }
    server.write("")
    for line, code in refused.items():
        server.write(line)
        answer = server.answer(None)
        assert answer["error"]["code"] == code, line[:50]
    assert server.answer(server.send("ping"))["result"] == {}


def test_a_lone_surrogate_is_refused_by_the_tool(server: Process) -> None:
    server.shake_hands()
    result = server.call("recall", task="a\ud800b")
    assert result["isError"]
    assert "lone surrogate at position 1" in result["content"][0]["text"]
    deep = server.call("report_outcome", task="t", outcome="failure", evidence={"log": "\udfff"})
    assert "evidence.log holds a lone surrogate at position 0" in deep["content"][0]["text"]
    request_id = server.send("prompts/get", {"name": "start_task", "arguments": {"task": "\udfff"}})
    assert "lone surrogate" in server.answer(request_id)["error"]["message"]
    server.write('{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}')
    assert server.answer("\ufdd0")["result"] == {}
    assert not server.call("recall", task="pair \U0001f9f5")["isError"]


def test_a_megabyte_is_refused_and_unicode_is_kept(server: Process) -> None:
    server.shake_hands()
    assert server.call("remember", title="t", content="x" * 1_000_000)["isError"]
    server.call("remember", title="日本語", content="Ünï 🧵")
    recalled = server.call("recall", task="日本語")["structuredContent"]
    assert recalled["items"][0]["content"] == "Ünï 🧵"
