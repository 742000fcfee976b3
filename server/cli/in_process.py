"""A command's call to a memory that this process holds itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
from anyio import from_thread, to_thread

from memory_core.port import METHODS, Memory
from memory_core.requests import parse
from memory_core.settings import Settings
from server.cli.asking import MODEL_WAIT
from server.cli.commands import Command, Note, answered
from server.host.protocol import asked

Tell = Callable[[float, str], None]
OpenMemory = Callable[[Settings], Memory]
_POLL = 0.05


def open_here(settings: Settings) -> Memory:
    """Open the store in this process."""
    from memory_core.bootstrap import open_memory

    return open_memory(settings)


def ask(
    command: Command,
    given: dict[str, Any],
    settings: Settings,
    opened: OpenMemory,
    *,
    tell: Tell,
    note: Note,
) -> dict[str, Any]:
    """Give the JSON of the answer; a wrong value is refused before the store is opened."""
    if not command.steps and "last" not in given:
        parse(METHODS[command.method].request, given, exact=True)
    patient = dataclasses.replace(settings, model_wait=MODEL_WAIT)
    return anyio.run(partial(_asked, command, given, patient, opened, tell=tell, note=note))


async def _asked(
    command: Command,
    given: dict[str, Any],
    settings: Settings,
    opened: OpenMemory,
    *,
    tell: Tell,
    note: Note,
) -> dict[str, Any]:
    memory = opened(settings)

    def call(method: str, fields: dict[str, Any]) -> dict[str, Any]:
        return from_thread.run(_called, memory, command, method, fields, tell)

    try:
        if command.loads or METHODS[command.method].model:
            memory.warm()
        return await to_thread.run_sync(answered, command, given, call, note)
    finally:
        with anyio.CancelScope(shield=True):
            await memory.aclose()


async def _called(
    memory: Memory, command: Command, method: str, fields: dict[str, Any], tell: Tell
) -> dict[str, Any]:
    """Make one call; the command's own waits for the learner where it is to."""

    async def progress(fraction: float, message: str) -> None:
        tell(fraction, message)

    if command.loads and method == command.method:
        while not (now := memory.readiness()).loaded:
            tell(now.fraction, now.message)
            await anyio.sleep(_POLL)
    answer = await asked(memory, METHODS[method], fields, progress, exact=True)
    return dict(answer.model_dump(mode="json"))
