"""Lets items longer than the model's window be found by all they say.

A thread embeds the parts of long items and puts them into the store's memory. They
are derived from the text: `parts.db` in the store's folder keeps them so that the next
start need not embed them again, and can be lost. Every process makes its own, so
nothing of it goes into a bucket.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memory_core.errors import LessonbankError
from memory_core.ports import Embedder, Matrix, Store
from memory_core.reading import fits, parts

log = logging.getLogger(__name__)
FILE = "parts.db"
_RULE = 1
"""Of how a text is cut into parts; raised when that changes."""
_AT_ONCE = 2
"""Parts embedded together: a query waits for no more of them."""


class LongItems:
    """Owns the thread and the file.

    Args:
        store: Takes the parts.
        embedder: Of the store.
        folder: The store's.
    """

    def __init__(self, store: Store, embedder: Embedder, folder: Path) -> None:
        self._store, self._embedder = store, embedder
        self._path = folder / FILE
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._pending = 0
        self._count = threading.Condition()
        self._stopping = False
        self._full = False
        self._thread: threading.Thread | None = None

    def add(self, item_ids: Sequence[str]) -> None:
        """Read these items when there is time; the first ones start the thread."""
        with self._count:
            self._pending += len(item_ids)
            if item_ids and self._thread is None and not self._stopping:
                self._thread = threading.Thread(
                    target=self._run, name="lessonbank-parts", daemon=True
                )
                self._thread.start()
        for item_id in item_ids:
            self._queue.put(item_id)

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until everything added is read; False on timeout (seconds)."""
        with self._count:
            return self._count.wait_for(lambda: self._pending == 0, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Stop; what is not read yet is read after the next start."""
        self._stopping = True
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        kept = _Kept(self._path, self._embedder.name)
        while (item_id := self._queue.get()) is not None and not self._stopping:
            try:
                self._take(item_id, kept)
            except LessonbankError:
                break  # the store is closed
            except Exception:
                log.exception("the parts of an item could not be read; its start is searched")
            with self._count:
                self._pending -= 1
                self._count.notify_all()
        kept.close()
        with self._count:
            self._pending = 0
            self._count.notify_all()

    def _take(self, item_id: str, kept: _Kept) -> None:
        rows = kept.get(item_id, self._embedder.dimension)
        if rows is None:
            found = self._store.get_items((item_id,)).get(item_id)
            if found is None or self._full:
                return
            rows = self._read(found.item.title, found.item.text)
            if rows is None:
                return
            kept.put(item_id, rows)
        if len(rows) and not self._store.add_parts(item_id, rows) and not self._full:
            self._full = True
            log.warning("there is no room for the parts of more long items")

    def _read(self, title: str, text: str) -> Matrix | None:
        """Embed an item's parts; none for an item that fits, None when told to stop."""
        made = np.zeros((0, self._embedder.dimension), dtype=np.float32)
        if fits(text, self._embedder.pieces, self._embedder.window):
            return made
        said = parts(title, text.removeprefix(title).lstrip("\n"))
        blocks = [made]
        for start in range(0, len(said), _AT_ONCE):
            if self._stopping:
                return None
            blocks.append(self._embedder.embed_documents(said[start : start + _AT_ONCE]))
        return np.concatenate(blocks)


class _Kept:
    """The file of parts that were embedded before; without it everything is embedded again."""

    def __init__(self, path: Path, model: str) -> None:
        self._model = f"{model} {_RULE}"
        self._file: sqlite3.Connection | None = None
        try:
            try:
                self._file = self._opened(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:  # it is no database any more
                log.warning("%s is made anew: %s", FILE, error)
                path.unlink(missing_ok=True)
                self._file = self._opened(path)
        except (sqlite3.Error, OSError) as error:
            log.warning("%s is not used: %s", FILE, error)

    @staticmethod
    def _opened(path: Path) -> sqlite3.Connection:
        file = sqlite3.connect(path, timeout=2.0, check_same_thread=False, isolation_level=None)
        try:
            file.execute("PRAGMA synchronous=OFF")
            file.execute(
                "CREATE TABLE IF NOT EXISTS parts"
                " (item TEXT, model TEXT, rows BLOB, PRIMARY KEY (item, model)) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError:
            file.close()
            raise
        return file

    def get(self, item_id: str, dimension: int) -> Matrix | None:
        """Give an item's parts, float32[P, d]; None where they are not kept."""
        if self._file is None:
            return None
        try:
            row = self._file.execute(
                "SELECT rows FROM parts WHERE item = ? AND model = ?", (item_id, self._model)
            ).fetchone()
        except sqlite3.Error:
            return None
        if row is None or len(row[0]) % (4 * dimension):
            return None
        rows: Matrix = np.frombuffer(row[0], dtype=np.float32).reshape(-1, dimension)
        return rows if np.isfinite(rows).all() else None

    def put(self, item_id: str, rows: Matrix) -> None:
        """Keep an item's parts."""
        if self._file is None:
            return
        try:
            self._file.execute(
                "INSERT OR REPLACE INTO parts VALUES (?, ?, ?)",
                (item_id, self._model, rows.tobytes()),
            )
        except sqlite3.Error as error:
            log.warning("%s cannot be written: %s", FILE, error)
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
