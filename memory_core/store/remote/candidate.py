"""Waits for the lease: until it is free, or until it is plain that another process is at work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from memory_core.store.remote.bucket import bucket_faults
from memory_core.store.remote.lease import Lease
from memory_core.store.remote.objects import BucketUnavailable

PATIENCE = 40.0
"""Seconds to wait for a lease that nobody renews."""
ALIVE = 2
"""Renewals after which a holder is known to be at work."""
_POLL = 0.5
_LOG = logging.getLogger(__name__)


class Candidate:
    """One process that wants to write.

    Args:
        lease: What it wants.
        url: Of the shared store.
        patience: Seconds to wait for a lease that is not renewed.
        standby: Wait as long as it takes, for one that is renewed too.
        stopped: Ends the waiting.
    """

    def __init__(
        self,
        lease: Lease,
        url: str,
        *,
        patience: float | None,
        standby: bool,
        stopped: threading.Event,
    ) -> None:
        self._lease, self._url = lease, url
        self._patience = PATIENCE if patience is None else patience
        self._standby, self._stopped = standby, stopped

    def acquired(self, evacuate: Callable[[], None]) -> bool:
        """Wait for the lease; what only this folder has goes to the inbox of whoever has it."""
        began, evacuated = time.monotonic(), False
        while not self._taken_now():
            waited = time.monotonic() - began
            alive = self._lease.beats >= ALIVE or waited > self._patience
            if alive and not self._standby:
                evacuate()
                return False
            if alive and not evacuated:
                evacuated = self._tried(evacuate)
            if self._stopped.wait(_POLL):
                return False
        return True

    def _taken_now(self) -> bool:
        """Look at the lease; one that waits for long survives a bucket that does not answer."""
        try:
            return self._lease.try_acquire()
        except BucketUnavailable as error:
            if not self._standby:
                raise
            _LOG.warning("still waiting for the lease: %s", error)
            return False

    def _tried(self, evacuate: Callable[[], None]) -> bool:
        try:
            with bucket_faults(self._url):
                evacuate()
        except BucketUnavailable as error:
            _LOG.warning("what only this machine has is brought later: %s", error)
            return False
        return True

    def busy(self) -> str:
        """Give who writes there, and the next move."""
        who = self._lease.other.who if self._lease.other is not None else ""
        return (
            f"Another process ({who or 'unknown'}) writes to {self._url}; a shared store takes one"
            " writer at a time. Stop that one (`lessonbank host stop` there) and try again."
        )
