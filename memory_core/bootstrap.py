"""Names the concrete classes, once; everyone else sees protocols.

Importing this module is light: the store, the model and the learner are
imported by the functions that open them, on the memory's loading threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from memory_core.addresses import working_directory
from memory_core.allocator import steady_allocator
from memory_core.answers import Exported
from memory_core.errors import StoreUnavailable
from memory_core.in_process import InProcessMemory
from memory_core.port import Change, Memory
from memory_core.projects import derive_project
from memory_core.proof_answers import Evaluation
from memory_core.proven import TOKENS, ProvenNames
from memory_core.settings import Settings
from memory_core.shelf import FolderShelf, Shelf
from memory_core.threads import calm_threads
from memory_core.version import VERSION

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService


def product_version() -> str:
    """The version of this product."""
    return VERSION


def open_memory(settings: Settings, cwd: Path | None = None) -> Memory:
    """Give the memory of these settings; nothing is loaded until `warm` or the first call.

    Args:
        settings: See `memory_core.settings.read_settings`.
        cwd: Where the project is derived from, the process's own by default.
    """
    calm_threads()
    steady_allocator()
    project = derive_project(cwd or working_directory(), settings.project, settings.store)

    def open_service(notify: Callable[[Change], None]) -> MemoryService:
        from memory_core.service.conditions import vectors_of_conditions
        from memory_core.service.service import MemoryService
        from memory_core.store.lance_store import LanceStore
        from memory_core.store.remote.sharing import Sharing

        sharing = None
        if settings.remote:
            sharing = Sharing(
                settings.remote,
                follow=settings.follow,
                standby=settings.standby,
                address=settings.advertise,
                lost=lambda why: memory.fail(StoreUnavailable(why)),
            )
        store = LanceStore.open(
            settings.store,
            conditions=vectors_of_conditions,
            sharing=sharing,
            index=settings.index,
        )
        service = MemoryService(
            settings,
            store,
            project=project,
            notify=notify,
            version=product_version(),
            names=ProvenNames(open_shelf(settings, TOKENS)),
            readiness=lambda: memory.readiness().stage,
        )
        store.listen(partial(service.follow, adopt=store.adopt))
        return service

    def load_embedder() -> Embedder:
        from memory_core.embedder import SentenceEmbedder

        return SentenceEmbedder.load(settings.model)

    memory = InProcessMemory(open_service, load_embedder, settings.model_wait)
    return memory


def open_shelf(settings: Settings, name: str) -> Shelf:
    """Give the small file of this name of the store of these settings."""
    if not settings.remote:
        return FolderShelf(settings.store / name)
    from memory_core.store.remote.shelf import BucketShelf

    return BucketShelf(settings.remote, name)


def writer_address(settings: Settings) -> str:
    """Give the URL that the bucket's writer advertises, "" when there is none now.

    Raises:
        StoreUnavailable: The bucket did not answer.
    """
    from memory_core.store.remote.follower import claim_of
    from memory_core.store.remote.reaching import objects_at

    claim = claim_of(objects_at(settings.remote))
    return claim.address if claim is not None else ""


def evaluate(settings: Settings) -> Evaluation:
    """Replay the log of the store of these settings and compare scorers; changes nothing.

    Another process may own the store. Needs no embedding model.

    Raises:
        StoreUnavailable: There is no store, or it cannot be read.
    """
    calm_threads()
    from memory_core.service.evaluating import evaluate as replay
    from memory_core.store.lance_store import LanceStore

    store = LanceStore.open(settings.store, maintain=False, read_only=True)
    try:
        return replay(store, str(store.path))
    finally:
        store.close()


def export(settings: Settings, target: Path) -> Exported:
    """Write the log of the store of these settings as plain LanceDB tables.

    Another process may own the store. Needs no embedding model.

    Raises:
        InvalidInput: There is something at `target`.
        StoreUnavailable: There is no store, it cannot be read, or `target` cannot be written.
    """
    from memory_core.store.exporting import export_tables

    rows = export_tables(settings.store, target)
    return Exported(place=str(target), rows={str(name): count for name, count in rows.items()})
