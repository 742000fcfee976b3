"""What each command asks of the memory. This module reads no input and prints nothing.

Requests are made and validated before the memory is opened, so a wrong value
costs no start.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from pydantic import BaseModel

from memory_core import port
from memory_core.port import Memory, Progress
from server.cli import render, render_proof
from server.cli.terminal import Page


@dataclass(frozen=True, slots=True)
class Command:
    """A validated call: what to ask, how to show the answer, whether the model is needed."""

    ask: Callable[[Memory, Progress], Awaitable[BaseModel]]
    show: Callable[[Page, Any], None]
    needs_model: bool = False


_NOT_SENT = frozenset({"command", "store", "json", "in_process"})
_EVIDENCE = ("exit_code", "tests_passed", "tests_failed", "log")


def _given(arguments: Namespace, *left_out: str) -> dict[str, Any]:
    """Give the arguments that were given, by the port's names."""
    skipped = _NOT_SENT | set(left_out)
    return {
        name: value
        for name, value in vars(arguments).items()
        if value is not None and name not in skipped
    }


def _recall(arguments: Namespace) -> Command:
    request = port.parse(port.RecallRequest, _given(arguments), exact=True)
    return Command(lambda m, p: m.recall(request, p), render.recall, needs_model=True)


def _remember(arguments: Namespace) -> Command:
    request = port.parse(port.RememberRequest, _given(arguments))
    return Command(lambda m, p: m.remember(request, p), render.remembered, needs_model=True)


def _outcome(arguments: Namespace) -> Command:
    data = _given(arguments, *_EVIDENCE)
    evidence = {name: value for name, value in _given(arguments).items() if name in _EVIDENCE}
    if evidence:
        data["evidence"] = evidence
    request = port.parse(port.OutcomeRequest, data)
    return Command(lambda m, p: m.report_outcome(request, p), render.outcome, needs_model=True)


def _lessons(arguments: Namespace) -> Command:
    request = port.parse(port.ListRequest, _given(arguments), exact=True)
    return Command(lambda m, _: m.list_lessons(request), render.lessons)


def _recalls(arguments: Namespace) -> Command:
    request = port.parse(port.RecallsRequest, _given(arguments), exact=True)
    return Command(lambda m, _: m.recalls(request), render.recalls)


def _forget(arguments: Namespace) -> Command:
    request = port.parse(port.ForgetRequest, _given(arguments))
    return Command(lambda m, _: m.forget(request), render.state)


def _restore(arguments: Namespace) -> Command:
    request = port.parse(port.ForgetRequest, _given(arguments))
    return Command(lambda m, _: m.restore(request), render.state)


def _show(arguments: Namespace) -> Command:
    # The port's own check of an id and a project; reading needs no reason.
    checked = port.parse(port.ForgetRequest, {**_given(arguments), "reason": "read"})
    ask = partial(_get, item_id=checked.item_id, project=checked.project)
    return Command(ask, render.item)


async def _get(memory: Memory, _: Progress, *, item_id: str, project: str) -> BaseModel:
    return await memory.get(item_id, project)


_POLL = 0.05


async def _stats(memory: Memory, progress: Progress) -> BaseModel:
    """Ask for the counts once the learner stands at the end of its log."""
    await _learned(memory, progress)
    return await memory.stats()


async def _proof(memory: Memory, progress: Progress) -> BaseModel:
    """Ask for the proof once the learner stands at the end of its log."""
    await _learned(memory, progress)
    return await memory.scorer()


async def _learned(memory: Memory, progress: Progress) -> None:
    while not (now := memory.readiness()).loaded:
        await progress(now.fraction, now.message)
        await anyio.sleep(_POLL)


COMMANDS: dict[str, Callable[[Namespace], Command]] = {
    "recall": _recall,
    "remember": _remember,
    "outcome": _outcome,
    "lessons": _lessons,
    "recalls": _recalls,
    "show": _show,
    "forget": _forget,
    "restore": _restore,
    "stats": lambda _: Command(_stats, render.stats, needs_model=True),
    "proof": lambda _: Command(_proof, render_proof.proof, needs_model=True),
    "compact": lambda _: Command(lambda m, _p: m.compact(), render.compacted),
    "reembed": lambda _: Command(lambda m, p: m.reembed(p), render.reembedded),
}
"""Every command that asks the memory; serve, doctor and eval do not."""
