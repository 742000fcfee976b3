"""One process's time as a follower: it copies what the writer uploads, and changes nothing there.

What a follower serves is logged too: its recalls go to the inbox, and come back with the log.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from memory_core.errors import StoreUnavailable
from memory_core.ports import SharedState, StoredRecall
from memory_core.store.log import Line, Log
from memory_core.store.meta import Meta
from memory_core.store.remote import checkpoints, copying, inbox, uploading
from memory_core.store.remote.bucket import LineSource, SharedLog, bucket_faults
from memory_core.store.remote.joining import Joining
from memory_core.store.remote.lease import Claim, read_claim
from memory_core.store.remote.objects import HEAD, LEASE, Objects
from memory_core.store.remote.reaching import objects_at
from memory_core.store.remote.uploading import pause_after
from memory_core.store.schema import Entry, TableName, entry_of, table_of
from memory_core.store.writer import Writer

SECONDS = 1.0
"""Between two looks for something new."""
ANYWAY_SECONDS = 30.0
"""The log is looked at so often even when nothing says that it changed."""
DIFFERENT = 5
"""Looks in a row at which the bucket has another number of rows: the copy is then read anew."""
PATIENCE = 30.0
"""Seconds to wait for a store that is not there yet."""
CLOSE_SECONDS = 2.0
_POLL = 0.5
_LOG = logging.getLogger(__name__)


def claim_of(objects: Objects) -> Claim | None:
    """Give who writes to the bucket now, None when nobody does.

    Raises:
        BucketUnavailable: The bucket did not answer.
    """
    found = objects.get(LEASE)
    claim = read_claim(found.content) if found is not None else None
    return None if claim is None or claim.released else claim


class Follower:
    """Used by a store as `Session` is.

    Args:
        url: Of the bucket and the prefix.
        folder: The working folder, this process's own.
        lost: Called once, from a thread, when the copy must be opened anew.
    """

    def __init__(self, url: str, folder: Path, *, lost: Callable[[str], None]) -> None:
        self.url, self._folder = url, folder
        self._lost = lost
        self.objects = objects_at(url)
        self.joining = Joining(self.objects, folder, writes=False)
        self._writer: Writer | None = None
        self._meta: Callable[[], Meta] = Meta
        self._top = 0
        self._version: int | None = None
        self._coming: dict[tuple[TableName, str], Entry] = {}
        self._served: dict[str, StoredRecall] = {}
        self._waiting: list[StoredRecall] = []
        self._lock = threading.Lock()
        self._different = 0
        self._even = time.monotonic()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._arrivals: Callable[[Sequence[Any]], None] | None = None
        self._chance = random.Random()  # noqa: S311 - jitter, no secret

    # -- opening

    def begin(self, known: Meta, log: Log) -> Meta:
        """Give the meta that the working folder must have.

        Raises:
            StoreUnavailable: There is no store to follow, or the bucket cannot be reached.
            StoreMismatch: A newer lessonbank wrote it.
        """
        began = time.monotonic()
        with bucket_faults(self.url):
            while not self.joining.ready() and time.monotonic() - began < PATIENCE:
                self._stopped.wait(_POLL)  # its writer is starting, perhaps
            return self.joining.agreed(known, log)

    def join(self, meta: Meta, log: Log) -> None:
        """Copy what the bucket has; what only the folder has goes to the inbox."""
        with bucket_faults(self.url):
            self.joining.join(meta, log)
        checkpoints.fetch(self.url, self._folder)

    # -- working

    def start(self, writer: Writer, meta: Callable[[], Meta]) -> None:
        """Refuse what callers would write."""
        self._writer, self._meta = writer, meta
        writer.admit = self._refuse
        self._top = writer.log.newest()

    def _refuse(self) -> None:
        try:
            claim = claim_of(self.objects)
        except StoreUnavailable:
            claim = None
        who = claim.who if claim is not None else "nobody at the moment"
        raise StoreUnavailable(
            f"This process only follows {self.url}. Write where its writer runs ({who})."
        )

    def listen(self, arrivals: Callable[[Sequence[Any]], None]) -> None:
        """Give what the writer wrote to `arrivals` from now on."""
        self._arrivals = arrivals
        self._thread = threading.Thread(target=self._follow, name="lessonbank-follow", daemon=True)
        self._thread.start()

    def adopt(self, record: Any) -> bool:
        """Take a record that came; tell whether it is new to this process."""
        writer = self._writer
        assert writer is not None
        table = table_of(record)
        entry = self._coming.pop((table, entry_of(0, table, record).id))
        writer.copy([entry])
        with self._lock:
            return self._served.pop(entry.id, None) is None

    def serve(self, recall: StoredRecall) -> bool:
        """Let a recall that this process served go to the writer.

        Raises:
            StoreUnavailable: Too many wait for a writer to take them in.
        """
        with self._lock:
            if len(self._served) >= uploading.BACKLOG:
                raise StoreUnavailable(
                    f"{len(self._served)} recalls wait until a writer of {self.url} takes them in."
                    " Start one."
                )
            self._served[recall.record.id] = recall
            self._waiting.append(recall)
        return True

    def served(self, recall_id: str) -> StoredRecall | None:
        """Give a recall of this process that the log has not got yet."""
        return self._served.get(recall_id)

    def _follow(self) -> None:
        tag, looked, failures = "", time.monotonic(), 0
        pause = SECONDS
        while not self._stopped.wait(pause):
            try:
                began = time.monotonic()
                self._send()
                found = self.objects.get(HEAD)
                now = found.tag if found is not None else ""
                if now != tag or time.monotonic() - looked > ANYWAY_SECONDS:
                    if not self._same_kind(found.content if found is not None else b"{}"):
                        return
                    with bucket_faults(self.url):
                        self.pull()
                    tag, looked = now, time.monotonic()
                failures, pause, self._even = 0, SECONDS, began
            except StoreUnavailable as error:
                failures += 1
                pause = pause_after(failures, self._chance)
                _LOG.warning("following waits (%d failures): %s", failures, error)
            except Exception:  # noqa: BLE001 - a surprise must not end the following
                failures += 1
                pause = pause_after(failures, self._chance)
                _LOG.exception("following failed")

    def _send(self) -> None:
        """Bring served recalls to the inbox."""
        with self._lock:
            waiting = list(self._waiting)
        if waiting:
            stamp = time.time_ns()  # names the object; the writer gives the places in the log
            entries = [entry_of(stamp + n, "recalls", one) for n, one in enumerate(waiting)]
            inbox.deliver(self.objects, entries)
            with self._lock:
                del self._waiting[: len(waiting)]

    def _same_kind(self, head: bytes) -> bool:
        """Tell whether the bucket still holds what this copy was made of."""
        told, meta = json.loads(head), self._meta()
        same = told.get("generation", meta.generation) == meta.generation
        if not (same and told.get("embedder", meta.embedder) == meta.embedder):
            self._lose("its vectors were rewritten for another model")
            return False
        if "version" in told and not isinstance(self.joining.source, SharedLog):
            self._lose("a newer lessonbank has rewritten it")
            return False
        return True

    def _lose(self, why: str) -> None:
        self._stopped.set()
        _LOG.warning("%s must be copied anew: %s", self.url, why)
        self._lost(f"The copy of {self.url} is read anew: {why}. Try again in a moment.")

    def pull(self) -> int:
        """Take what is new in the log; give how many records came.

        Raises:
            BucketUnavailable: The bucket did not answer; nothing was taken.
        """
        writer, source = self._writer, self.joining.source
        assert writer is not None
        assert source is not None
        version, new = source.refresh(), 0
        if version != self._version:
            new = self._take(writer, sorted(self._new_lines(writer, source), key=itemgetter(0)))
            self._version = version  # not before: what was read and not taken is read again
        self._compare(writer, source)
        return new

    def _new_lines(self, writer: Writer, source: LineSource) -> Iterator[Line]:
        if isinstance(source, SharedLog):
            for lines in source.lines(f"seq > {self._top}"):
                yield from lines
        else:  # its tables were not written in the order of places
            places = source.places()
            unknown = [seq for seq, name, record in places if not writer.knows(name, record)]
            yield from copying.lines_at(source, sorted(unknown))

    def _take(self, writer: Writer, lines: Sequence[Line]) -> int:
        unknown = [line for line in lines if not writer.knows(*line[1:3])]
        new = [entry for line in unknown if (entry := writer.log.entry_at(line)) is not None]
        self.joining.damaged += len(unknown) - len(new)
        self._coming = {(entry.table, entry.id): entry for entry in new}
        if new and self._arrivals is not None:
            self._arrivals([entry.stored for entry in new])
        self._top = max((line[0] for line in lines), default=self._top)
        return len(new)

    def _compare(self, writer: Writer, source: LineSource) -> None:
        """Notice when the bucket holds other records than this copy: it was put in order there."""
        count = source.count()  # of the newest version in a database: perhaps not the copied one
        here = writer.log.count() + self.joining.damaged
        differs = source.version() == self._version and count != here
        self._different = self._different + 1 if differs else 0
        if self._different >= DIFFERENT:
            self._lose("other records stand there than were copied")

    # -- ending

    def waiting(self) -> int:
        """Give how many served recalls wait to be sent."""
        return len(self._waiting)

    def state(self) -> SharedState:
        """Give how long ago this copy was what stood there."""
        return SharedState("follower", self.waiting(), time.monotonic() - self._even)

    def close(self) -> None:
        """Send what waits and stop."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        try:
            self._send()
        except StoreUnavailable as error:
            _LOG.warning("%d recalls were not sent: %s", self.waiting(), error)
