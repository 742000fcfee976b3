"""One machine of several that share a bucket: waits for the lease, then writes until it is ended.

Says what happens, a line each: `waits`, `open EPOCH`, each acknowledged record,
`refused` and `lost`. Ends in order when its input ends.

Usage: python -m tests.memory_core.store.remote.machine FOLDER URL START [--once] [--length=S]
"""

from __future__ import annotations

import sys
import threading
import time
from itertools import count
from pathlib import Path

from memory_core.errors import StoreUnavailable
from memory_core.store.lance_store import LanceStore
from memory_core.store.remote import lease, session, uploading
from memory_core.store.remote.sharing import Sharing
from tests.memory_core.store.making import EMBEDDER, event, item, outcome, recall

LENGTH = 5.0
PACE = 0.01


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def opened(folder: Path, url: str, *, once: bool, lost: threading.Event) -> LanceStore | None:
    """The store once this machine may write; None when it only tries once and may not."""
    while True:
        try:
            return LanceStore.open(folder, sharing=Sharing(url, lost=lambda _: lost.set()))
        except StoreUnavailable as error:
            say(f"waits {error}")
            if once:
                return None


def write(store: LanceStore, number: int) -> None:
    store.add_items([item(number)])
    say(f"item {number}")
    store.add_recall(recall(number), durable=True)
    say(f"recall {number}")
    store.add_outcome(outcome(number))
    say(f"outcome {number}")
    if number % 3 == 0:
        store.add_event(event(number, "retire", number))
        say(f"event {number}")


def main(folder: Path, url: str, start: int, *, once: bool, length: float) -> None:
    lease.LENGTH = length
    uploading.SECONDS, uploading.RETRY_SECONDS = 0.1, (0.1, 0.5)
    uploading.COMPACT_COMMITS, uploading.COMPACT_SECONDS = 16, 0.0
    session.INBOX_SECONDS = 0.1
    lost, ended = threading.Event(), threading.Event()

    def input_ends() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=input_ends, daemon=True).start()
    store = opened(folder, url, once=once, lost=lost)
    if store is None:
        return
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    store.listen()
    assert isinstance(store._shared, session.Session)
    say(f"open {store._shared.lease.epoch}")
    for number in count(start):
        if ended.wait(PACE) or lost.is_set():
            break
        try:
            write(store, number)
        except StoreUnavailable as error:
            say(f"refused {error}")
            time.sleep(PACE)
    if lost.is_set():
        say("lost")
    store.close()
    say("closed")


if __name__ == "__main__":
    options = sys.argv[4:]
    lengths = [float(word.partition("=")[2]) for word in options if word.startswith("--length=")]
    main(
        Path(sys.argv[1]),
        sys.argv[2],
        int(sys.argv[3]),
        once="--once" in options,
        length=(lengths or [LENGTH])[-1],
    )
