"""The meta.json of a shared store: replaced by whoever read it last, and by nobody else.

A writer that slept while another one took over would otherwise name tables that
are gone. Whoever takes over makes the former writer's tag void (`fence`) before
it looks which tables are left over.
"""

from __future__ import annotations

import json
import uuid

from memory_core.errors import StoreUnavailable
from memory_core.store.meta import FILE, Meta, content_of, parsed_meta
from memory_core.store.remote.objects import Objects

VERSION = 4
"""Of what stands in a shared store, which has versions of its own from this one on."""
FIRST_LOG = 4
"""The version from which on it holds a log; before, a table for each kind of record."""
_BEAT = "beat"
"""New with every write: the same meta has another tag then."""


class SharedMeta:
    """One process's view of it. For one thread at a time.

    Raises:
        BucketUnavailable: From every method, when the other side did not answer or refused.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._tag = ""
        self._tried = b""

    def read(self) -> Meta | None:
        """Give the meta, None when there is none.

        Raises:
            StoreUnavailable: It is damaged.
            StoreMismatch: A newer lessonbank wrote it.
        """
        found = self._objects.get(FILE)
        self._tag = found.tag if found is not None else ""
        if found is None:
            return None
        return parsed_meta(found.content, f"{self._objects.url}/{FILE}", VERSION)

    def write(self, meta: Meta) -> None:
        """Replace what was read or written last; it says `VERSION` from then on.

        Raises:
            StoreUnavailable: Somebody else has written it since.
        """
        self._write(meta, VERSION)

    def _write(self, meta: Meta, version: int) -> None:
        before, beat = self._tried, uuid.uuid4().hex[:12]
        said = {**json.loads(content_of(meta)), "schema_version": version, _BEAT: beat}
        content = json.dumps(said, indent=2).encode()
        self._tried = content
        new = self._objects.put_own(FILE, content, self._tag)
        if new is None and before:
            found = self._objects.get(FILE)
            if found is not None and found.content == before:  # it landed; its answer was lost
                new = self._objects.put_own(FILE, content, found.tag)
        if new is None:
            raise StoreUnavailable(
                f"Another process has changed {self._objects.url}/{FILE}. Nothing was written."
            )
        self._tag = new

    def fence(self, meta: Meta) -> None:
        """Write the same meta anew, so that nobody who read it before can replace it."""
        self._write(meta, meta.schema_version)
