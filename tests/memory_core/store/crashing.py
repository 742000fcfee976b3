"""A process that writes to a store and says what was acknowledged, until it is killed.

Usage: python -m tests.memory_core.store.crashing FOLDER START
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from memory_core.store import maintenance
from memory_core.store.lance_store import LanceStore
from tests.memory_core.store.making import EMBEDDER, event, item, outcome, recall


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(folder: Path, start: int) -> None:
    # the tidying that takes minutes in life happens every few writes here
    maintenance.DRAIN_ROWS = 7
    maintenance.TEXT_QUIET_SECONDS = maintenance.IDLE_SECONDS = 0.0
    maintenance.COMPACT_FRAGMENTS = 6
    maintenance.COMPACT_SECONDS = maintenance.PATIENCE_FACTOR = 0.0
    maintenance.TICK_SECONDS = 0.001
    store = LanceStore.open(folder)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    for number in count(start):
        store.add_items([item(number)])
        say(f"item {number}")
        store.add_recall(recall(number))
        say(f"recall {number}")
        store.add_outcome(outcome(number))
        say(f"outcome {number}")
        if number % 3 == 0:
            store.add_event(event(number, "retire", number))
            say(f"event {number}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
