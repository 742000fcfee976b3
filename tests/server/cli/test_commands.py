"""Every command asks the memory what it says, and shows the answer."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from memory_core.answers import (
    Compacted,
    ItemDetail,
    ListAnswer,
    RecallAnswer,
    RecallsAnswer,
    Reembedded,
    Stats,
)
from memory_core.doctor import Report, machine
from memory_core.errors import StoreUnavailable
from memory_core.requests import Empty, ListRequest, RecallRequest
from memory_core.store.lance_store import LanceStore
from tests.memory_core.store.making import waiting
from tests.server.cli.harness import Shell
from tests.server.fake_memory import FakeMemory


def test_what_is_remembered_is_recalled_with_the_way_to_report(shell: Shell) -> None:
    assert shell.run("remember", "Open Excel files with utf-8-sig", "It takes the mark off.") == 0
    assert shell.out.startswith("Stored as ")
    assert shell.run("recall", "open an Excel file") == 0
    assert "1. Open Excel files with utf-8-sig" in shell.out
    assert "It takes the mark off." in shell.out
    assert "lessonbank outcome success --recall-id " in shell.out
    assert shell.err == ""


def test_recall_waits_for_the_model_and_the_memory_is_closed(shell: Shell) -> None:
    shell.run("recall", "anything")
    assert shell.memory.warmed == 1
    assert shell.memory.closed
    assert shell.settings[-1].model_wait >= 60
    assert shell.settings[-1].store == shell.store


def test_listing_does_not_load_the_model(shell: Shell) -> None:
    shell.run("lessons")
    assert shell.memory.warmed == 0


def test_nothing_that_helps_is_said_so(shell: Shell) -> None:
    assert shell.run("recall", "anything") == 0
    assert "Nothing stored helps with this task." in shell.out


def test_a_withheld_recall_is_not_said_to_have_found_nothing(shell: Shell) -> None:
    class Withholding(FakeMemory):
        async def _recall(self, request: RecallRequest) -> RecallAnswer:
            found = await super()._recall(request)
            return found.model_copy(update={"mode": "withheld", "note": "Held back on purpose."})

    assert shell.run("recall", "anything", memory=Withholding()) == 0
    assert "Held back on purpose." in shell.out
    assert "Nothing stored helps" not in shell.out


def test_json_is_the_exact_answer(shell: Shell) -> None:
    item_id = shell.remembered()
    answer = RecallAnswer.model_validate(shell.json("recall", "Excel"))
    assert [item.id for item in answer.items] == [item_id]
    assert ListAnswer.model_validate(shell.json("lessons")).total == 1
    assert ItemDetail.model_validate(shell.json("show", item_id)).id == item_id
    assert Stats.model_validate(shell.json("stats")).items == {"active": 1}
    assert Compacted.model_validate(shell.json("compact")).fragments_after == 0
    assert Reembedded.model_validate(shell.json("reembed")).embedder == "words"


def test_an_outcome_is_judged_by_its_evidence_and_credited(shell: Shell) -> None:
    item_id = shell.remembered()
    recall_id = shell.json("recall", "Excel")["recall_id"]
    answer = shell.json(
        *("outcome", "success", "--recall-id", recall_id, "--used", item_id, "--exit-code", "1"),
        *("--step", "opened it", "--step", "read it", "--error", "-"),
        stdin=b"KeyError: 'x'\n",
    )
    assert answer["judged"]["outcome"] == "failure"
    assert answer["credited"][0]["losses"] == 1
    assert "KeyError: 'x'\n" in shell.memory.errors


def test_an_outcome_is_shown_with_what_it_changed(shell: Shell) -> None:
    item_id = shell.remembered()
    recall_id = shell.json("recall", "Excel")["recall_id"]
    assert shell.run("outcome", "success", "--recall-id", recall_id, "--used", item_id) == 0
    assert "Recorded: success, strength 0.30" in shell.out
    [row] = [line.split() for line in shell.out.splitlines() if line.startswith(item_id)]
    assert row == [item_id, "+0.50", "1", "0"]


def test_options_may_stand_before_or_after_the_command(shell: Shell) -> None:
    for argv in (["--json", "--project", "p", "lessons"], ["lessons", "--project", "p", "--json"]):
        assert shell.run(*argv) == 0
        assert json.loads(shell.out)["total"] == 0


def test_a_project_reaches_the_memory(shell: Shell) -> None:
    shell.remembered(project="billing")
    assert shell.json("lessons", "--project", "billing")["total"] == 1
    assert shell.json("lessons", "--project", "other")["total"] == 0


def test_forgotten_items_can_be_brought_back(shell: Shell) -> None:
    item_id = shell.remembered()
    assert shell.run("forget", item_id, "--reason", "wrong") == 0
    assert "retired (was active)" in shell.out
    assert f"lessonbank restore {item_id}" in shell.out
    assert shell.json("lessons", "--state", "retired")["total"] == 1
    assert shell.run("restore", item_id) == 0
    assert "active (was retired)" in shell.out


def test_a_whole_item_is_shown_with_its_outcomes(shell: Shell) -> None:
    item_id = shell.remembered(task="read an export", tag="csv")
    shell.json("outcome", "failure", "--task", "read an export", "--used", item_id)
    assert shell.run("show", item_id) == 0
    for part in (item_id, "0 won, 1 lost", "read an export", "csv", "It takes the mark off."):
        assert part in shell.out


def test_pages_name_the_next_one(shell: Shell) -> None:
    for number in range(3):
        shell.remembered(f"Lesson {number}")
    assert shell.run("lessons", "--limit", "2") == 0
    assert "2 of 3." in shell.out
    assert "--cursor 2" in shell.out
    assert shell.run("lessons", "--cursor", "2") == 0
    assert "Lesson 2" in shell.out


def test_open_recalls_are_listed_until_their_outcome(shell: Shell) -> None:
    assert shell.run("recalls") == 0
    assert shell.out == "No recall that fits.\n"
    shell.remembered(project="billing")
    asked = ("recall", "open an Excel file", "--project", "billing", "--session")
    first, second = (shell.json(*asked, name)["recall_id"] for name in ("one", "two"))
    assert shell.run("recalls", "--open", "--project", "billing") == 0
    assert shell.out.index(second) < shell.out.index(first)
    assert "session two" in shell.out
    assert "2 without an outcome." in shell.out
    assert f"lessonbank outcome success --recall-id {second}\n" in shell.out
    assert shell.memory.warmed == 3  # by remember and recall; listing needs no model
    shell.json("outcome", "unknown", "--recall-id", second)
    of_billing = ("recalls", "--open", "--project", "billing", "--session")
    answer = shell.json(*of_billing, "one", "--limit", "1")
    listed = RecallsAnswer.model_validate(answer)
    assert [one.recall_id for one in listed.recalls] == [first]
    assert shell.json(*of_billing, "two")["open"] == 0


@pytest.mark.parametrize("command", ["stats", "compact", "reembed"])
def test_keeping_commands_say_what_they_did(shell: Shell, command: str) -> None:
    assert shell.run(command) == 0
    assert shell.out.strip()


BAD = [
    (("recall", "  "), "TASK is blank. Write at least one word."),
    (("recall", "x", "-k", "0"), "--limit = '0'"),
    (("recall", "x", "-k", "many"), "--limit = 'many'"),
    (("recall", "x", "--kind", "rumour"), "--kind = 'rumour' is not known. Use one of"),
    (("recall", "x", "--session", "a\x00b"), "control character '\\x00' at position 1"),
    (("recall", "a\ud800b"), "lone surrogate at position 1"),
    (("outcome", "maybe", "--task", "x"), "OUTCOME = 'maybe' is not known. Use one of"),
    (("outcome", "success"), "--recall-id and --task are both empty"),
    (
        ("outcome", "success", "--task", "x", "--helpful", "i", "--harmful", "i"),
        "--helpful and --harmful both name 'i'",
    ),
    (("outcome", "success", "--task", "x", "--exit-code", "one"), "--exit-code = 'one'"),
    (("remember", "t", "c", "--kind", "rumour"), "--kind = 'rumour' is not known. Use one of"),
    (("forget", "i", "--reason", " "), "--reason is blank"),
    (("show", ""), "ID is empty"),
    (("recalls", "--limit", "0"), "--limit = '0'"),
    (("lessons", "--sort", "worst"), "--sort = 'worst' is not known"),
    (("recall", "x", "--project", "p" * 200), "has 200 characters, at most 128 fit"),
]


@pytest.mark.parametrize(("argv", "said"), BAD, ids=range(len(BAD)))
def test_a_wrong_value_is_one_sentence_and_opens_nothing(
    shell: Shell, argv: tuple[str, ...], said: str
) -> None:
    assert shell.run(*argv) == 2
    assert shell.out == ""
    assert shell.err.startswith("lessonbank: ")
    assert shell.err.count("\n") == 1
    assert said in shell.err
    assert shell.settings == []


def test_with_json_an_error_is_an_object_on_standard_output(shell: Shell) -> None:
    assert shell.run("--json", "recall", " ") == 2
    assert json.loads(shell.out) == {
        "error": "TASK is blank. Write at least one word.",
        "field": "TASK",
    }
    assert shell.err == ""


def test_an_unknown_item_is_said_with_the_next_move(shell: Shell) -> None:
    assert shell.run("show", "item_nowhere") == 1
    assert "'item_nowhere' names no item" in shell.err
    assert shell.memory.closed


def test_a_memory_that_cannot_serve_says_why(shell: Shell) -> None:
    class Broken(FakeMemory):
        async def _list_lessons(self, request: ListRequest) -> ListAnswer:
            raise StoreUnavailable("The disk is full. Free some space.")

    assert shell.run("lessons", memory=Broken()) == 1
    assert shell.err == "lessonbank: The disk is full. Free some space.\n"


def test_standard_input_is_read_where_a_dash_stands(shell: Shell) -> None:
    shell.json("remember", "Title", "-", stdin="from a pipe: ü".encode())
    [kept] = shell.memory.kept.values()
    assert kept.item.content == "from a pipe: ü"


def test_bytes_that_are_no_utf8_do_not_end_a_report(shell: Shell) -> None:
    assert shell.run("recall", "x", "--error", "-", stdin=b"\xff\xfe failed") == 0


def test_a_megabyte_on_standard_input_is_read(shell: Shell) -> None:
    assert shell.run("recall", "-", stdin=b"x" * 1_000_000) == 0
    assert shell.run("check", "--error", "-", stdin=b"E: it failed\n" * 80_000) == 0


def test_more_on_standard_input_than_is_read_is_refused_with_its_size(shell: Shell) -> None:
    assert shell.run("recall", "-", stdin=b"x" * 5_000_000) == 2
    assert "has 5,000,000 characters, at most 4,194,304 fit" in shell.err
    assert shell.run("recall", "-", stdin="\U0001f600".encode() * 4_400_000) == 2


def test_only_one_value_can_come_from_standard_input(shell: Shell) -> None:
    assert shell.run("recall", "-", "--error", "-") == 2
    assert "only one of task, error" in shell.err


def test_stored_text_cannot_move_the_cursor_or_forge_lines(shell: Shell) -> None:
    item_id = shell.remembered("Good title")
    kept = shell.memory.kept[item_id]
    object.__setattr__(kept.item, "title", "Good \x1b[2J\x1b[31mtitle\rForged: line")
    for argv in (("show", item_id), ("lessons",), ("recall", "title")):
        assert shell.run(*argv) == 0
        assert "\x1b" not in shell.out
        assert "\r" not in shell.out
        assert "\nForged" not in shell.out


def test_an_interrupt_ends_with_the_usual_code(shell: Shell) -> None:
    class Interrupted(FakeMemory):
        async def _stats(self, request: Empty) -> Stats:
            raise KeyboardInterrupt

    memory = Interrupted()
    assert shell.run("stats", memory=memory) == 130
    assert memory.closed


LIGHT = {"json": "json"}


def test_the_doctor_ends_with_0_when_nothing_fails(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_IMPORTED", LIGHT)
    assert shell.run("doctor") == 0
    assert "ok    python" in shell.out
    assert shell.settings == []


def test_the_doctor_ends_with_1_when_a_check_fails(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_IMPORTED", LIGHT)
    shell.store.write_text("a file, not a folder")
    assert shell.run("doctor") == 1
    assert "FAIL  store folder" in shell.out
    assert "-> Remove it" in shell.out
    report = Report.model_validate(shell.json("doctor"))
    assert not report.ok


def test_verifying_ends_with_1_when_the_log_lost_something(shell: Shell) -> None:
    assert shell.run("verify") == 0
    assert "holds no store" in shell.out
    store = LanceStore.open(shell.store, maintain=False)
    store.add_items([waiting(1)])
    store.close()
    assert shell.run("verify") == 0
    assert "ok    items          1, all whole." in shell.out
    with closing(sqlite3.connect(shell.store / "log.db")) as log, log:
        log.execute("UPDATE records SET payload = x'00'")
    assert shell.run("verify") == 1
    assert "FAIL  items" in shell.out
    assert "item_0001" in shell.out
    assert not Report.model_validate(shell.json("verify")).ok


def test_a_store_is_exported_from_the_command_line(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("export", "--lance", str(tmp_path / "tables")) == 1
    assert "holds no store" in shell.err
    store = LanceStore.open(shell.store, maintain=False)
    store.add_items([waiting(1)])
    store.close()
    assert shell.run("export", "--lance", str(tmp_path / "tables")) == 0
    assert f"Written to {tmp_path / 'tables'}: 0 events, 1 items," in " ".join(shell.out.split())
    assert shell.run("export", "--lance", str(tmp_path / "tables")) == 2
    assert "is not empty" in shell.err
    assert shell.run("export") == 2


def test_the_doctor_does_not_import_what_a_running_host_has_loaded() -> None:
    found = machine.check_packages({"nothing-of-this-name": "nothing_of_this_name"}, loaded=True)
    assert found.status == "ok"
    assert "the running host has loaded them" in found.found


def test_long_commands_say_at_once_what_they_do(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_IMPORTED", LIGHT)
    shell.run("doctor")
    assert "... checking the packages" in shell.err
    shell.run("eval")
    assert "... loading torch and LanceDB" in shell.err


@pytest.mark.parametrize(
    "argv",
    [
        ("recall",),
        ("lessons", "--colour"),
        ("nothing",),
        ("show",),
        ("serve", "--port", "http"),
        ("host", "sing"),
        ("token", "create", "--color"),
        ("token",),
        ("install",),
        ("completion", "sh"),
        ("--in-process", "install", "vscode"),
        ("recall", "-", "--error", "-"),
        ("lessons", "--kind", "rumour"),
        ("recall", "x", "--limit", "many"),
    ],
)
def test_with_json_wrong_usage_is_an_object_on_standard_output_and_ends_with_2(
    shell: Shell, argv: tuple[str, ...]
) -> None:
    assert shell.run(*argv, "--json") == 2
    assert shell.err == ""
    assert json.loads(shell.out)["error"].endswith((".", "--help."))


@pytest.mark.parametrize(
    ("word", "command"), [("list", "lessons"), ("list_lessons", "lessons"), ("report", "outcome")]
)
def test_a_tools_name_is_taken_for_the_command(shell: Shell, word: str, command: str) -> None:
    given = ("success", "--task", "x") if command == "outcome" else ()
    assert shell.run(word, *given) == 0
    assert shell.run(command, *given) == 0


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: Shell, name: str) -> None:
    assert shell.run("completion", name) == 0
    for word in ("recall", "max-tokens", "restore"):
        assert word in shell.out


def test_the_learner_and_the_counts_are_told_apart(shell: Shell) -> None:
    shell.remembered()
    shell.run("stats")
    assert "by state" in shell.out
    assert "trained" not in shell.out
