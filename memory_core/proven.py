"""Which names are proven by a credential, so that nobody passes for another by claiming one.

A caller without a credential may say under which name it writes. Where that name is a
token's, of an issuer's ("oauth:..."), or a word that names no caller, it is kept marked
as claimed; nothing is refused, so no report is lost.
"""

from __future__ import annotations

import json
import threading
import unicodedata

from memory_core.errors import MemoryUnavailable
from memory_core.shelf import Shelf

TOKENS = "tokens.json"
"""Where the tokens of a store are; see `server.tokens`."""
OAUTH = "oauth:"
"""Begins the name of whoever an issuer's token proves."""
CLAIMED = "claimed:"
"""Begins a name that is another's and that nothing proves."""
RESERVED = frozenset({"system", "owner", "admin", "lessonbank"})


class ProvenNames:
    """The names of a store's tokens, revoked and expired ones included. Thread-safe.

    Args:
        shelf: Where the tokens are; None where nothing tells names apart.
    """

    def __init__(self, shelf: Shelf | None = None) -> None:
        self._shelf = shelf
        self._reading = threading.Lock()
        self._seen: str | None = None
        self._names: frozenset[str] = frozenset()
        self._keys: frozenset[str] = frozenset()

    def proven(self, source: str) -> bool:
        """Whether a credential proves this name; without tokens any name counts as its own."""
        if self._shelf is None or source.startswith(OAUTH):
            return True
        self._look()
        return source in self._names

    def claimed(self, name: str) -> str:
        """The name as it is kept of a caller that only claims it."""
        self._look()
        key = _key(name)
        others = key in self._keys or key in RESERVED or key.startswith(OAUTH)
        return CLAIMED + name if others else name

    def _look(self) -> None:
        """Read the names again where the file changed; they stay while it cannot be read."""
        if self._shelf is None:
            return
        with self._reading:
            try:
                tag = self._shelf.tag()
                if tag == self._seen:
                    return
                content, self._seen = self._shelf.read()
                told = json.loads(content)["tokens"] if content is not None else []
                self._names = frozenset(str(one["name"]) for one in told)
            except (MemoryUnavailable, RecursionError, ValueError, KeyError, TypeError):
                return  # the door says so to whom it concerns
            self._keys = frozenset(map(_key, self._names))


def reserved(name: str) -> bool:
    """Whether no token may have this name: it would read as somebody else's."""
    return _key(name).startswith((OAUTH, CLAIMED))


def _key(name: str) -> str:
    """A name without what the eye does not tell apart: case, width, invisible characters."""
    plain = unicodedata.normalize("NFKC", name)
    seen = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cf", "Cc", "Mn"))
    return "".join(seen.split()).casefold()
