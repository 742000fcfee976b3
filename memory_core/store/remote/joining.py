"""The steps at opening: the bucket's meta, what both sides lack, the inbox.

Run by the holder of the lease, before anything is loaded. `evacuate` alone is
also for a process that did not get the lease.
"""

from __future__ import annotations

import dataclasses
import logging
import uuid
from pathlib import Path

from memory_core.errors import StoreUnavailable
from memory_core.store.log import Log
from memory_core.store.meta import SCHEMA_VERSION, Meta
from memory_core.store.migrations import steps_after
from memory_core.store.reembedding import REWRITTEN
from memory_core.store.remote import copying, identity, inbox
from memory_core.store.remote.bucket import BucketTables
from memory_core.store.remote.objects import Objects
from memory_core.store.remote.reaching import tables_at
from memory_core.store.remote.shared_meta import SharedMeta
from memory_core.store.schema import TABLES, Entry, TableName, entry_of
from memory_core.store.tables import table_name

Taken = dict[str, list[tuple[TableName, str]] | None]
"""The (table, id) of every record of an object of the inbox, by its name; None: it must stay."""
_LOG = logging.getLogger(__name__)


class Joining:
    """Brings one working folder and its bucket together.

    Args:
        objects: Of the bucket.
        folder: The working folder.
        writes: Whether this process may change the bucket's tables; a follower may not.

    Raises:
        StoreUnavailable: The folder is the copy of another bucket.
    """

    def __init__(self, objects: Objects, folder: Path, *, writes: bool = True) -> None:
        self._objects, self._folder, self._writes = objects, folder, writes
        self.url = objects.url
        known = identity.read(folder, self.url)
        self._new = not known
        self.name = known or uuid.uuid4().hex
        """The working copy's own name."""
        self.first = 0
        """The writer's records stand in the log after this place."""
        self.own = False
        """Whether nobody else wrote since this copy did: its rows keep their places."""
        self.shared = SharedMeta(objects)
        self.told = Meta()
        """The bucket's meta."""
        self.bucket: BucketTables | None = None
        self.owed: dict[TableName, list[int]] = {}
        """Places of records that the bucket has not got."""
        self.taken: Taken = {}

    def ready(self) -> bool:
        """Tell whether there is a store with a model, so that it can be followed."""
        there = self.shared.read()
        return there is not None and bool(there.embedder)

    def evacuate(self, known: Meta, log: Log) -> None:
        """Bring what only this folder has into the inbox; nothing here is changed."""
        there = self.shared.read()
        if known.schema_version and there is not None:
            self._deliver(tables_at(self.url, there.generation, there.dimension), log)

    def _deliver(self, bucket: BucketTables, log: Log) -> dict[TableName, copying.Difference]:
        """Put the log's own records into the inbox; give how both sides differ."""
        differs = copying.differences(log, bucket)
        extra = [seq for one in differs.values() for seq in one.extra]
        if extra:
            inbox.deliver(self._objects, log.at(extra))
            _LOG.warning("%s: %d records brought to the inbox", self.url, len(extra))
        return differs

    def agreed(self, known: Meta, log: Log) -> Meta:
        """Give the meta that the working folder must have; the bucket's tables are there then."""
        there = self.shared.read()
        if not self._writes and not self.ready():
            raise StoreUnavailable(
                f"There is no store at {self.url} yet that could be followed. Start its writer"
                " first: lessonbank with LESSONBANK_STORE set to it."
            )
        if there is None:
            return self._begun(known)
        if self._new and known.schema_version:
            raise StoreUnavailable(
                f"{self._folder} holds a store and {self.url} another one. Set LESSONBANK_WORKDIR"
                " to an empty folder, or LESSONBANK_STORE to an empty prefix to move the store."
            )
        self._save_name()
        self.told = there = self._written(there) if self._writes else there
        self.bucket = tables_at(self.url, there.generation, there.dimension)
        same = (known.generation, known.embedder, known.dimension) == (
            there.generation,
            there.embedder,
            there.dimension,
        )
        if known.schema_version:
            if same or (self.own and known.generation >= there.generation):
                return known
            self._deliver(self.bucket, log)
            log.clear()
        return dataclasses.replace(there, schema_version=0)

    def _written(self, there: Meta) -> Meta:
        """Make the bucket this process's to write: fenced, and of the newest version."""
        if not self.own:
            self.shared.fence(there)
            self._drop_left_over(there)
        steps = steps_after(there.schema_version)
        if not steps:
            return there
        bucket = tables_at(self.url, there.generation, there.dimension)
        for _, step in steps:
            step(bucket)
        there = dataclasses.replace(there, schema_version=SCHEMA_VERSION)
        self.shared.write(there)
        return there

    def _begun(self, meta: Meta) -> Meta:
        """Make a store where there is none."""
        self._objects.require_conditions()
        self._save_name()
        self.bucket = tables_at(self.url, meta.generation, meta.dimension)
        for name in TABLES:
            self.bucket.create(name)
        self.told = dataclasses.replace(meta, schema_version=SCHEMA_VERSION)
        self.shared.write(self.told)
        self.own = True
        return meta

    def _save_name(self) -> None:
        if self._new:
            identity.save(self._folder, self.url, self.name)

    def _drop_left_over(self, there: Meta) -> None:
        """Drop tables in the bucket that an interrupted change of models left there."""
        bucket = tables_at(self.url, there.generation, there.dimension)
        keep = {table_name(name, there.generation) for name in TABLES}
        for stored in bucket.names():
            if stored not in keep:
                bucket.drop(stored)

    def join(self, meta: Meta, log: Log) -> None:
        """Make the log what the bucket has, plus what is owed to it.

        Raises:
            StoreUnavailable: The bucket cannot be reached.
        """
        bucket = self.bucket
        assert bucket is not None
        if self.own:
            differs = copying.differences(log, bucket)
            ahead = bucket.generation != meta.generation  # an own re-embedding is on its way there
            brought = REWRITTEN if ahead else ()
            self.owed = {name: one.extra for name, one in differs.items() if name not in brought}
        else:
            differs = self._deliver(bucket, log)
        for one in differs.values():
            log.delete([*one.moved, *([] if self.own else one.extra)])
        copied = copying.pull(bucket, log, {n: one.missing for n, one in differs.items()})
        if copied:
            _LOG.info("%s: %d rows copied to %s", self.url, copied, self._folder)
        if not self._writes:
            return
        for name, one in differs.items():
            if one.doubled:
                bucket.delete(name, one.doubled)
        self._take_in(meta, log)

    def _take_in(self, meta: Meta, log: Log) -> None:
        """Take the inbox into the log: each record that is not known, at its end."""
        seq = max(log.newest(), self.first)
        for name in self._objects.names(inbox.FOLDER):
            entries: dict[tuple[TableName, str], Entry] = {}
            found, whole = inbox.read(self._objects, name)
            for each in found:
                key = each.table, each.id
                if key not in entries and log.place(*key) is None:
                    seq += 1
                    fitted = inbox.fitted(each, meta.embedder, meta.dimension)
                    entries[key] = entry_of(seq, each.table, fitted.stored)
                    self.owed.setdefault(each.table, []).append(seq)
            log.append(list(entries.values()))
            self.taken[name] = [(each.table, each.id) for each in found] if whole else None
