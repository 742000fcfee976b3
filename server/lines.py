"""The lines of standard input, and the messages that they hold.

A line is read up to a limit and no further, whatever its length. What is no
message becomes an error for whoever waits for it: with the id of the request
wherever one can be read, also from the ends of a line that is too long.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import mcp_types as types
from anyio import to_thread
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE
from pydantic import ValidationError
from pydantic_core import from_json

from server.surrogates import marked

MOST = DEFAULT_MAX_REQUEST_BODY_SIZE
"""Bytes of one line: what the HTTP doors take, more than the largest report needs."""
_END = 512
"""Bytes kept of each end of a line that is too long."""
_MOST_ANSWERED = 64
"""Requests of a batch that are told that batches are not taken."""
_ID = re.compile(rb'"id"\s*:\s*(-?[0-9]{1,15}|"[^"\\]{1,100}")\s*(?:,|\}|$)')


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line of more than `MOST` bytes, of which only the ends were kept."""

    size: int
    head: bytes
    tail: bytes


Line = bytes | TooLong


def taken_stdin() -> BinaryIO:
    """Take standard input away: handlers and children read its end instead of messages."""
    private = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.platform == "win32":
        from mcp.os.win32.utilities import rebind_std_handle_to_fd

        rebind_std_handle_to_fd(0)
    return os.fdopen(private, "rb", closefd=False)  # a thread may still wait for it at the end


async def lines(stream: BinaryIO) -> AsyncIterator[Line]:
    """Give line after line until the end of input."""
    while line := await to_thread.run_sync(_next, stream, abandon_on_cancel=True):
        yield line


def _next(stream: BinaryIO) -> Line | None:
    """Read one line, None at the end of input."""
    line = stream.readline(MOST + 1)
    if len(line) <= MOST or line.endswith(b"\n"):
        return line or None
    size, head, tail = len(line), line[:_END], b""
    while line and not line.endswith(b"\n"):
        tail = (tail + line[-_END:])[-_END:]
        line = stream.readline(MOST)
        size += len(line)
    return TooLong(size, head, (tail + line[-_END:])[-_END:])


# -- messages --------------------------------------------------------------------------


def messages(line: Line) -> Iterator[types.JSONRPCMessage]:
    """Give the messages of a line: one, or none for a blank line.

    A line that holds no message gives error answers instead.
    """
    if isinstance(line, TooLong):
        said = f"the line has {line.size:,} bytes, at most {MOST:,} are read; send less"
        yield _refusal(types.INVALID_REQUEST, said, _id_at(line.head, line.tail))
    elif line.strip():
        line = line.removeprefix(codecs.BOM_UTF8)  # some shells write one before all else
        text = marked(line.decode("utf-8", "replace").encode())
        try:
            message = types.jsonrpc_message_adapter.validate_json(text, by_name=False)
        except ValidationError:
            yield from _refusals(text)
            return
        if isinstance(message, types.JSONRPCNotification) and "id" in from_json(text):
            yield from _refusals(text)  # a request with an id that is none
        else:
            yield message


def _refusals(text: bytes) -> Iterator[types.JSONRPCError]:
    """Say what is wrong with a line, to each request that it holds."""
    try:
        read = from_json(text)
    except ValueError as error:
        whole = text.rstrip().endswith(b"}")  # not a piece of a message, and somebody waits
        named = _id_at(text[:_END], text[-_END:]) if whole or "recursion" in str(error) else None
        yield _refusal(types.PARSE_ERROR, f"the line is not valid JSON ({error})", named)
        return
    if isinstance(read, list):
        said = "a batch is not taken; send each message on a line of its own"
        ids = {_id_of(one) for one in read[:_MOST_ANSWERED]}
        for named in ids - {None} or {None}:
            yield _refusal(types.INVALID_REQUEST, said, named)
    elif isinstance(read, dict):
        code, said = _fault(read)
        yield _refusal(code, said, _id_of(read))
    else:
        yield _refusal(types.INVALID_REQUEST, "the line is no JSON-RPC 2.0 message", None)


def _fault(read: dict[str, Any]) -> tuple[int, str]:
    """Say what keeps an object from being a message."""
    if "method" not in read:
        return types.INVALID_REQUEST, "method is missing"
    if not isinstance(read["method"], str):
        return types.INVALID_REQUEST, "method must be text"
    if read.get("jsonrpc") != "2.0":
        return types.INVALID_REQUEST, 'jsonrpc must be "2.0"'
    if not isinstance(read.get("params"), dict | None):
        return types.INVALID_PARAMS, "params must be an object"
    return types.INVALID_REQUEST, "id must be text or a whole number"


def _id_of(read: Any) -> types.RequestId | None:
    """Give the id of a request, None where it has none that can be answered.

    The id of an answer is one of our own requests', so nobody waits for it.
    """
    if not isinstance(read, dict) or "result" in read or "error" in read:
        return None
    if "method" not in read and "jsonrpc" not in read:
        return None
    found = read.get("id")
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _id_at(head: bytes, tail: bytes) -> types.RequestId | None:
    """Read an id before the params of a message, or after them."""
    before = _ID.search(head.partition(b'"params"')[0])
    after = before or _ID.search(tail.rstrip().removesuffix(b"}").rpartition(b"}")[2])
    read = from_json(after.group(1)) if after else None
    return read if isinstance(read, str | int) else None


def _refusal(code: int, said: str, named: types.RequestId | None) -> types.JSONRPCError:
    kind = "Parse error" if code == types.PARSE_ERROR else "Invalid request"
    error = types.ErrorData(code=code, message=f"{kind}: {said}")
    return types.JSONRPCError(jsonrpc="2.0", id=named, error=error)
