"""Where a store is: a folder, or in a bucket or a database with a working copy on this machine."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from platformdirs import user_data_path

from memory_core.errors import InvalidInput, shown

SCHEMES = ("s3", "gs", "az")
DATABASE = "db"
"""The scheme of LanceDB's remote service."""
PREFIX = "lessonbank"
"""Before the names of a store's tables in a database, where its URL gives no other."""
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<bucket>[^/]*)/?(?P<prefix>.*)", re.IGNORECASE
)
_KEYS = re.compile(r"//[^/@]*@")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_DATABASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


def remote_of(value: str) -> str:
    """Give the URL of a shared store as it is always written; "" for a local folder.

    Raises:
        InvalidInput: It looks like a URL and is not one of a bucket or a database.

    Example:
        >>> remote_of("s3://my-bucket/team/memory/")
        's3://my-bucket/team/memory'
        >>> remote_of("db://my-database")
        'db://my-database/lessonbank'
    """
    parts = _URL.fullmatch(value.strip())
    if parts is None:
        return ""
    scheme, place = parts["scheme"].lower(), parts["bucket"]
    prefix = parts["prefix"].rstrip("/")
    if scheme == DATABASE:
        prefix = prefix or PREFIX
        known = bool(_DATABASE.fullmatch(place) and _DATABASE.fullmatch(prefix))
    else:
        plain = not any(part in (".", "..") for part in prefix.split("/"))
        known = scheme in SCHEMES and plain
        known = known and bool(_BUCKET.fullmatch(place) and _PREFIX.fullmatch(prefix))
    if not known:
        told = shown(_KEYS.sub("//...@", value.partition("?")[0]))  # without keys
        raise InvalidInput(
            "LESSONBANK_STORE",
            f"= {told} is not a store in a bucket or a database",
            "Use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or"
            " db://DATABASE[/PREFIX], or a folder; keys and endpoint come from AWS_*, GOOGLE_*,"
            " AZURE_* or LANCEDB_*.",
        )
    return f"{scheme}://{place}/{prefix}"


def is_database(url: str) -> bool:
    """Tell whether a URL that `remote_of` gave is of LanceDB's remote service."""
    return url.startswith(f"{DATABASE}://")


def place_of_store(value: str, workdir: str = "", *, follow: bool = False) -> tuple[Path, str]:
    """Give (local folder, URL) of a store by its folder or its URL.

    Args:
        value: A folder or a URL; "" for the user's data folder.
        workdir: Folder of the working copy of a shared store; by default one of its own
            for each URL.
        follow: Whether it is a follower's: that one has another folder than a writer here.

    Raises:
        InvalidInput: A URL that is not one of a bucket or a database.
    """
    remote = remote_of(value)
    data = user_data_path("lessonbank", appauthor=False)
    if not remote:
        return (Path(value).expanduser() if value else data), ""
    own = hashlib.sha256(remote.encode()).hexdigest()[:16]
    own += "-follows" if follow else ""
    return (Path(workdir).expanduser() if workdir else data / "buckets" / own), remote
