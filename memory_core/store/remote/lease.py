"""Who may write to the bucket: one object, changed by conditional puts only.

Clocks of different machines are never compared. Each renewal gives the object
a new tag; a candidate takes over only when it has watched one tag for longer
than the lease's length by its own clock. The holder counts from the moment
before it sent its last renewal, so its own count ends first. Each change of
hands adds one to the epoch.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from memory_core.store.remote.objects import LEASE, BucketUnavailable, Objects

LENGTH = 10.0
"""Seconds that a lease holds from its last renewal."""
MARGIN = 1.2
"""A candidate watches for so many times the length: clocks may run apart by a fifth."""


def awake_clock() -> float:
    """Give monotonic seconds that go on while the machine sleeps, where the system has them."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    if boot is None and sys.platform == "darwin":
        boot = time.CLOCK_MONOTONIC
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the lease's object says.

    `holder` is the holder's working copy, `who` is for people, `address` is where
    it can be reached ("" when it cannot); `beat` is new with every write;
    `length` in seconds; `released`: free for everybody at once.
    """

    holder: str
    epoch: int
    who: str = ""
    address: str = ""
    length: float = LENGTH
    beat: str = ""
    released: bool = False

    def content(self) -> bytes:
        return json.dumps(dataclasses.asdict(self)).encode()


def read_claim(content: bytes) -> Claim:
    """Give the claim; one that makes no sense is nobody's, to be watched like any other."""
    try:
        raw = json.loads(content)
        names = {field.name for field in dataclasses.fields(Claim)}
        claim = Claim(**{name: value for name, value in raw.items() if name in names})
        return dataclasses.replace(claim, epoch=int(claim.epoch), length=float(claim.length))
    except (ValueError, TypeError, AttributeError):
        return Claim("", 0)


class Lease:
    """One candidate's or holder's view of the lease. One thread at a time but for `held`.

    Args:
        objects: Of the bucket.
        holder: Identity of the working copy; two processes of one copy exclude each
            other by the folder's lock, so a copy takes its own lease back at once.
        who: For people: the machine and the process.
        address: Where others can reach this process.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        objects: Objects,
        holder: str,
        *,
        who: str = "",
        address: str = "",
        length: float | None = None,
        clock: Callable[[], float] = awake_clock,
    ) -> None:
        self._objects, self._holder = objects, holder
        self._who, self._address = who, address
        self.length = LENGTH if length is None else length
        self._clock = clock
        self._tag = ""
        self._deadline = float("-inf")
        self._watched = ""
        self._since = 0.0
        self.epoch = 0
        self.other: Claim | None = None
        """Who holds it, as last seen."""
        self.beats = 0
        """Renewals of the other holder that were seen."""
        self.continuous = False
        """Whether nobody else wrote since this copy last did."""
        self.lost = False

    def held(self, seconds: float = 0.0) -> bool:
        """Tell whether the lease is surely ours for so many seconds more."""
        return not self.lost and self._clock() + seconds < self._deadline

    def _claim(self, epoch: int) -> Claim:
        return Claim(
            self._holder, epoch, self._who, self._address, self.length, uuid.uuid4().hex[:12]
        )

    def try_acquire(self) -> bool:
        """Look once, and take the lease if it is free; tell whether it is ours now.

        Raises:
            BucketUnavailable: The bucket did not answer.
        """
        found = self._objects.get(LEASE)
        if found is None:
            return self._take(None, self._claim(1), continuous=False)
        claim = read_claim(found.content)
        own = claim.holder == self._holder
        if not own and not claim.released and not self._expired(found.tag, claim):
            return False
        return self._take(found.tag, self._claim(claim.epoch + 1), continuous=own)

    def _expired(self, tag: str, claim: Claim) -> bool:
        """Watch; tell whether this tag has stood for longer than the lease's length."""
        now = self._clock()
        if tag != self._watched:
            self.beats += bool(self._watched)
            self._watched, self._since, self.other = tag, now, claim
            return False
        return now - self._since > MARGIN * max(claim.length, 0.0)

    def _take(self, tag: str | None, claim: Claim, *, continuous: bool) -> bool:
        sent = self._clock()
        new = self._objects.put_own(LEASE, claim.content(), tag or "")
        if new is None:
            return False
        self._tag, self._deadline = new, sent + self.length
        self.epoch, self.continuous, self.lost = claim.epoch, continuous, False
        return True

    def renew(self) -> bool:
        """Hold it for another length; False, and lost for good, when another took it.

        Right after the length, too: while the tag is the old one nobody took it.

        Raises:
            BucketUnavailable: The bucket did not answer; nothing is known.
        """
        sent = self._clock()
        claim = self._claim(self.epoch)
        new = self._objects.put_own(LEASE, claim.content(), self._tag)
        if new is None:
            found = self._objects.get(LEASE)
            there = read_claim(found.content) if found is not None else Claim("", 0)
            if found is not None and (there.holder, there.epoch) == (self._holder, self.epoch):
                if found.tag == self._tag:  # it was refused, and stands there as we know it
                    raise BucketUnavailable(f"{self._objects.url} refuses to renew the lease.")
                self._tag = found.tag  # an earlier renewal of ours, its answer lost
                return self.renew()
            self.lost, self.other = True, there
            return False
        self._tag, self._deadline = new, sent + self.length
        return True

    def release(self) -> None:
        """Let the next candidate have it at once.

        Raises:
            BucketUnavailable: The bucket did not answer; the lease runs out by itself.
        """
        if self.lost or not self._tag:
            return
        claim = dataclasses.replace(self._claim(self.epoch), released=True)
        self._deadline = float("-inf")
        self._objects.put_over(LEASE, claim.content(), self._tag)
        self.lost = True
