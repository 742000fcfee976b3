"""Commands that arrive as they were typed: read, carried out on a thread, answered as text.

    POST /typed  texts between NUL characters, in the order of `server.typed`; empty lines while
                 it runs, then a line with the exit code and the bytes for standard output
                 and for standard error, and these

Whatever is not plainly this host's to carry out is refused before anything is done: the
process that asked then goes the ordinary way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Any

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from server.host.asking import answer_in, body_of, key_of
from server.host.protocol import BEAT
from server.typed import OF_THE_TERMINAL, SETTINGS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, and all that it depends on in the process where it was typed.

    `store` is the folder whose host was asked. `columns` are those of the terminal, "" where
    the answer goes elsewhere.
    """

    words: tuple[str, ...]
    key: str
    store: str
    folder: dict[str, Any]
    columns: str
    variables: dict[str, str]

    @classmethod
    def read(cls, body: bytes) -> Typed:
        """Read what `server.typed` wrote.

        Raises:
            ValueError: It did not write that.
        """
        texts = iter(body.decode("utf-8", "surrogateescape").split("\0"))
        try:
            key, store, path = next(texts), next(texts), next(texts)
            folder = {"path": path, "device": int(next(texts)), "inode": int(next(texts))}
            columns = next(texts)
            variables = {name: next(texts) for name in (*SETTINGS, *OF_THE_TERMINAL)}
        except StopIteration:
            raise ValueError("texts are missing") from None
        return cls(tuple(texts), key, store, folder, columns, variables)


Ask = Callable[[str, "dict[str, Any]"], "dict[str, Any]"]
Said = tuple[int, str, str]
"""An exit code, and the texts for standard output and for standard error."""
Carry = Callable[[Typed, Ask], "Said | None"]
"""Carries a command out, asking the memory; None, before anything was done, for none of ours."""
Call = Callable[[str, str, "dict[str, Any]"], Coroutine[Any, Any, "dict[str, Any]"]]
"""Makes a call by its key, its method and its body; gives its last line."""

MOST = 64
"""Commands under way at once; further ones wait."""
_REFUSED = b"refused\n"


class TypedCommands:
    """Carries typed commands out.

    Args:
        carry: Carries one out.
        call: Calls the memory for it.
    """

    def __init__(self, carry: Carry, call: Call) -> None:
        self._carry, self._call = carry, call
        self._places = anyio.CapacityLimiter(MOST)  # of our own: the memory's threads stay free

    async def answer(self, request: Request) -> Response:
        """Answer one command."""
        try:
            typed = Typed.read(await request.body())
        except ValueError:
            return Response(status_code=400)
        return StreamingResponse(self._told(typed), media_type="text/plain")

    async def _told(self, typed: Typed) -> AsyncIterator[bytes]:
        """What is told of a command; when nobody listens any more, it ends."""
        carrying = asyncio.ensure_future(self._carried(typed))
        try:
            while not (await asyncio.wait({carrying}, timeout=BEAT))[0]:
                yield b"\n"
            yield _written(carrying.result())
        finally:
            carrying.cancel()

    async def _carried(self, typed: Typed) -> Said | None:
        asked: list[Future[dict[str, Any]]] = []
        loop, numbers = asyncio.get_running_loop(), count()

        def ask(method: str, given: dict[str, Any]) -> dict[str, Any]:
            key = key_of(method, typed.key, next(numbers))
            body = body_of(
                given,
                home=typed.variables["LESSONBANK_PROJECT"].strip(),
                source=typed.variables["LESSONBANK_SOURCE"].strip() or "local",
                folder=typed.folder,
            )
            asked.append(asyncio.run_coroutine_threadsafe(self._call(key, method, body), loop))
            return answer_in(asked[-1].result())

        try:
            return await to_thread.run_sync(self._carry, typed, ask, limiter=self._places)
        except Exception:
            logger.exception("a command failed")
            return None
        finally:  # of what was asked, only changes go on without the one who asked
            for call in asked:
                call.cancel()


def _written(said: Said | None) -> bytes:
    if said is None:
        return _REFUSED
    code, *texts = said
    out, complained = (text.encode("utf-8", "backslashreplace") for text in texts)
    return b"%d %d %d\n%b%b" % (code, len(out), len(complained), out, complained)
