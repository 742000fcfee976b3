"""Reads all that a store holds, checksum by checksum, and compares its index with its log.

Changes nothing; another process may own the store. Loads LanceDB, and neither a model nor torch.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from memory_core.doctor.results import Check, Report, failed, not_checked, passed, warned
from memory_core.doctor.store_checks import check_meta
from memory_core.ports import Vector
from memory_core.store.catalog import states_after
from memory_core.store.columns import vectors_of
from memory_core.store.earlier import FIRST_LOG
from memory_core.store.index import UNUSABLE
from memory_core.store.log import FILE, Examined, Log
from memory_core.store.log_files import borrowed_log
from memory_core.store.meta import Meta
from memory_core.store.opening import Site
from memory_core.store.schema import TABLES, Entry

SLICE = 1024
"""Items that are compared at a time."""
SHOWN = 5
"""Ids that a sentence names."""
_RESTORE = "Restore the folder from a backup if they must come back; the rest goes on without."
_READ = (
    "Read them once, with `lessonbank show ID`: the index has them whole, and they are logged anew."
)
_VECTORS = (
    "Nothing to do: the next start makes those of items again with the model; what a recall or an"
    " outcome lost of them, the learner goes on without."
)
_ANEW = "Nothing to do: the next start puts the index right."


def verify(folder: Path, index: str = "", tell: Callable[[str], None] = lambda _: None) -> Report:
    """Give what is whole of a store; not `ok` when its log lost something.

    Args:
        folder: Of the store.
        index: Where its index is when not in there.
        tell: Called with what is read next.

    Raises:
        StoreUnavailable: The log is being written all the time.
    """
    version, known = check_meta(folder, "")
    if known is None or not (known.schema_version or (folder / FILE).exists()):
        nothing = not_checked("store", f"{folder} holds no store.")
        return _report([version if version.status == "fail" else nothing])
    if 0 < known.schema_version < FIRST_LOG:
        said = f"{folder} is a store of an earlier version, which has no log."
        return _report([not_checked("store", f"{said} The next start gives it one.")])
    if not (folder / FILE).exists():
        move = "Restore this one file from a backup, or move the folder away to begin anew."
        return _report([failed("log", f"{folder} has no {FILE}, which holds all records.", move)])
    log = borrowed_log(folder / FILE, known.generation, known.embedder)
    try:
        return _report(_Verification(Site(folder, index), known, log, tell).checks())
    except sqlite3.DatabaseError as error:
        move = "Start once: what is readable is carried over. See `lessonbank doctor`."
        return _report([failed("log", f"The log cannot be read to its end ({error}).", move)])
    finally:
        log.close()


def _report(checks: list[Check]) -> Report:
    return Report(ok=all(check.status != "fail" for check in checks), checks=tuple(checks))


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


class _Verification:
    def __init__(self, site: Site, known: Meta, log: Log, tell: Callable[[str], None]) -> None:
        self._known, self._log, self._tell = known, log, tell
        self._table = site.table(known.generation, known.dimension)
        self._rows: dict[int, tuple[str, str]] = {}
        self._places: dict[str, int] = {}
        self._states: dict[str, str] = {}
        self._bare: list[str] = []
        self._kept: set[str] = set()

    def checks(self) -> list[Check]:
        """Read the index first: what it has then, the log has later, whoever writes meanwhile."""
        self._tell("the index")
        unread = ""
        try:
            rows = self._table.scan(["seq", "id", "state"]).to_pydict()
            told = zip(rows["id"], rows["state"], strict=True)
            self._rows = dict(zip(rows["seq"], told, strict=True))
        except UNUSABLE as error:
            unread = str(error) or type(error).__name__
        try:
            checks = [self._file(), *self._records()]
            return [*checks, self._index(unread)]
        finally:
            self._table.close()

    def _file(self) -> Check:
        self._tell("the file of the log")
        if self._log.salvaged:
            move = "Start once: what is readable is carried over, items come from the index."
            return failed("log", "The log is damaged; what follows is of what is readable.", move)
        verdict = self._log.integrity()
        if verdict != "ok":
            return failed("log", f"The log is damaged ({verdict}).", _RESTORE)
        return passed("log", "SQLite finds its file whole.")

    def _records(self) -> list[Check]:
        """Read every record and every vector; note where items are and in which state."""
        self._tell("the records")
        count: Counter[str] = Counter()
        damaged: defaultdict[str, list[str]] = defaultdict(list)
        vectors = 0
        heads = {row[1]: hash(_head(*row)) for row in self._log.heads()}
        for each in self._log.examined():
            count[each.name] += 1
            if not self._noted(each, heads):
                damaged[each.name].append(each.id)
            if each.vectors_damaged or not self._fits(each.entry):
                self._bare.append(each.id)
            if each.entry is not None:
                vectors += sum(vector is not None for vector in each.entry.vectors)
        found = [self._of_kind(name, count[name], damaged[name]) for name in TABLES]
        if self._bare:
            said = f"The vectors of {len(self._bare):,} records are damaged: {_named(self._bare)}."
            return [*found, warned("vectors", said, _VECTORS)]
        return [*found, passed("vectors", f"{vectors:,}, all whole.")]

    def _noted(self, each: Examined, heads: Mapping[int, int]) -> bool:
        """Note what a record says of items; tell whether it is whole."""
        entry = each.entry
        if each.name == "events" and entry is not None:
            self._states.update(states_after([(each.seq, entry.stored)], self._places))
        if each.name != "items":
            return entry is not None
        self._places[each.id] = each.seq
        self._states[each.id] = entry.row["state"] if entry else ""
        if entry is None:
            if self._rows.get(each.seq, ("",))[0] == each.id:
                self._kept.add(each.id)
            return False
        head = hash(_head_of(entry))
        return heads.get(each.seq, head) == head

    def _fits(self, entry: Entry | None) -> bool:
        vectors = () if entry is None else entry.vectors
        return all(vector is None or len(vector) == self._known.dimension for vector in vectors)

    def _of_kind(self, name: str, count: int, damaged: Sequence[str]) -> Check:
        if not damaged:
            return passed(name, f"{count:,}, all whole.")
        said = f"{len(damaged):,} of {count:,} are damaged: {_named(damaged)}."
        if name == "items" and all(record in self._kept for record in damaged):
            return failed(name, said, _READ)
        return failed(name, said, _RESTORE)

    # -- index

    def _index(self, unread: str) -> Check:
        self._tell("the vectors of the index")
        name = "index"
        late: list[str] = []
        differs: list[str] = []
        try:
            if self._known.dimension and not unread and not self._log.salvaged:
                late, differs = self._other_vectors()
        except UNUSABLE as error:
            unread = str(error) or type(error).__name__
        if unread:
            return warned(name, f"The index cannot be read ({unread[:120]}).", _ANEW)
        ids = {seq: item_id for item_id, seq in self._places.items()}
        there = sorted(self._rows.items())
        lacks = [i for seq, i in sorted(ids.items()) if self._rows.get(seq, ("", ""))[0] != i]
        extra = [i for seq, (i, _) in there if ids.get(seq) != i]
        told = [(i, state) for seq, (i, state) in there if ids.get(seq) == i]
        states = [i for i, state in told if self._states[i] not in ("", state)]
        if self._log.salvaged:
            said = f"It has {len(told):,} of the items that are readable"
            if not extra:
                return passed(name, f"{said}.")
            more = f"{said}; it has {len(extra):,} that the log lost: {_named(extra)}."
            return warned(name, more, "Start once: they are taken back from it.")
        if self._log.read_only and not (extra or differs):
            return passed(name, self._in_use(len(told), lacks, {*states, *late}))
        faults = [
            (lacks, "it lacks"),
            (extra, "it has, and the log has not,"),
            (states, "it has in another state"),
            (sorted({*late, *differs}), "it has with other vectors"),
        ]
        found = [f"{what} {len(which):,} items: {_named(which)}" for which, what in faults if which]
        if found:
            return warned(name, f"Of the log's {len(ids):,} items {'; '.join(found)}.", _ANEW)
        return passed(name, f"{len(told):,} items, as the log has them.")

    def _in_use(self, count: int, lacks: Sequence[str], changed: set[str]) -> str:
        """Say what the owner of the store has not written into its index yet."""
        said = f"{count:,} items, as the log has them"
        if lacks:
            said += f"; {len(lacks):,} more are being added, or at the next start"
        if changed:
            said += f"; {len(changed):,} are being changed, or at the next start"
        return f"{said}."

    def _other_vectors(self) -> tuple[list[str], list[str]]:
        """Give the items whose vectors (are not there yet, differ), in slices of the log."""
        late: list[str] = []
        found: list[str] = []
        damaged = {*self._bare, *self._kept}
        seqs = sorted(seq for item_id, seq in self._places.items() if item_id not in damaged)
        for start in range(0, len(seqs), SLICE):
            part = seqs[start : start + SLICE]
            where = f"seq >= {part[0]} AND seq <= {part[-1]}"
            rows = self._table.scan(["seq", "vector", "task_vector"], where)
            columns = zip(*(vectors_of(rows, c) for c in ("vector", "task_vector")), strict=True)
            here = dict(zip(rows["seq"].to_pylist(), columns, strict=True))
            for entry in self._log.at(part):
                if entry.seq not in here:
                    continue
                pairs = list(zip(here[entry.seq], entry.vectors, strict=True))
                if not all(_same(one, other) for one, other in pairs):
                    (late if here[entry.seq][0] is None else found).append(entry.id)
        return late, found


def _head(
    _id: str, _seq: int, project: str, kind: str, state: str, content: str, at: float, _: bool
) -> tuple[object, ...]:
    return project, kind, state, content, at


def _head_of(entry: Entry) -> tuple[object, ...]:
    """Give what stands beside an item in the log, as the item has it."""
    item = entry.stored.item
    return item.project, item.kind, entry.row["state"], item.content_hash, item.created_at


def _same(one: Vector | None, other: Vector | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one, other))
