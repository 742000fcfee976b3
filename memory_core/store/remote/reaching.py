"""What stands under a URL, of a bucket or of a database: its objects and its log."""

from __future__ import annotations

from memory_core.addresses import is_database
from memory_core.store.meta import Meta
from memory_core.store.remote.bucket import LineSource, SharedLog
from memory_core.store.remote.four_tables import FourTables
from memory_core.store.remote.objects import TIMEOUT, Objects
from memory_core.store.remote.shared_meta import FIRST_LOG


def objects_at(url: str, timeout: float | None = None) -> Objects:
    """Give the objects under a URL; a request may take `timeout` seconds (`TIMEOUT`).

    Raises:
        BucketUnavailable: The URL's client cannot be made.
    """
    within = TIMEOUT if timeout is None else timeout
    if is_database(url):
        from memory_core.store.remote.database import DatabaseObjects

        return DatabaseObjects(url, within)
    from memory_core.store.remote.bucket_objects import BucketObjects

    return BucketObjects(url, within)


def log_at(url: str, generation: int) -> SharedLog:
    """Give the log with the vectors of one generation, in a bucket or in a database."""
    if is_database(url):
        from memory_core.store.remote.database import DatabaseLog

        return DatabaseLog(url, generation)
    return SharedLog(url, generation)


def source_at(url: str, there: Meta) -> LineSource:
    """Give what a copy is made of, for a store that says this of itself."""
    log = log_at(url, there.generation)
    return log if there.schema_version >= FIRST_LOG else FourTables(log)
