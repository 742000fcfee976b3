"""Killed at any moment, a store keeps what it acknowledged, each record exactly once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from memory_core.store.lance_store import LanceStore
from tests.memory_core.store.making import EVERYTHING

ROUNDS = 3


def acknowledged_until_killed(folder: Path, start: int, lines: int, root: Path) -> set[str]:
    """Run the writer, kill it after so many acknowledgements, give all that it had said."""
    command = [sys.executable, "-m", "tests.memory_core.store.crashing", str(folder), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
        assert child.stdout is not None
        said = {child.stdout.readline().strip() for _ in range(lines)}
        child.send_signal(signal.SIGKILL)
        said.update(line.strip() for line in child.stdout if line.endswith("\n"))
    assert child.returncode == -signal.SIGKILL
    return said


def present(store: LanceStore) -> Counter[str]:
    found: Counter[str] = Counter()
    for stored in store.scan_items(EVERYTHING):
        number = int(stored.item.id[5:])
        found[f"item {number}"] += 1
        if stored.state == "retired":
            found[f"flip {number}"] += 1
    found.update(f"recall {int(r.record.id[7:])}" for r in store.recalls())
    found.update(f"outcome {int(o.record.id[4:])}" for o in store.outcomes())
    found.update(f"event {int(e.id[6:])}" for e in store.events())
    return found


def test_nothing_acknowledged_is_lost_and_nothing_doubled_by_kills(
    tmp_path: Path, repository: Path
) -> None:
    chance = random.Random(20)
    folder = tmp_path / "store"
    said: set[str] = set()
    for round_number in range(ROUNDS):
        lines = chance.randint(20, 150)
        said |= acknowledged_until_killed(folder, 1000 * round_number, lines, repository)
        store = LanceStore.open(folder, maintain=False)
        found = present(store)
        assert said <= set(found)
        assert set(found.values()) == {1}
        flips = {name.replace("flip", "event") for name in found if name.startswith("flip")}
        assert flips == {name for name in found if name.startswith("event")}
        rows = store._writer.table.scan(["id"])["id"].to_pylist()
        assert sorted(rows) == sorted(s.item.id for s in store.scan_items(EVERYTHING))
        abandon_or_close(store, round_number)


def abandon_or_close(store: LanceStore, round_number: int) -> None:
    if round_number % 2:
        store.compact()
    store.close()
