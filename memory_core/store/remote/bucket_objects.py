"""Small objects in a bucket of S3, Google Cloud Storage or Azure (AWS_*, GOOGLE_*, AZURE_*)."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import from_url

from memory_core.store.remote.objects import (
    CONNECT,
    TIMEOUT,
    BucketUnavailable,
    Found,
    Objects,
    is_no_bucket,
    sentence,
)

if TYPE_CHECKING:
    from obstore import UpdateVersion

_HTTP = ("AWS_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "ALLOW_HTTP")


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


class BucketObjects(Objects):
    """Objects in a bucket, by the client that LanceDB carries too: both read the same variables."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        super().__init__(url)
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
        self.requests += 1
        try:
            found = obstore.get(self._store, name)
            return Found(bytes(found.bytes()), _tag(found.meta["e_tag"], found.meta["version"]))
        except FileNotFoundError as error:
            if is_no_bucket(error):
                raise self._failed(error) from error
            return None
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def put_new(self, name: str, content: bytes) -> str | None:
        self.requests += 1
        try:
            return _tag(**obstore.put(self._store, name, content, mode="create"))
        except AlreadyExistsError:
            return None
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def put_over(self, name: str, content: bytes, tag: str) -> str | None:
        self.requests += 1
        try:
            return _tag(**obstore.put(self._store, name, content, mode=_update(tag)))
        except (PreconditionError, AlreadyExistsError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def put(self, name: str, content: bytes) -> None:
        self.requests += 1
        try:
            obstore.put(self._store, name, content)
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def delete(self, name: str) -> None:
        self.requests += 1
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._failed(error) from error

    def names(self, folder: str) -> list[str]:
        self.requests += 1
        try:
            chunks = obstore.list(self._store, prefix=folder)
            return sorted(meta["path"] for chunk in chunks for meta in chunk)
        except (BaseError, OSError) as error:
            raise self._failed(error) from error
