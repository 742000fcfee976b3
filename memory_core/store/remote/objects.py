"""Small objects beside a shared store's log: conditional puts, gets, lists. Knows no tables.

Every request has a short limit of its own and is not repeated here: the caller
knows whether a repetition does harm. What is told when the place does not answer is worded here.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from memory_core.addresses import is_database
from memory_core.errors import StoreUnavailable
from memory_core.store.faults import says

# -- what is told when nobody answers

_DENIED = ("403 forbidden", "401 unauthorized", "accessdenied", "signaturedoesnotmatch")
_NO_BUCKET = ("nosuchbucket", "containernotfound")
_NO_KEYS = ("imds", "instance metadata", "metadata.google", "credential", "account must be")
_KEY = ("unauthorized", "forbidden", "api_key is required", "invalid api key")
_KEY_STATUS = (401, 403)
_HTTP_OK = 200


def is_no_bucket(error: BaseException) -> bool:
    """Tell whether the bucket itself is missing, and not an object in it."""
    return says(error, _NO_BUCKET)


def sentence(url: str, error: BaseException) -> str:
    """Give what is wrong with the bucket or the database, and the next move."""
    first = (str(error).splitlines() or [""])[0]
    if is_database(url):
        status = getattr(error, "status_code", None)
        if status in _KEY_STATUS or says(error, _KEY):
            return (
                f"The database of {url} refuses this key. Set LANCEDB_API_KEY to one that may read"
                " and write there, and LANCEDB_REGION, or LANCEDB_HOST for a server of your own."
            )
        if isinstance(status, int) and status >= _HTTP_OK:
            return (
                f"The database of {url} answered with {status}: {first[:200]}. Try again; if it"
                " stays so, look at what the service says of this request."
            )
        return (
            f"The database of {url} cannot be reached: {first[:200]}. Check the network,"
            " LANCEDB_REGION and LANCEDB_HOST."
        )
    if says(error, _NO_BUCKET):
        return f"There is no bucket for {url}. Create it, or set LESSONBANK_STORE to another."
    if says(error, _DENIED):
        return (
            f"The bucket of {url} refuses these credentials. Check the variables AWS_*, GOOGLE_*"
            " or AZURE_* and that they may read, write, list and delete under this prefix."
        )
    if says(error, _NO_KEYS):
        return (
            f"No credentials were found for {url}. Set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY (or GOOGLE_*, AZURE_*) where lessonbank starts."
        )
    return (
        f"The bucket of {url} cannot be reached: {first[:200]}. Check the network and the variables"
        " AWS_*, GOOGLE_* or AZURE_*."
    )


# -- objects

LEASE = "lease.json"
"""The object that says who writes."""
HEAD = "head.json"
"""New content after every upload: one request tells a follower whether to look at the log."""
TIMEOUT = 3.0
"""Seconds for one request on a small object, its body included."""
CONNECT = 2.0
"""Of these, for reaching the other side."""
_AT_ONCE = 4


class BucketUnavailable(StoreUnavailable):
    """The bucket, or the database, did not answer, or refused; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object's content and its tag: another content has another tag."""

    content: bytes
    tag: str


class Objects(ABC):
    """The objects under one URL. Thread-safe.

    Raises:
        BucketUnavailable: From every method, when the other side did not answer or refused.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests = 0

    @abstractmethod
    def get(self, name: str) -> Found | None:
        """Give the object, None when there is none."""

    @abstractmethod
    def put_new(self, name: str, content: bytes) -> str | None:
        """Create the object and give its tag; None when there is one already."""

    @abstractmethod
    def put_over(self, name: str, content: bytes, tag: str) -> str | None:
        """Replace the object that has this tag and give the new one; None when it has another."""

    @abstractmethod
    def put(self, name: str, content: bytes) -> None:
        """Write the object, whatever was there."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete the object; one that is not there is no fault."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Give the names of the objects under `folder`, sorted."""

    def put_own(self, name: str, content: bytes, tag: str = "") -> str | None:
        """Create the object, or replace the one with this tag; None when another one is there.

        A put whose answer was lost, and which the client below sent once more, looks
        refused though it has landed: this content stands there then. So it must be the
        caller's alone.
        """
        new = self.put_over(name, content, tag) if tag else self.put_new(name, content)
        if new is None:
            found = self.get(name)
            if found is not None and found.content == content:
                return found.tag
        return new

    def require_conditions(self) -> None:
        """Refuse a place that does not honour conditional puts: a lease in it protects nothing.

        Raises:
            StoreUnavailable: It does not.
        """
        name = f"probe-{uuid.uuid4().hex}"
        try:
            tag = self.put_own(name, b"1")
            honoured = tag is not None and self.put_new(name, b"2") is None
            honoured = honoured and self.put_over(name, b"3", "another") is None
            honoured = honoured and self._has_one_winner(name, tag or "")
        finally:
            self.delete(name)
        if not honoured:
            raise StoreUnavailable(
                f"{self.url} does not honour conditional puts, so that two machines could write at"
                " once. Set LESSONBANK_STORE to a place that does, as S3, Google Cloud Storage and"
                " Azure do."
            )

    def _has_one_winner(self, name: str, tag: str) -> bool:
        """Tell whether of several who replace the same content at once one is told that it did."""

        def attempt(number: int) -> bool | None:
            try:
                return self.put_own(name, f"by {number}".encode(), tag) is not None
            except BucketUnavailable:  # some servers refuse whoever comes at the same time
                return None

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            told = list(pool.map(attempt, range(_AT_ONCE)))
        return told.count(True) == 1 or (True not in told and None in told)
