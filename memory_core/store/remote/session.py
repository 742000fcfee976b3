"""One process's time as the writer of a bucket: the lease, the copy, the uploads, the inbox."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from memory_core.errors import StoreUnavailable
from memory_core.store import disk
from memory_core.store.journal import Journal
from memory_core.store.meta import FILE as META
from memory_core.store.meta import SCHEMA_VERSION, Meta, content_of, new_meta, parsed_meta
from memory_core.store.remote import copying, inbox, uploading
from memory_core.store.remote.bucket import BucketTables, is_fault
from memory_core.store.remote.lease import Lease
from memory_core.store.remote.objects import BucketUnavailable, Objects, sentence
from memory_core.store.remote.uploading import ROWS, Uploader, pause_after
from memory_core.store.schema import TABLES, Entry, TableName, entry_of
from memory_core.store.tables import VERSION, Tables, table_name
from memory_core.store.writer import Writer

FILE = "remote.json"
"""In the working folder: whose copy it is, and which one."""
PATIENCE = 40.0
"""Seconds to wait for a lease that nobody renews."""
ALIVE = 2
"""Renewals after which a holder is known to be at work."""
INBOX_SECONDS = 2.0
LAST_SECONDS = 5.0
"""Closing uploads for at most so long; the rest waits in the working folder."""
EPOCH = 1 << 40
"""A record's place in the log is its writer's epoch times this, plus a count: no two writers
ever give the same."""
_LOG = logging.getLogger(__name__)
_POLL = 0.5


def identity(folder: Path, url: str) -> str:
    """Give the working folder's own name, "" at its first use.

    Raises:
        StoreUnavailable: The folder is the copy of another bucket.
    """
    path = folder / FILE
    try:
        known = json.loads(path.read_bytes())
        there, name = str(known["url"]), str(known["copy"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        raise StoreUnavailable(
            f"{path} is damaged. Restore this one file, or set LESSONBANK_WORKDIR to a new folder."
        ) from error
    if there != url:
        raise StoreUnavailable(
            f"{folder} is the working copy of {there}, not of {url}."
            " Set LESSONBANK_WORKDIR to another folder, or leave it out."
        )
    return name


def require_no_copy(folder: Path) -> None:
    """Refuse a folder that is a bucket's working copy: alone it is not the store.

    Raises:
        StoreUnavailable: It is one.
    """
    path = folder / FILE
    if path.exists():
        try:
            url = str(json.loads(path.read_bytes())["url"])
        except (ValueError, KeyError, TypeError):
            url = "a bucket"
        raise StoreUnavailable(
            f"{folder} is the working copy of {url}. Set LESSONBANK_STORE={url} to use it."
        )


class Session:
    """Made before a store is opened, joined while it is, started after.

    Args:
        url: Of the bucket and the prefix, without a slash at the end.
        folder: The working folder; this process holds its lock.
        patience: Seconds to wait for a lease that is not renewed.
        lost: Called once, from a thread, when another writer took the lease.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        patience: float | None = None,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.url, self._folder = url, folder
        self._patience = PATIENCE if patience is None else patience
        self._lost = lost
        self.objects = Objects(url)
        who = f"{socket.gethostname()}, pid {os.getpid()}"
        known = identity(folder, url)
        self._new = not known
        self._name = known or uuid.uuid4().hex
        self._own = False
        """Whether nobody else wrote since this copy did."""
        self._told = Meta()
        self.lease = Lease(self.objects, self._name, who=who)
        self._bucket: BucketTables | None = None
        self._owed: dict[TableName, list[int]] = {}
        self._uploader: Uploader | None = None
        self._writer: Writer | None = None
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []
        self._arrivals: Callable[[Sequence[Any]], None] | None = None
        self._taken: dict[str, list[tuple[TableName, str]]] = {}
        self._chance = random.Random()  # noqa: S311 - jitter, no secret

    # -- opening

    def begin(self, known: Meta | None, journal: Journal) -> Meta:
        """Take the lease and give the meta that the working folder must have.

        Raises:
            StoreUnavailable: Another process writes to the bucket, or it cannot be reached.
            StoreMismatch: A newer lessonbank wrote it.
        """
        try:
            if not self._acquired():
                self._evacuate(known, journal)
                raise StoreUnavailable(self._busy())
            self._own = self.lease.continuous
            self._thread(self._renew, "lessonbank-lease")
            meta = self._agreed(known, journal)
            if self._new:
                content = json.dumps({"url": self.url, "copy": self._name}).encode()
                disk.replace_atomically(self._folder / FILE, content)
            return meta
        except Exception as error:
            self._stopped.set()
            if is_fault(error) and not isinstance(error, StoreUnavailable):
                raise BucketUnavailable(sentence(self.url, error)) from error
            raise

    def _acquired(self) -> bool:
        began = time.monotonic()
        while not self.lease.try_acquire():
            if self.lease.beats >= ALIVE or time.monotonic() - began > self._patience:
                return False
            self._stopped.wait(_POLL)
        return True

    def _busy(self) -> str:
        who = self.lease.other.who if self.lease.other is not None else ""
        return (
            f"Another process ({who or 'unknown'}) writes to {self.url}; a bucket takes one writer"
            " at a time. Stop that one (`lessonbank host stop` there) and try again."
        )

    def _there(self) -> Meta | None:
        found = self.objects.get(META)
        return None if found is None else parsed_meta(found.content, f"{self.url}/{META}")

    def _evacuate(self, known: Meta | None, journal: Journal) -> None:
        """Bring what only this folder has into the inbox; nothing here is changed."""
        there = self._there()
        if known is None or not known.schema_version or there is None:
            return
        tables = Tables(self._folder, known.generation, known.dimension)
        bucket = BucketTables(self.url, there.generation, there.dimension)
        self._deliver(tables, bucket, journal)

    def _deliver(
        self, tables: Tables, bucket: BucketTables, journal: Journal
    ) -> dict[TableName, copying.Difference]:
        """Put the folder's own records into the inbox; give how both sides differ."""
        differs = self._differences(tables, bucket, journal)
        extra = {name: one.extra for name, one in differs.items()}
        if any(extra.values()):
            entries = copying.entries_at(tables, journal.entries(), extra)
            inbox.deliver(self.objects, entries)
            _LOG.warning("%s: %d records brought to the inbox", self.url, len(entries))
        return differs

    @staticmethod
    def _differences(
        tables: Tables, bucket: BucketTables, journal: Journal
    ) -> dict[TableName, copying.Difference]:
        here = copying.local_places(tables, journal.entries())
        return {name: copying.compared(here[name], dict(bucket.places(name))) for name in TABLES}

    def _agreed(self, known: Meta | None, journal: Journal) -> Meta:
        there = self._there()
        if there is None:
            meta = known or new_meta(VERSION)
            self._bucket = BucketTables(self.url, meta.generation, meta.dimension)
            for name in TABLES:
                self._bucket.create(name)
            self._told = dataclasses.replace(meta, schema_version=SCHEMA_VERSION)
            self.objects.put(META, content_of(self._told))
            self._own = True
            return meta
        if self._new and known is not None and known.schema_version:
            raise StoreUnavailable(
                f"{self._folder} holds a store and {self.url} another one. Set LESSONBANK_WORKDIR"
                " to an empty folder, or LESSONBANK_STORE to an empty prefix to move the store."
            )
        self._told = there
        self._drop_left_over(there)
        self._bucket = BucketTables(self.url, there.generation, there.dimension)
        if known is None or not known.schema_version:
            return dataclasses.replace(there, schema_version=0)
        same = (known.generation, known.embedder, known.dimension) == (
            there.generation,
            there.embedder,
            there.dimension,
        )
        if same or (self._own and known.generation >= there.generation):
            return known
        tables = Tables(self._folder, known.generation, known.dimension)
        self._deliver(tables, self._bucket, journal)
        for stored in tables.names():
            tables.drop(stored)
        journal.settle([entry.seq for entry in journal.entries()], {})
        journal.forget_settled(journal.settled())
        return there

    def _drop_left_over(self, there: Meta) -> None:
        """Drop tables in the bucket that an interrupted change of models left there."""
        if self._own:
            return
        bucket = BucketTables(self.url, there.generation, there.dimension)
        keep = {table_name(name, there.generation) for name in TABLES}
        for stored in bucket.names():
            if stored not in keep:
                bucket.drop(stored)

    def join(self, meta: Meta, tables: Tables, journal: Journal) -> None:
        """Make the folder's tables and journal what the bucket has, plus what is owed to it.

        Raises:
            StoreUnavailable: The bucket cannot be reached.
        """
        bucket = self._bucket
        assert bucket is not None
        if bucket.generation != tables.generation:  # an own re-embedding is on its way there
            self._take_in(meta, tables, journal)
            return
        if self._own:
            differs = self._differences(tables, bucket, journal)
            self._owed = {name: one.extra for name, one in differs.items()}
        else:
            differs = self._deliver(tables, bucket, journal)
        gone = {
            name: sorted([*one.moved, *([] if self._own else one.extra)])
            for name, one in differs.items()
        }
        copying.drop(tables, journal, gone)
        copied = copying.pull(bucket, tables, {n: one.missing for n, one in differs.items()})
        if copied:
            _LOG.info("%s: %d rows copied to %s", self.url, copied, self._folder)
        for name, one in differs.items():
            if one.doubled:
                bucket.delete(name, one.doubled)
        self._take_in(meta, tables, journal)

    def _take_in(self, meta: Meta, tables: Tables, journal: Journal) -> None:
        """Take the inbox into the journal: each record that is not known, at the log's end."""
        here = copying.local_places(tables, journal.entries())
        known = {name: set(places.values()) for name, places in here.items()}
        top = max((seq for places in here.values() for seq in places), default=0)
        seq = max(top, self.lease.epoch * EPOCH)
        for name in self.objects.names(inbox.FOLDER):
            entries = []
            found = inbox.read(self.objects, name)
            for each in found:
                if each.id not in known[each.table]:
                    seq += 1
                    fitted = inbox.fitted(each, meta.embedder, meta.dimension)
                    entries.append(entry_of(seq, each.table, fitted.stored))
                    known[each.table].add(each.id)
            if entries:
                journal.append(entries, durable=True)
                for entry in entries:
                    self._owed.setdefault(entry.table, []).append(entry.seq)
            self._taken[name] = [(each.table, each.id) for each in found]

    # -- working

    def start(self, writer: Writer, meta: Callable[[], Meta]) -> None:
        """Begin to upload what `writer` takes."""
        assert self._bucket is not None
        self._writer = writer
        writer.start_after(self.lease.epoch * EPOCH)
        self._uploader = uploader = Uploader(
            writer,
            objects=self.objects,
            bucket=self._bucket,
            lease=self.lease,
            told=self._told,
            meta=meta,
        )
        uploader.arrived = self._arrived
        uploader.wake = self._notice
        writer.taken, writer.rewritten, writer.admit = (
            uploader.note,
            uploader.rewrite,
            uploader.room,
        )
        uploader.owe(self._owed)
        self._thread(self._upload, "lessonbank-upload")

    def listen(self, arrivals: Callable[[Sequence[Any]], None]) -> None:
        """Give records that others left in the bucket to `arrivals` from now on."""
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
        else:
            for entry in fresh:
                writer.append(entry.table, [entry.stored])

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
        said = self._busy()
        _LOG.error("the lease is lost: %s", said)
        self._stopped.set()
        self._wake.set()
        if self._writer is not None:
            self._writer.standing.refused = said
        self._lost(said)

    def _notice(self) -> None:
        if self._uploader is not None and self._uploader.waiting() >= ROWS:
            self._wake.set()

    def _upload(self) -> None:
        failures, looked = 0, 0.0
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
                self._step()
                failures, pause = 0, uploading.SECONDS
            except StoreUnavailable as error:
                failures += 1
                pause = pause_after(failures, self._chance)
                _LOG.warning("uploading waits (%d failures): %s", failures, error)
            except Exception:  # noqa: BLE001 - a surprise must not end the uploading
                failures += 1
                pause = pause_after(failures, self._chance)
                _LOG.exception("uploading failed")

    def _step(self) -> None:
        uploader = self._uploader
        assert uploader is not None
        if uploader.step():
            self._clear_inbox(uploader)
            uploader.compact()

    def _look_in(self) -> None:
        """Take in what is new in the inbox, once somebody listens."""
        if self._arrivals is None or not self.lease.held():
            return
        for name in self.objects.names(inbox.FOLDER):
            if name not in self._taken:
                entries = inbox.read(self.objects, name)
                self._arrived(entries)
                self._taken[name] = [(entry.table, entry.id) for entry in entries]

    def _clear_inbox(self, uploader: Uploader) -> None:
        """Delete objects of the inbox whose records are all in the tables."""
        writer = self._writer
        assert writer is not None
        for name, records in list(self._taken.items()):
            places = [(table, writer.place(table, record)) for table, record in records]
            if any(seq is not None and uploader.waits(table, seq) for table, seq in places):
                continue
            if self.lease.held():
                self.objects.delete(name)
                del self._taken[name]

    # -- ending

    def waiting(self) -> int:
        """Give how many records wait for the bucket."""
        return 0 if self._uploader is None else self._uploader.waiting()

    def close(self) -> None:
        """Upload what waits, for a few seconds at most, and let the lease go."""
        running = self._uploader is not None and not self._stopped.is_set()
        self._stopped.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(LAST_SECONDS)
        if not running or any(thread.is_alive() for thread in self._threads):
            return self._release()
        try:
            self._step()
        except StoreUnavailable as error:
            _LOG.warning("closed with %d records not in the bucket: %s", self.waiting(), error)
        return self._release()

    def _release(self) -> None:
        try:
            self.lease.release()
        except StoreUnavailable as error:
            _LOG.warning("the lease runs out by itself: %s", error)
