"""Starts machines (see `machine`), listens to them, and looks at what the bucket has in the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path

from tests.memory_core.store.remote.bucket import lance_at, rows, until
from tests.patience import PATIENCE

EPOCH = 1 << 40
TABLES = {
    "items": ("item_", "item"),
    "recalls": ("recall_", "recall"),
    "outcomes": ("out_", "outcome"),
    "events": ("event_", "event"),
}


class Machine:
    """One process; what it said is in `said`, in order."""

    def __init__(self, root: Path, folder: Path, url: str, start: int, *options: str) -> None:
        module = "tests.memory_core.store.remote.machine"
        command = [sys.executable, "-m", module, str(folder), url, str(start)]
        self.folder = folder
        self.said: list[str] = []
        self.child = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if line.endswith("\n"):
                self.said.append(line.strip())

    def told(self, beginning: str) -> list[str]:
        """Lines that begin so."""
        return [line for line in list(self.said) if line.startswith(beginning)]

    def heard(self, beginning: str, times: int = 1) -> None:
        """Wait until so many lines begin so."""
        until(lambda: len(self.told(beginning)) >= times)

    def acknowledged(self) -> set[str]:
        """All records that it acknowledged."""
        words = tuple(f"{word} " for _, word in TABLES.values())
        return {line for line in self.said if line.startswith(words)}

    def kill(self) -> None:
        self.child.send_signal(signal.SIGKILL)
        self.gone()

    def stop(self) -> None:
        """Let it end in order."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        self.gone()

    def gone(self) -> None:
        """Wait until it ended and everything that it said was heard."""
        self.child.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self.child.stdin, self.child.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.gone()


def in_bucket(url: str) -> Counter[str]:
    """Every record of the shared log, by the words in which machines acknowledge them."""
    found: Counter[str] = Counter()
    for table, (prefix, word) in TABLES.items():
        found.update(f"{word} {int(row['id'][len(prefix) :])}" for row in rows(url, table))
    return found


def epochs_by_version(url: str) -> list[Counter[int]]:
    """How many records of each epoch every version of the log has, oldest first."""
    opened = lance_at(url).open_table("log")
    found = []
    for version in opened.list_versions():
        opened.checkout(version["version"])
        seqs = opened.search().select(["seq"]).limit(None).to_arrow()["seq"].to_pylist()
        found.append(Counter(seq // EPOCH for seq in seqs))
    return found


def require_one_writer_at_a_time(url: str) -> None:
    """Check that no version of the log adds records of an epoch after a later one began."""
    before: Counter[int] = Counter()
    for version in epochs_by_version(url):
        require_no_more_of_earlier(before, version)
        before = version


def require_nothing_late(url: str) -> None:
    """Check that of each epoch no more records stand there now than when the next one began.

    An append that was under way when its process was stopped may land later all
    the same; the writer there is then takes them out again.
    """
    versions = epochs_by_version(url)
    for before, version in pairwise(versions):
        if max(version, default=0) > max(before, default=0):
            require_no_more_of_earlier(version, versions[-1])


def require_no_more_of_earlier(before: Counter[int], now: Counter[int]) -> None:
    newest = max(before, default=0)
    assert all(count <= before[epoch] for epoch, count in now.items() if epoch < newest)
