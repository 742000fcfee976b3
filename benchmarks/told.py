"""What the answers of the loop cost a model: real calls of a real memory, as text and as data.

Clients show a model one of the two: the text (`content`) or the data (`structuredContent`).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import anyio

LESSONS: tuple[dict[str, Any], ...] = (
    {
        "title": "Open CSV files from Excel with utf-8-sig",
        "description": "When a CSV file was exported by Excel or comes from Windows users.",
        "content": (
            "Excel writes a byte order mark in front of the header, so the first column's name "
            "does not match and every lookup fails with a KeyError. Open the file with "
            "encoding='utf-8-sig' and newline='': the mark is taken off where there is one, and "
            "files without it are read as well."
        ),
    },
    {
        "title": "Let the csv module split the lines of a CSV export",
        "description": "When fields may hold commas, quotes or line breaks.",
        "content": (
            "Splitting at commas breaks as soon as a quoted field holds one, and the columns "
            "shift without an error. Use csv.DictReader and check that every row has as many "
            "fields as the header; a None key means that there were too many."
        ),
    },
    {
        "kind": "pitfall",
        "title": "A CSV export with semicolons is read as one column",
        "description": "When the export comes from a machine whose decimal sign is a comma.",
        "content": (
            "Excel separates by semicolons where the comma is the decimal sign: the reader then "
            "finds one column and the totals are 0. Look at the first line before reading, or "
            "use csv.Sniffer on the first 4,096 characters."
        ),
    },
)
TASK = "Parse the CSV export from Excel and sum the column amount per customer"
ERROR = (
    "Traceback (most recent call last):\n"
    '  File "sum.py", line 7, in <module>\n'
    '    total[row["customer"]] += float(row["amount"])\n'
    "KeyError: 'customer'"
)


async def _answers(folder: Path) -> list[tuple[str, Any]]:
    """The loop as an agent runs it, and what each call came back with."""
    from mcp import Client

    from memory_core.bootstrap import open_memory
    from memory_core.requests import RecallRequest
    from memory_core.settings import Settings
    from server.app import Front

    memory = open_memory(Settings(store=folder, project="tokens", model_wait=600.0))
    front, found = Front(memory, session="tokens"), []
    try:
        await memory.recall(RecallRequest(task="wait for the model"))
        async with front.running(), Client(front.server) as client:

            async def call(tool: str, **arguments: Any) -> dict[str, Any]:
                result = await client.call_tool(tool, arguments)
                found.append((tool, result))
                data = result.structured_content
                if result.is_error or not isinstance(data, dict):
                    raise RuntimeError(f"{tool} failed: {result.content}")
                return data

            for lesson in LESSONS:
                await call("remember", **lesson, task=TASK)
            for outcome in ("success", "success", "failure", "success"):
                served = await call("recall", task=TASK, session=outcome)
                used = [served["items"][0]["id"]]
                error = {"error": ERROR} if outcome == "failure" else {}
                await call(
                    "report_outcome",
                    recall_id=served["recall_id"],
                    outcome=outcome,
                    used_ids=used,
                    **error,
                )
            del found[:]
            served = await call("recall", task=TASK)
            await call("check", action="python sum.py export.csv", error=ERROR)
            used = [one["id"] for one in served["items"][:2]]
            report = await call(
                "report_outcome",
                recall_id=served["recall_id"],
                outcome="success",
                used_ids=used,
                evidence={"exit_code": 0, "tests_passed": 4, "tests_failed": 0},
            )
            await call(
                "remember",
                title="Sum amounts as Decimal, not as float",
                content="Sums of floats differ in the last cent; Decimal(row['amount']) does not.",
                outcome_id=report["outcome_id"],
            )
            await call("recall", task="Write the release notes in French")
            await call("check", action="git push --force")
    finally:
        await memory.aclose()
    return found


def rows() -> list[tuple[str, float, float]]:
    """Give (answer, tokens of its text, tokens of its data) in the order of the loop."""
    with tempfile.TemporaryDirectory() as folder:
        found = anyio.run(_answers, Path(folder) / "store")
    names = (
        "recall, three items",
        "check, a known error",
        "report_outcome",
        "remember",
        "recall of another topic",
        "check of another topic",
    )
    return [
        (
            name,
            sum(len(one.text) for one in result.content) / 4,
            len(json.dumps(result.structured_content, separators=(",", ":"), ensure_ascii=False))
            / 4,
        )
        for name, (_, result) in zip(names, found, strict=True)
    ]
