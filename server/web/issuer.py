"""The issuer's signing keys: found by its metadata, kept, and renewed when one is missing.

Requests never start more than one fetch in some seconds, whatever key ids they name.
Knows no token.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import jwt
from jwt.algorithms import AllowedPublicKeys
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls

from memory_core.errors import shown
from memory_core.settings import OAuthSettings, is_secure
from server.web.identity import CannotVerify

logger = logging.getLogger(__name__)

ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""Those that are accepted: with two keys, so that a public key never signs anything."""

RENEW_AFTER = 900
"""Seconds after which the keys are fetched again: until then a withdrawn key still counts."""
KEEP_FOR = 86_400
"""Seconds for which keys are used while the issuer cannot be reached."""
PAUSE = 10
"""Seconds between two fetches because of an unknown key."""
PAUSE_WHEN_OLD = 60
"""Seconds between two fetches because the keys are old."""
PATIENCE = 10
"""Seconds for one renewal: metadata and keys together."""
MOST_BYTES = 262_144
MOST_KEYS = 64
"""Of a key set; a token that names no key is tried with all that fit."""

_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")


class _Unusable(Exception):
    """The issuer answered something that cannot be used; the sentence says what."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: str | None
    algorithms: frozenset[str]
    public: AllowedPublicKeys


class SigningKeys:
    """The keys that the issuer signs with now.

    Args:
        oauth: The issuer, and where its keys are when its metadata does not say.
        transport: What requests go through; by default the network.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        oauth: OAuthSettings,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._oauth = oauth
        self._transport = transport
        self._clock = clock
        self._lock = anyio.Lock()
        self._keys: tuple[_Key, ...] = ()
        self._fetched = -math.inf
        self._tried = -math.inf

    async def find(self, key_id: str | None, algorithm: str) -> tuple[AllowedPublicKeys, ...]:
        """Give the keys that may have signed a token: one as a rule, none for an unknown id.

        Args:
            key_id: The id that the token names; None when it names none.
            algorithm: One of `ALGORITHMS`.

        Raises:
            CannotVerify: The issuer could not be reached for so long that no key counts.
        """
        if self._age() > RENEW_AFTER and not (self._keys and self._lock.locked()):
            await self._renew(PAUSE_WHEN_OLD if self._keys else PAUSE)
        found = self._matching(key_id, algorithm)
        if not found:
            await self._renew(PAUSE)
            found = self._matching(key_id, algorithm)
        if self._age() > KEEP_FOR:
            raise CannotVerify(
                "The access token cannot be checked: its issuer cannot be reached. "
                "Try again in a minute."
            )
        return found

    def _age(self) -> float:
        return self._clock() - self._fetched

    def _matching(self, key_id: str | None, algorithm: str) -> tuple[AllowedPublicKeys, ...]:
        return tuple(
            key.public
            for key in self._keys
            if algorithm in key.algorithms and (key_id is None or key.id == key_id)
        )

    async def _renew(self, pause: float) -> None:
        """Fetch the keys, unless that was tried within `pause` seconds; failures keep the old.

        A caller that goes away does not stop the fetch: it would be the way to keep new
        keys from everyone else.
        """
        async with self._lock:
            if self._clock() - self._tried < pause:
                return
            problem = f"no answer within {PATIENCE} s"
            try:
                with anyio.move_on_after(PATIENCE, shield=True):
                    self._keys = await self._fetched_keys()
                    self._fetched = self._clock()
                    return
            except (httpx2.HTTPError, httpx2.InvalidURL, _Unusable) as error:
                problem = str(error) or type(error).__name__
            finally:
                self._tried = self._clock()
            logger.warning("the issuer %s gave no keys: %s", self._oauth.issuer, problem)

    async def _fetched_keys(self) -> tuple[_Key, ...]:
        # the environment's proxies lead to other machines, never to this one
        abroad = urlsplit(self._oauth.jwks or self._oauth.issuer).scheme == "https"
        async with httpx2.AsyncClient(
            transport=self._transport,
            timeout=PATIENCE,
            trust_env=abroad,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        ) as client:
            where = self._oauth.jwks or await self._discovered(client)
            return _usable(await _document(client, where))

    async def _discovered(self, client: httpx2.AsyncClient) -> str:
        """Give the URL of the keys, from the first metadata that is this issuer's own.

        References:
            RFC 8414, sections 3 and 5; OpenID Connect Discovery 1.0, section 4.
        """
        issuer = self._oauth.issuer
        problems = []
        for url in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
            try:
                return self._keys_url(url, await _document(client, url))
            except _Unusable as error:
                problems.append(str(error))
        raise _Unusable("; ".join(problems))

    def _keys_url(self, url: str, metadata: dict[str, Any]) -> str:
        if metadata.get("issuer") != self._oauth.issuer:
            raise _Unusable(f"{url} is the metadata of {shown(metadata.get('issuer'))}")
        where = metadata.get("jwks_uri")
        local = self._oauth.issuer.startswith("http:")
        if not (isinstance(where, str) and is_secure(where)):
            raise _Unusable(f"{url} names no secure jwks_uri")
        if not local and not where.startswith("https:"):
            raise _Unusable(f"{url} names keys on this machine")
        return where


async def _document(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    """Give the JSON object behind a URL.

    Raises:
        _Unusable: It answers another status, something too large or no JSON object.
    """
    async with client.stream("GET", url) as response:
        if response.status_code != 200:
            raise _Unusable(f"{url} answers {response.status_code}")
        body = bytearray()
        async for part in response.aiter_raw():  # not unpacked: a small answer stays small
            body += part
            if len(body) > MOST_BYTES:
                raise _Unusable(f"{url} answers more than {MOST_BYTES:,} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _Unusable(f"{url} answers no JSON object")
    return document


def _usable(document: dict[str, Any]) -> tuple[_Key, ...]:
    """Give the keys of a JWK set (RFC 7517) that can check signatures; others are passed over."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise _Unusable("the key set holds no list of keys")
    return tuple(key for key in map(_key, listed[:MOST_KEYS]) if key is not None)


def _key(listed: object) -> _Key | None:
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig":
        return None
    operations = listed.get("key_ops")
    if isinstance(operations, list) and "verify" not in operations:
        return None
    algorithms = _algorithms(listed)
    if not algorithms:
        return None
    try:
        public = {name: listed[name] for name in _PUBLIC if name in listed}
        made = jwt.PyJWK(public, algorithm=min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    key_id = listed.get("kid")
    return _Key(key_id if isinstance(key_id, str) else None, algorithms, made)


def _algorithms(listed: dict[str, Any]) -> frozenset[str]:
    """Give the accepted algorithms that a key may be used with: its own, else all of its kind."""
    kind, curve = listed.get("kty"), listed.get("crv")
    if kind == "RSA":
        fitting = frozenset(name for name in ALGORITHMS if name[:2] in ("RS", "PS"))
    elif kind == "EC" and isinstance(curve, str):
        fitting = frozenset({_CURVES[curve]} if curve in _CURVES else ())
    elif kind == "OKP":
        fitting = frozenset({"EdDSA"})
    else:
        fitting = frozenset()
    own = listed.get("alg")
    return frozenset(name for name in fitting if own in (None, name))
