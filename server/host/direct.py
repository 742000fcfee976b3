"""The light way to a host: no event loop, and hardly anything to import.

For commands, hooks and `server.host.starting`. HTTP/1.0 is spoken by hand, since
`http.client` alone takes three times as long to import as Python to start; both ends are
ours, on one machine.
"""

from __future__ import annotations

import _socket  # what `socket` wraps, in a third of its time
import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping

from server.host.announced import PROTOCOL, Announcement, HostRefused, announced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEALTH_WITHIN = 5.0
"""Seconds that a host gets to say how it is."""
KEY = "idempotency-key"
_PIECE = 1 << 16


_REFUSED = (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT)
"""What a sandbox answers to a socket that it does not allow."""


class NoAnswer(Exception):
    """No host, not ready, refused, or too late; the sentence says which."""


def _connected(to: Announcement, within: float, kind: Any = _socket.socket) -> Any:
    """A connection through the one door that this process can use, its socket first.

    Raises:
        Barred: The system refuses this process every door.
        OSError: Nobody is there.
    """
    error: OSError | None = None
    for family, address in _doors(to):
        wire = None
        try:
            wire = kind(family, _socket.SOCK_STREAM)
            wire.settimeout(within)
            wire.connect(address)
            return wire
        except BaseException as refused:
            if wire is not None:
                wire.close()
            if not isinstance(refused, OSError):
                raise
            error = error if error is not None and error.errno in _REFUSED else refused
    if error is not None and error.errno in _REFUSED:
        raise Barred(
            "This process may not connect to the memory's host, neither through a unix socket nor "
            "over loopback. Allow one of them in its sandbox."
        )
    raise error or OSError("the host announced no door")


def _doors(to: Announcement) -> Iterator[tuple[int, Any]]:
    if to.socket and hasattr(_socket, "AF_UNIX"):
        yield _socket.AF_UNIX, to.socket
    if to.port:
        yield _socket.AF_INET, ("127.0.0.1", to.port)


class Barred(OSError):
    """A host may be there, but this process may not connect to it; the sentence says so."""


def open_door(to: Announcement) -> Announcement:
    """Give what a host announced with the one door that this process can use.

    Raises:
        Barred: The system refuses this process every door.
    """
    import socket  # what the front's own connection is made with

    try:
        wire = _connected(to, HEALTH_WITHIN, socket.socket)
    except Barred:
        raise
    except OSError:
        return to
    unix = hasattr(_socket, "AF_UNIX") and wire.family == _socket.AF_UNIX
    wire.close()
    return to._replace(port=0) if unix else to._replace(socket="")


def request(
    to: Announcement,
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
    within: float,
    *,
    key: str = "",
    heard: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[int, list[dict[str, Any]]]:
    """Send one request; give the status and the JSON lines of the answer.

    Args:
        to: The host.
        method: GET or POST.
        path: Of the request.
        body: Its JSON.
        within: Seconds for all of it; where `heard` is given, from one line to the next.
        key: A call that is repeated with its key gives the first one's answer.
        heard: Told every line as it comes.

    Raises:
        OSError, ValueError: There was no whole answer in time.
    """
    deadline = time.monotonic() + within
    wire = _connected(to, within)
    try:
        wire.sendall(_written(to, method, path, body, key))
        answer = _lines(wire, None if heard else deadline)
        status = int(next(answer, b"").split(b" ", 2)[1])
        for header in answer:
            if not header:
                break
        lines = []
        for line in answer:
            if line:
                lines.append(json.loads(line))
                if heard is not None:
                    heard(lines[-1])
        return status, lines
    except IndexError:
        raise ValueError("no answer of HTTP") from None
    finally:
        wire.close()


def _written(
    to: Announcement, method: str, path: str, body: Mapping[str, Any] | None, key: str
) -> bytes:
    payload = b"" if body is None else json.dumps(body).encode()
    head = [
        f"{method} {path} HTTP/1.0",
        "host: localhost",
        f"authorization: Bearer {to.token}",
        "content-type: application/json",
        f"content-length: {len(payload)}",
        *([f"{KEY}: {key}"] if key else []),
    ]
    return "\r\n".join([*head, "", ""]).encode() + payload


def _lines(wire: _socket.socket, deadline: float | None) -> Iterator[bytes]:
    """The lines until the other end closes, which in HTTP/1.0 ends an answer."""
    rest = b""
    while True:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no whole answer in time")
            wire.settimeout(left)
        piece = wire.recv(_PIECE)
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.rstrip(b"\r") for line in whole)
        if not piece:
            yield rest
            return


def health(to: Announcement, within: float = HEALTH_WITHIN) -> dict[str, Any] | None:
    """What the host says of itself, None when it does not answer."""
    try:
        status, lines = request(to, "GET", "/health", None, within)
    except (OSError, ValueError):
        return None
    return lines[0] if status == 200 and lines else None


def ask(
    store: str | os.PathLike[str], method: str, request_: Mapping[str, Any], *, within: float
) -> dict[str, Any]:
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
        there = announced(os.path.realpath(os.path.expanduser(store)))
        if there is None or there.protocol != PROTOCOL:
            raise NoAnswer("no host of this version runs")
        body = {"request": dict(request_), "wait": None}
        _, lines = request(there, "POST", f"/call/{method}", body, within)
    except (OSError, ValueError, HostRefused) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from None
    for line in lines:
        if "answer" in line:
            return dict(line["answer"])
    said = lines[-1].get("error", {}) if lines else {}
    raise NoAnswer(str(said.get("text") or said or "an empty answer"))
