"""Who gets in: Host and Origin, the token, how often and how much at once.

One guard stands before every path. What passes it carries its caller in the scope of
its request; a handler that finds none refuses.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Protocol

from aiolimiter import AsyncLimiter
from anyio import to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import (
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_core.caller import Caller
from memory_core.errors import MemoryUnavailable
from server.tokens import TokenBook
from server.web.identity import CALLER, CannotVerify, NoAccess, Verified
from server.web.options import DoorOptions
from server.web.replies import refuse
from server.web.tenure import Tenure

logger = logging.getLogger(__name__)

AT_ONCE = 128
"""Requests of one token, open streams included."""
REFUSED_A_MINUTE = 120
"""Refused credentials of one address after which it is told to wait."""
_KNOWN = 4_096
"""Tokens and addresses whose rates are kept."""
_PERIOD = 10.0
"""Seconds over which a rate is counted: that much may come as a burst."""
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?"
_HOST_ONLY = re.compile(_HOST)
_ORIGIN = re.compile(f"[a-z][a-z0-9+.-]*://{_HOST}")

Challenge = Callable[[int, str, str], str]
"""Gives the WWW-Authenticate header of a refusal: status, error code, OAuth scopes."""


def security_of(options: DoorOptions) -> TransportSecuritySettings:
    """Give the SDK's settings of which hosts and origins may be named."""
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=options.hosts(),
        allowed_origins=options.origins(),
    )


class Verifier(Protocol):
    """Checks credentials that are no tokens of this store."""

    async def verify(self, token: str) -> Verified | None: ...


def plain_challenge(_status: int, error: str, _scope: str) -> str:
    """Give the header of RFC 6750, section 3, without OAuth's metadata."""
    known = 'Bearer realm="lessonbank"'
    return f'{known}, error="{error}"' if error else known


def caller_of(connection: HTTPConnection) -> Caller:
    """Give who makes a request that the guard let in.

    Raises:
        PermissionError: No guard stood before it.
    """
    verified = connection.scope.get(CALLER)
    if not isinstance(verified, Verified):
        raise PermissionError("no guard has checked this request")
    return verified.caller


class Doorkeeper:
    """Tells who holds a credential.

    Args:
        own: The store's own source, as which the token of the environment writes.
        fixed: That token, "" for none.
        book: The store's tokens.
        verifier: For all others, None to refuse them.
    """

    def __init__(
        self, own: str, fixed: str, book: TokenBook, verifier: Verifier | None = None
    ) -> None:
        self._own, self._fixed, self._book, self._verifier = own, fixed, book, verifier

    @property
    def owner(self) -> Verified:
        """Whoever has the environment's token, or any caller where none is required."""
        return Verified(Caller(source=self._own), "owner")

    async def identify(self, text: str) -> Verified | None:
        """Give the holder of a credential, None where it is not good.

        Raises:
            NoAccess: It is good and gives nothing here.
            MemoryUnavailable: It cannot be checked now.
        """
        if self._fixed and hmac.compare_digest(_digest(text), _digest(self._fixed)):
            return self.owner
        if self._book.slow:
            token = await to_thread.run_sync(self._book.verify, text)
        else:
            token = self._book.verify(text)
        if token is not None:
            return Verified(token.caller, f"token:{token.name}", token.expires_at)
        if self._verifier is None or text.startswith("lb_"):
            return None
        verified = await self._verifier.verify(text)
        if verified is not None and verified.caller.source == self._own:
            logger.warning("a credential with the store's own name was refused")
            return None
        return verified


