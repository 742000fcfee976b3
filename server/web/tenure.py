"""Ends long answers when the credential that opened them ends: an open stream tells news.

Knows no token: it asks again, from time to time and when the credential expires.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.web.replies import refuse

logger = logging.getLogger(__name__)

RECHECK = 30.0
"""Seconds between two looks at the credential of an open request: so long does a stream
outlive it at the most."""


class Tenure:
    """Serves requests as long as their credential is good.

    Args:
        app: What serves them.
        good: Asks whether the credential still is what it was; an error of its own is no.
        expires_at: In seconds since 1970, None for never.
    """

    def __init__(
        self, app: ASGIApp, good: Callable[[], Awaitable[bool]], expires_at: float | None
    ) -> None:
        self._app, self._good, self._expires_at = app, good, expires_at
        self._scope = anyio.CancelScope()
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = whole = False

        async def sent(message: Message) -> None:
            nonlocal begun, whole
            begun = True
            await send(message)
            whole = message["type"] == "http.response.body" and not message.get("more_body")

        self._wait()
        try:
            with self._scope:
                await self._app(scope, receive, sent)
        finally:
            self._stop()
        if not self._scope.cancelled_caught or whole:
            return
        logger.info("an open request was ended: its credential is not good any more")
        if begun:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            text = "The bearer token is not good any more. Get another one."
            header = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            await refuse(401, text, header)(scope, receive, send)

    def _wait(self) -> None:
        """Look again soon, and just after the credential expires."""
        left = RECHECK if self._expires_at is None else self._expires_at - time.time()
        delay = min(left + 0.01, RECHECK) if left > 0 else RECHECK
        self._timer = asyncio.get_running_loop().call_later(delay, self._begin)

    def _begin(self) -> None:
        self._look = asyncio.ensure_future(self._looked())

    async def _looked(self) -> None:
        try:
            good = await self._good()
        except Exception:
            logger.exception("a credential could not be looked at again")
            good = False
        if good:
            self._wait()
        else:
            self._scope.cancel()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._look is not None:
            self._look.cancel()
