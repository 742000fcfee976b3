"""Numbered steps from one schema version to the next, done in place at open.

A step must give the same result when it is run again: a crash between a step
and the new number in `meta.json` repeats it. The number is written when what the
step made is on the disk, so that no power cut leaves the one without the other.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from memory_core.store.meta import Meta
from memory_core.store.schema import TABLES
from memory_core.store.tables import Tables

Step = Callable[[Tables], None]
_LOG = logging.getLogger(__name__)


def create_tables(tables: Tables) -> None:
    """Version 1: the four tables, empty."""
    for name in TABLES:
        tables.create(name)


def name_facts(tables: Tables) -> None:
    """Version 2: a recall names what it logged of its candidates."""
    tables.create("recalls")
    tables.add_column("recalls", "facts")


STEPS: Mapping[int, Step] = {1: create_tables, 2: name_facts}
"""What makes a store of version n - 1 one of version n."""


def steps_after(version: int, steps: Mapping[int, Step] = STEPS) -> list[tuple[int, Step]]:
    """Give the steps that a store of this version lacks, in their order."""
    return [(number, steps[number]) for number in sorted(steps) if number > version]


def migrate(
    folder: Path,
    meta: Meta,
    tables: Tables,
    settle: Callable[[], None],
    steps: Mapping[int, Step] = STEPS,
) -> Meta:
    """Bring the store to the newest version.

    Args:
        folder: Of the store; its meta is saved after each step.
        meta: What it says today.
        tables: Its tables.
        settle: Syncs them and records it.
        steps: All of them.
    """
    for version, step in steps_after(meta.schema_version, steps):
        _LOG.info("store %s: migrating to schema version %d", folder, version)
        step(tables)
        settle()
        meta = dataclasses.replace(meta, schema_version=version)
        meta.save(folder)
    return meta