class Guard:
    """The ASGI middleware before everything else.

    Args:
        app: What it guards.
        options: Which hosts and origins, and how often.
        keeper: Tells who calls.
        open_paths: Paths that need no token; they get no body.
        challenge: See `Challenge`.
        peers: The path of other servers of the same memory and what they show, "" for none.
    """

    def __init__(
        self,
        app: ASGIApp,
        options: DoorOptions,
        keeper: Doorkeeper,
        *,
        open_paths: Callable[[str], bool],
        challenge: Challenge = plain_challenge,
        peers: tuple[str, str] = ("", ""),
    ) -> None:
        self._app, self._options, self._keeper = app, options, keeper
        self._open, self._challenge, self._peers = open_paths, challenge, peers
        self._security = TransportSecurityMiddleware(security_of(options))
        rate = options.rate * _PERIOD / 60
        self._rates = _Rates(lambda: AsyncLimiter(max(rate, 1.0), _PERIOD))
        self._refused = _Rates(lambda: AsyncLimiter(REFUSED_A_MINUTE, 60.0))
        self._at_once: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        refusal = _two_lengths(request) or await self._wrong_place(request)
        path = scope["path"]  # what is routed by: `request.url` is made from the Host header too
        if refusal is not None:
            await refusal(scope, receive, send)
        elif self._open(path):
            await self._app(scope, _without_body(receive), send)
        elif self._peers[1] and path.startswith(self._peers[0]):
            await (await self._not_a_peer(request) or self._app)(scope, receive, send)
        else:
            await self._let_in(request, scope, receive, send)

    async def _not_a_peer(self, request: Request) -> Response | None:
        """Refuse others before anything of what they send is kept; peers have no limits."""
        if hmac.compare_digest(_digest(_credential(request)), _digest(self._peers[1])):
            return None
        return await self._unknown(request, given="authorization" in request.headers)

    async def _wrong_place(self, request: Request) -> Response | None:
        """Check Host and Origin: their syntax here, since the SDK compares beginnings."""
        host, origins = request.headers.get("host", ""), request.headers.getlist("origin")
        found = await self._security.validate_request(request)
        if not _HOST_ONLY.fullmatch(host) or (found is not None and found.status_code == 421):
            why = "This server does not answer to that Host. Its owner allows a name with"
            return refuse(421, f"{why} --allowed-host.")
        if found is None and (not origins or _is_origin(origins)):
            return None
        why = "Pages of that Origin may not call this server. Its owner allows one with"
        return refuse(403, f"{why} --allowed-origin.", code="wrong_origin")

    async def _let_in(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        verified = await self._identified(request)
        if isinstance(verified, Response):
            await verified(scope, receive, send)
            return
        principal = verified.principal
        if self._at_once[principal] >= AT_ONCE:
            text = f"This token has {AT_ONCE} requests open. Let some of them end first."
            await refuse(429, text, {"Retry-After": "1"})(scope, receive, send)
            return
        if not await self._rates.allows(principal):
            text = f"This token may send {self._options.rate} requests a minute. Wait a moment."
            await refuse(429, text, {"Retry-After": "1"})(scope, receive, send)
            return
        scope[CALLER] = verified
        scope["user"] = _user(verified)  # the SDK binds a session to it
        self._at_once[principal] += 1
        try:
            await self._served(request, verified)(scope, receive, send)
        finally:
            self._at_once[principal] -= 1
            if not self._at_once[principal]:
                del self._at_once[principal]

    def _served(self, request: Request, verified: Verified) -> ASGIApp:
        """The application, for as long as the credential that was shown is good."""
        if not self._options.auth:
            return self._app

        async def good() -> bool:
            try:
                now = await self._keeper.identify(_credential(request))
            except NoAccess:
                return False
            except MemoryUnavailable:  # nobody new comes in meanwhile
                return True
            return now is not None and _rights(now) == _rights(verified)

        return Tenure(self._app, good, verified.expires_at)

    async def _identified(self, request: Request) -> Verified | Response:
        if not self._options.auth:
            return self._keeper.owner
        text = _credential(request)
        try:
            verified = await self._keeper.identify(text) if text else None
        except NoAccess as error:
            header = self._challenge(403, "insufficient_scope", error.scope)
            return refuse(403, str(error), {"WWW-Authenticate": header})
        except CannotVerify as error:
            return refuse(503, str(error), {"Retry-After": "5"})
        except MemoryUnavailable as error:
            logger.error("%s", error)  # noqa: TRY400 - its sentence says it all
            return refuse(503, "Tokens cannot be checked now. Try again later.")
        return verified or await self._unknown(request, given="authorization" in request.headers)

    async def _unknown(self, request: Request, *, given: bool) -> Response:
        address = request.client.host if request.client else ""
        if given and not await self._refused.allows(address):
            text = "Too many refused credentials. Wait a minute."
            return refuse(429, text, {"Retry-After": "60"})
        what = "The bearer token is not good." if given else "A bearer token is required."
        text = f"{what} Send 'Authorization: Bearer TOKEN'; the owner of the memory makes one with"
        header = self._challenge(401, "invalid_token" if given else "", "")
        return refuse(401, f"{text} `lessonbank token create`.", {"WWW-Authenticate": header})


class _Rates:
    """One leaky bucket for each of the last few thousand names."""

    def __init__(self, make: Callable[[], AsyncLimiter]) -> None:
        self._make = make
        self._buckets: OrderedDict[str, AsyncLimiter] = OrderedDict()

    async def allows(self, name: str) -> bool:
        """Whether one more fits now; if so it is counted."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = self._make()
            if len(self._buckets) > _KNOWN:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        if not bucket.has_capacity():
            return False
        await bucket.acquire()
        return True


def _credential(request: Request) -> str:
    """The bearer token of a request, "" for none, or for several: which would count?"""
    given = request.headers.getlist("authorization")
    scheme, _, text = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return text.strip() if scheme.lower() == "bearer" else ""


def _without_body(receive: Receive) -> Receive:
    """The same request without its body: of strangers nothing is kept in memory."""
    told = False

    async def nothing() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return nothing


def _is_origin(given: list[str]) -> bool:
    """Whether an Origin header is there once and names a scheme and a host alone."""
    return len(given) == 1 and _ORIGIN.fullmatch(given[0]) is not None


def _two_lengths(request: Request) -> Response | None:
    """Refuse a body whose end is told twice: a proxy before may believe the other one.

    References:
        RFC 9112, section 6.1.
    """
    if "transfer-encoding" in request.headers and "content-length" in request.headers:
        text = "Content-Length and Transfer-Encoding are both given. Send one of them."
        return refuse(400, text, {"Connection": "close"})
    return None


def _rights(verified: Verified) -> str:
    """Who somebody is and what that one may do: equal for tokens that may replace each other."""
    caller = verified.caller
    return json.dumps([verified.principal, caller.scope, caller.projects, caller.trusted])


def _user(verified: Verified) -> AuthenticatedUser:
    """Whom the SDK binds a session to: a token that may do less does not get into it."""
    return AuthenticatedUser(
        AccessToken(token="", client_id=_rights(verified), scopes=[verified.caller.scope])
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
