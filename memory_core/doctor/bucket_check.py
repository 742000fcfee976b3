"""Check of the place of a shared store: who writes there, and whether it can hold a lease."""

from __future__ import annotations

from memory_core.addresses import is_database
from memory_core.doctor.results import Check, failed_with, passed
from memory_core.errors import StoreUnavailable


def check_bucket(url: str) -> Check:
    """Check that it answers, lets us write, and honours conditional puts."""
    from memory_core.store.remote.follower import claim_of
    from memory_core.store.remote.reaching import objects_at

    name = "database" if is_database(url) else "bucket"
    try:
        objects = objects_at(url)
        claim = claim_of(objects)
        objects.require_conditions()
    except StoreUnavailable as error:
        return failed_with(name, error)
    who = f"{claim.who or 'somebody'} writes to it" if claim is not None else "nobody writes to it"
    return passed(name, f"{url} answers and honours conditional puts; {who} now.")
