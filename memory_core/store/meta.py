"""`meta.json`: what a store folder says about itself. This module opens no table."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

from memory_core.errors import StoreMismatch, StoreUnavailable
from memory_core.store import disk

SCHEMA_VERSION = 3
FILE = "meta.json"


@dataclass(frozen=True, slots=True)
class Meta:
    """What a store is.

    `embedder` and `dimension` name the model of its vectors ("" and 0: none
    yet). `generation` counts completed re-embeddings and names the tables in
    use; `shadow_embedder` and `shadow_dimension` say which model a re-embedding
    under way works for ("": none). `created` is seconds since the epoch.
    """

    schema_version: int = 0
    embedder: str = ""
    dimension: int = 0
    generation: int = 1
    shadow_embedder: str = ""
    shadow_dimension: int = 0
    created: float = 0.0
    lancedb: str = ""

    def save(self, folder: Path) -> None:
        """Replace the folder's `meta.json`, atomically and on the disk."""
        disk.replace_atomically(folder / FILE, content_of(self))


def content_of(meta: Meta) -> bytes:
    """Give the content of a `meta.json`."""
    return (json.dumps(dataclasses.asdict(meta), indent=2) + "\n").encode()


def new_meta(lancedb_version: str) -> Meta:
    """Give the meta of a store that has no tables yet (schema version 0)."""
    return Meta(created=time.time(), lancedb=lancedb_version)


def load_meta(folder: Path) -> Meta | None:
    """Read the folder's `meta.json`; None when there is none.

    Raises:
        StoreUnavailable: It is there and cannot be understood.
        StoreMismatch: A newer lessonbank wrote it.
    """
    try:
        content = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return None
    return parsed_meta(content, str(folder / FILE))


def parsed_meta(content: bytes, place: str, newest: int = SCHEMA_VERSION) -> Meta:
    """Give the meta of a `meta.json` that stands at `place`, of version `newest` or before.

    Raises:
        StoreUnavailable: It cannot be understood.
        StoreMismatch: A newer lessonbank wrote it.
    """
    try:
        raw = json.loads(content)
        names = {f.name for f in dataclasses.fields(Meta)}
        meta = Meta(**{name: value for name, value in raw.items() if name in names})
        version = int(meta.schema_version)
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreUnavailable(
            f"{place} is damaged and cannot be read."
            " Restore this one file from a backup; the tables beside it are untouched."
        ) from error
    if version > newest:
        raise StoreMismatch(
            f"The store of {place} has schema version {version}; this lessonbank knows up to"
            f" {newest}. Upgrade lessonbank, or set LESSONBANK_STORE to another store."
        )
    return meta
