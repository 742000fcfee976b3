"""Brings a working folder and the shared log together, before the store is loaded.

A record is known by its kind and id, its place in the log by its seq. What the folder
has and the shared log has not was acknowledged here and never uploaded: it goes to
the inbox, unless nobody else wrote meanwhile. What the shared log has and the
folder has not is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from memory_core.store.item_table import at_places
from memory_core.store.log import Line, Log
from memory_core.store.remote.bucket import LineSource
from memory_core.store.schema import TableName

SLICE = 500
Places = Mapping[int, tuple[TableName, str]]
"""The kind and the id of the record at each seq."""


@dataclass(slots=True)
class Difference:
    """Two sides of a log: seqs that only the folder has, that only the shared log has.

    `extra`: of records that the shared log has not at all; `moved`: that it has in another
    place; `doubled`: seqs there whose record stands there again, later.
    """

    extra: list[int] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)


def compared(local: Places, there: Places, *, anew: bool = False) -> Difference:
    """Compare both sides' places.

    Args:
        local: Of the folder.
        there: Of the shared log.
        anew: Whether what both have is missing here all the same.
    """
    last: dict[tuple[TableName, str], int] = {}
    doubled = []
    for seq in sorted(there):
        if there[seq] in last:
            doubled.append(last[there[seq]])
        last[there[seq]] = seq
    found = Difference(doubled=sorted(doubled))
    for seq, record in sorted(local.items()):
        if last.get(record) != seq:
            (found.moved if record in last else found.extra).append(seq)
    found.missing = sorted(seq for seq in last.values() if anew or local.get(seq) != there[seq])
    return found


def difference(log: Log, source: LineSource) -> Difference:
    """Compare a folder's log with the shared one, from which a salvaged one is made anew."""
    there: Places = {seq: (name, record) for seq, name, record in source.places()}
    return compared(log.places(), there, anew=log.salvaged)


def lines_at(source: LineSource, seqs: Sequence[int]) -> Iterator[Line]:
    """Give the lines at these places."""
    for start in range(0, len(seqs), SLICE):
        for lines in source.lines(at_places(seqs[start : start + SLICE])):
            yield from lines


def pull(source: LineSource, log: Log, seqs: Sequence[int]) -> int:
    """Copy the lines at these places, in ascending order, into the log; give how many came.

    Vectors of another generation than the log's stay where they are; a second line of a place
    is left out.
    """
    if not seqs:
        return 0
    copied, wanted = 0, set(seqs)
    same = source.generation == log.generation
    for lines in source.lines(f"seq >= {seqs[0]} AND seq <= {seqs[-1]}", vectors=same):
        taken = {line[0]: line for line in lines if line[0] in wanted}
        wanted.difference_update(taken)
        copied += log.put(taken.values())
    log.truncate()
    return copied
