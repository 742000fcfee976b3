"""Where a store is: a folder, or a prefix in a bucket with a working copy on this machine."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from platformdirs import user_data_path

from memory_core.errors import InvalidInput, shown

SCHEMES = ("s3", "gs", "az")
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<bucket>[^/]*)/?(?P<prefix>.*)", re.IGNORECASE
)
_KEYS = re.compile(r"//[^/@]*@")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


def remote_of(value: str) -> str:
    """Give the URL of a store in a bucket as it is always written; "" for a local folder.

    Raises:
        InvalidInput: It looks like a URL and is not one of a bucket and a prefix.

    Example:
        >>> remote_of("s3://my-bucket/team/memory/")
        's3://my-bucket/team/memory'
    """
    parts = _URL.fullmatch(value.strip())
    if parts is None:
        return ""
    scheme, bucket = parts["scheme"].lower(), parts["bucket"]
    prefix = parts["prefix"].rstrip("/")
    plain = not any(part in (".", "..") for part in prefix.split("/"))
    if (
        scheme not in SCHEMES
        or not _BUCKET.fullmatch(bucket)
        or not _PREFIX.fullmatch(prefix)
        or not plain
    ):
        raise InvalidInput(
            "LESSONBANK_STORE",
            f"= {shown(_KEYS.sub('//...@', value))} is not a store in a bucket",
            "Use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, or a folder;"
            " keys and endpoint come from AWS_*, GOOGLE_* or AZURE_*.",
        )
    return f"{scheme}://{bucket}/{prefix}"


def place_of_store(value: str, workdir: str = "", *, follow: bool = False) -> tuple[Path, str]:
    """Give (local folder, URL) of a store by its folder or its URL.

    Args:
        value: A folder or a URL; "" for the user's data folder.
        workdir: Folder of the working copy of a store in a bucket; by default one of
            its own for each URL.
        follow: Whether it is a follower's: that one has another folder than a writer here.

    Raises:
        InvalidInput: A URL that is not one of a bucket and a prefix.
    """
    remote = remote_of(value)
    data = user_data_path("lessonbank", appauthor=False)
    if not remote:
        return (Path(value).expanduser() if value else data), ""
    own = hashlib.sha256(remote.encode()).hexdigest()[:16]
    own += "-follows" if follow else ""
    return (Path(workdir).expanduser() if workdir else data / "buckets" / own), remote
