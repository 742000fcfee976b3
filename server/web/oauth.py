"""OAuth as a resource server: JWT access tokens in, callers out, and where to get such tokens.

Tokens are those of one issuer, in the profile of RFC 9068 as far as issuers keep to it.
Nothing is asked of the issuer for a token; only its keys are fetched.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Literal

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
_MOST_TRIED = 4
"""Keys tried for a token that names none, while the issuer has several."""
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
        for key in (await self._keys.find(key_id, algorithm))[:_MOST_TRIED]:
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
    if "crit" in header:
        raise NotAnAccessToken("its header asks for an extension")
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


def challenge(
    oauth: OAuthSettings,
    error: Literal["", "invalid_token", "insufficient_scope"] = "",
    description: str = "",
    scope: str = BASIC,
) -> str:
    """Give the value of `WWW-Authenticate` of a refusal.

    Args:
        oauth: The resource.
        error: "" for a request without a token, "invalid_token" with 401,
            "insufficient_scope" with 403 where `NoAccess.scope` names what would do. For a
            403 that no scope mends, "" and an empty scope: clients then do not ask anew.
        description: A sentence; characters that a header may not carry are replaced.
        scope: The scopes to ask for.

    References:
        RFC 6750, section 3; RFC 9728, section 5.1.
    """
    fields = {
        "error": error,
        "error_description": re.sub(r"[^ !#-\[\]-~]", "'", description),
        "scope": scope,
        "resource_metadata": metadata_url(oauth),
    }
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in fields.items() if value)
