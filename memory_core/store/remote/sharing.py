"""How a store takes part in a bucket: as its writer or as a follower. Imports no client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from memory_core.ports import SharedState, StoredRecall
from memory_core.store.log import Log
from memory_core.store.meta import Meta
from memory_core.store.writer import Writer


class Shared(Protocol):
    """A process's part in a bucket while its store is opened, open and closed."""

    def begin(self, known: Meta, log: Log) -> Meta:
        """Give the meta that the working folder must have; one without a version is to be saved."""

    def join(self, meta: Meta, log: Log) -> None:
        """Bring the working folder and the bucket together; before anything is loaded."""

    def start(self, writer: Writer, meta: Callable[[], Meta]) -> None:
        """Go along with the open store."""

    def listen(self, arrivals: Callable[[Sequence[Any]], None]) -> None:
        """Give records that others acknowledged to `arrivals` from now on."""

    def adopt(self, record: Any) -> bool:
        """Add one of them to the store; tell whether it is new to this process."""

    def serve(self, recall: StoredRecall) -> bool:
        """Take a recall that this process served, if it may not log it itself."""

    def served(self, recall_id: str) -> StoredRecall | None:
        """Give such a recall while the log has not got it."""

    def state(self) -> SharedState:
        """Give how far this process and the shared store are from each other."""

    def close(self) -> None:
        """Bring there what waits, for a few seconds at most, and let go."""


def _nobody(_: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which bucket, and in which part.

    `url` is without a slash at the end; `follow`: read only what a writer elsewhere
    writes; `standby`: wait for the lease however long another writer holds it;
    `address`: where followers can send writes to; `lost` is told, from a thread, why
    the store must be closed and opened anew.
    """

    url: str
    follow: bool = False
    standby: bool = False
    address: str = ""
    lost: Callable[[str], None] = _nobody

    def begun(self, folder: Path) -> Shared:
        """Give this process's part; the working folder is its own by now."""
        if self.follow:
            from memory_core.store.remote.follower import Follower

            return Follower(self.url, folder, lost=self.lost)
        from memory_core.store.remote.session import Session

        return Session(self.url, folder, address=self.address, standby=self.standby, lost=self.lost)
