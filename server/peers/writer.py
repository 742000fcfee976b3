"""The way from a replica to the writer of its bucket, whoever that is now.

The bucket's lease says where the writer can be reached. A call that breaks off is
repeated with its key, to the same writer or to the one that took over, and counts once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import anyio
from anyio import to_thread

from memory_core.errors import MemoryUnavailable
from memory_core.port import Change, Progress, Readiness
from server.host.link import HostBusy, HostEnded, Link

logger = logging.getLogger(__name__)

PATH = "/peer"
"""Under which a writer's HTTP door takes the calls of replicas."""
AT_ONCE = 56
PATIENCE = 45.0
"""Seconds for which a change is tried: longer than another machine needs to take over."""
_PAUSE = 0.2
_LONGEST_PAUSE = 2.0


class WriterReach:
    """Asks the writer for changes.

    Args:
        address: Gives the writer's URL as it is known now, "" for none; may take its time.
        token: What writer and replicas share (`LESSONBANK_PEER_TOKEN`).
    """

    def __init__(self, address: Callable[[], str], token: str) -> None:
        self._address, self._token = address, token
        self._link: Link | None = None
        self._finding = anyio.Lock()
        self.room = anyio.Semaphore(AT_ONCE)
        self.readiness = Readiness("ready", 1.0, "Changes go to the writer.")

    async def answered(
        self, name: str, key: str, body: Mapping[str, Any], progress: Progress | None
    ) -> Any:
        """Give the JSON of a call's answer.

        Raises:
            MemoryUnavailable: No writer answered in time; nothing is known of the call.
        """
        until, pause = time.monotonic() + PATIENCE, _PAUSE
        while time.monotonic() < until:
            link = await self._linked()
            if link is not None:
                link.users += 1
                try:
                    return await link.ask(name, key, body, progress)
                except (HostEnded, HostBusy) as why:
                    logger.info("the writer did not answer %s (%s)", name, type(why).__name__)
                    self._let_go(link)
                finally:
                    link.users -= 1
                    await link.close_if_left()
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise MemoryUnavailable(
            "The memory's writer cannot be reached now, so nothing can be stored; recalls go on. "
            "Try again later, and report with a report_id: it counts once."
        )

    async def _linked(self) -> Link | None:
        async with self._finding:
            if self._link is None:
                url = await to_thread.run_sync(self._address, abandon_on_cancel=True)
                if not url:
                    return None
                self._link = Link.of_url(url.rstrip("/") + PATH, self._token, AT_ONCE)
            return self._link

    def _let_go(self, link: Link) -> None:
        if self._link is link:
            self._link = None
        link.left = True

    def warm(self) -> None:
        """Nothing: the writer is asked when there is something to change."""

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Nothing: a replica hears of changes by following the log."""
        nothing: tuple[Change, ...] = ()
        for change in nothing:
            yield change

    async def aclose(self) -> None:
        """Hang up."""
        if self._link is not None:
            await self._link.close()
