"""OAuth as a resource server: JWT access tokens in, callers out, and where to get such tokens.

Tokens are those of one issuer, in the profile of RFC 9068 as far as issuers keep to it.
Nothing is asked of the issuer for a token; only its keys are fetched.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.routing import Route

from memory_core.errors import shown
from memory_core.settings import OAuthSettings
from server.web.claims import BASIC, NotAnAccessToken, verified
from server.web.identity import Verified
from server.web.issuer import ALGORITHMS, SigningKeys

logger = logging.getLogger(__name__)

LONGEST_TOKEN = 16_384
"""Characters; longer ones are not looked at."""
LEEWAY = 30
"""Seconds by which the issuer's clock and this one may differ."""
_TYPES = ("at+jwt", "application/at+jwt", "jwt")
_EXACT = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


class JwtVerifier:
    """Checks access tokens of the configured issuer.

    Args:
        oauth: The issuer, its keys and the audiences to accept.
        project: The project of tokens that list none (`LESSONBANK_PROJECT`); "" refuses them.
        transport: What requests to the issuer go through; by default the network.
        clock: Seconds that never go back, for the age of the keys.
    """

    def __init__(
        self,
        oauth: OAuthSettings,
        project: str = "",
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._oauth = oauth
        self._project = project.strip()
        self._keys = SigningKeys(oauth, transport=transport, clock=clock)

    async def verify(self, token: str) -> Verified | None:
        """Give whose token it is, None for one that does not count (HTTP 401).

        Raises:
            NoAccess: It counts, but grants no scope or project here (HTTP 403).
            CannotVerify: The issuer's keys cannot be had now (HTTP 503).
        """
        try:
            claims = await self._claims(token)
            return verified(claims, self._oauth, self._project)
        except (jwt.PyJWTError, NotAnAccessToken) as error:
            logger.info("an access token was refused: %s", error)
            return None

    async def _claims(self, token: str) -> dict[str, Any]:
        algorithm, key_id = _header(token)
        problem: jwt.PyJWTError = jwt.InvalidKeyError("the issuer has no such key")
        for key in await self._keys.find(key_id, algorithm):
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[algorithm],
                    audience=self._oauth.audiences,
                    issuer=self._oauth.issuer,
                    leeway=LEEWAY,
                    options={
                        "require": ["iss", "aud", "exp"],
                        "enforce_minimum_key_length": True,
                    },
                )
            except jwt.InvalidSignatureError as error:
                problem = error
        raise problem


def _header(token: str) -> tuple[str, str | None]:
    """Give algorithm and key id of a token that looks like an access token.

    Keys and their addresses that a header may carry (`jwk`, `jku`, `x5u`) are never used.

    Raises:
        NotAnAccessToken: By its header or its length it is none.
        jwt.PyJWTError: It is no JWT.
    """
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise NotAnAccessToken(f"it has {len(token):,} characters, or some that no token has")
    header = jwt.get_unverified_header(token)
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotAnAccessToken(f"its algorithm {shown(algorithm)} is not accepted")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise NotAnAccessToken(f"its type is {shown(kind)}")
    return algorithm, key_id if isinstance(key_id, str) else None


def metadata_url(oauth: OAuthSettings) -> str:
    """Give the public URL of the resource's metadata (RFC 9728, section 3.1)."""
    return str(build_resource_metadata_url(_EXACT.validate_python(oauth.resource)))


def protected_resource(oauth: OAuthSettings) -> list[Route]:
    """Give the route that tells clients where to get a token; it needs none itself.

    References:
        RFC 9728, section 3.
    """
    return create_protected_resource_routes(
        resource_url=_EXACT.validate_python(oauth.resource),
        authorization_servers=[_EXACT.validate_python(oauth.issuer)],
        scopes_supported=BASIC.split(),
        resource_name="lessonbank",
    )


def challenge(oauth: OAuthSettings, status: int, error: str = "", scope: str = "") -> str:
    """Give the value of `WWW-Authenticate` of a refusal.

    Args:
        oauth: The resource.
        status: 401 or 403.
        error: With 401 "invalid_token", or "" for a request without a token; with 403
            "insufficient_scope".
        scope: With 403 `NoAccess.scope`, the scopes to ask for. Where none would do, the
            error is left out, since clients ask their issuer anew because of it.

    References:
        RFC 6750, section 3; RFC 9728, section 5.1.
    """
    if status == 403 and not scope:
        error = ""
    fields = {
        "error": error,
        "scope": BASIC if status == 401 else scope,
        "resource_metadata": metadata_url(oauth),
    }
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in fields.items() if value)
