"""The light way to a host: the standard library only, no event loop.

For hooks, which have a fifth of a second, and for `server.host.starting`.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.host.place import PROTOCOL, Announcement, HostRefused, known_place

HEALTH_WITHIN = 5.0
"""Seconds that a host gets to say how it is."""


class NoAnswer(Exception):
    """No host, not ready, refused, or too late; the sentence says which."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(self.timeout)
        try:
            made.connect(self._path)
        except BaseException:
            made.close()
            raise
        self.sock = made


def _connection(to: Announcement, within: float) -> http.client.HTTPConnection:
    if to.socket:
        return _UnixConnection(to.socket, within)
    return http.client.HTTPConnection("127.0.0.1", to.port, timeout=within)


def request(
    to: Announcement, method: str, path: str, body: Mapping[str, Any] | None, within: float
) -> tuple[int, list[dict[str, Any]]]:
    """Send one request; give the status and the JSON lines of the answer.

    Raises:
        OSError, http.client.HTTPException, ValueError: There was no whole answer in time.
    """
    deadline = time.monotonic() + within
    connection = _connection(to, within)
    try:
        payload = json.dumps(body).encode() if body is not None else None
        headers = {"authorization": f"Bearer {to.token}", "content-type": "application/json"}
        connection.request(method, path, payload, headers)
        wire = connection.sock
        answer = connection.getresponse()
        lines: list[dict[str, Any]] = []
        while True:
            wire.settimeout(max(deadline - time.monotonic(), 0.001))
            line = answer.readline()
            if not line:
                return answer.status, lines
            if line.strip():
                lines.append(json.loads(line))
            if time.monotonic() >= deadline:
                raise TimeoutError(f"no whole answer within {within:g} s")
    finally:
        connection.close()


def health(to: Announcement, within: float = HEALTH_WITHIN) -> dict[str, Any] | None:
    """What the host says of itself, None when it does not answer."""
    try:
        status, lines = request(to, "GET", "/health", None, within)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return lines[0] if status == 200 and lines else None


def ask(store: Path, method: str, request_: Mapping[str, Any], *, within: float) -> dict[str, Any]:
    """Ask a host that runs already; the answer is the JSON of the port's answer.

    Args:
        store: Folder of the store.
        method: Of the memory port.
        request_: Its request's fields; project and session are the caller's to set.
        within: Seconds for all of it.

    Raises:
        NoAnswer: There is no host, it has not opened the store yet, or it gave no answer
            in time.
    """
    try:
        place = known_place(store)
        there = place.read() if place is not None else None
        if there is None or there.protocol != PROTOCOL:
            raise NoAnswer("no host of this version runs")
        body = {"request": dict(request_), "wait": None}
        _, lines = request(there, "POST", f"/call/{method}", body, within)
    except (OSError, http.client.HTTPException, ValueError, HostRefused) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from None
    for line in lines:
        if "answer" in line:
            return dict(line["answer"])
    said = lines[-1].get("error", {}) if lines else {}
    raise NoAnswer(str(said.get("text") or said or "an empty answer"))
