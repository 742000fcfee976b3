"""Serves a fake memory in a real process: `python -m tests.server.entry TRANSPORT [PORT]`.

Its memory obeys the first word of a task, so that tests can see what the front
does with a memory that prints, fails, waits or tells its progress.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from memory_core.answers import RecallAnswer, RememberAnswer
from memory_core.port import Memory, Progress
from memory_core.requests import RecallRequest, RememberRequest
from memory_core.settings import Settings, read_settings
from server.serve import run
from server.web.options import DoorOptions
from tests.server.fake_memory import FakeMemory

WATCHED = ("torch", "lancedb", "pyarrow", "sentence_transformers", "transformers", "scipy")


class ObedientMemory(FakeMemory):
    """A fake memory that does what the first word of a task says."""

    async def call(self, method: Any, request: Any, progress: Progress | None = None) -> Any:
        if method is Memory.recall:
            word, _, rest = request.task.partition(" ")
            if obey := ORDERS.get(word):
                await obey(rest, progress)
        return await super().call(method, request, progress)

    async def _recall(self, request: RecallRequest) -> RecallAnswer:
        word = request.task.partition(" ")[0]
        answer = await super()._recall(request)
        if word == "session":
            answer = answer.model_copy(update={"note": request.session})
        elif word == "modules":
            loaded = " ".join(name for name in WATCHED if name in sys.modules) or "none"
            answer = answer.model_copy(update={"note": f"loaded: {loaded}; warmed: {self.warmed}"})
        return answer

    async def _remember(self, request: RememberRequest) -> RememberAnswer:
        if request.title.startswith("wait "):
            write_down("asked")
            await asyncio.sleep(float(request.title.split()[1]))
        answer = await super()._remember(request)
        write_down(f"stored {request.title}")
        return answer

    async def aclose(self) -> None:
        await super().aclose()
        write_down("closed")


async def print_it(text: str, _progress: Progress | None) -> None:
    """Write to standard output in every way that careless code knows."""
    sys.stdout.write(text)  # stays in a buffer that is drained when a process ends
    os.write(1, text.encode())
    program = [sys.executable, "-c", f"print({text!r}, input() if False else '')"]
    subprocess.run(program, check=True)  # noqa: ASYNC221  # careless on purpose


async def crash(text: str, _progress: Progress | None) -> None:
    raise RuntimeError(text)


async def wait(seconds: str, _progress: Progress | None) -> None:
    write_down("asked")
    await asyncio.sleep(float(seconds))


async def tell_progress(steps: str, progress: Progress | None) -> None:
    for step in range(1, int(steps) + 1):
        if progress:
            await progress(step / int(steps), f"step {step}")


ORDERS: dict[str, Callable[[str, Progress | None], Awaitable[None]]] = {
    "print": print_it,
    "crash": crash,
    "wait": wait,
    "progress": tell_progress,
}


def write_down(line: str) -> None:
    """Leave a trace that outlives the process, where the test asked for one."""
    if trace := os.environ.get("TRACE"):
        with Path(trace).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def opened(settings: Settings) -> ObedientMemory:
    """Make the memory, with a word on standard output as a careless library has."""
    sys.stdout.write(f"a careless library opens {settings.store}")
    return ObedientMemory()


if __name__ == "__main__":
    where = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    door = DoorOptions(port=where)
    run(sys.argv[1], door, settings=read_settings(), open_memory=opened)
