"""From a folder to a store in memory: lock, log, load, index."""

from __future__ import annotations

import dataclasses
import errno
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from memory_core.errors import StoreUnavailable
from memory_core.store import disk, earlier, faults, item_table, log_files, meta
from memory_core.store import log as logs
from memory_core.store.faults import translated
from memory_core.store.index import BATCH, copies
from memory_core.store.item_table import ItemTable
from memory_core.store.log import Log
from memory_core.store.log_files import QUARANTINE, borrowed_log, open_log
from memory_core.store.meta import Meta
from memory_core.store.remote.sharing import Shared, Sharing
from memory_core.store.standing import Ownership, Standing
from memory_core.store.writer import Writer

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a store is: its folder, and its index where that is elsewhere (a folder or a URL)."""

    folder: Path
    index: str = ""

    @property
    def root(self) -> Path | None:
        """The folder of the index's table, None when it is at a URL."""
        if "://" in self.index:
            return None
        return Path(self.index) if self.index else self.folder / item_table.FOLDER

    def table(self, generation: int, dimension: int) -> ItemTable:
        """Give the index's table."""
        if self.root is not None:
            return ItemTable(self.root, generation, dimension)
        from memory_core.store.remote.placed import PlacedTable

        return PlacedTable(self.index, generation, dimension)


@dataclass(slots=True)
class Opened:
    """An open store's parts."""

    meta: Meta
    writer: Writer
    ownership: Ownership | None
    shared: Shared | None = None


def claim(folder: Path) -> Ownership | None:
    """Own the folder for writing; None when it exists and can only be read.

    Raises:
        StoreUnavailable: Another process owns it, or it cannot be a store's folder.
    """
    with translated(folder), ExitStack() as undo:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ownership = Ownership(folder)
            undo.callback(ownership.release)
            disk.require_hard_links(folder)
        except OSError as error:
            if faults.is_read_only(error) and (folder / meta.FILE).exists():
                _LOG.warning("store %s cannot be written, opened read-only: %s", folder, error)
                return None
            if error.errno in (errno.ENOTDIR, errno.EEXIST):
                raise StoreUnavailable(
                    f"{folder} is not a folder. Set LESSONBANK_STORE to a folder."
                ) from error
            raise
        undo.pop_all()
        return ownership


def open_parts(
    folder: Path,
    clock: Callable[[], float] = time.monotonic,
    *,
    read_only: bool = False,
    sharing: Sharing | None = None,
    index: str = "",
) -> Opened:
    """Open the store in `folder`, whose index is in there or at `index`, a folder or a URL.

    With `read_only` nothing in the folder is changed, and another process may own it.
    With `sharing` the folder is a bucket's working copy.

    Raises:
        StoreUnavailable: It cannot be opened.
        StoreMismatch: A newer lessonbank wrote it.
    """
    ownership = None if read_only else claim(folder)
    with ExitStack() as undo:
        if ownership is not None:
            undo.callback(ownership.release)
        opened = _opened(Site(folder, index), ownership, clock, sharing)
        undo.pop_all()
        return opened


def _opened(
    site: Site,
    ownership: Ownership | None,
    clock: Callable[[], float],
    sharing: Sharing | None,
) -> Opened:
    """Open once, and once more where a large log turns out to be damaged: it is mended then."""
    with translated(site.folder):
        if ownership is None:
            return _open_read_only(site, clock)
        try:
            return _open_writable(site, ownership, clock, sharing)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            _LOG.warning("store %s: opened once more: %s", site.folder, error)
            return _open_writable(site, ownership, clock, sharing)


