"""The learner's newest checkpoints beside the shared log: a new machine need not learn all again.

Only a cache: a checkpoint says at which outcome of the log it stands, and what is
of another log, or lost, is learned again. This module knows files, not what is in them.
"""

from __future__ import annotations

import logging
from pathlib import Path

from memory_core.errors import StoreUnavailable
from memory_core.store.remote.reaching import objects_at

FOLDER = "learner"
PATTERN = "checkpoint-*.safetensors"
"""Their names sort by how many outcomes they hold."""
KEPT = 2
SECONDS = 300.0
"""Between two that are shared."""
TIMEOUT = 60.0
_LOG = logging.getLogger(__name__)


def _newest(folder: Path) -> Path | None:
    return max((folder / FOLDER).glob(PATTERN), key=lambda path: path.name, default=None)


def share(url: str, folder: Path) -> None:
    """Put the working folder's newest checkpoint into the bucket, in place of old ones.

    Raises:
        BucketUnavailable: The bucket did not answer.
    """
    newest = _newest(folder)
    if newest is None:
        return
    objects = objects_at(url, TIMEOUT)
    name = f"{FOLDER}/{newest.name}"
    there = objects.names(FOLDER)
    if name in there:
        return
    try:
        content = newest.read_bytes()
    except FileNotFoundError:  # a newer one took its place
        return
    objects.put(name, content)
    for old in [other for other in there if other != name][: max(0, len(there) - KEPT + 1)]:
        objects.delete(old)


def fetch(url: str, folder: Path) -> None:
    """Copy the bucket's newest checkpoint into the working folder if it is newer than any there.

    A fault is logged: the log brings the same state.
    """
    try:
        objects = objects_at(url, TIMEOUT)
        names = objects.names(FOLDER)
        own = _newest(folder)
        if not names or (own is not None and names[-1] <= f"{FOLDER}/{own.name}"):
            return
        found = objects.get(names[-1])
        if found is None:
            return
        target = folder / names[-1]
        target.parent.mkdir(exist_ok=True)
        draft = target.with_name(f"{target.name}.part")
        draft.write_bytes(found.content)
        draft.replace(target)
    except (StoreUnavailable, OSError) as error:
        _LOG.warning("no checkpoint was copied, the log is learned again: %s", error)
