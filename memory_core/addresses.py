"""Where a store is: a folder, or in a bucket or a database with a working copy on this machine."""

from __future__ import annotations

import hashlib
import os
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
_VARIABLE = re.compile(r"\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[^}]*)\})")
_KEYS = re.compile(r"//[^/@]*@")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_DATABASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


def remote_of(value: str, name: str = "LESSONBANK_STORE") -> str:
    """Give the URL of a place as it is always written; "" for a local folder.

    Args:
        value: A folder or a URL.
        name: Of the setting, for the sentence.

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
            name,
            f"= {told} is not a place in a bucket or a database",
            "Use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or"
            " db://DATABASE[/PREFIX], or a folder; keys and endpoint come from AWS_*, GOOGLE_*,"
            " AZURE_* or LANCEDB_*.",
        )
    return f"{scheme}://{place}/{prefix}"


def is_database(url: str) -> bool:
    """Tell whether a URL that `remote_of` gave is of LanceDB's remote service."""
    return url.startswith(f"{DATABASE}://")


def working_directory() -> Path:
    """Give the process's working directory; of one that was removed, where it was if that is known.

    What lies above a removed folder may still be the repository that it was in.
    """
    try:
        return Path.cwd()
    except OSError:  # removed, or a parent cannot be entered
        was = Path(os.environ.get("PWD") or os.sep)
        return was if was.is_absolute() and not was.exists() else Path(os.sep)


def unquoted(value: str) -> str:
    """Give a setting as it was meant: files of variables keep quotes and blanks at the ends."""
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text


def expanded(name: str, value: str) -> Path:
    """Give the path that a person wrote where no shell read it: `~` and `$NAME` are replaced.

    Args:
        name: Of the setting or option, for the sentence.
        value: A path, not blank.

    Raises:
        InvalidInput: It names a variable or a user that does not exist, or no folder can
            have it.
    """
    text = unquoted(value)
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise InvalidInput(
            name,
            f"= {shown(text)} holds a line feed or another control character",
            "Use a path on one line.",
        )
    text = os.path.expandvars(text)
    left = _VARIABLE.search(text)
    if left is not None:
        variable = left["name"] or left["braced"]
        raise InvalidInput(
            name,
            f"= {shown(text)} names the variable {shown(variable)}, which is not set here",
            "Write the path out: clients do not read what a shell sets.",
        )
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise InvalidInput(
            name,
            f"= {shown(text)} begins in a home folder that is not known",
            "Write the path out.",
        ) from None


def settled(name: str, value: str) -> Path:
    """Give the folder of a setting: a relative one lies in the user's home.

    Each client starts in a working directory of its own: a folder in there would be
    another one for each of them.

    Raises:
        InvalidInput: See `expanded`.
    """
    path = expanded(name, value)
    return path if path.is_absolute() else expanded(name, "~") / path


def place_of_store(value: str, workdir: str = "", *, follow: bool = False) -> tuple[Path, str]:
    """Give (local folder, URL) of a store by its folder or its URL.

    Args:
        value: A folder or a URL; "" for the user's data folder. A relative folder is left
            to the working directory, as for every path that is typed.
        workdir: Folder of the working copy of a shared store; by default one of its own
            for each URL.
        follow: Whether it is a follower's: that one has another folder than a writer here.

    Raises:
        InvalidInput: A URL that is not one of a bucket or a database, or see `expanded`.
    """
    remote = remote_of(unquoted(value))
    data = user_data_path("lessonbank", appauthor=False)
    if not remote:
        return (expanded("LESSONBANK_STORE", value) if unquoted(value) else data), ""
    own = hashlib.sha256(remote.encode()).hexdigest()[:16]
    own += "-follows" if follow else ""
    return (Path(workdir) if workdir else data / "buckets" / own), remote
