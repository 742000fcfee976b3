"""lessonbank edit: by options, in an editor, and what is said of the record."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_core.answers import EditAnswer, StateAnswer
from memory_core.errors import InvalidInput
from memory_core.requests import EditRequest, ForgetRequest
from server.cli import draft
from tests.server.cli.harness import Shell
from tests.server.fake_memory import FakeMemory


def test_a_corrected_item_takes_the_place_and_the_record_is_told(shell: Shell) -> None:
    item_id = shell.remembered()
    assert shell.run("edit", item_id, "--title", "open excel files with utf-8-sig") == 0
    assert f"in the place of {item_id}." in shell.out
    assert "Its record is kept" in shell.out
    assert f"lessonbank restore {item_id}" in shell.out
    assert shell.memory.warmed == 2


def test_an_item_with_a_new_record_can_be_taken_back_too(shell: Shell) -> None:
    class Renewing(FakeMemory):
        async def _edit(self, request: EditRequest) -> EditAnswer:
            return (await super()._edit(request)).model_copy(update={"record": "new"})

    memory = Renewing()
    memory.kept = shell.memory.kept
    item_id = shell.remembered()
    assert shell.run("edit", item_id, "--title", "Something else", memory=memory) == 0
    assert "Its record starts anew" in shell.out
    assert f"To take it back: lessonbank restore {item_id}" in shell.out


def test_options_change_what_they_name_and_nothing_else(shell: Shell) -> None:
    item_id = shell.remembered(description="For Excel", tag="csv")
    answer = shell.json("edit", item_id, "--tag", "excel", "--tag", "bom", "--description", "")
    item = shell.json("show", answer["id"])
    assert (item["tags"], item["description"]) == (["excel", "bom"], "")
    assert item["content"] == "It takes the mark off."
    assert shell.json("show", shell.json("edit", answer["id"], "--tag", "")["id"])["tags"] == []


def test_content_is_read_from_standard_input(shell: Shell) -> None:
    answer = shell.json("edit", shell.remembered(), "--content", "-", stdin=b"Better said.\n")
    assert shell.json("show", answer["id"])["content"].strip() == "Better said."


def test_the_person_decides_on_the_record_in_one_way(shell: Shell) -> None:
    item_id = shell.remembered()
    answer = shell.json("edit", item_id, "--keep-record", "--title", "Something else")
    assert answer["record"] == "kept"
    assert shell.run("edit", item_id, "--keep-record", "--new-record", "--title", "x") == 2


def test_nothing_given_and_nobody_there_is_one_sentence(shell: Shell) -> None:
    assert shell.run("edit", shell.remembered()) == 2
    assert "nothing is given that changes the item" in shell.err


def test_a_check_is_asked_and_shown(shell: Shell) -> None:
    assert shell.run("check", "open an Excel file") == 0
    assert "Nothing known against it" in shell.out
    shell.run("outcome", "failure", "--task", "open it", "--error", "KeyError: 'x'")
    assert shell.run("check", "--error", "-", stdin=b"KeyError: 'x'") == 0
    assert "! failed like this once" in shell.out
    assert "lessonbank outcome success --recall-id" in shell.out
    assert shell.run("check") == 2
    assert shell.run("check", "--error", "zymurgy") == 0
    assert "Nothing stored fits this error" in shell.out


def test_what_is_to_be_known_of_a_call_is_shown(shell: Shell) -> None:
    class Noting(FakeMemory):
        async def _forget(self, request: ForgetRequest) -> StateAnswer:
            return (await super()._forget(request)).model_copy(update={"note": "It counts there."})

    memory = Noting()
    memory.kept = shell.memory.kept
    item_id = shell.remembered()
    assert shell.run("forget", item_id, "--reason", "old", memory=memory) == 0
    assert "\nIt counts there.\n" in shell.out


def test_global_stands_for_the_project_of_all(shell: Shell) -> None:
    item_id = shell.json("remember", "Close files", "Always.", "--global")["id"]
    assert shell.json("show", item_id)["project"] == "global"
    shell.remembered()
    assert [one["id"] for one in shell.json("lessons", "--global")["items"]] == [item_id]


def test_a_part_of_an_id_is_enough_and_the_last_one_needs_none(shell: Shell) -> None:
    item_id = shell.remembered()
    assert shell.json("show", item_id[:20])["id"] == item_id
    assert shell.run("show", "--last") == 0
    assert f"The last item: {item_id}" in shell.err
    recall_id = shell.json("recall", "Excel")["recall_id"]
    answer = shell.json("outcome", "success", "--last", "--used", item_id[:20])
    assert answer["credited"][0]["id"] == item_id
    assert recall_id in shell.err
    assert shell.json("forget", "--last", "--reason", "old")["id"] == item_id
    assert shell.json("restore", "--last")["id"] == item_id
    assert shell.run("restore", "--last") == 1
    assert shell.json("forget", "--last", "--reason", "old")["id"] == item_id
    assert shell.json("restore", item_id[:20])["state"] == "active"
    assert shell.run("show", "item_zz") == 1
    assert shell.run("show", item_id, "--last") == 2
    assert shell.run("show") == 2


def test_the_log_of_recalls_and_what_is_open(shell: Shell) -> None:
    shell.remembered()
    first = shell.json("recall", "Excel")["recall_id"]
    shell.json("outcome", "success", "--recall-id", first)
    second = shell.json("recall", "Excel")["recall_id"]
    assert shell.run("recalls") == 0
    assert first in shell.out
    assert second in shell.out
    assert shell.run("recalls", "--open") == 0
    assert first not in shell.out
    assert second in shell.out
    assert shell.run("recalls", "--since", "yesterday") == 2
    assert "is no date" in shell.err


def editing(monkeypatch: pytest.MonkeyPatch, folder: Path, program: str) -> None:
    """An editor that runs these Python lines over the file's `text`."""
    script = folder / "editor.py"
    lines = ["import sys, pathlib", "file = pathlib.Path(sys.argv[1])", "text = file.read_text()"]
    script.write_text("\n".join([*lines, program]))
    monkeypatch.setattr(draft, "has_terminal", lambda: True)
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")


