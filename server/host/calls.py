"""The host's calls under way: run once for each key, finished although the caller left.

A front whose connection broke repeats its call with the same key, and gets the
first one's answer. Keys of changes are kept for ten minutes, 4,096 at the most;
those of other calls as long as they run.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

KEPT = 4_096
KEPT_FOR = 600.0
"""Seconds."""
MOST = 256
"""Calls under way at once; further ones are told to come again."""

Tell = Callable[[float, str], Awaitable[None]]
Work = Callable[[Tell], Coroutine[Any, Any, dict[str, Any]]]


@dataclass(slots=True)
class Running:
    """One call: its task, how far it is, and when it began."""

    task: asyncio.Task[dict[str, Any]] | None = None
    progress: tuple[float, str] | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    at: float = field(default_factory=time.monotonic)
    listeners: int = 0
    """Who waits for the answer."""
    given_up: bool = False

    async def tell(self, fraction: float, message: str) -> None:
        """Note how far the call is."""
        self.progress = (fraction, message)
        self.moved.set()


class Calls:
    """All calls of a host. Used on its event loop only."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, Running] = OrderedDict()
        self._running: set[asyncio.Task[dict[str, Any]]] = set()

    @property
    def under_way(self) -> int:
        """How many calls run."""
        return len(self._running)

    @property
    def full(self) -> bool:
        return len(self._running) >= MOST

    def begin(self, key: str, work: Work) -> Running:
        """Give the call of this key, begun now unless it was before; "" is always a new one."""
        self._forget_old()
        known = self._by_key.get(key) if key else None
        if known is not None and not known.given_up:
            return known
        call = Running()
        task = call.task = asyncio.create_task(work(call.tell))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if key:
            self._by_key[key] = call
        return call

    def leave(self, key: str, call: Running, *, lasts: bool) -> None:
        """Stop waiting for a call; one that nobody waits for ends, unless it lasts."""
        call.listeners -= 1
        if call.listeners or lasts or call.task is None:
            return
        if not call.task.done():
            call.given_up = True
            call.task.cancel()
        if self._by_key.get(key) is call:
            del self._by_key[key]

    async def settle(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait(set(self._running))

    def _forget_old(self) -> None:
        old = time.monotonic() - KEPT_FOR
        for key, call in list(islice(self._by_key.items(), 2 * MOST)):
            if call.at > old and len(self._by_key) < KEPT:
                return
            if call.task is not None and call.task.done():
                del self._by_key[key]
