"""The six tools: from a call to the memory port and back.

This is the one seam where domain errors become tool errors: the model reads
their sentence. Anything else that goes wrong is logged with its traceback and
told in general words. What must not be half done when a caller leaves runs on.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import mcp_types as types
from pydantic import BaseModel

from memory_core.answers import RecallAnswer
from memory_core.errors import LessonbankError, shown
from memory_core.port import Memory, Method, Progress
from memory_core.requests import (
    AnswerT,
    CheckRequest,
    ForgetRequest,
    ListRequest,
    OutcomeRequest,
    RecallRequest,
    RememberRequest,
    Request,
    RequestT,
    noted,
    parse,
)
from server import render
from server.definitions import TOOLS
from server.plain import cleaned, plain, sentence, without_paths
from server.render import MOST_RESULT

logger = logging.getLogger(__name__)

T = TypeVar("T")
LEAST_CREDIT = 0.005
"""Below it a credit reads as 0.00 and says nothing."""
_TEXTS = {one.method.name: one for one in TOOLS}


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its raw arguments, the memory as its caller sees it, and what belongs to it.

    `session` is the one that the call belongs to, `progress` who waits for it. A call
    from `afar` learns no path of this machine. `where` says in which project it works, once.
    """

    arguments: Mapping[str, Any]
    memory: Memory
    session: str = ""
    progress: Progress | None = None
    afar: bool = False
    where: str = ""

    def told(self, text: str) -> str:
        """What the caller may read of a sentence."""
        return without_paths(text) if self.afar else text


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool says, as text and as data."""

    text: str
    answer: BaseModel


class Shelter:
    """Lets a started change finish when the call that asked for it is cancelled."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, change: Coroutine[Any, Any, T]) -> T:
        """Give the result of `change`, which goes on even if the caller is cancelled."""
        task = asyncio.create_task(change)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait until every started change is done, well or badly."""
        while self._running:
            await asyncio.wait(self._running)


class Tools:
    """The tools over the memory that comes with each call.

    Args:
        shelter: Where changes run.
    """

    def __init__(self, shelter: Shelter) -> None:
        self._shelter = shelter
        self._tools: dict[str, Callable[[Call], Awaitable[Reply]]] = {
            "recall": self._recall,
            "check": self._check,
            "remember": self._remember,
            "report_outcome": self._report_outcome,
            "list_lessons": self._list_lessons,
            "forget": self._forget,
        }

    async def call(self, name: str, call: Call) -> types.CallToolResult:
        """Give the result of one call; errors are results too, never exceptions."""
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(one.method.name for one in TOOLS)
            return _failed(f"Unknown tool {shown(name)}. The tools are: {known}.")
        within = _TEXTS[name].method.seconds
        try:
            with anyio.fail_after(within):
                reply = await tool(call)
        except LessonbankError as error:
            logger.info("%s refused: %s", name, type(error).__name__)
            return _failed(call.told(sentence(error)))
        except TimeoutError:
            return _failed(
                f"{name} took longer than {within} s and was given up; a change that it "
                "began may still be finished. Try again later, and report with a report_id."
            )
        except Exception:
            logger.exception("%s failed", name)
            return _failed(
                f"{name} failed inside the server and stored nothing that it did not acknowledge. "
                "Try once more, then go on without; the user finds the cause in the server's log."
            )
        data = plain(_TEXTS[name].told(reply.answer))
        size = len(reply.text) + len(json.dumps(data))
        if size > MOST_RESULT:
            return _failed(
                f"The answer of {name} has {size:,} characters, at most {MOST_RESULT:,} are sent. "
                "Ask for less: a smaller k or limit."
            )
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=cleaned(reply.text))],
            structured_content=data,
        )

    async def _asked(
        self, method: Method[RequestT, AnswerT], request: RequestT, call: Call
    ) -> AnswerT:
        answer = call.memory.call(method, request, call.progress)
        return await (self._shelter.run(answer) if method.changes else answer)

    async def _recall(self, call: Call) -> Reply:
        request = parse(RecallRequest, call.arguments)
        own = {"session": request.session or call.session, "door": "recall"}  # no agent is a hook
        request = request.model_copy(update=own)
        answer = _told(call, request, await self._asked(Memory.recall, request, call))
        return Reply(render.recall_text(answer, request.max_tokens), answer)

    async def _check(self, call: Call) -> Reply:
        request = parse(CheckRequest, call.arguments)
        own = {"session": request.session or call.session, "door": "check"}
        request = request.model_copy(update=own)
        answer = _told(call, request, await self._asked(Memory.check, request, call))
        return Reply(render.check_text(answer), answer)

    async def _remember(self, call: Call) -> Reply:
        request = parse(RememberRequest, call.arguments)
        answer = await self._asked(Memory.remember, request, call)
        return _noted(render.remember_text(answer), request, answer)

    async def _report_outcome(self, call: Call) -> Reply:
        request = parse(OutcomeRequest, call.arguments)
        if not request.recall_id:  # else it belongs to the session of its recall
            request = request.model_copy(update={"session": request.session or call.session})
        answer = await self._asked(Memory.report_outcome, request, call)
        earned = tuple(one for one in answer.credited if abs(one.credit) >= LEAST_CREDIT)
        answer = answer.model_copy(update={"credited": earned})
        return _noted(render.outcome_text(answer), request, answer)

    async def _list_lessons(self, call: Call) -> Reply:
        request = parse(ListRequest, call.arguments)
        answer = await self._asked(Memory.list_lessons, request, call)
        return _noted(render.list_text(answer), request, answer)

    async def _forget(self, call: Call) -> Reply:
        request = parse(ForgetRequest, call.arguments)
        answer = await self._asked(Memory.forget, request, call)
        return _noted(render.state_text(answer), request, answer)


def _noted(text: str, request: Request, answer: BaseModel) -> Reply:
    """Say beside an answer what of the request was not taken as it came."""
    return Reply(f"{text}\n{request.note}".rstrip(), noted(request, answer))


def _told(call: Call, request: Request, answer: RecallAnswer) -> RecallAnswer:
    """Say in the data too that recalled text is data: some clients show a model only that."""
    note = f"{call.where} {call.told(answer.note)}".strip()
    if answer.items or answer.warnings:
        note = f"{render.NOTES_NOT_ORDERS} {note}".rstrip()
    return noted(request, answer.model_copy(update={"note": note}))


def _failed(text: str) -> types.CallToolResult:
    said = types.TextContent(type="text", text=cleaned(text))
    return types.CallToolResult(content=[said], is_error=True)
