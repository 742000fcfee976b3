"""Memories to measure: stores full of the corpus, opened as the server opens them.

Vectors are the real model's; they are kept in the system's temporary folder, so
that only the first run on a machine computes them. Importing this module loads
no array library: `served_embedder` does, in the order in which the server does.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

import anyio

from benchmarks.corpus import Text, lessons
from memory_core.model import Item
from memory_core.settings import Settings

if TYPE_CHECKING:
    from memory_core.in_process import InProcessMemory
    from memory_core.ports import Embedder, Matrix, StoredItem
    from memory_core.service.service import MemoryService

PROJECT = "benchmark"
BLOCK = 500
"""Lessons whose vectors are kept in one file."""
WRITTEN_AT_ONCE = 2_000
DAY = 86_400.0
FIRST_DAY = 1_750_000_000.0
KEPT = Path(tempfile.gettempdir()) / "lessonbank-benchmarks"

Say = Callable[[str], None]


def say(line: str) -> None:
    """Tell the progress of a long step."""
    print(f"  {line}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Stock:
    """A closed store, compacted, and what it holds.

    `raw` is what its items' texts and vectors are in bytes, `bytes` what the
    folder takes.
    """

    folder: Path
    items: int
    raw: int
    bytes: int

    def copy(self, name: str) -> Path:
        """Give the folder of a copy."""
        folder = self.folder.with_name(f"{self.folder.name}-{name}")
        shutil.copytree(self.folder, folder)
        return folder


def served_embedder() -> Embedder:
    """Give the default model as the server has it.

    It is loaded through `bootstrap`, before anything else imports torch or numpy,
    so that what the product does about threads holds for the measurement too.

    Raises:
        RuntimeError: There is no model; the message says why.
    """
    from memory_core.bootstrap import open_memory

    with tempfile.TemporaryDirectory(prefix="lessonbank-model-") as folder:
        opened = cast("InProcessMemory", open_memory(Settings(store=Path(folder))))
        opened.warm()
        while opened.readiness().stage not in ("ready", "keyword", "failed"):
            time.sleep(0.02)
        if opened.readiness().stage != "ready":
            raise RuntimeError(opened.readiness().message)
        embedder = opened._loading._service.result().core.embedder  # noqa: SLF001  # measured, not used
        anyio.run(opened.aclose)
    assert embedder is not None
    return embedder


# -- items -----------------------------------------------------------------------


def _item(number: int, text: Text, embedder: str) -> Item:
    return Item(
        id=f"item_{number:012x}",
        project=PROJECT,
        kind=text.kind,
        title=text.title,
        description=text.description,
        content=text.content,
        task=text.task,
        source="benchmark",
        content_hash=hashlib.sha256(f"{text.title}\n{text.content}".encode()).hexdigest(),
        created_at=FIRST_DAY + number * DAY / 50,
        embedder=embedder,
    )


def _embedded(embedder: Embedder, texts: Sequence[str], kept: Path) -> Matrix:
    """Give float32[N, d], from the disk where these very texts were embedded before."""
    import numpy as np

    digest = hashlib.sha256("\0".join((embedder.name, *texts)).encode()).hexdigest()[:24]
    path = kept / f"vectors-{digest}.npy"
    if path.exists():
        found = np.load(path, allow_pickle=False)
        if found.shape == (len(texts), embedder.dimension) and found.dtype == np.float32:
            vectors: Matrix = found
            return vectors
    vectors = embedder.embed_documents(texts)
    kept.mkdir(mode=0o700, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept, suffix=".npy", delete=False) as file:
        np.save(file, vectors)
    Path(file.name).replace(path)
    return vectors


def stored_items(
    embedder: Embedder, count: int, kept: Path = KEPT, tell: Say = say
) -> Iterator[StoredItem]:
    """Give the first `count` items of the corpus with their vectors."""
    from memory_core.ports import StoredItem

    texts = lessons(count)
    for start in range(0, count, BLOCK):
        block = list(islice(texts, BLOCK))
        tasks = list(dict.fromkeys(text.task for text in block))
        items = [_item(start + i, text, embedder.name) for i, text in enumerate(block)]
        tell(f"items {start + 1:,} to {start + len(block):,}: vectors")
        vectors = _embedded(embedder, [item.text for item in items], kept)
        of_task = dict(zip(tasks, _embedded(embedder, tasks, kept), strict=True))
        for item, vector in zip(items, vectors, strict=True):
            yield StoredItem(item, "active", vector, of_task[item.task])


def _raw_bytes(stored: StoredItem) -> int:
    item = stored.item
    words = (item.id, item.project, item.kind, item.text, item.task, item.source, item.content_hash)
    vectors = (stored.vector, stored.task_vector)
    return len("".join(words).encode()) + sum(v.nbytes for v in vectors if v is not None)


def stock(
    folder: Path, embedder: Embedder, count: int, kept: Path = KEPT, tell: Say = say
) -> Stock:
    """Fill a new store with `count` items, compact it and close it."""
    from memory_core.store.lance_store import LanceStore

    items = list(stored_items(embedder, count, kept, tell))
    store = LanceStore.open(folder, maintain=False)
    try:
        store.bind_embedder(embedder.name, embedder.dimension)
        for start in range(0, count, WRITTEN_AT_ONCE):
            store.add_items(items[start : start + WRITTEN_AT_ONCE])
        store.compact()
        size = store.sizes().bytes
    finally:
        store.close()
    return Stock(folder, count, sum(map(_raw_bytes, items)), size)


# -- memories --------------------------------------------------------------------


@contextmanager
def memory(folder: Path, embedder: Embedder) -> Iterator[MemoryService]:
    """Give the memory of a store with its model, as a server has it; closed at the end."""
    from memory_core.service.service import MemoryService
    from memory_core.store.lance_store import LanceStore

    service = MemoryService(
        Settings(store=folder),
        LanceStore.open(folder),
        project=PROJECT,
        notify=lambda _change: None,
    )
    try:
        service.attach(embedder)
        yield service
    finally:
        service.close()
