"""What stands under a URL, of a bucket or of a database: its objects and its tables."""

from __future__ import annotations

from memory_core.addresses import is_database
from memory_core.store.remote.bucket import BucketTables
from memory_core.store.remote.objects import TIMEOUT, Objects


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


def tables_at(url: str, generation: int, dimension: int) -> BucketTables:
    """Give the tables of one generation under a URL, of a bucket or of a database."""
    if is_database(url):
        from memory_core.store.remote.database import DatabaseTables

        return DatabaseTables(url, generation, dimension)
    return BucketTables(url, generation, dimension)
