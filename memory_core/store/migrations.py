"""Numbered steps from one schema version to the next, done in place at open.

A step must give the same result when it is run again: a crash between a step
and the new number in `meta.json` repeats it.
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


STEPS: Mapping[int, Step] = {1: create_tables}
"""What makes a store of version n - 1 one of version n."""


def migrate(folder: Path, meta: Meta, tables: Tables, steps: Mapping[int, Step] = STEPS) -> Meta:
    """Bring the store to the newest version; the meta is saved after each step."""
    for version in sorted(steps):
        if version > meta.schema_version:
            _LOG.info("store %s: migrating to schema version %d", folder, version)
            steps[version](tables)
            meta = dataclasses.replace(meta, schema_version=version)
            meta.save(folder)
    return meta
