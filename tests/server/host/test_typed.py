"""Commands that the host carries out as they were typed, and those that it leaves to the rest."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from memory_core.requests import RecallRequest
from memory_core.version import VERSION
from server.cli.hosted import carried_out
from server.host.direct import _connected
from server.host.place import PROTOCOL, Announcement, place_of
from server.host.typed import Said, Typed
from server.typed import OF_THE_TERMINAL, SETTINGS, _request, _situation
from tests.patience import PATIENCE
from tests.server.connections import until
from tests.server.fake_memory import FakeMemory
from tests.server.host.room import Room
from tests.server.host.test_client import hosted

LIGHT = {
    *("server", "server.typed", "memory_core", "memory_core.version", "memory_core.folders"),
    *("_json", "_socket"),
}
"""All that may be imported for a command that a host answers."""
TYPED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
before = set(sys.modules)
from server.typed import carried_out
code = carried_out(sys.argv[3:], sys.argv[2])
more = sorted(set(sys.modules) - before)
open(sys.argv[1], "w").write(f"{code} {' '.join(more)}")
"""
ORDINARY = "import sys; from server.cli import main; sys.exit(main(sys.argv[2:], key=sys.argv[1]))"


def environment(store: Path | None, **more: str) -> dict[str, str]:
    """Variables of a caller who set nothing that a host might not share."""
    kept = {name: value for name, value in os.environ.items() if "LESSONBANK" not in name}
    named = {} if store is None else {"LESSONBANK_STORE": str(store)}
    return {**kept, **named, "LESSONBANK_PROJECT": "room", **more}


