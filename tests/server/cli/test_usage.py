"""Help, version and wrong usage; and the command as a process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from memory_core.errors import InvalidInput, LessonbankError, UnknownRecall
from server.cli.complaints import complaint
from server.serve import TRANSPORTS
from server.web.options import DEFAULT_HOST, DEFAULT_PORT
from tests.server.cli.harness import Shell

COMMANDS = (
    *("serve", "recall", "remember", "outcome", "lessons", "recalls", "show"),
    *("forget", "restore"),
    *("stats", "proof", "eval", "doctor", "verify", "export", "reembed", "compact"),
)


def test_help_names_every_command_with_examples_and_exit_codes(shell: Shell) -> None:
    assert shell.run("--help") == 0
    for command in COMMANDS:
        assert f"\n    {command} " in shell.out
    assert "examples:" in shell.out
    assert "exit codes:" in shell.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    assert shell.run(command, "--help") == 0
    assert "--store" in shell.out


def test_the_help_of_serve_names_the_defaults_of_the_server(shell: Shell) -> None:
    shell.run("serve", "--help")
    for value in (*TRANSPORTS, DEFAULT_HOST, str(DEFAULT_PORT)):
        assert value in shell.out


def test_the_version_is_named(shell: Shell) -> None:
    assert shell.run("--version") == 0
    assert re.fullmatch(r"lessonbank \d\S*\n", shell.out)


WRONG = (
    ["nothing"],
    ["recall"],
    ["forget", "x"],
    ["serve", "--port", "http"],
    ["lessons", "--colour"],
)


@pytest.mark.parametrize("argv", WRONG)
def test_wrong_usage_ends_with_2_and_opens_nothing(shell: Shell, argv: list[str]) -> None:
    assert shell.run(*argv) == 2
    assert "usage: lessonbank" in shell.err
    assert shell.settings == []


@pytest.mark.parametrize(
    ("argv", "usage", "said"),
    [
        (["recalls", "--closed"], "recalls", "--closed. See lessonbank recalls --help"),
        (["token", "list", "--all"], "token list", "--all. See lessonbank token list --help"),
        (["show", "one", "two"], "show", "unrecognized arguments: two"),
        (["recal", "x"], "", "'recal' is no command; you may mean recall."),
        (["zzz"], "", "'zzz' is no command; there are serve, recall,"),
        (["host", "foo"], "host", "ACTION = 'foo' is not known; use one of status, stop,"),
        (["completion", "ksh"], "completion", "SHELL = 'ksh' is not known; use one of bash,"),
        (["serve", "--port", "abc"], "serve", "--port = 'abc' is not valid; pass a number."),
    ],
)
def test_wrong_usage_points_at_the_command_that_was_meant(
    shell: Shell, argv: list[str], usage: str, said: str
) -> None:
    assert shell.run(*argv) == 2
    assert shell.err.startswith(f"usage: lessonbank {usage}".rstrip() + " ")
    assert said in shell.err


@pytest.mark.parametrize(
    ("argv", "missing"),
    [
        (["show"], "ID is missing."),
        (["edit", "--title", "x"], "ID is missing."),
        (["forget", "--reason", "x"], "ID is missing."),
        (["outcome", "success"], "--recall-id and --task are both empty."),
    ],
)
def test_a_command_without_an_id_is_told_of_the_last_one(
    shell: Shell, argv: list[str], missing: str
) -> None:
    assert shell.run(*argv) == 2
    assert missing in shell.err
    assert "--last" in shell.err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ["recall", "pip", "says", "x"],
            "says x; put a text of several words in quotes",
        ),
        (["check", "delete", "it"], "in quotes"),
        (["remember", "Use", "venv", "always"], "in quotes"),
        (["lessons", "excel", "csv"], "in quotes"),
        (["outcome", "success", "--task", "fix", "the", "import"], "in quotes"),
        (["recall", "x", "--proj", "demo"], "arguments: --proj demo; you may mean --project"),
        (["recall", "x", "--tokens=9"], "arguments: --tokens=9"),
    ],
)
def test_what_a_command_does_not_know_is_told_with_what_was_meant(
    shell: Shell, argv: list[str], said: str
) -> None:
    assert shell.run(*argv) == 2
    assert said in shell.err


def test_a_word_too_many_beside_an_id_needs_no_quotes(shell: Shell) -> None:
    assert shell.run("show", "item_1", "item_2") == 2
    assert "quotes" not in shell.err


@pytest.mark.parametrize(
    "argv",
    [
        ("recall", "read a CSV", "--k", "2"),
        ("recall", "read a CSV", "--kinds", "strategy", "--max_tokens", "900"),
        ("check", "read a CSV", "--k", "2"),
        ("remember", "Read a CSV", "With utf-8-sig.", "--tags", "csv,excel"),
        ("outcome", "failure", "--task", "x", "--exit_code", "1", "--steps", "did it"),
        ("lessons", "--written-by", "me"),
    ],
)
def test_an_option_is_known_by_the_name_that_the_tools_have_for_it(
    shell: Shell, argv: tuple[str, ...]
) -> None:
    assert shell.run(*argv) == 0


def test_tags_are_a_list_under_either_name(shell: Shell) -> None:
    for name in ("--tag", "--tags"):
        stored = shell.json("remember", f"Read {name}", "Text.", name, "csv,excel", name, "mail")
        assert shell.json("show", stored["id"])["tags"] == ["csv", "excel", "mail"]


def test_k_is_no_kind(shell: Shell) -> None:
    shell.remembered()
    assert shell.run("recall", "open an Excel file", "--k", "0") == 2
    assert "--limit = '0'" in shell.err


@pytest.mark.parametrize(
    ("error", "command", "said"),
    [
        (UnknownRecall("rec_x"), "outcome", "or report with --task instead"),
        (InvalidInput("cursor", "is old", "Pass next_cursor with it."), "lessons", "last page"),
        (UnknownRecall("x", field="before"), "recalls", "--before 'x' names no recall"),
        (InvalidInput("project", "= 'x' is empty", "Name it."), "projects", "PROJECT = 'x'"),
    ],
)
def test_a_next_move_is_in_the_words_of_the_commands(
    error: LessonbankError, command: str, said: str
) -> None:
    sentence, _, _ = complaint(error, command)
    assert said in sentence
    assert "next_cursor" not in sentence


def test_no_command_shows_the_help_and_ends_with_2(shell: Shell) -> None:
    assert shell.run() == 2
    assert "COMMAND" in shell.err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--transport", "carrier-pigeon"], "'carrier-pigeon'"),
        (["--transport", "http", "--host", "192.0.2.1"], "192.0.2.1"),
        (["--transport", "http", "--host", "0.0.0.0", "--no-auth"], "--no-auth"),
        (["--transport", "sse", "--allowed-host", "*"], "--allowed-host = '*'"),
        (["--transport", "http", "--allowed-origin", "app.example.org"], "is no origin"),
        (["--transport", "http", "--tls-cert", "nothing.pem"], "nothing.pem"),
        (["--transport", "http", "--tls-key", "key.pem"], "--tls-cert"),
        (["--transport", "http", "--rate", "0"], "--rate = 0"),
    ],
)
def test_a_door_that_cannot_be_served_is_one_sentence(
    shell: Shell, argv: list[str], said: str
) -> None:
    assert shell.run("serve", *argv) == 2
    assert said in shell.err
    assert shell.settings == []


def test_a_wrong_setting_is_one_sentence(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESSONBANK_SCORER_MODE", "guess")
    assert shell.run("lessons") == 2
    assert "LESSONBANK_SCORER_MODE = 'guess' is not known" in shell.err


def _run(repository: Path, store: Path, *argv: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "server", *argv],
        cwd=repository,
        env={**os.environ, "LESSONBANK_STORE": str(store), "LESSONBANK_PROJECT": "shop"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def test_help_loads_nothing_heavy(repository: Path) -> None:
    program = (
        "import sys\nfrom server.cli import main\nmain(['--help'])\n"
        "print(sorted({'torch', 'lancedb', 'mcp', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_an_item_stored_by_one_process_is_recalled_by_the_next(
    repository: Path, tmp_path: Path
) -> None:
    """The real memory: LanceDB, MiniLM and the learner."""
    store = tmp_path / "store"
    title = "Öffne CSV-Dateien von Excel mit utf-8-sig"
    stored = _run(repository, store, "remember", title, "Excel schreibt ein BOM.", "--json")
    assert stored.returncode == 0, stored.stderr
    recalled = _run(repository, store, "recall", "read a CSV file from Excel", "--json")
    assert recalled.returncode == 0, recalled.stderr
    answer = json.loads(recalled.stdout.decode("utf-8"))
    assert answer["items"][0]["id"] == json.loads(stored.stdout)["id"]
    assert answer["items"][0]["title"] == title
    assert answer["mode"] != "keyword"


def test_a_reader_that_leaves_early_is_no_error(repository: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "--help"],
        cwd=repository,
        env={**os.environ, "LESSONBANK_STORE": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() in (0, 120)
    assert b"Traceback" not in errors


def test_a_relative_store_that_is_new_is_told_by_its_whole_path(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shell.store = Path("lessons")
    assert shell.run("stats") == 0
    assert shell.err == f"lessonbank: --store 'lessons' is {tmp_path / 'lessons'}, a new store.\n"
    (tmp_path / "lessons").mkdir()
    for store in (Path("lessons"), tmp_path / "new"):
        shell.store = store
        assert shell.run("stats") == 0
        assert shell.err == ""
