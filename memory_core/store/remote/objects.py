"""Small objects in a bucket: conditional puts, gets, lists. Knows no tables and no lease.

The client is the one that LanceDB carries too, so both read the same variables
(AWS_*, GOOGLE_*, AZURE_*). Every request has a short limit of its own and is
not repeated here: the caller knows whether a repetition does harm.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import from_url

from memory_core.errors import StoreUnavailable

if TYPE_CHECKING:
    from obstore import UpdateVersion

TIMEOUT = 3.0
"""Seconds for one request on a small object, its body included."""
CONNECT = 2.0
_HTTP = ("AWS_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "ALLOW_HTTP")
_DENIED = ("403 forbidden", "401 unauthorized", "accessdenied", "signaturedoesnotmatch")
_NO_BUCKET = ("nosuchbucket", "containernotfound")
_NO_KEYS = ("imds", "instance metadata", "metadata.google", "credential", "account must be")


class BucketUnavailable(StoreUnavailable):
    """The bucket did not answer, or refused; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object's content and its tag: another content has another tag."""

    content: bytes
    tag: str


def _tag(e_tag: str | None, version: str | None) -> str:
    """Give an object's tag: S3 and Azure compare the one part, Google the other."""
    return f"{e_tag or ''}\n{version or ''}"


def _update(tag: str) -> UpdateVersion:
    e_tag, _, version = tag.partition("\n")
    found: UpdateVersion = {}
    if e_tag:
        found["e_tag"] = e_tag
    if version:
        found["version"] = version
    return found


def allows_http() -> bool:
    """Tell whether the environment allows a bucket without TLS."""
    return any(os.environ.get(name, "").lower() in ("1", "true", "yes") for name in _HTTP)


def sentence(url: str, error: BaseException) -> str:
    """Give what is wrong with the bucket and the next move."""
    text = str(error).lower()
    if any(mark in text for mark in _NO_BUCKET):
        return f"There is no bucket for {url}. Create it, or set LESSONBANK_STORE to another."
    if any(mark in text for mark in _DENIED):
        return (
            f"The bucket of {url} refuses these credentials. Check the variables AWS_*, GOOGLE_*"
            " or AZURE_* and that they may read, write, list and delete under this prefix."
        )
    if any(mark in text for mark in _NO_KEYS):
        return (
            f"No credentials were found for {url}. Set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY (or GOOGLE_*, AZURE_*) where lessonbank starts."
        )
    first = (str(error).splitlines() or [""])[0]
    return f"The bucket of {url} cannot be reached: {first[:200]}"


class Objects:
    """The objects under one URL. Thread-safe.

    Raises:
        BucketUnavailable: From every method, when the bucket did not answer or refused.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.url = url
        self.requests = 0
        try:
            self._store = from_url(
                url,
                client_options={
                    "timeout": timedelta(seconds=timeout),
                    "connect_timeout": timedelta(seconds=min(CONNECT, timeout)),
                    "allow_http": allows_http(),
                },
                retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=timeout)},
            )
        except (BaseError, ValueError, OSError) as error:
            raise BucketUnavailable(sentence(url, error)) from error

    def _failed(self, error: BaseException) -> BucketUnavailable:
        return BucketUnavailable(sentence(self.url, error))

    def get(self, name: str) -> Found | None:
        """Give the object, None when there is none."""
        self.requests += 1
        try:
            found = obstore.get(self._store, name)
            return Found(bytes(found.bytes()), _tag(found.meta["e_tag"], found.meta["version"]))
        except FileNotFoundError as error:
            if any(mark in str(error).lower() for mark in _NO_BUCKET):
                raise self._failed(error) from error
            return None
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def put_new(self, name: str, content: bytes) -> str | None:
        """Create the object and give its tag; None when there is one already."""
        self.requests += 1
        try:
            return _tag(**obstore.put(self._store, name, content, mode="create"))
        except AlreadyExistsError:
            return None
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def put_over(self, name: str, content: bytes, tag: str) -> str | None:
        """Replace the object that has this tag and give the new one; None when it has another."""
        self.requests += 1
        try:
            return _tag(**obstore.put(self._store, name, content, mode=_update(tag)))
        except (PreconditionError, AlreadyExistsError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def put(self, name: str, content: bytes) -> None:
        """Write the object, whatever was there."""
        self.requests += 1
        try:
            obstore.put(self._store, name, content)
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def delete(self, name: str) -> None:
        """Delete the object; one that is not there is no fault."""
        self.requests += 1
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def names(self, folder: str) -> list[str]:
        """Give the names of the objects under `folder`, sorted."""
        self.requests += 1
        try:
            chunks = obstore.list(self._store, prefix=folder)
            return sorted(meta["path"] for chunk in chunks for meta in chunk)
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def require_conditions(self) -> None:
        """Refuse a bucket that does not honour conditional puts: a lease in it protects nothing.

        Raises:
            StoreUnavailable: It does not.
        """
        name = f"probe-{uuid.uuid4().hex}"
        try:
            tag = self.put_new(name, b"1")
            honoured = tag is not None and self.put_new(name, b"2") is None
            honoured = honoured and self.put_over(name, b"3", tag or "") is not None
            honoured = honoured and self.put_over(name, b"4", tag or "") is None
        finally:
            self.delete(name)
        if not honoured:
            raise StoreUnavailable(
                f"The bucket of {self.url} does not honour conditional puts, so that two machines"
                " could write at once. Use S3, Google Cloud Storage, Azure or a server that does."
            )
