"""Which working session a client is in: told by its hooks, asked for by its server.

A hook knows the client's session by name, the server only its own process; both are
children of the client. Each hook writes down (`hook-sessions` in the store's folder)
that this client is now in this session, and the server looks there at each call. So
both speak of one session, also after the client began or resumed another.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from server import line_file
from server.client_process import Process, client_of

NAME = "hook-sessions"
CLAUDE_CODE = "claude-code"
_LONGEST_NAME = 128


def named(client: str, session: str) -> str:
    """Give a client's session as the memory names it, "" for none."""
    return f"{client}:{session}"[:_LONGEST_NAME] if session else ""


def tell(store: Path, client: Process, session: str) -> None:
    """Write down that the client is in this session; without the folder nothing is written.

    Raises:
        OSError: It cannot be read or written.
    """
    if store.is_dir() and _last(store, client) != session:
        line_file.append(store / NAME, [f"{client.key} {session}"])


class ClientSession:
    """The session that a server's calls belong to when they name none.

    Args:
        store: Folder of the store.
        environ: The server's own; Claude Code names the session that it started with.
    """

    def __init__(self, store: Path, environ: Mapping[str, str]) -> None:
        self._store = store
        self._client = client_of(os.getpid())
        own = named(CLAUDE_CODE, environ.get("CLAUDE_CODE_SESSION_ID", "").strip())
        self._own = own or f"front-{secrets.token_hex(8)}"

    def __call__(self) -> str:
        """Give the session that the client's hooks told last, else the server's own."""
        told = ""
        if self._client is not None:
            with contextlib.suppress(OSError):
                told = _last(self._store, self._client)
        return told or self._own


def _last(store: Path, client: Process) -> str:
    for line in reversed(line_file.lines(store / NAME)):
        key, _, session = line.partition(" ")
        if key == client.key:
            return session
    return ""
