"""An issuer in this process, whose keys the tests hold: it signs whatever they ask it to."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import AllowedPublicKeys, ECAlgorithm, RSAAlgorithm

from memory_core.settings import OAuthSettings

ISSUER = "https://issuer.example.org/tenant"
RESOURCE = "https://memory.example.org/mcp"
OAUTH = OAuthSettings(issuer=ISSUER, resource=RESOURCE, audiences=(RESOURCE,))
METADATA = "https://issuer.example.org/.well-known/oauth-authorization-server/tenant"
OPENID = f"{ISSUER}/.well-known/openid-configuration"
KEYS = f"{ISSUER}/keys"


class SigningKey:
    """A private key, and the JWK that its issuer publishes."""

    def __init__(self, key_id: str | None = "first", algorithm: str = "ES256", **jwk: Any) -> None:
        self.id = key_id
        self.algorithm = algorithm
        published: dict[str, Any]
        if algorithm.startswith("ES"):
            self.private: Any = ec.generate_private_key(ec.SECP256R1())
            published = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            self.private = rsa.generate_private_key(65537, jwk.pop("bits", 2048))
            published = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        published.pop("key_ops", None)
        self.jwk: dict[str, Any] = {**published, "use": "sig", **jwk}
        if key_id is not None:
            self.jwk["kid"] = key_id

    @property
    def public(self) -> AllowedPublicKeys:
        """The public key."""
        made: AllowedPublicKeys = self.private.public_key()
        return made

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Give a signed token; a header of None is left out."""
        named: dict[str, Any] = {"typ": "at+jwt", "kid": self.id, **headers}
        kept = {name: value for name, value in named.items() if value is not None}
        # PyJWT writes a typ of its own where none is given, and none for None
        kept.setdefault("typ", None)
        body = json.dumps(claims).encode()
        return jwt.PyJWS().encode(body, self.private, self.algorithm, kept)


def claims(**changed: Any) -> dict[str, Any]:
    """Give the claims of a good access token; a claim of None is left out."""
    now = int(time.time())
    good: dict[str, Any] = {
        "iss": ISSUER,
        "aud": RESOURCE,
        "exp": now + 600,
        "iat": now,
        "sub": "ide",
        "client_id": "ide",
        "scope": "lessonbank:write",
        "lessonbank_projects": ["shop"],
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def answer(body: object) -> httpx2.Response:
    """Give an answer that is read as it arrives, as from the network: JSON, or text as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    return httpx2.Response(200, stream=httpx2.ByteStream(text.encode()))


class Issuer(httpx2.MockTransport):
    """Serves metadata and keys, counts what was asked for, and can be down."""

    def __init__(self, *keys: SigningKey) -> None:
        super().__init__(self._answer)
        self.keys = list(keys)
        self.asked: list[str] = []
        self.down = False
        self.pages: dict[str, Any] = {METADATA: {"issuer": ISSUER, "jwks_uri": KEYS}}

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        self.asked.append(url)
        if self.down:
            raise httpx2.ConnectError("refused", request=request)
        page = self.pages.get(url)
        if url == KEYS and page is None:
            page = {"keys": [key.jwk for key in self.keys]}
        if page is None:
            return httpx2.Response(404)
        return page if isinstance(page, httpx2.Response) else answer(page)

    @property
    def fetches(self) -> int:
        """How often its keys were asked for."""
        return self.asked.count(KEYS)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
