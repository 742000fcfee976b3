"""Numbered steps from one schema version of the shared store's tables to the next, in place.

A step must give the same result when it is run again: a crash between a step
and the new number in the shared `meta.json` repeats it. What a folder of one machine
goes through is in `earlier`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from memory_core.store.schema import TABLES
from memory_core.store.tables import Tables

Step = Callable[[Tables], None]


def create_tables(tables: Tables) -> None:
    """Version 1: the four tables, empty."""
    for name in TABLES:
        tables.create(name)


def name_facts(tables: Tables) -> None:
    """Version 2: a recall names what it logged of its candidates."""
    tables.create("recalls")
    tables.add_column("recalls", "facts")


def keep_tables(_: Tables) -> None:
    """Version 3: a machine's own folder has a log; the shared tables are as they were."""


STEPS: Mapping[int, Step] = {1: create_tables, 2: name_facts, 3: keep_tables}
"""What makes a store of version n - 1 one of version n."""


def steps_after(version: int, steps: Mapping[int, Step] = STEPS) -> list[tuple[int, Step]]:
    """Give the steps that a store of this version lacks, in their order."""
    return [(number, steps[number]) for number in sorted(steps) if number > version]
