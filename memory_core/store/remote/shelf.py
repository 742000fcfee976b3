"""A small file as an object in the bucket: what every machine sees, a few seconds late."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from memory_core.store.remote.objects import BucketUnavailable, Objects
from memory_core.store.remote.reaching import objects_at

FRESH = 5.0
"""Seconds for which what was read is not looked at again."""
KEPT = 86_400.0
"""Seconds for which the last content counts while the bucket is away: so long does a token
that was revoked meanwhile go on, on a machine that cannot see it."""
_LOG = logging.getLogger(__name__)


class BucketShelf:
    """Implements `memory_core.shelf.Shelf`; for a day the last content counts without the bucket.

    Args:
        url: Of the bucket and the prefix.
        name: Of the object.
        clock: Monotonic seconds.
    """

    slow = True

    def __init__(self, url: str, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._name, self._clock = url, name, clock
        self._objects: Objects | None = None
        self._looking = threading.Lock()
        self._known: tuple[bytes | None, str] | None = None
        self._looked = self._heard = 0.0

    @property
    def place(self) -> str:
        return f"{self._url}/{self._name}"

    def _found(self) -> Objects:
        if self._objects is None:
            self._objects = objects_at(self._url)
        return self._objects

    def tag(self) -> str:
        return self.read()[1]

    def read(self) -> tuple[bytes | None, str]:
        """See `memory_core.shelf.Shelf.read`; one caller looks, the others go on with the last."""
        known = self._known
        if known is not None and self._clock() - self._looked <= FRESH:
            return known
        usable = known is not None and self._clock() - self._heard <= KEPT
        if not self._looking.acquire(blocking=not usable):
            assert known is not None
            return known
        try:
            if self._known is None or self._clock() - self._looked > FRESH:
                self._refresh()
            assert self._known is not None
            return self._known
        finally:
            self._looking.release()

    def _refresh(self) -> None:
        try:
            self._look()
        except BucketUnavailable as error:
            if self._known is None or self._clock() - self._heard > KEPT:
                raise
            self._looked = self._clock()
            _LOG.warning("%s is as old as it was: %s", self._name, error)

    def _look(self) -> None:
        found = self._found().get(self._name)
        self._known = (found.content, found.tag) if found is not None else (None, "")
        self._looked = self._heard = self._clock()

    def replace(self, content: bytes, tag: str) -> bool:
        with self._looking:
            new = self._found().put_own(self._name, content, tag)
            self._known = None  # the next look asks the bucket
            return new is not None
