"""A Python client: remember two lessons, follow one that fails, watch the order change.

    python client_examples/python_client.py

Starts its own server on a store that is thrown away at the end. Exits non-zero
when the memory does not do what the text below says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

TASK = "Add up prices given as text, such as 0.10 and 0.20, and compare the sum with 0.30"

# Two ways to do it. The first is worded like the task and wrong; only running it tells.
LESSONS = {
    "Add up prices given as text with float and compare the sum": (
        "Turn each price into a float, add them up and compare the sum with ==.",
        "assert sum(float(price) for price in ['0.10', '0.20']) == float('0.30')",
    ),
    "Use decimal.Decimal for amounts of money": (
        "Build decimal.Decimal from the text itself: sums of cents are then exact.",
        "from decimal import Decimal as D; assert sum(map(D, ['0.10', '0.20'])) == D('0.30')",
    ),
}


def server(store: str) -> StdioServerParameters:
    """Give the command that starts lessonbank, from this Python's environment or the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return StdioServerParameters(
        command=shutil.which("lessonbank", path=path) or "lessonbank",
        # a store that is thrown away needs no host that other clients share
        args=["serve", "--in-process"],
        # the first recall may wait for the model instead of answering from keywords
        env={"LESSONBANK_STORE": store, "LESSONBANK_MODEL_WAIT": "120"},
    )


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and give its structured answer; a tool error ends the program."""
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if part.type == "text")
    if result.is_error or not isinstance(result.structured_content, dict):
        raise SystemExit(f"{tool}: {text}")
    return result.structured_content


def attempt(code: str) -> subprocess.CompletedProcess[str]:
    """Really do it: the exit code and the traceback are the evidence."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


async def one_round(client: Client) -> tuple[str, bool]:
    """Recall, follow the first lesson, report what happened; give its title and success."""
    recall = await call(client, "recall", task=TASK, session="python-client")
    first = recall["items"][0]
    run = attempt(LESSONS[first["title"]][1])
    report = await call(
        client,
        "report_outcome",
        recall_id=recall["recall_id"],
        outcome="failure" if run.returncode else "success",
        used_ids=[first["id"]],
        error=run.stderr,
        evidence={"exit_code": run.returncode},
        session="python-client",
    )
    print(f"  {recall['mode']:<10} {first['title']:<60} -> {report['judged']['outcome']}")
    return first["title"], run.returncode == 0


async def show(client: Client) -> None:
    """Run the story and assert its end."""
    for title, (content, _) in LESSONS.items():
        stored = await call(client, "remember", title=title, content=content)
        assert stored["status"] == "added", stored
        print(f"remembered {stored['id']}: {title}")

    print("\nrounds (mode, first item, what happened):")
    titles, successes = zip(*[await one_round(client) for _ in range(4)], strict=True)

    misleading, right = LESSONS
    assert titles[0] == misleading, "before any outcome, similarity puts the look-alike first"
    assert titles[-1] == right, "after real failures, what works stands first"
    assert successes[-1], "and it works"
    print("\nThe order changed: the lesson that failed went down, the one that works came up.")


async def main() -> None:
    """Start the server on a fresh store, run the story, stop it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store:
        async with Client(server(store)) as client:
            await show(client)


if __name__ == "__main__":
    anyio.run(main)
