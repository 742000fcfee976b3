"""Records that were acknowledged on a machine that may not write to the shared log (any more).

They come as objects that never change, one record a line, named by what they
hold: the same records twice are one object. Whoever holds the lease takes them
into its own log, each id once, and deletes the object when its records are in
the shared log.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from memory_core.ports import Vector
from memory_core.store.remote.objects import Objects
from memory_core.store.schema import CODECS, TABLES, Entry, TableName, entry_from

FOLDER = "inbox"
BATCH = 256
"""Records in one object."""
_LOG = logging.getLogger(__name__)


def _line(entry: Entry) -> str:
    vectors = [None if v is None else _text_of(v) for v in entry.vectors]
    payload = json.loads(entry.payload())
    return json.dumps({"table": entry.table, "row": payload, "vectors": vectors}, sort_keys=True)


def _text_of(vector: Vector) -> str:
    return base64.b64encode(np.ascontiguousarray(vector, dtype=np.float32).tobytes()).decode()


def packed(entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    """Give (name, content) of the objects that hold these entries, in the order of the log."""
    ordered = sorted(entries, key=lambda entry: entry.seq)
    for start in range(0, len(ordered), BATCH):
        part = ordered[start : start + BATCH]
        content = "\n".join(map(_line, part)).encode()
        place = f"{part[0].seq:020d}-{hashlib.sha256(content).hexdigest()[:24]}"
        yield f"{FOLDER}/{place}.jsonl", content


def unpacked(content: bytes) -> tuple[list[Entry], bool]:
    """Give (the entries of an object in its order, all with seq 0; whether every line was one)."""
    found, whole = [], True
    for line in content.splitlines():
        try:
            raw = json.loads(line)
            found.append(_entry(raw))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _LOG.error("a record of the inbox makes no sense and is left there: %s", error)
            whole = False
    return found, whole


def _entry(raw: dict[str, Any]) -> Entry:
    table = cast(TableName, raw["table"])
    if table not in TABLES:
        raise ValueError(f"there is no table {table!r}")
    payload = json.dumps(raw["row"], ensure_ascii=False).encode()
    vectors = [None if v is None else base64.b64decode(v) for v in raw["vectors"]]
    return entry_from(0, table, payload, vectors)


def deliver(objects: Objects, entries: Sequence[Entry]) -> None:
    """Put these entries into the inbox; what is there already stays.

    Raises:
        BucketUnavailable: Not all of them are there; delivering again does no harm.
    """
    for name, content in packed(entries):
        objects.put_new(name, content)


def read(objects: Objects, name: str) -> tuple[list[Entry], bool]:
    """Give (the entries of one object, whether all was understood); none when it is gone.

    Raises:
        BucketUnavailable: It could not be read.
    """
    found = objects.get(name)
    return ([], True) if found is None else unpacked(found.content)


def fitted(entry: Entry, embedder: str, dimension: int) -> Entry:
    """Give the entry, without its vectors when they are of another model: then it waits."""
    row = dict(entry.row)
    sizes = [len(v) for v in entry.vectors if v is not None]
    fits = all(size == dimension for size in sizes)
    if entry.table == "items":
        fits = fits and (not sizes or row.get("embedder") == embedder)
        if not fits:
            row["embedder"] = ""
    if fits:
        return entry
    codec = CODECS[entry.table]
    none = (None,) * len(entry.vectors)
    return Entry(entry.seq, entry.table, entry.id, row, none, codec.stored(row, none))
