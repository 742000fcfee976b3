"""OAuth as a resource server: JWT access tokens in, callers out, and where to get such tokens.

Tokens are those of one issuer, in the profile of RFC 9068 as far as issuers keep to it.
Nothing is asked of the issuer for a token; only its keys are fetched.

What the claims of a checked token say is who calls, with which scope, in which projects.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.routing import Route

from memory_core.caller import CALLER_SCOPES, Caller, CallerScope
from memory_core.errors import shown
from memory_core.settings import OAuthSettings
from server.web.identity import NoAccess, Verified
from server.web.issuer import ALGORITHMS, SigningKeys

# -- claims

PREFIX = "lessonbank:"
"""Before a scope where an issuer serves several resources; the bare word counts too."""
BASIC = f"{PREFIX}read {PREFIX}write"
"""The scopes that clients are told to ask for; `admin` has to be asked for by name."""
ALL_PROJECTS = "*"
_CLIENT = ("client_id", "azp", "cid", "appid")
"""Where issuers name the client: RFC 9068, OpenID Connect, and two that came before."""
_LONGEST_NAME = 128
_DIGEST = 16
_PLAIN = re.compile(r"[!\"$-~]+")
"""Visible ASCII without "#", which begins a digest."""
_SUBJECT_ROOM, _CLIENT_ROOM = 70, 47
_SOURCE = "oauth:"


class NotAnAccessToken(Exception):
    """The claims are genuine and are not those of an access token for a caller."""


def verified(claims: dict[str, Any], oauth: OAuthSettings, project: str) -> Verified:
    """Give whose token it is.

    Args:
        claims: Checked already: signature, issuer, audience and times.
        oauth: The issuer, and which claim lists the projects.
        project: The project of a token that has no such claim; "" for none.

    Raises:
        NotAnAccessToken: It is another kind of token, or nobody's.
        NoAccess: It grants no scope or no project of this memory.
    """
    _check_kind(claims)
    client, subject = _holder(claims)
    scope = scope_of(claims)
    return Verified(
        caller=Caller(
            source=source_of(client, subject),
            scope=scope,
            projects=projects_of(claims, oauth.projects_claim, project),
            trusted=scope == "admin",  # like the store's own tokens
        ),
        principal=json.dumps([oauth.issuer, client, subject]),
        expires_at=float(min(int(claims["exp"]), 2**53)),
    )


def _check_kind(claims: dict[str, Any]) -> None:
    """Refuse ID tokens, refresh tokens and tokens bound to a key that was not shown.

    An ID token's audience is a client and so another one, unless somebody uses one name
    for both; hence its own claims are looked at. Some issuers put `nonce` into access
    tokens too, which have a scope.
    """
    if "at_hash" in claims or "c_hash" in claims:
        raise NotAnAccessToken("it is an ID token")
    if "nonce" in claims and not ("scope" in claims or "scp" in claims):
        raise NotAnAccessToken("it is an ID token")
    if (
        str(claims.get("typ", "Bearer")).lower() != "bearer"
    ):  # one issuer's mark on each kind of token
        raise NotAnAccessToken(f"its typ is {shown(claims['typ'])}")
    if "events" in claims:
        raise NotAnAccessToken("it is a security event")
    if "cnf" in claims:
        raise NotAnAccessToken("it is bound to a key (cnf), and came as a bearer token")


def _holder(claims: dict[str, Any]) -> tuple[str, str]:
    """Give client ("" when the token names none) and subject, by default the client itself."""
    client = next((claims[name] for name in _CLIENT if claims.get(name) is not None), "")
    subject = claims.get("sub") or client
    if not isinstance(client, str) or not isinstance(subject, str):
        raise NotAnAccessToken("its client or subject is no text")
    if not subject:
        raise NotAnAccessToken("it names neither a client nor a subject")
    return client, subject


def source_of(client: str, subject: str) -> str:
    """Give the name under which a holder writes: printable, at most 128 characters.

    It begins with "oauth:", so that no issuer can name a holder like a token of the
    server's own or like the store's owner, and differs for different holders. What
    stands before " via " is the subject's alone, whatever its client is called:
    the learner counts by it (see `memory_core.service.quota`).

    Example:
        >>> source_of("ide", "ide"), source_of("ide", "7f3a")
        ('oauth:ide', 'oauth:7f3a via ide')
    """
    who = _SOURCE + _legible(subject, _SUBJECT_ROOM)
    return who if subject == client else f"{who} via {_legible(client, _CLIENT_ROOM)}"


def _legible(text: str, room: int) -> str:
    """Give a name of at most `room` characters; one that had to be changed ends in its digest."""
    if _PLAIN.fullmatch(text) and len(text) <= room:
        return text
    digest = hashlib.sha256(json.dumps(text).encode()).hexdigest()[:_DIGEST]
    plain = "".join(sign if "!" <= sign <= "~" else "?" for sign in text) or "?"
    return f"{plain[: room - _DIGEST - 2]} #{digest}"


def _words(value: object) -> list[str] | None:
    """Give the words of a claim: a list of texts, or one text with spaces; None for others."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    return None


def scope_of(claims: dict[str, Any]) -> CallerScope:
    """Give the largest scope that `scope`, or else `scp`, grants.

    Raises:
        NoAccess: It grants none of this memory's.
    """
    granted = _words(claims["scope"] if "scope" in claims else claims.get("scp")) or ()
    for scope in reversed(CALLER_SCOPES):
        if scope in granted or PREFIX + scope in granted:
            return scope
    known = ", ".join(PREFIX + scope for scope in CALLER_SCOPES)
    raise NoAccess(
        f"The access token grants none of the scopes {known}. Ask its issuer for one of them.",
        BASIC,
    )


def projects_of(claims: dict[str, Any], claim: str, default: str) -> tuple[str, ...] | None:
    """Give the projects that a claim lists, None for all of them ("*").

    A token without the claim works in the default project alone. A claim that is there
    and lists nothing gives nothing.

    Raises:
        NoAccess: It lists none, and there is no default, or no list of names.
    """
    if claim not in claims:
        if not default:
            raise NoAccess(
                f"The access token has no claim {shown(claim)}, which lists its projects. "
                "Let the issuer add it, or set LESSONBANK_PROJECT for tokens without it."
            )
        return (default,)
    names = _words(claims[claim])
    if names and ALL_PROJECTS in names:
        return None
    if not names or not all(map(_is_project, names)):
        raise NoAccess(
            f"The claim {shown(claim)} of the access token lists no projects. "
            "Let the issuer fill it with a list of their names, or '*' for all."
        )
    return tuple(dict.fromkeys(names))


def _is_project(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()


# -- tokens

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
