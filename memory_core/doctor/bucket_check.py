"""Check of the bucket that holds the store: who writes there, and whether it can hold a lease."""

from __future__ import annotations

from memory_core.doctor.results import Check, failed_with, passed
from memory_core.errors import StoreUnavailable


def check_bucket(url: str) -> Check:
    """Check that the bucket answers, lets us write, and honours conditional puts."""
    from memory_core.store.remote.follower import claim_of
    from memory_core.store.remote.objects import Objects

    try:
        objects = Objects(url)
        claim = claim_of(objects)
        objects.require_conditions()
    except StoreUnavailable as error:
        return failed_with("bucket", error)
    who = f"{claim.who or 'somebody'} writes to it" if claim is not None else "nobody writes to it"
    return passed("bucket", f"{url} answers and honours conditional puts; {who} now.")
