"""One process's time as the writer of a bucket: the lease, the copy, the uploads, the inbox."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from memory_core.errors import StoreUnavailable
from memory_core.ports import SharedState, StoredRecall
from memory_core.store.log import Log
from memory_core.store.meta import Meta
from memory_core.store.remote import checkpoints, inbox, uploading
from memory_core.store.remote.bucket import SharedLog, bucket_faults
from memory_core.store.remote.candidate import Candidate
from memory_core.store.remote.joining import Joining, Taken
from memory_core.store.remote.lease import Lease
from memory_core.store.remote.objects import BucketUnavailable
from memory_core.store.remote.reaching import objects_at
from memory_core.store.remote.uploading import ROWS, Uploader, pause_after
from memory_core.store.schema import Entry, entry_of, table_of
from memory_core.store.writer import Writer

INBOX_SECONDS = 2.0
SWEEP_SECONDS = 30.0
"""So often a writer looks whether somebody else changed its log."""
LAST_SECONDS = 5.0
"""Closing uploads for at most so long; the rest waits in the working folder."""
EPOCH = 1 << 40
"""A record's place in the log is its writer's epoch times this, plus a count: no two writers
ever give the same."""
_LOG = logging.getLogger(__name__)


class Session:
    """Made before a store is opened, joined while it is, started after.

    Args:
        url: Of the bucket and the prefix, without a slash at the end.
        folder: The working folder; this process holds its lock.
        address: Where followers can send writes to.
        patience: Seconds to wait for a lease that is not renewed.
        standby: Wait as long as it takes, for one that is renewed too.
        lost: Called once, from a thread, when another writer took the lease.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        address: str = "",
        patience: float | None = None,
        standby: bool = False,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.url = url
        self._lost = lost
        self._folder = folder
        self.objects = objects_at(url)
        self.joining = Joining(self.objects, folder)
        who = f"{socket.gethostname()}, pid {os.getpid()}"
        self.lease = Lease(self.objects, self.joining.name, who=who, address=address)
        self._uploader: Uploader | None = None
        self._writer: Writer | None = None
        self._stopped = threading.Event()
        self._candidate = Candidate(
            self.lease,
            url,
            patience=patience,
            standby=standby,
            stopped=self._stopped,
        )
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []
        self._arrivals: Callable[[Sequence[Any]], None] | None = None
        self._taken: Taken = {}
        self._failures = 0
        self._kept = self._even = time.monotonic()
        self._chance = random.Random()  # noqa: S311 - jitter, no secret

    # -- opening

    def begin(self, known: Meta, log: Log) -> Meta:
        """Take the lease and give the meta that the working folder must have.

        Raises:
            StoreUnavailable: Another process writes to the bucket, or it cannot be reached.
            StoreMismatch: A newer lessonbank wrote it.
        """
        with bucket_faults(self.url):
            if not self._candidate.acquired(partial(self.joining.evacuate, known, log)):
                raise StoreUnavailable(self._candidate.busy())
            self.joining.own = self.lease.continuous
            self.joining.first = self.lease.epoch * EPOCH
            self._thread(self._renew, "lessonbank-lease")
            return self.joining.agreed(known, log)

    def join(self, meta: Meta, log: Log) -> None:
        """Bring the working folder and the bucket together.

        Raises:
            StoreUnavailable: The bucket cannot be reached.
        """
        with bucket_faults(self.url):
            self.joining.join(meta, log)
        checkpoints.fetch(self.url, self._folder)

    # -- working

    def start(self, writer: Writer, meta: Callable[[], Meta]) -> None:
        """Begin to upload what `writer` takes."""
        log = self.joining.source
        assert isinstance(log, SharedLog)
        if self.lease.lost:
            raise StoreUnavailable(self._candidate.busy())
        self._writer, self._taken = writer, dict(self.joining.taken)
        writer.start_after(self.lease.epoch * EPOCH)
        self._uploader = uploader = Uploader(
            writer,
            objects=self.objects,
            log=log,
            lease=self.lease,
            shared=self.joining.shared,
            told=self.joining.told,
            meta=meta,
            arrived=self._arrived,
        )
        uploader.wake = self._notice
        writer.taken, writer.rewritten, writer.admit = (
            uploader.note,
            uploader.rewrite,
            uploader.room,
        )
        uploader.owe(self.joining.owed)
        self._thread(self._upload, "lessonbank-upload")

    def listen(self, arrivals: Callable[[Sequence[Any]], None]) -> None:
        self._arrivals = arrivals
        self._wake.set()

    def _arrived(self, entries: Sequence[Entry]) -> None:
        writer = self._writer
        assert writer is not None
        assert self._uploader is not None
        meta = self._uploader.meta()
        fitted = [inbox.fitted(each, meta.embedder, meta.dimension) for each in entries]
        fresh = [e for e in fitted if not writer.knows(e.table, e.id)]
        if not fresh:
            return
        if self._arrivals is not None:
            self._arrivals([entry.stored for entry in fresh])
            return
        for entry in fresh:
            self.adopt(entry.stored)

    def adopt(self, record: Any) -> bool:
        """Add a record that another machine acknowledged; tell whether it is new."""
        assert self._writer is not None
        table = table_of(record)
        known = self._writer.knows(table, entry_of(0, table, record).id)
        if not known:
            self._writer.append(table, [record])
        return not known

    def serve(self, recall: StoredRecall) -> bool:  # noqa: ARG002 - the protocol's
        """A writer logs what it serves."""
        return False

    def served(self, recall_id: str) -> StoredRecall | None:  # noqa: ARG002 - the protocol's
        """A writer's log has all."""
        return None

    def _thread(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _renew(self) -> None:
        pause = self.lease.length / 3
        while not self._stopped.wait(pause):
            try:
                if not self.lease.renew():
                    self._lose()
                    return
                pause = self.lease.length / 3
            except BucketUnavailable as error:
                _LOG.warning("the lease is not renewed: %s", error)
                pause = self.lease.length / 10 * (1 + self._chance.random())
            except Exception:  # noqa: BLE001 - a surprise must not end the renewing
                _LOG.exception("renewing the lease failed")

    def _lose(self) -> None:
        said = self._candidate.busy()
        _LOG.error("the lease is lost: %s", said)
        self._stopped.set()
        self._wake.set()
        if self._writer is not None:
            self._writer.admit = self._refuse
        self._lost(said)

    def _refuse(self) -> None:
        raise StoreUnavailable(self._candidate.busy())

    def _notice(self) -> None:
        if self._uploader is not None and self._uploader.waiting() >= ROWS:
            self._wake.set()

    def _upload(self) -> None:
        looked, swept = 0.0, time.monotonic()
        pause = uploading.SECONDS
        while not self._stopped.is_set():
            self._wake.wait(pause)
            self._wake.clear()
            if self._stopped.is_set():
                return
            try:
                if time.monotonic() - looked >= INBOX_SECONDS:
                    looked = time.monotonic()
                    self._look_in()
                if time.monotonic() - swept >= SWEEP_SECONDS and self._uploader is not None:
                    swept = time.monotonic()
                    self._uploader.look()
                self._step()
                self._failures, pause = 0, uploading.SECONDS
            except StoreUnavailable as error:
                self._failures += 1
                pause = pause_after(self._failures, self._chance)
                _LOG.warning("uploading waits (%d failures): %s", self._failures, error)
            except Exception:  # noqa: BLE001 - a surprise must not end the uploading
                self._failures += 1
                pause = pause_after(self._failures, self._chance)
                _LOG.exception("uploading failed")

    def _step(self) -> None:
        uploader = self._uploader
        assert uploader is not None
        began = time.monotonic()
        if uploader.step():
            self._even = began  # what came since is younger
            self._clear_inbox(uploader)
            uploader.compact()
            if time.monotonic() - self._kept >= checkpoints.SECONDS:
                self._keep_checkpoint()

    def _keep_checkpoint(self) -> None:
        """Share what was learned, once the log that it was learned from is in the bucket."""
        if not self.waiting() and self.lease.held():
            self._kept = time.monotonic()
            checkpoints.share(self.url, self._folder)

    def _look_in(self) -> None:
        """Take in what is new in the inbox, once somebody listens."""
        if self._arrivals is None or not self.lease.held():
            return
        for name in self.objects.names(inbox.FOLDER):
            if name not in self._taken:
                entries, whole = inbox.read(self.objects, name)
                self._arrived(entries)
                records = [(entry.table, entry.id) for entry in entries]
                self._taken[name] = records if whole else None

    def _clear_inbox(self, uploader: Uploader) -> None:
        """Delete objects of the inbox whose records are all in the shared log."""
        writer = self._writer
        assert writer is not None
        for name, records in list(self._taken.items()):
            if records is None:
                continue
            places = (writer.place(*record) for record in records)
            if any(seq is not None and uploader.waits(seq) for seq in places):
                continue
            if self.lease.held():
                self.objects.delete(name)
                del self._taken[name]

    # -- ending

    def waiting(self) -> int:
        """Give how many records wait for the bucket."""
        return 0 if self._uploader is None else self._uploader.waiting()

    def state(self) -> SharedState:
        """Give how far the bucket is behind this writer."""
        waiting = self.waiting()
        return SharedState("writer", waiting, time.monotonic() - self._even if waiting else 0.0)

    def close(self) -> None:
        """Upload what waits, for a few seconds at most, and let the lease go."""
        running = self._uploader is not None and not self._stopped.is_set()
        self._stopped.set()
        self._wake.set()
        deadline = time.monotonic() + LAST_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        if any(thread.is_alive() for thread in self._threads):
            # let go now, what is under way could land in the next writer's time
            _LOG.warning("an upload is under way; the lease runs out by itself")
            return
        if running:
            self._upload_last(deadline)
        self._release()

    def _upload_last(self, deadline: float) -> None:
        try:
            while time.monotonic() < deadline:
                if self.waiting() and not self.lease.renew():
                    break
                self._step()
                if not self.waiting():
                    self._keep_checkpoint()
                    break
        except StoreUnavailable as error:
            _LOG.warning("the last upload failed: %s", error)
        if self.waiting():
            _LOG.warning("closed with %d records that wait for the bucket", self.waiting())

    def _release(self) -> None:
        try:
            self.lease.release()
        except StoreUnavailable as error:
            _LOG.warning("the lease runs out by itself: %s", error)
