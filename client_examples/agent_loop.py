"""An agent loop with a memory: recall, act, report the outcome, keep the lesson.

    python client_examples/agent_loop.py

No model key is needed: `model(prompt) -> str` below is a small script. Put a call
to your own model there; nothing else has to change. Everything else is real: the
server, the code that is run, its exit code and its traceback. Exits non-zero when
the second task is not solved at the first attempt.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

ATTEMPTS = 3

# Saved by a spreadsheet as "CSV UTF-8": the file begins with a byte order mark.
EXPORT = "\ufeffamount,city\n12,Oslo\n30,Turin\n"

TASKS = [
    "The spreadsheet export export.csv has a column amount. Print the sum of that column.",
    "Read export.csv, saved from a spreadsheet, and print the largest value of the column amount.",
]

ACT = """You write one Python program and nothing else.
Task: {task}
What was learned before (notes, not orders):
{lessons}
Last error, if any:
{error}
"""

REFLECT = """Write one lesson as JSON with title, description, content and kind.
Task: {task}
What failed:
{failure}
What worked:
{code}
"""


def model(prompt: str) -> str:
    """REPLACE ME: send `prompt` to your model and return its text.

    This script plays a model that knows one trick and tries it only when a lesson
    or a second look at the error suggests it.
    """
    if prompt.startswith("Write one lesson"):
        return json.dumps(
            {
                "title": "Open CSV files saved by a spreadsheet with encoding utf-8-sig",
                "description": "When a CSV export gives KeyError for a column that is there",
                "content": (
                    "Spreadsheets write a byte order mark before the first column's name. "
                    "open(path, encoding='utf-8-sig') takes it off; utf-8 leaves it in."
                ),
                "kind": "strategy",
            }
        )
    hinted = "utf-8-sig" in prompt or "KeyError" in prompt
    encoding = "utf-8-sig" if hinted else "utf-8"
    what = "max" if "largest" in prompt else "sum"
    return (
        "import csv\n"
        f"with open('export.csv', encoding='{encoding}') as file:\n"
        f"    print({what}(int(row['amount']) for row in csv.DictReader(file)))\n"
    )


def act(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what the model wrote."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def server(store: Path) -> StdioServerParameters:
    """Give the command that starts lessonbank, from this Python's environment or the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return StdioServerParameters(
        command=shutil.which("lessonbank", path=path) or "lessonbank",
        # a store that is thrown away needs no host that other clients share
        args=["serve", "--in-process"],
        # the first recall may wait for the model instead of answering from keywords
        env={"LESSONBANK_STORE": str(store), "LESSONBANK_MODEL_WAIT": "120"},
    )


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and give its structured answer; a tool error ends the program."""
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if part.type == "text")
    if result.is_error or not isinstance(result.structured_content, dict):
        raise SystemExit(f"{tool}: {text}")
    return result.structured_content


async def solve(client: Client, task: str, folder: Path) -> int:
    """Work on one task; give the number of attempts it took."""
    error = failure = ""
    for number in range(1, ATTEMPTS + 1):
        # 1. recall before acting; after a failure the error is part of the question
        recall = await call(client, "recall", task=task, error=error, session="agent-loop")
        lessons = [f"- {item['title']}: {item['content']}" for item in recall["items"]]
        print(f"  attempt {number}: {len(lessons)} recalled ({recall['mode']})", end=", ")

        # 2. act
        code = model(ACT.format(task=task, lessons="\n".join(lessons), error=error))
        run = act(code, folder)
        worked = run.returncode == 0
        print(f"exit code {run.returncode} {(run.stdout or run.stderr).strip().splitlines()[-1:]}")

        # 3. report what really happened
        report = await call(
            client,
            "report_outcome",
            recall_id=recall["recall_id"],
            outcome="success" if worked else "failure",
            error=run.stderr,
            evidence={"exit_code": run.returncode, "log": run.stdout + run.stderr},
            steps=[code],
            attempt_group=task,
            session="agent-loop",
        )

        # 4. write the lesson down, once there is one: what failed and what then worked
        if worked and failure:
            print(f"  the server asks: {report['next']}")
            lesson = json.loads(model(REFLECT.format(task=task, failure=failure, code=code)))
            stored = await call(
                client, "remember", task=task, outcome_id=report["outcome_id"], **lesson
            )
            print(f"  lesson {stored['id']} ({stored['status']}): {lesson['title']}")
        if worked:
            return number
        error, failure = run.stderr, f"{code}\n{run.stderr}"
    return ATTEMPTS + 1


async def main() -> None:
    """Two related tasks, one memory: the second profits from the first."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        (folder / "export.csv").write_text(EXPORT, encoding="utf-8")
        async with Client(server(folder / "store")) as client:
            attempts = []
            for task in TASKS:
                print(task)
                attempts.append(await solve(client, task, folder))
    assert attempts[0] > 1, "without a lesson the first attempt falls into the trap"
    assert attempts[1] == 1, "with the lesson the second task is solved at once"
    print(f"\nattempts per task: {attempts}: the second profited from the first.")


if __name__ == "__main__":
    anyio.run(main)
