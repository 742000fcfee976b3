"""Whose copy a working folder is: `remote.json`, beside the store's other files."""

from __future__ import annotations

import json
from pathlib import Path

from memory_core.errors import StoreUnavailable
from memory_core.store import disk

FILE = "remote.json"


def save(folder: Path, url: str, name: str) -> None:
    """Write down that the folder is the copy called `name` of the store at `url`."""
    disk.replace_atomically(folder / FILE, json.dumps({"url": url, "copy": name}).encode())


def read(folder: Path, url: str) -> str:
    """Give the working folder's own name, "" at its first use.

    Raises:
        StoreUnavailable: The folder is the copy of another bucket.
    """
    path = folder / FILE
    try:
        known = json.loads(path.read_bytes())
        there, name = str(known["url"]), str(known["copy"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        raise StoreUnavailable(
            f"{path} is damaged. Restore this one file, or set LESSONBANK_WORKDIR to a new folder."
        ) from error
    if there != url:
        raise StoreUnavailable(
            f"{folder} is the working copy of {there}, not of {url}."
            " Set LESSONBANK_WORKDIR to another folder, or leave it out."
        )
    return name


def require_no_copy(folder: Path) -> None:
    """Refuse a folder that is a bucket's working copy: alone it is not the store.

    Raises:
        StoreUnavailable: It is one.
    """
    path = folder / FILE
    if path.exists():
        try:
            url = str(json.loads(path.read_bytes())["url"])
        except (ValueError, KeyError, TypeError):
            url = "a bucket"
        raise StoreUnavailable(
            f"{folder} is the working copy of {url}. Set LESSONBANK_STORE={url} to use it; a copy"
            f" of the folder without {FILE} is a store of its own."
        )
