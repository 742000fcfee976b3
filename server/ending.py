"""How the process ends: asked once, in order, and always in time.

The end of input or a signal asks. Calls under way get a moment to be answered,
changes under way finish, the memory stores what it holds, and a watchdog ends
the process when that takes too long: what was acknowledged is on disk at any
moment. This module knows no transport.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import anyio

from memory_core.errors import LessonbankError
from memory_core.port import Memory
from memory_core.settings import Settings
from server.app import Front
from server.plain import sentence

logger = logging.getLogger(__name__)

# Seconds. Clients wait about two before they kill.
_LEAVE_WITHIN = 1.9
_CLOSE_WITHIN = 0.8
# Whoever supervises a server waits ten or more; the last upload of a shared store and giving
# its lease back take up to eight.
LEAVE_SHARED_WITHIN = 9.5
_CLOSE_SHARED_WITHIN = 8.0
_SETTLE_WITHIN = 0.8
_WRITE_OUT = 0.05


class Ending:
    """The one ending of this process; make it inside the event loop.

    The first signal asks for it, a second one ends at once. A hang-up that was
    ignored from outside (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self.asked = anyio.Event()
        """Set when the process is to end."""
        self.by_signal = False
        self._loop = asyncio.get_running_loop()
        self._watchdog: threading.Timer | None = None
        self._leave_within, self._close_within = _LEAVE_WITHIN, _CLOSE_WITHIN
        self._error: BaseException | None = None
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)  # the last two belong to one system each
            if number and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.by_signal:
            os._exit(128 + number)
        self.by_signal = True
        self._watch()
        self._loop.call_soon_threadsafe(self.asked.set)

    def allow_for(self, memory: Memory, settings: Settings) -> None:
        """Take as long as this memory needs to be closed; call it before the ending begins."""
        if holds_shared(memory, settings):
            self._leave_within, self._close_within = LEAVE_SHARED_WITHIN, _CLOSE_SHARED_WITHIN

    def begin(self, error: BaseException | None = None) -> None:
        """Ask for the ending from inside the event loop; safe to call again.

        Args:
            error: Why nothing can be served any more; the first one that is given counts.
        """
        self._error = self._error or error
        self._watch()
        self.asked.set()

    def _watch(self) -> None:
        if self._watchdog is None:
            self._watchdog = threading.Timer(self._leave_within, self._give_up)
            self._watchdog.daemon = True
            self._watchdog.start()

    def _give_up(self) -> None:
        """End at once, with the code that the orderly end would have had; nothing may block."""
        os._exit(_code_of(self._error))

    async def leave(self, front: Front | None, error: BaseException | None = None) -> NoReturn:
        """Let started changes finish, close the memory and end the process.

        Args:
            front: What was served, if it came so far.
            error: Why nothing can be served any more; None after an orderly end.
        """
        self.begin(error)
        _log(self._error)  # before anything that could take too long
        with anyio.CancelScope(shield=True):
            await anyio.sleep(_WRITE_OUT)  # for the thread that writes the last answer
            if front is not None:
                await _close(front, self._close_within)
        logging.shutdown()
        sys.stderr.flush()
        os._exit(_code_of(self._error))


def holds_shared(memory: Memory, settings: Settings) -> bool:
    """Whether this process writes to a shared store or follows one, and no host does it."""
    if not settings.remote:
        return False
    from server.host.client import HostMemory

    return not isinstance(memory, HostMemory)


async def _close(front: Front, within: float) -> None:
    """Let changes finish and close the memory; a thread that closes it is not interrupted."""
    with anyio.move_on_after(within) as scope:
        try:
            with anyio.move_on_after(_SETTLE_WITHIN):
                await front.shelter.settle()
            await front.memory.aclose()
        except Exception:
            logger.exception("the memory was not closed in order")
    if scope.cancelled_caught:
        logger.warning("the memory took too long to close; what it acknowledged is stored")


def _log(error: BaseException | None) -> None:
    """Log what is worth a line."""
    error = _cause(error)
    if isinstance(error, LessonbankError):
        logger.error("%s", sentence(error))
    elif isinstance(error, Exception):
        logger.error("the server ended on an error", exc_info=error)


def _code_of(error: BaseException | None) -> int:
    error = _cause(error)
    if isinstance(error, LessonbankError):
        return 2
    return 1 if isinstance(error, Exception) else 0  # an orderly end, or the client is gone


def _cause(error: BaseException | None) -> BaseException | None:
    """What ended the one task of a group that failed; Python 3.10 has no name for groups."""
    inner: Sequence[BaseException] = getattr(error, "exceptions", ())
    while len(inner) == 1:
        error = inner[0]
        inner = getattr(error, "exceptions", ())
    return error
