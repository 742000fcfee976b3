"""A hook answers in the client's form, or is silent; it never fails the client."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from server.hooks import command, journal, starting
from server.hooks.command import main
from server.host.direct import NoAnswer
from tests.server.hooks.recorded import NAMES, answer, data, open_recall, payload


@dataclass
class StandIn:
    """A host that answers from a table, and the hook run against it."""

    store: Path
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    started: list[Path] = field(default_factory=list)
    offers: bool = True

    def ask(self, store: Path, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        assert store == self.store
        self.calls.append((method, dict(request)))
        found = self.answers[method]
        if isinstance(found, BaseException):
            raise found
        return dict(found)

    def run(self, given: bytes, *options: str) -> Any:
        out = io.BytesIO()
        argv = ["claude-code", "--store", str(self.store), *options]
        code = main(
            argv,
            stdin=io.BytesIO(given),
            stdout=out,
            ask=self.ask,
            start=self.started.append,
            offers=lambda: self.offers,
        )
        assert code == 0
        return json.loads(out.getvalue()) if out.getvalue() else None

    def log(self) -> str:
        file = self.store / journal.NAME
        return file.read_text("utf-8") if file.exists() else ""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    for name in ("LESSONBANK_STORE", "LESSONBANK_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLAUDE_CODE_ENTRYPOINT", "cli")
    store = tmp_path / "store"
    store.mkdir()
    return StandIn(store, {"recall": answer(), "check": answer(), "recalls": {"recalls": []}})


def test_a_prompt_is_answered_with_fenced_context(host: StandIn) -> None:
    said = host.run(data("user_prompt_submit"))["hookSpecificOutput"]
    assert said["hookEventName"] == "UserPromptSubmit"
    assert "Sniff the encoding first" in said["additionalContext"]
    (method, request), (listing, _) = host.calls
    assert listing == "recalls"
    assert method == "recall"
    assert request["session"] == f"claude-code:{payload('user_prompt_submit')['session_id']}"
    assert request["project"] == "default"
    assert request["max_tokens"] == 600


def test_a_failure_is_answered_under_its_own_event(host: StandIn) -> None:
    said = host.run(data("post_tool_use_failure_bash"))["hookSpecificOutput"]
    assert said["hookEventName"] == "PostToolUseFailure"
    assert said["additionalContext"]
    assert host.calls[0][0] == "check"
    assert host.run(data("post_tool_use_error"))["hookSpecificOutput"]["hookEventName"] == (
        "PostToolUse"
    )


def test_nothing_known_is_silence(host: StandIn) -> None:
    host.answers |= {"recall": answer(abstained=True), "check": answer(items=[])}
    assert host.run(data("user_prompt_submit")) is None
    assert host.run(data("post_tool_use_failure_bash")) is None
    assert [method for method, _ in host.calls] == ["recall", "recalls", "check"]
    assert not host.log()


def test_a_stop_asks_for_no_outcome_of_a_check(host: StandIn) -> None:
    check = {**open_recall("rec_check"), "door": "check"}
    host.answers["recalls"] = {"recalls": [check], "open": 1}
    assert host.run(data("stop")) is None
    host.answers["recalls"] = {"recalls": [check, open_recall("rec_1")], "open": 2}
    said = host.run(data("stop"))["hookSpecificOutput"]["additionalContext"]
    assert "rec_1" in said
    assert "rec_check" not in said


def test_a_stop_asks_once_in_a_session_and_names_what_is_open(host: StandIn) -> None:
    host.answers["recalls"] = {"recalls": [open_recall("rec_1")], "open": 1}
    said = host.run(data("stop"))["hookSpecificOutput"]
    assert said["hookEventName"] == "Stop"
    assert "rec_1" in said["additionalContext"]
    assert "\n" not in said["additionalContext"]
    assert host.calls[0][1]["open"] is True
    assert host.run(data("stop")) is None
    host.answers["recalls"] = {"recalls": [open_recall("rec_2"), open_recall("rec_1")], "open": 2}
    assert host.run(data("stop")) is None
    other = json.dumps({**payload("stop"), "session_id": "another"}).encode()
    again = host.run(other)["hookSpecificOutput"]["additionalContext"]
    assert "rec_2" in again
    assert "rec_1" not in again


def test_a_printed_run_ends_with_its_answer(host: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")
    host.answers["recalls"] = {"recalls": [open_recall("rec_1")], "open": 1}
    assert host.run(data("stop")) is None
    assert host.calls == []


def test_the_next_prompt_asks_for_what_is_open_once_and_not_for_its_own_recall(
    host: StandIn,
) -> None:
    own, earlier = open_recall("rec_1"), {**open_recall("rec_0"), "door": "prompt"}
    host.answers["recalls"] = {"recalls": [own, earlier], "open": 2}
    said = host.run(data("user_prompt_submit"))["hookSpecificOutput"]["additionalContext"]
    last = said.split("\n")[-1]
    assert "1 recall has no outcome yet (rec_0)" in last
    again = host.run(data("user_prompt_submit"))["hookSpecificOutput"]["additionalContext"]
    assert "no outcome yet" not in again
    host.answers |= {
        "recall": answer(abstained=True),
        "recalls": {"recalls": [open_recall("rec_x")]},
    }
    alone = host.run(data("user_prompt_submit"))["hookSpecificOutput"]["additionalContext"]
    assert alone.startswith("lessonbank: 1 recall has no outcome yet (rec_x).")


def test_a_list_of_recalls_that_fails_leaves_the_recall_as_it_is(host: StandIn) -> None:
    host.answers["recalls"] = TimeoutError("late")
    said = host.run(data("user_prompt_submit"))["hookSpecificOutput"]["additionalContext"]
    assert "Sniff the encoding first" in said
    assert "UserPromptSubmit TimeoutError" in host.log()


def test_tools_that_the_client_does_not_run_are_not_named(host: StandIn) -> None:
    host.offers = False
    host.answers["recalls"] = {"recalls": [open_recall("rec_0")], "open": 1}
    for name in ("user_prompt_submit", "post_tool_use_failure_bash"):
        said = host.run(data(name))["hookSpecificOutput"]["additionalContext"]
        assert "Sniff the encoding first" in said
        assert "report_outcome" not in said
        assert "no outcome yet" not in said
    assert host.run(data("stop")) is None


@pytest.mark.parametrize("name", ["stop_active", "stop_background"])
def test_a_stop_that_is_no_end_asks_for_nothing(name: str, host: StandIn) -> None:
    host.answers["recalls"] = {"recalls": [open_recall("rec_1")]}
    assert host.run(data(name)) is None
    assert host.calls == []


def test_a_stop_without_a_session_asks_for_nothing(host: StandIn) -> None:
    given = json.dumps({**payload("stop"), "session_id": ""}).encode()
    assert host.run(given) is None
    assert host.calls == []


def test_who_cannot_note_that_it_asked_does_not_ask(host: StandIn) -> None:
    (host.store / command.ASKED).mkdir()
    host.answers["recalls"] = {"recalls": [open_recall("rec_1")]}
    assert host.run(data("stop")) is None
    assert "Stop IsADirectoryError" in host.log()


def test_the_note_of_what_was_asked_stays_small(host: StandIn) -> None:
    many = [f"rec_{n:06}" for n in range(7_000)]
    command.remember_asked(host.store, many)
    assert (host.store / command.ASKED).stat().st_size < 64 * 1024
    assert command.not_asked(host.store, many[-3_000:]) == []


@pytest.mark.parametrize("method", ["recall", "check", "recalls"])
@pytest.mark.parametrize(
    "error", [NoAnswer("no host of this version runs"), TimeoutError("x"), KeyError("a secret")]
)
def test_a_host_that_fails_is_silence_and_a_line_in_the_log(
    method: str, error: BaseException, host: StandIn
) -> None:
    host.answers[method] = error
    names = {
        "recall": "user_prompt_submit",
        "check": "post_tool_use_failure_bash",
        "recalls": "stop",
    }
    assert host.run(data(names[method])) is None
    assert type(error).__name__ in host.log()
    assert "secret" not in host.log()
    absent = method == "recall" and isinstance(error, NoAnswer)
    assert host.started == ([host.store] if absent else [])


def test_prompts_in_a_row_start_one_host(host: StandIn) -> None:
    host.answers["recall"] = NoAnswer("ConnectionRefusedError: [Errno 111]")
    for _ in range(3):
        assert host.run(data("user_prompt_submit")) is None
    assert host.started == [host.store]
    stamp = host.store / starting.NAME
    for when in (time.time() - starting.PAUSE - 1, time.time() + 3_600):
        os.utime(stamp, (when, when))
        assert host.run(data("user_prompt_submit")) is None
    assert host.started == [host.store] * 3


@pytest.mark.parametrize(
    "said", ["TimeoutError: timed out", "the model is loading", "HostRefused: x"]
)
def test_a_host_that_is_there_is_not_started_again(said: str, host: StandIn) -> None:
    host.answers["recall"] = NoAnswer(said)
    assert host.run(data("user_prompt_submit")) is None
    assert host.started == []


def test_the_log_never_holds_what_was_said(host: StandIn) -> None:
    said = "task = 'the password is swordfish' has 9,000 characters, at most 8,000 fit"
    for error in (NoAnswer(said), NoAnswer(f"TimeoutError: {said}"), ValueError(said)):
        host.answers["recall"] = error
        assert host.run(data("user_prompt_submit")) is None
    assert "swordfish" not in host.log()
    assert "task" not in host.log()
    reasons = [line.split(" ", 2)[2] for line in host.log().splitlines()]
    assert reasons == [
        "UserPromptSubmit NoAnswer: refused",
        "UserPromptSubmit NoAnswer: TimeoutError",
        "UserPromptSubmit ValueError",
    ]


def test_the_log_rotates(host: StandIn) -> None:
    file = host.store / journal.NAME
    file.write_text("x" * 256 * 1024, "utf-8")
    journal.note(host.store, "Stop", "NoAnswer")
    assert file.stat().st_size < 1_000
    assert file.with_name("hook.log.1").exists()


@pytest.mark.parametrize("odd", [{}, {"recalls": None}, {"recalls": [{}]}, {"recalls": [3]}])
def test_an_odd_list_of_recalls_is_silence(odd: dict[str, Any], host: StandIn) -> None:
    host.answers["recalls"] = odd
    assert host.run(data("stop")) is None
    assert "no outcome yet" not in json.dumps(host.run(data("user_prompt_submit")))


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"hook_event_name": 3}',
        b"[" * 99_999,
    ],
)
def test_a_bad_payload_is_silence(given: bytes, host: StandIn) -> None:
    assert host.run(given) is None
    assert host.calls == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, 7, [], {"x": 1}, "", "\ud800\x00"])
def test_no_field_of_another_type_fails_the_client(name: str, value: object, host: StandIn) -> None:
    host.answers["recalls"] = {"recalls": [open_recall("rec_1")]}
    for key in payload(name):
        changed = {**payload(name), key: value}
        said = host.run(json.dumps(changed).encode())
        assert said is None or said["hookSpecificOutput"]["additionalContext"]


def test_a_cwd_decides_the_project_and_an_option_wins(host: StandIn, tmp_path: Path) -> None:
    git = tmp_path / "shop" / ".git"
    (git / "objects").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    given = json.dumps({**payload("user_prompt_submit"), "cwd": str(git.parent)}).encode()
    host.run(given)
    host.run(given, "--project", "mine", "--max-tokens=200")
    assert host.calls[0][1]["project"].startswith("shop-")
    assert host.calls[2][1]["project"] == "mine"
    assert host.calls[2][1]["max_tokens"] == 200


@pytest.mark.parametrize("options", [["--unknown", "x"], ["--max-tokens", "many"], ["--store"]])
def test_wrong_options_are_silence(options: list[str], host: StandIn) -> None:
    assert host.run(data("user_prompt_submit"), *options) is None
    assert host.calls == []


def test_another_client_gets_one_sentence_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["emacs"], stdin=io.BytesIO(b"{}")) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "lessonbank install claude-code" in err


def test_a_client_that_has_gone_is_no_error(host: StandIn) -> None:
    class Gone(io.BytesIO):
        def write(self, given: Any) -> int:
            raise BrokenPipeError

    code = main(
        ["claude-code", "--store", str(host.store)],
        stdin=io.BytesIO(data("user_prompt_submit")),
        stdout=Gone(),
        ask=host.ask,
        start=host.started.append,
    )
    assert code == 0
    assert "BrokenPipeError" in host.log()


def test_no_store_is_made_for_a_log(tmp_path: Path) -> None:
    journal.note(tmp_path / "none", "Stop", "NoAnswer")
    assert not (tmp_path / "none").exists()