def test_an_item_is_edited_in_the_editor(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    item_id = shell.remembered(tag="csv")
    lines = "text = text.replace('tags: csv', 'tags: csv, excel').replace('the mark', 'a mark')"
    editing(monkeypatch, tmp_path, f"{lines}\nfile.write_text(text)")
    answer = shell.json("edit", item_id)
    item = shell.json("show", answer["id"])
    assert (item["tags"], item["content"]) == (["csv", "excel"], "It takes a mark off.")
    assert item["title"] == "Open Excel files with utf-8-sig"


def test_a_text_that_is_left_as_it_is_changes_nothing(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    item_id = shell.remembered()
    editing(monkeypatch, tmp_path, "")
    assert shell.run("edit", item_id) == 0
    assert shell.out == f"Nothing changed: {item_id} is as it was.\n"
    assert len(shell.memory.kept) == 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("file.write_text(text.replace('title:', 'titel:'))", "titel"),
        ("file.write_text('title: ' + 'x' * 300)", "title"),
        ("file.write_text(text + 'more'); sys.exit(3)", "exit code 3"),
    ],
)
def test_a_text_that_cannot_be_stored_is_kept(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, said: str
) -> None:
    item_id = shell.remembered()
    editing(monkeypatch, tmp_path, program)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert shell.run("edit", item_id) in (1, 2)
    assert said in shell.err
    kept = [file for file in tmp_path.glob("lessonbank-*.md") if str(file) in shell.err]
    assert len(kept) == 1
    assert list(shell.memory.kept) == [item_id]


@pytest.mark.parametrize("editor", ["", "no-such-editor-here"])
def test_no_editor_is_one_sentence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    item_id = shell.remembered()
    monkeypatch.setattr(draft, "has_terminal", lambda: True)
    monkeypatch.setattr(draft, "USUAL", ())
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setitem(os.environ, "EDITOR", editor)
    assert shell.run("edit", item_id) == 2
    assert "Set EDITOR" in shell.err


def detail(**more: Any) -> dict[str, Any]:
    given = {
        "id": "item_1", "kind": "fact", "state": "active", "project": "p", "title": "T",
        "description": "one\ntwo", "content": "# Head\n\n  code: x\n", "task": "", "tags": ("a",),
        "evidence": "", "source": "s", "trust": 1.0, "created_at": "", "embedder": "", "wins": 0,
        "losses": 0, "recalls": 0, "supersedes": "", "superseded_by": "", "derived_from": (),
        "outcome_id": "", "pair": (), "outcomes": (), "earlier": (),
    }  # fmt: skip
    return {**given, **more}


@pytest.mark.parametrize(
    "item",
    [
        detail(),
        detail(description="", tags=(), content="one line"),
        detail(title="kind: of title: x", description="a: b\ntags: c"),
        detail(content="\n\nleading and trailing\n\n"),
    ],
)
def test_the_text_of_an_item_reads_back_as_no_change(item: dict[str, Any]) -> None:
    assert draft.changes_in(draft.text_of(item), item) == {}
    assert draft.changes_in(draft.text_of(item).replace("\n", "\r\n"), item) == {}


def test_a_header_without_content_empties_nothing_by_accident() -> None:
    item = detail()
    with pytest.raises(InvalidInput, match="before the first empty one"):
        draft.changes_in("some words", item)
