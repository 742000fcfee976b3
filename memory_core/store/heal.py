"""Repair at open of what a crash or a power cut leaves behind.

LanceDB syncs nothing, so after a power cut its newest versions may be names
without content. The journal says which version of each table was synced last
and holds everything newer: whatever is newer is moved aside and replayed.
Without that record the newest manifest that is whole is taken.

Works on files only, before LanceDB opens them.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from memory_core.errors import StoreUnavailable
from memory_core.store import disk

QUARANTINE = "quarantine"
KEPT = 16
"""So many quarantined sets are kept, the newest."""
_NEWEST = 2**64 - 1
_MAGIC = b"LANC"
_LOG = logging.getLogger(__name__)


def manifests(table: Path) -> dict[int, Path]:
    """Give the table's manifests by version, newest first."""
    found = {}
    for path in sorted((table / "_versions").glob("*.manifest")):
        if path.stem.isdigit():
            found[_NEWEST - int(path.stem)] = path
    return found


def is_whole(manifest: Path) -> bool:
    """Tell whether a manifest ends as LanceDB ends them."""
    try:
        with manifest.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - len(_MAGIC)))
            return size > 2 * len(_MAGIC) and file.read() == _MAGIC
    except OSError:
        return False


def newest_safe(found: Mapping[int, Path], settled: int | None) -> int | None:
    """Give the version to go back to; None when no manifest is whole."""
    whole = [version for version, path in found.items() if is_whole(path)]
    if settled in whole:
        return settled
    return max(whole, default=None)


def heal_table(folder: Path, table: Path, settled: int | None) -> None:
    """Move aside what is newer than the version that is known to be on the disk.

    A table without any whole manifest that never was synced was being created:
    it is moved aside, and the journal has what it should hold.

    Raises:
        StoreUnavailable: The table was synced once and no version of it is whole.
    """
    found = manifests(table)
    safe = newest_safe(found, settled)
    unsafe = [path for version, path in found.items() if safe is None or version > safe]
    if safe is not None and not unsafe:
        return
    if safe is None and settled is not None:
        raise StoreUnavailable(
            f"The table {table.stem} of the store {folder} is damaged beyond repair: none of its"
            f" {len(found)} versions can be read. Restore {table} from a backup, or move it away"
            " to go on without what it held."
        )
    aside = folder / QUARANTINE / f"{table.stem}-{time.time_ns()}"
    aside.mkdir(parents=True)
    if safe is None:
        _LOG.error(
            "store %s: no version of table %s is whole, moved to %s", folder, table.stem, aside
        )
        table.replace(aside / table.name)
    else:
        _LOG.warning(
            "store %s: table %s goes back to version %d, the last that is known to be on the disk;"
            " %d newer moved to %s",
            folder,
            table.stem,
            safe,
            len(unsafe),
            aside,
        )
        (table / "_versions" / "latest_version_hint.json").unlink(missing_ok=True)
        for path in unsafe:
            path.replace(aside / path.name)
        disk.sync_folder(table / "_versions")
    disk.sync_folder(aside)


def heal(folder: Path, lance: Path, settled: Mapping[str, int]) -> None:
    """Heal every table of the store."""
    for table in sorted(lance.glob("*.lance")):
        heal_table(folder, table, settled.get(table.stem))
    _forget_old(folder / QUARANTINE)


def _forget_old(quarantine: Path) -> None:
    if quarantine.is_dir():
        by_age = sorted(quarantine.iterdir(), key=lambda path: path.name.rpartition("-")[2])
        for old in by_age[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
