"""Structured logs of the HTTP doors: one JSON object a line, and one line a request.

Never what items, tasks or answers say, nor a token: with `LESSONBANK_LOG_TEXT` the texts
of calls are logged too. A traceback keeps its frames and loses its message.
"""

from __future__ import annotations

import io
import logging
import re
import secrets
import sys
import time
import traceback
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.web.identity import CALLER, Verified

REQUEST_ID = "lessonbank.request_id"
"""Where a request's scope holds its id."""
PROBES = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds by whoever supervises: logged at DEBUG when all is well."""
_HEADER = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TOKEN = re.compile(r"\b(lb_|eyJ)[A-Za-z0-9_.-]{16,}")
requests = logging.getLogger("lessonbank.requests")


class Formatter(JsonFormatter):
    """JSON lines without tokens; a traceback without its message unless texts are asked for."""

    def __init__(self, *, texts: bool = False) -> None:
        super().__init__(
            "{levelname}{name}{message}",
            style="{",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
        )
        self._texts = texts

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; a token that somebody put into a path or a name is cut."""
        return _TOKEN.sub(r"\1(cut)", str(super().format(record)))

    def formatException(  # noqa: N802 - the name of logging
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Give the traceback: its frames and the error's class."""
        if self._texts or ei[0] is None:
            return str(super().formatException(ei))
        frames = "".join(traceback.format_tb(ei[2]))
        return f"{frames}{ei[0].__name__}"


def log_as_json(level: str, *, texts: bool) -> None:
    """Send the log to standard error as JSON lines, as UTF-8 whatever the console's code page."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(texts=texts))
    quiet = max(logging.getLevelName(level), logging.WARNING)
    logging.basicConfig(level=quiet, handlers=[handler], force=True)
    for own in ("lessonbank", "server", "memory_core"):  # other packages say warnings only
        logging.getLogger(own).setLevel(level)


class RequestLog:
    """Gives every request an id and logs its end.

    The id is the client's `X-Request-ID` where it has a sane one; the answer carries it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(_HEADER, b"")
        request_id = given if _SANE.fullmatch(given) else secrets.token_hex(8).encode()
        scope[REQUEST_ID] = request_id.decode()
        began, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (_HEADER, request_id)]}
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            verified = scope.get(CALLER)
            probed = scope["path"] in PROBES and status < 400
            requests.log(
                logging.DEBUG if probed else logging.INFO,
                "request",
                extra={
                    "request_id": scope[REQUEST_ID],
                    "method": scope["method"],
                    "path": scope["path"][:200],
                    "status": status,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                    "caller": verified.principal if isinstance(verified, Verified) else "",
                },
            )
