"""What a run showed, held against what a client's user may expect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from tests.clients.catalogue import Client
from tests.clients.model.script import Script, offered, worked
from tests.clients.model.serving import Exchange
from tests.clients.model.turn import Use
from tests.clients.processes import Ended, Process
from tests.clients.scripts import SEED
from tests.node.place import Check

TOOLS = ("recall", "report_outcome", "remember")
GIVES = {"recall": r"\brec_\w{6,}", "report_outcome": r"\bout_\w{6,}", "remember": r"\bitem_\w{6,}"}
"""What an answer of each tool holds that no error does."""
_IN_DATA = re.compile(r"""\\?["']recall_id\\?["']\s*:""")
_IN_TEXT = re.compile(r"recall_id: rec_")
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one client, as seen from outside of it."""

    client: Client
    transport: str
    script: Script
    heard: list[Exchange]
    ended: Ended
    left: list[Process]
    stored: bool

    @property
    def asked(self) -> list[Exchange]:
        """The requests of the agent itself: those with tools."""
        return [one for one in self.heard if one.turn.tools]

    @property
    def results(self) -> tuple[str, ...]:
        """What came back of each step that was made, as the model read it."""
        longest = max((worked(one.turn) for one in self.asked), key=len, default=())
        return tuple(one.result or "" for one in longest)

    def result(self, tool: str) -> str:
        """What came back of the tool's first call; "" for nothing."""
        pairs = zip(self.script.steps, self.results, strict=False)
        return next((result for step, result in pairs if step.tool == tool), "")

    def gave(self, tool: str) -> bool:
        """Whether the tool's answer came back, and no error."""
        return _is_answer(tool, self.result(tool))

    @property
    def sees(self) -> str:
        """What of an answer reaches the model: its text, its data, or both."""
        text = self.result("recall")
        kinds = [("text", _IN_TEXT), ("data", _IN_DATA)]
        return " and ".join(kind for kind, found in kinds if found.search(text)) or "-"

    @property
    def next_step(self) -> bool:
        """Whether a recall's answer says what to do when the task has ended."""
        return "report_outcome" in self.result("recall")

    @property
    def first(self) -> str:
        """Whether the first request had our tools: yes, named (behind a search), no."""
        if not self.asked:
            return "no"
        turn = self.asked[0].turn
        if all(offered(turn.tools, name) for name in TOOLS):
            return "yes"
        named = all(re.search(rf"lessonbank\w*?_{name}\b", turn.whole) for name in TOOLS)
        return "named" if named else "no"

    @property
    def seconds(self) -> float | None:
        """From the start of `lessonbank serve` to the first request with our tools."""
        with_tools = (one.at for one in self.asked if offered(one.turn.tools, "recall"))
        at = next(with_tools, None)
        return None if at is None or self.ended.served is None else at - self.ended.served


def checks(run: Run) -> Iterator[Check]:
    """Give every promise of one run, kept or not."""
    yield Check("runs to its end", _end(run))
    wanted = ("yes", "named") if run.client.deferred else ("yes",)
    late = f"{run.first}: {[one.name for one in run.asked[0].turn.tools]}" if run.asked else "none"
    yield Check("tools in the first request", "" if run.first in wanted else late)
    called = [one.answer.tool.name for one in run.asked if isinstance(one.answer, Use)]
    for step, result in zip_longest(run.script.steps, run.results[: len(run.script.steps)]):
        name = f"{step.tool} came back{step.slip and ': '}{step.slip}"
        came = (result or "")[:_SHOWN] or f"nothing came back; called: {called}"
        yield Check(name, "" if _is_answer(step.tool, result or "") else came)
    if run.gave("recall"):
        shown = run.result("recall")[:_SHOWN]
        yield Check("the next step is visible", "" if run.next_step else shown)
        found = SEED[0] in run.result("recall")
        yield Check("what was stored before is recalled", "" if found else shown)
    if run.script.steps:
        yield Check("the lesson is stored", "" if run.stored else "it is not in the list")
    if run.client.strict:
        yield Check("nothing has to be invented", ", ".join(sorted(_invented(run))))
    if run.client.hooked:
        told = any("<lessonbank-notes>" in one.turn.whole for one in run.asked[:1])
        yield Check("the hook's notes are in the first request", "" if told else "they are not")
    yield Check("prints the answer", _printed(run))
    stays = run.client.stays
    words = [" ".join(one.command) for one in run.left]
    left = [one[:_SHOWN] for one in words if not (stays and stays in one)]
    yield Check("nothing left running", "; ".join(left))


def _is_answer(tool: str, result: str) -> bool:
    return re.search(GIVES[tool], result) is not None


def _invented(run: Run) -> set[str]:
    """Give the arguments that the schemas made the model make up.

    Null, an empty text and an empty list say that nothing is given, and a default that the
    description names changes nothing.
    """
    uses = [(one.turn, one.answer) for one in run.asked if isinstance(one.answer, Use)]
    steps = {step.tool: step for step in run.script.steps}
    return {
        name
        for turn, use in uses
        for tool, step in steps.items()
        if offered((use.tool,), tool)
        for name in _added(step.arguments(turn), use.arguments)
        if f"default {name.partition(' = ')[2]}" not in json.dumps(use.tool.schema)
    }


def _added(given: Mapping[str, Any], sent: Mapping[str, Any], under: str = "") -> Iterator[str]:
    for name, value in sent.items():
        if isinstance(value, Mapping) and isinstance(given.get(name), Mapping):
            yield from _added(given[name], value, f"{under}{name}.")
        elif name not in given and value not in (None, "", []):
            yield f"{under}{name} = {value!r}"


def _end(run: Run) -> str:
    if run.ended.code is None:
        return f"still running after {run.ended.seconds:.0f} s: {run.ended.err[-_SHOWN:]}"
    if run.ended.code:
        return f"exit {run.ended.code}: {(run.ended.err or run.ended.out)[-_SHOWN:]}"
    return "" if run.asked else f"no request reached the model: {run.ended.err[-_SHOWN:]}"


def _printed(run: Run) -> str:
    said = run.ended.out.strip()
    right = said == run.script.answer if run.client.only_answer else run.script.answer in said
    return "" if right else f"{said[-_SHOWN:]!r}"
