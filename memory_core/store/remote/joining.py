"""The steps at opening: the bucket's meta, what both logs lack, the inbox.

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
from memory_core.store.remote import copying, identity, inbox
from memory_core.store.remote.bucket import LineSource, SharedLog
from memory_core.store.remote.four_tables import FourTables
from memory_core.store.remote.objects import Objects
from memory_core.store.remote.reaching import log_at, source_at
from memory_core.store.remote.shared_meta import FIRST_LOG, VERSION, SharedMeta
from memory_core.store.schema import Entry, TableName, entry_of

Taken = dict[str, list[tuple[TableName, str]] | None]
"""The (table, id) of every record of an object of the inbox, by its name; None: it must stay."""
_LOG = logging.getLogger(__name__)


class Joining:
    """Brings one working folder and its bucket together.

    Args:
        objects: Of the bucket.
        folder: The working folder.
        writes: Whether this process may change the shared log; a follower may not.

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
        self.source: LineSource | None = None
        """The shared log, which a follower may find as an earlier version left it."""
        self.damaged = 0
        """Lines of the shared log that could not be copied."""
        self.owed: list[int] = []
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
            self._deliver(source_at(self.url, there), log)

    def _deliver(self, source: LineSource, log: Log) -> copying.Difference:
        """Put the log's own records into the inbox; give how both sides differ."""
        differs = copying.difference(log, source)
        if differs.extra:
            inbox.deliver(self._objects, log.at(differs.extra))
            _LOG.warning("%s: %d records brought to the inbox", self.url, len(differs.extra))
        return differs

    def agreed(self, known: Meta, log: Log) -> Meta:
        """Give the meta that the working folder must have; the shared log is there then."""
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
        self.told = dataclasses.replace(there, schema_version=SCHEMA_VERSION)
        if self._writes:
            there = self._written(there)
        self.source = source_at(self.url, there)
        same = (known.generation, known.embedder, known.dimension) == (
            there.generation,
            there.embedder,
            there.dimension,
        )
        if known.schema_version:
            if same or (self.own and known.generation >= there.generation):
                return known
            self._deliver(self.source, log)
            log.clear()
        return dataclasses.replace(there, schema_version=0)

    def _written(self, there: Meta) -> Meta:
        """Make the bucket this process's to write: fenced, and of the newest version."""
        shared = log_at(self.url, there.generation)
        earlier = there.schema_version < FIRST_LOG
        if not self.own:
            self.shared.fence(there)
        if earlier:
            _LOG.info("%s: its four tables become one log", self.url)
            FourTables(shared).move()
            self.shared.write(there)
            there = dataclasses.replace(there, schema_version=VERSION)
        if earlier or not self.own:
            self._drop_left_over(shared)
        return there

    def _begun(self, meta: Meta) -> Meta:
        """Make a store where there is none."""
        self._objects.require_conditions()
        self._save_name()
        shared = log_at(self.url, meta.generation)
        shared.create()
        self.source = shared
        self.told = dataclasses.replace(meta, schema_version=SCHEMA_VERSION)
        self.shared.write(self.told)
        self.own = True
        return meta

    def _save_name(self) -> None:
        if self._new:
            identity.save(self._folder, self.url, self.name)

    def _drop_left_over(self, shared: SharedLog) -> None:
        """Drop what a change of models or of versions that was cut off left there."""
        for name in shared.names():
            if name != shared.name:
                shared.drop(name)

    def join(self, meta: Meta, log: Log) -> None:
        """Make the log what the shared one has, plus what is owed to that.

        Raises:
            StoreUnavailable: The bucket cannot be reached.
        """
        source = self.source
        assert source is not None
        if self.own:
            differs = copying.difference(log, source)
            self.owed = differs.extra
        else:
            differs = self._deliver(source, log)
        log.delete([*differs.moved, *([] if self.own else differs.extra)])
        copied = copying.pull(source, log, differs.missing)
        self.damaged = len(differs.missing) - copied
        if copied:
            _LOG.info("%s: %d records copied to %s", self.url, copied, self._folder)
        if not self._writes:
            return
        assert isinstance(source, SharedLog)
        if differs.doubled:
            source.delete(differs.doubled)
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
                    self.owed.append(seq)
            log.append(list(entries.values()))
            self.taken[name] = [(each.table, each.id) for each in found] if whole else None
