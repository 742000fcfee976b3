"""The server's entry in a client's file: made, merged, recognised, taken out.

An entry that is there already keeps what others added to it (time limits, further
variables): only what must differ is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePath, PureWindowsPath
from typing import Any

from server.install.clients import Client
from server.install.edits import put, take
from server.install.files import refused
from server.install.jsonc import parse

NAME = "lessonbank"


def entry(client: Client, words: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Give the entry that starts the server."""
    made: dict[str, Any] = {"type": "stdio"} if client.typed else {}
    made |= {"command": words[0], "args": [*words[1:], "serve"]}
    if environment:
        made["env"] = dict(environment)
    return made


def is_ours(found: object) -> bool:
    """Whether an entry starts lessonbank: by its script, its module, or through uvx."""
    if not isinstance(found, Mapping) or not isinstance(found.get("command"), str):
        return False
    words = [found["command"], *(found.get("args") or ())]
    if not all(isinstance(word, str) for word in words):
        return False
    names = {_stem(word) for word in words}
    return NAME in names or any(pair == ("-m", "server") for pair in pairwise(words))


def _stem(word: str) -> str:
    kind = PureWindowsPath if "\\" in word else PurePath
    return kind(word).name.removesuffix(".exe")


def with_server(text: str, client: Client, made: Mapping[str, Any]) -> str:
    """Give `text` with the entry; `text` itself when it is there.

    Raises:
        InvalidInput: Another server has the name, or the file has another form.
    """
    found = _found(text, client)
    path = (client.root, NAME)
    if found is None:
        return put(text, path, dict(made))
    if not is_ours(found):
        raise refused(
            f"it has a server named {NAME} that does not run this lessonbank",
            f"Rename or remove that entry of {client.root!r}, then run this again.",
        )
    for name, value in made.items():
        if name != "env" and found.get(name) != value:
            text = put(text, (*path, name), value)
    environment = found.get("env")
    known = environment if isinstance(environment, Mapping) else {}
    for name, value in made.get("env", {}).items():
        if known.get(name) != value:
            text = put(text, (*path, "env", name), value)
    return text


def without_server(text: str, client: Client) -> str:
    """Give `text` without our entry, and without a list of servers that it leaves empty."""
    if not is_ours(_found(text, client)):
        return text
    text = take(text, (client.root, NAME))
    return without_empty(text, (client.root,))


def has_ours(text: str, client: Client) -> bool:
    """Whether our entry is there, of this or another installation."""
    return is_ours(_found(text, client))


def has_foreign(text: str, client: Client) -> bool:
    """Whether another server has our name."""
    found = _found(text, client)
    return found is not None and not is_ours(found)


def without_empty(text: str, path: tuple[str | int, ...]) -> str:
    """Give `text` without the object or array at `path` when nothing at all is in it."""
    node = parse(text)
    for step in path:
        found = node.find(step) if isinstance(step, str) else node.members[step]
        if found is None:
            return text
        node = found.value
    blank = not text[node.start + 1 : node.end - 1].strip()
    return take(text, path) if blank and node.kind != "plain" else text


def _found(text: str, client: Client) -> Any:
    whole = parse(text).value()
    servers = whole.get(client.root, {}) if isinstance(whole, Mapping) else None
    if not isinstance(servers, Mapping):
        where = "the file" if servers is None else repr(client.root)
        raise refused(f"{where} is no object in it")
    return servers.get(NAME)
