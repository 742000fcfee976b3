"""Temporary stores with servers, commands and hosts over them; none is left at the end.

Hosts outlive whoever started them: they are found by the store in their command line
and ended by their process id. Two more nets: they end by themselves when their store is
gone, and after a minute without use.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child import Child
from benchmarks.startup import BARE_MODEL, BARE_SERVER
from memory_core.bootstrap import product_version
from memory_core.settings import Settings, read_settings
from server.host import direct, starting
from server.host.place import Announcement, known_place, place_of

PROJECT = "benchmark"
PATIENCE = 120.0
"""Seconds that a host gets to load, and to end."""
IDLE = 60
"""Seconds after which a host that was forgotten ends by itself."""
LOADED = frozenset({"ready", "keyword", "failed"})
_POLL = 0.02


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not come; the message names `what`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(_POLL)


@dataclass(slots=True)
class Stage:
    """A temporary folder of stores.

    `model` is the folder of the model's files, for what is measured without lessonbank.
    """

    folder: Path
    model: str = ""
    numbered: int = 0

    def store(self, name: str) -> Path:
        """The folder of a store of this name; it need not exist."""
        return self.folder / "stores" / name

    def settings(self, store: Path) -> Settings:
        """What a server of this store would read."""
        return read_settings({**os.environ, "LESSONBANK_STORE": str(store)})

    def copied(self, store: Path, name: str) -> Path:
        """Copy a store that nobody has open, without what its host left."""
        copy = self.store(name)
        shutil.copytree(store, copy, ignore=shutil.ignore_patterns("host"))
        return copy

    # -- processes -----------------------------------------------------------------

    def child(self, *command: str, store: Path | None = None) -> Child:
        """Start a program of this interpreter that is spoken to line by line."""
        self.numbered += 1
        log = self.folder / f"log-{self.numbered}.txt"
        environment = {"LESSONBANK_STORE": str(store)} if store is not None else {}
        return Child([sys.executable, *command], log, environment)

    def bare_server(self) -> Child:
        """The smallest server that the SDK makes."""
        return self.child(self._script("bare_server", BARE_SERVER))

    def bare_model(self) -> Child:
        """A process that imports what recall needs, loads the model and embeds once."""
        return self.child(self._script("bare_model", BARE_MODEL), self.model)

    def front(self, store: Path) -> Child:
        """`lessonbank serve`, which starts a host where none runs."""
        return self.child("-m", "server", "serve", store=store)

    def whole_server(self, store: Path) -> Child:
        """`lessonbank serve --in-process`."""
        return self.child("-m", "server", "serve", "--in-process", store=store)

    def _script(self, name: str, text: str) -> str:
        path = self.folder / f"{name}.py"
        if not path.exists():
            path.write_text(text, encoding="utf-8")
        return str(path)

    # -- hosts ---------------------------------------------------------------------

    def host(self, store: Path) -> Announcement:
        """Start the host of a store, unless one runs, and wait until it has loaded."""
        there = starting.ensure(place_of(store), product_version())
        until(lambda: self.told(store).get("stage") in LOADED, "the host's loading")
        return there

    def announced(self, store: Path) -> Announcement | None:
        """What the host of a store announces, None where there is none."""
        place = known_place(store)
        return place.read() if place is not None else None

    def told(self, store: Path) -> Mapping[str, Any]:
        """What the host of a store says of itself; empty where none answers."""
        there = self.announced(store)
        return (direct.health(there) if there is not None else None) or {}

    def stop(self, store: Path) -> None:
        """End the host of a store, if there is one, and whatever is about to become one."""
        place = known_place(store)
        there = self.announced(store)
        if place is not None and there is not None:
            starting.end(place, there)
        end_hosts(store)

    def close(self) -> None:
        """End every host of every store."""
        for store in sorted((self.folder / "stores").glob("*")):
            self.stop(store)
        end_hosts(self.folder)


def end_hosts(under: Path) -> None:
    """End the hosts of the stores at or below a folder, first kindly."""
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        for pid in hosts(under):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        with contextlib.suppress(TimeoutError):
            until(lambda: not hosts(under), "the end of the hosts", starting.STOP_WITHIN)
    starting.reap()


def hosts(under: Path) -> list[int]:
    """The process ids of all hosts at or below a folder; empty on systems without /proc."""
    found = []
    root = under.resolve()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            store = Path(os.fsdecode(words[words.index(b"server.host") + 1]))
            if store == root or root in store.parents:
                found.append(int(process.name))
    return found


@contextmanager
def stage(model: str = "", **settings: str) -> Iterator[Stage]:
    """Give a stage; this process's settings are those of all that runs on it.

    Args:
        model: LESSONBANK_MODEL of everything, the packaged one by default.
        settings: Further variables of the environment.
    """
    environment = {
        "LESSONBANK_PROJECT": PROJECT,
        "LESSONBANK_MODEL": model,
        "LESSONBANK_MODEL_WAIT": "600",
        "LESSONBANK_SCORER_MODE": "learned",
        "LESSONBANK_HOLDOUT": "0",
        "LESSONBANK_EXPLORE": "0",
        "LESSONBANK_HOST_IDLE": str(IDLE),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        **settings,
    }
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="lessonbank-hosts-") as folder:
        made = Stage(Path(folder).resolve())
        os.environ.update(environment)
        try:
            yield made
        finally:
            made.close()
            os.environ.clear()
            os.environ.update(before)
