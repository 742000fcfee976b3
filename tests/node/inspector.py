"""The official Inspector's command line: one process per method, as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

from tests.node.place import HERE, LESSONBANK, TOKEN, Check, Place

TOOL_ERROR = 5
REFUSED = 3
SECONDS = 120
PROTOCOL = {"legacy": "2025-11-25", "auto": "2026-07-28", "modern": "2026-07-28"}
TASK = "squash the last two commits"


class Inspector:
    """Runs the command line against one server in one era."""

    def __init__(self, transport: str, era: str, place: Place) -> None:
        self.transport, self.era, self.place = transport, era, place
        self.item = ""
        self.recall = ""

    def run(self, method: str, *options: str, expect: int = 0, token: str = TOKEN) -> Any:
        """Call `method`; give its JSON result.

        Raises:
            AssertionError: The exit code is not the one that was expected.
        """
        command = ["node_modules/.bin/mcp-inspector", "--cli", "--protocol-era", self.era]
        command += ["--method", method, "--format", "json", "--quiet", *options]
        command += ["--connect-timeout", "0"]  # a busy machine may start a server for long
        if self.transport != "stdio":
            command += ["--transport", self.transport]
            command += ["--header", f"Authorization: Bearer {token}", "--", self.place.url]
        else:
            # every call is a new process: none waits for the model, keyword search answers
            environment = {**self.place.environment, "LESSONBANK_MODEL_WAIT": "0"}
            pairs = [f"{name}={value}" for name, value in environment.items()]
            command += [word for pair in pairs for word in ("-e", pair)]
            command += ["--", LESSONBANK, "serve"]
        done = subprocess.run(
            command,
            cwd=HERE,
            env={**os.environ, "MCP_CATALOG_PATH": str(self.place.store.with_suffix(".catalog"))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == expect, f"exit {done.returncode}: {done.stderr or done.stdout}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; give its structured answer."""
        result = self.run(
            "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)
        )
        answer = result.get("result", result)["structuredContent"]
        assert isinstance(answer, dict)
        return answer

    # -- the checks, in order ----------------------------------------------------

    def initialize(self) -> None:
        """The era that was asked for is the one that is spoken."""
        text = json.dumps(self.run("initialize"))
        assert '"lessonbank"' in text, text
        assert PROTOCOL[self.era] in text, text

    def tools(self) -> None:
        """Schemas are portable to every client (`--strict`)."""
        result = self.run("tools/list", "--strict")
        assert len(result.get("result", result)["tools"]) == 6

    def remember(self) -> None:
        """Plain arguments of the command line are taken."""
        result = self.run(
            "tools/call",
            *("--tool-name", "remember", "--tool-arg", f"title=To {TASK} ({self.era})"),
            f"content=Use git reset --soft HEAD~2, then commit once ({self.era}).",
        )
        self.item = result.get("result", result)["structuredContent"]["id"]

    def recalls(self) -> None:
        """Over stdio this is another process than the one that remembered."""
        answer = self.call("recall", task=TASK)
        self.recall = answer["recall_id"]
        assert self.item in [item["id"] for item in answer["items"]], answer

    def reports(self) -> None:
        """The outcome of a recall that another process served."""
        answer = self.call("report_outcome", recall_id=self.recall, outcome="success")
        assert answer["judged"]["outcome"] == "success", answer

    def refuses(self) -> None:
        """Bad input is a tool error, not a crash."""
        options = ["--tool-name", "forget", "--tool-args-json"]
        bad = json.dumps({"item_id": "item_nowhere", "reason": "to see the error"})
        self.run("tools/call", *options, bad, expect=TOOL_ERROR)

    def resources(self) -> None:
        """Fixed resources and templates are listed."""
        listed = json.dumps(self.run("resources/list"))
        assert "memory://stats" in listed, listed
        templates = json.dumps(self.run("resources/templates/list"))
        assert "memory://lessons/{id}" in templates, templates

    def reads(self) -> None:
        """A lesson is read by its address."""
        text = json.dumps(self.run("resources/read", "--uri", f"memory://lessons/{self.item}"))
        assert TASK in text, text

    def prompts(self) -> None:
        """Prompts are listed and filled."""
        assert "start_task" in json.dumps(self.run("prompts/list"))
        options = ["--prompt-name", "start_task", "--prompt-args", f"task={TASK}"]
        assert TASK in json.dumps(self.run("prompts/get", *options))

    def token(self) -> None:
        """Without the right token nothing is served."""
        self.run("tools/list", token="wrong", expect=REFUSED)


def inspector_checks(transport: str, era: str, place: Place) -> list[Check]:
    """Run all checks of one cell; a failed one does not stop the next."""
    one = Inspector(transport, era, place)
    checks: list[Callable[[], None]] = [
        one.initialize,
        one.tools,
        one.remember,
        one.recalls,
        one.reports,
        one.refuses,
        one.resources,
        one.reads,
        one.prompts,
    ]
    if transport != "stdio":
        checks.append(one.token)
    return [_kept(check) for check in checks]


def _kept(check: Callable[[], None]) -> Check:
    try:
        check()
    except (AssertionError, KeyError, TypeError, ValueError, subprocess.TimeoutExpired) as error:
        return Check(check.__name__, f"{type(error).__name__}: {error}"[:600])
    return Check(check.__name__)