def typed(
    store: Path | None, *words: str, key: str = "k", **more: str
) -> tuple[str, str, str, set[str]]:
    """Carry a command out the light way: exit code or "None", both texts, what was imported."""
    with tempfile.NamedTemporaryFile("r") as told:
        done = subprocess.run(
            [sys.executable, "-c", TYPED, told.name, key, *words],
            env=environment(store, **more),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
        code, *imported = told.read().split()
    return code, done.stdout, done.stderr, set(imported)


def ordinary(store: Path, *words: str, key: str = "k", **more: str) -> tuple[str, str, str]:
    """Carry a command out the ordinary way."""
    done = subprocess.run(
        [sys.executable, "-c", ORDINARY, key, *words],
        env=environment(store, **more),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
    return str(done.returncode), done.stdout, done.stderr


@pytest.fixture
def store(room: Room) -> Path:
    """A store with an item, whose host is warm."""
    assert room.command("--project", "room", "remember", "Mark", "Use utf-8-sig.").returncode == 0
    return room.store


SAME = (
    ["lessons"],
    ["lessons", "--json"],
    ["list", "--sort", "useful", "--limit", "3"],
    ["lessons", "--limit", "0"],
    ["--json", "lessons", "--limit", "0"],
    ["show", "--last"],
    ["show", "item_nothing"],
    ["stats"],
    ["proof"],
    ["recalls"],
    ["projects"],
    ["projects", "list", "--json"],
    ["recall", "a", "--kind", "of no kind"],
    ["outcome", "success"],
    ["host", "logs", "--lines", "1"],
    ["token", "list"],
    ["token", "list", "--json"],
)


def test_a_host_answers_as_the_command_line_does_and_hardly_anything_is_imported(
    store: Path,
) -> None:
    for words in SAME:
        *said, imported = typed(store, *words, COLUMNS="62")
        assert _of_now(said) == _of_now([*ordinary(store, *words, COLUMNS="62")]), words
        assert imported <= LIGHT
    status = typed(store, "host", "status")
    assert status[0] == "0"
    assert "The host runs." in status[1]
    assert status[3] <= LIGHT
    named = typed(None, f"--store={store}", "lessons")
    assert named[:2] == typed(None, "--store", str(store), "lessons")[:2]
    assert "Mark" in named[1]


def _of_now(said: list[str]) -> list[str]:
    """Without what is another with every call."""
    return [line for text in said for line in text.splitlines() if "ms" not in line.split()]


def test_what_changes_the_memory_counts_once_however_often_it_is_asked(store: Path) -> None:
    report = ("outcome", "failure", "--task", "read it", "--json")
    first = typed(store, *report, key="one")
    assert first[0] == "0"
    assert typed(store, *report, key="one")[1] == first[1]
    assert ordinary(store, *report, key="one")[1] == first[1]
    stored = typed(store, "remember", "Another", "Thing.", "--json", key="two")
    again = ordinary(store, "remember", "Another", "Thing.", "--json", key="two")
    assert json.loads(again[1]) == json.loads(stored[1])
    assert json.loads(stored[1])["status"] == "added"
    stats = json.loads(typed(store, "stats", "--json")[1])
    assert stats["outcomes"] == {"failure": 1}


LEFT: tuple[tuple[list[str], dict[str, str]], ...] = (
    ([], {}),
    (["--help"], {}),
    (["recall"], {}),
    (["recall", "-"], {}),
    (["recall", "task", "--error=-"], {}),
    (["lessons", "--in-process"], {}),
    (["edit", "item_1"], {}),
    (["compact"], {}),
    (["reembed"], {}),
    (["projects", "rename", "room", "."], {}),
    (["host", "restart"], {}),
    (["token", "create"], {}),
    (["hook", "claude-code"], {}),
    (["no-command"], {}),
    (["lessons", "--store", "lessons"], {}),
    (["lessons", "--store"], {}),
    (["lessons", "--stor", "/elsewhere"], {}),
    (["lessons"], {"LESSONBANK_STORE": "store"}),
    (["lessons"], {"LESSONBANK_STORE": "s3://bucket/store"}),
    (["lessons"], {"LESSONBANK_RATE": "3"}),
)


def test_what_is_not_plainly_the_hosts_to_answer_is_left_with_nothing_done(store: Path) -> None:
    before = ordinary(store, "recalls", "--json")
    for words, more in LEFT:
        code, said, complained, _ = typed(store, *words, **more)
        assert (code, said, complained) == ("None", "", ""), (words, more)
    assert ordinary(store, "recalls", "--json") == before


def test_a_command_in_a_folder_that_was_removed_is_left(store: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n{TYPED}"
    done = subprocess.run(
        [sys.executable, "-c", program, "/dev/stdout", "k", "lessons"],
        env=environment(store, PYTHONPATH=str(Path.cwd())),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert done.stdout.split()[0] == "None"


@pytest.mark.parametrize(
    "changed",
    [{"version": "0.0"}, {"protocol": PROTOCOL + 1}, {"folder": [0, 0]}, {"socket": ""}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_host_that_is_not_plainly_ours_is_asked_nothing(
    tmp_path: Path, changed: Mapping[str, Any]
) -> None:
    place = place_of(tmp_path / "store")
    said = Announcement(os.getpid(), VERSION, PROTOCOL, "token", str(tmp_path / "none"))
    place.announce(said)
    announced = json.loads(place.announcement.read_text())
    place.announcement.write_text(json.dumps({**announced, **changed}))
    assert typed(place.store, "lessons")[:3] == ("None", "", "")


def test_the_reader_that_leaves_and_the_disk_that_is_full_end_a_command_in_order(
    store: Path,
) -> None:
    program = [sys.executable, "-m", "server", "stats", "--json"]

    def run(words: list[str], out: Any = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            words,
            env=environment(store),
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
            timeout=PATIENCE,
        )

    read, write = os.pipe()
    os.close(read)
    left = run(program, write)
    os.close(write)
    assert (left.returncode, left.stderr) == (0, b"")
    closed = run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *program])
    assert closed.returncode == 0
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            done = run(program, full)
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
        assert b"cannot be written" in done.stderr


def _told(columns: str, *words: str, **variables: str) -> Said | None:
    given = {**dict.fromkeys((*SETTINGS, *OF_THE_TERMINAL), ""), **variables}
    answer = {"items": [], "total": 0, "next_cursor": "", "note": "word " * 40, "project": "p"}
    answer["elsewhere"] = 0
    return carried_out(Typed(words, "k", "", {}, columns, given), lambda *_: answer)


def test_an_answer_has_the_width_and_the_colours_of_the_terminal_where_it_is_read() -> None:
    for columns, variables, wide, coloured in (
        ("70", {}, 70, True),
        ("70", {"COLUMNS": "90"}, 90, True),
        ("70", {"COLUMNS": "many"}, 70, True),
        ("70", {"NO_COLOR": "1"}, 70, False),
        ("70", {"TERM": "dumb"}, 70, False),
        ("", {}, 96, False),
    ):
        said = _told(columns, "lessons", **variables)
        assert said is not None
        widest = max(len(line) for line in said[1].replace("\x1b[33m", "").split("\n"))
        assert wide - 10 < widest <= wide + len("\x1b[0m")
        assert ("\x1b" in said[1]) == coloured


@pytest.mark.anyio
async def test_a_command_that_nobody_waits_for_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LESSONBANK_STORE", raising=False)
    ended: list[str] = []

    class Waiting(FakeMemory):
        async def _recall(self, request: RecallRequest) -> Any:
            ended.append("began")
            try:
                await anyio.sleep_forever()
            finally:
                ended.append("ended")

    async with hosted(tmp_path, Waiting()) as there:
        situation = _situation(str(there.place.store), "k")
        body = _request(there.announcement.token, [*situation, "recall", "task"])
        wire = _connected(there.announcement, PATIENCE)
        wire.sendall(body)
        await until(lambda: ended)
        wire.close()
        await until(lambda: len(ended) == 2)


def test_an_interrupted_command_ends_at_once_and_one_of_a_dead_host_goes_on(
    tmp_path: Path,
) -> None:
    place = place_of(tmp_path / "store")
    path = place.socket_path()
    place.announce(Announcement(os.getpid(), VERSION, PROTOCOL, "token", path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        for act, code in ((_interrupt, "130"), (_cut_off, "None")):
            with _started(place.store, "lessons") as process:
                heard, _ = listener.accept()
                with heard:
                    act(process, heard)
                out, _ = process.communicate(timeout=PATIENCE)
            assert out.split()[0] == code


def _interrupt(process: subprocess.Popen[str], heard: socket.socket) -> None:
    heard.recv(1)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)


def _cut_off(_process: subprocess.Popen[str], heard: socket.socket) -> None:
    heard.sendall(b"HTTP/1.1 200 OK\r\n\r\n\n0 40 0\nhalf an ans")


def _started(store: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", TYPED, "/dev/stdout", "k", *words],
        env=environment(store),
        stdout=subprocess.PIPE,
        text=True,
    )
