"""What is stored may hold text that nobody sees: no door hands it to a model or a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.types import CallToolResult

from memory_core.requests import OutcomeRequest, RecallRequest, RememberRequest
from memory_core.unseen import escaped, seen
from server.hooks import texts
from tests.server.cli.harness import Shell
from tests.server.connections import ERAS, connected, text_of
from tests.server.fake_memory import FakeMemory

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)

HIDDEN = (
    "\u200b\u2060\u2063\u00ad\u3164\u200e\u200f\u061c\u202e\u2066\ufff9\ufeff\ufe01\ufdd1\ue000"
    "\U000e0100\U000e01ef\U000e0041\U000e007f"
)
FAMILY, PERSIAN = "\U0001f468\u200d\U0001f469", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
TEXT = f"mark{HIDDEN}s {FAMILY} {PERSIAN}"


def untouched(text: str) -> None:
    """Nothing hidden is left, and what shapes words and emoji is there."""
    assert seen(text) == text, ascii(text)


async def filled() -> tuple[FakeMemory, str, str]:
    """A memory whose every text hides something."""
    memory = FakeMemory()
    stored = await memory.remember(
        RememberRequest(
            title=TEXT, content=TEXT, description=TEXT, project=TEXT, source=TEXT, kind="pitfall"
        )
    )
    await memory.report_outcome(
        OutcomeRequest(task=TEXT, outcome="failure", error=TEXT, used_ids=(stored.id,))
    )
    recall = await memory.recall(RecallRequest(task=TEXT, project=TEXT))
    return memory, stored.id, recall.recall_id


@both_eras
async def test_no_tool_says_it_as_text_or_as_data(era: str) -> None:
    memory, item, recall = await filled()
    lesson = {"title": TEXT, "content": "other", "project": TEXT}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("recall", {"task": TEXT, "project": TEXT}),
        ("check", {"action": TEXT, "project": TEXT}),
        ("list_lessons", {"project": TEXT}),
        ("remember", lesson),
        ("report_outcome", {"recall_id": recall, "outcome": "success", "lessons": [lesson]}),
        ("forget", {"item_id": item, "reason": TEXT}),
        ("recall", {"task": TEXT, "kinds": [HIDDEN + "x"]}),
        ("forget", {"item_id": HIDDEN, "reason": "r"}),
        (f"re{HIDDEN}call", {}),
    ]
    async with connected(memory, era) as client:
        for name, arguments in calls:
            result: CallToolResult = await client.call_tool(name, arguments)
            untouched(text_of(result))
            untouched(json.dumps(result.structured_content, ensure_ascii=False))
            if name in ("recall", "check") and not result.is_error:
                assert FAMILY in text_of(result)
                assert PERSIAN in json.dumps(result.structured_content, ensure_ascii=False)


@both_eras
async def test_no_resource_or_completion_says_it(era: str) -> None:
    memory, item, _ = await filled()
    async with connected(memory, era) as client:
        for uri in (
            f"memory://lessons/{item}",
            "memory://projects/default/brief",
            "memory://mistakes",
            "memory://stats",
        ):
            read = await client.read_resource(uri)
            untouched(str(read.contents[0].text))  # type: ignore[union-attr]


def test_no_hook_says_it() -> None:
    item = {"id": "i", "kind": "fact", "title": TEXT, "description": TEXT, "content": TEXT}
    warning = {"seen": 1, "last_seen": TEXT, "summary": TEXT}
    answer = {
        "recall_id": TEXT,
        "abstained": False,
        "items": [{**item, "wins": 0, "losses": 0}],
        "warnings": [warning],
        "note": TEXT,
    }
    for said in (texts.recall_context(answer, 600, True), texts.check_context(answer, 600, True)):
        untouched(said)
        assert FAMILY in said
        assert PERSIAN in said


def test_no_command_says_it_and_json_escapes_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shell = Shell(capsys, tmp_path / "store")
    item = shell.remembered(TEXT, project=TEXT)
    for words in (
        ("show", item),
        ("lessons", "--project", TEXT),
        ("recall", TEXT, "--project", TEXT),
        ("stats",),
        ("outcome", HIDDEN, "--task", TEXT),
        ("recall", TEXT, "--kind", TEXT),
    ):
        shell.run(*words)
        untouched(shell.out)
        untouched(shell.err)
        shell.run("--json", *words)
        untouched(shell.out)
    shown = shell.json("show", item)
    untouched(shell.out)
    assert escaped(HIDDEN) in shell.out
    assert shown["title"] == TEXT
    assert "\u200b" not in shown["project"], "a name is one whatever nobody sees in it"
