"""Which versions of the tables are on the disk: syncing LanceDB's files and recording it.

LanceDB itself syncs nothing. A version counts only when its files were synced
here and the journal says so; opening goes back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from memory_core.store import disk
from memory_core.store.journal import Journal
from memory_core.store.schema import TABLES
from memory_core.store.tables import Tables, table_name


class Settlement:
    """Syncs tables and records it. Only under the writer's LanceDB lock."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._paths: dict[str, set[str]] = {}

    def adopt(self, tables: Tables, versions: Mapping[str, int]) -> None:
        """Take over which versions were synced before this opening."""
        self._versions = dict(versions)
        for name in TABLES:
            stored = table_name(name, tables.generation)
            if versions.get(stored) == tables.version(name):
                self._paths[stored] = disk.paths_under(tables.path(name))

    def settle(self, tables: Tables, journal: Journal, seqs: Sequence[int] = ()) -> None:
        """Sync what changed; record it and let the journal forget `seqs`, in one transaction."""
        versions: dict[str, int] = {}
        for name in TABLES:
            stored = table_name(name, tables.generation)
            version = tables.version(name)
            if self._versions.get(stored) != version:
                disk.sync_new(tables.path(name), self._paths.setdefault(stored, set()))
                versions[stored] = version
        if versions or seqs:
            journal.settle(seqs, versions)
            self._versions.update(versions)

    def forget(self, journal: Journal, names: Iterable[str]) -> None:
        """Forget tables that are dropped."""
        gone = list(names)
        journal.forget_settled(gone)
        for name in gone:
            self._versions.pop(name, None)
            self._paths.pop(name, None)