def _open_writable(
    site: Site, ownership: Ownership, clock: Callable[[], float], sharing: Sharing | None
) -> Opened:
    folder = site.folder
    known = meta.load_meta(folder)
    if site.root is not None:
        site.root.mkdir(parents=True, exist_ok=True)
    if known is None:
        _refuse_orphans(folder)
        known = meta.new_meta(item_table.VERSION)
    known = earlier.upgraded(folder, known)
    _require_log(folder, known)
    log = open_log(folder / logs.FILE, folder / QUARANTINE, known.generation, known.embedder)
    with ExitStack() as undo:
        undo.callback(log.close)
        shared = sharing.begun(folder) if sharing else None
        if shared is not None:
            undo.callback(shared.close)
            known = shared.begin(known, log)
        begun = (known.generation + 1,) if known.shadow_embedder else ()
        log.turn(known.generation, known.embedder, keep=begun)
        earlier.remove(folder, known.generation)
        opened = site.table(known.generation, known.dimension)
        if log.salvaged:
            _take_back(log, opened)
        if known.schema_version < meta.SCHEMA_VERSION:
            known = dataclasses.replace(known, schema_version=meta.SCHEMA_VERSION)
            known.save(folder)
        if shared is not None:
            shared.join(known, log)
        writer = Writer(Standing(folder, site.root, read_only=False), log, opened, clock)
        with writer.lance:
            writer.load()
            writer.index.open()
            writer.load_vectors()
            writer.load_words()
            if writer.index.waiting() <= BATCH:
                _catch_up(writer)
        undo.pop_all()
        return Opened(known, writer, ownership, shared)


def _catch_up(writer: Writer) -> None:
    """Add the few items that the index lacks; what cannot be done now is done later."""
    try:
        writer.drain()
    except StoreUnavailable as error:
        _LOG.warning("the index follows later: %s", error)


def _take_back(log: Log, opened: ItemTable) -> None:
    """Take what a damaged log lost of the items from the index, which still has it."""
    held = {entry.seq: entry for entry in log.scan("items")}
    taken = {entry.id for entry in held.values()}
    there = copies(opened)
    lost = [entry for entry in there if entry.id not in taken and not log.at([entry.seq])]
    log.append(lost)
    bare = [entry for entry in there if entry.seq in held and held[entry.seq].id == entry.id]
    bare = [entry for entry in bare if held[entry.seq].vectors[0] is None]
    log.put_vectors(bare, log.generation)
    _LOG.warning("%d items taken back from the index, vectors of %d", len(lost), len(bare))


def _refuse_orphans(folder: Path) -> None:
    """Refuse records without their meta: nobody could say which model made their vectors."""
    tables_there = any(any(t.glob("data/*")) for t in (folder / item_table.FOLDER).glob("*.lance"))
    if tables_there or any(log_files.readable(folder / logs.FILE, "SELECT 1 FROM records LIMIT 1")):
        raise StoreUnavailable(
            f"The store {folder} has records but no {meta.FILE}."
            " Restore this one file from a backup, or move the folder away to begin anew."
        )


def _require_log(folder: Path, known: Meta) -> None:
    """Refuse a store whose log was taken away: an empty one in its place would be a loss."""
    if known.schema_version and not (folder / logs.FILE).exists():
        raise StoreUnavailable(
            f"The store {folder} has no {logs.FILE}, which holds all its records."
            " Restore this one file from a backup, or move the folder away to begin anew."
        )


def _open_read_only(site: Site, clock: Callable[[], float]) -> Opened:
    folder = site.folder
    known = meta.load_meta(folder)
    if known is None:
        raise StoreUnavailable(f"{folder} holds no store. Set LESSONBANK_STORE to one that does.")
    if known.schema_version < meta.SCHEMA_VERSION:
        raise StoreUnavailable(
            f"The store {folder} has schema version {known.schema_version} and must be brought to"
            f" {meta.SCHEMA_VERSION} first: start lessonbank on it once, `lessonbank stats`, as a"
            " user who has write permission."
        )
    _require_log(folder, known)
    log = borrowed_log(folder / logs.FILE, known.generation, known.embedder)
    with ExitStack() as undo:
        undo.callback(log.close)
        opened = site.table(known.generation, known.dimension)
        writer = Writer(Standing(folder, site.root, read_only=True), log, opened, clock)
        writer.load()
        writer.index.read()
        writer.load_vectors()
        writer.load_words()
        undo.pop_all()
    return Opened(known, writer, None)
