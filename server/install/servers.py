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
from server.install.files import refused
from server.install.forms import FORMS
from server.install.jsonc import parse

NAME = "lessonbank"


def entry(
    client: Client, words: Sequence[str], environment: Mapping[str, str], *, allow: bool = False
) -> dict[str, Any]:
    """Give the entry that starts the server; with `allow` the model may call it unasked."""
    line = [*words, "serve"]
    started = {"command": line} if client.joined else {"command": line[0], "args": line[1:]}
    made = {**client.first, **started}
    if environment:
        made[client.variables] = dict(environment)
    return {**made, **client.more, **(client.allowed if allow else {})}


def is_ours(found: object) -> bool:
    """Whether an entry starts lessonbank: by its script, its module, or through uvx."""
    if not isinstance(found, Mapping):
        return False
    command = found.get("command")
    words = command if isinstance(command, list) else [command, *(found.get("args") or ())]
    if not words or not all(isinstance(word, str) for word in words):
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
    form, path = FORMS[client.form], (client.root, NAME)
    if found is None:
        return form.put(text, path, dict(made))
    if not is_ours(found):
        raise refused(
            f"it has a server named {NAME} that does not run this lessonbank",
            f"Rename or remove that entry of {client.root!r}, then run this again.",
        )
    for name, value in made.items():
        theirs = name in client.more and name in found
        if name != client.variables and not theirs and found.get(name) != value:
            text = form.put(text, (*path, name), value)
    environment = found.get(client.variables)
    known = environment if isinstance(environment, Mapping) else {}
    for name, value in made.get(client.variables, {}).items():
        if known.get(name) != value:
            text = form.put(text, (*path, client.variables, name), value)
    return text


def without_server(text: str, client: Client, *, keep_root: bool = False) -> str:
    """Give `text` without our entry, and without a list of servers that it leaves empty.

    Args:
        text: The file's.
        client: Whose file.
        keep_root: The list was there before us: it stays, empty or not.
    """
    if not is_ours(_found(text, client)):
        return text
    text = FORMS[client.form].take(text, (client.root, NAME))
    if client.form != "json" or keep_root:
        return text
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
    return FORMS["json"].take(text, path) if blank and node.kind != "plain" else text


def _found(text: str, client: Client) -> Any:
    whole = FORMS[client.form].value(text)
    servers = whole.get(client.root) if isinstance(whole, Mapping) else {None: None}
    if servers is None and client.form == "yaml":
        return None
    if isinstance(whole, Mapping) and client.root not in whole:
        return None
    if not isinstance(whole, Mapping) or not isinstance(servers, Mapping):
        where = repr(client.root) if isinstance(whole, Mapping) else "the file"
        kind = "list of servers" if client.form == "yaml" else "object"
        raise refused(f"{where} is no {kind} in it")
    return servers.get(NAME)
