"""Access tokens: which ones count, and what is told to those that do not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from memory_core.caller import Caller
from server.web.identity import NoAccess
from server.web.oauth import LEEWAY, LONGEST_TOKEN, JwtVerifier, challenge, protected_resource
from tests.server.web.issuing import (
    ISSUER,
    METADATA,
    OAUTH,
    RESOURCE,
    Issuer,
    SigningKey,
    claims,
)

pytestmark = pytest.mark.anyio
KEY = SigningKey()
RSA = SigningKey("rsa", "RS256")


def verifier(*keys: SigningKey, project: str = "", **changed: Any) -> JwtVerifier:
    return JwtVerifier(replace(OAUTH, **changed), project, transport=Issuer(*(keys or (KEY, RSA))))


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_good_token_is_its_holders() -> None:
    given = claims()
    found = await verifier().verify(KEY.sign(given))
    assert found is not None
    assert found.caller == Caller(
        source="oauth:ide", scope="write", projects=("shop",), trusted=False
    )
    assert found.expires_at == given["exp"]
    assert json.loads(found.principal) == [ISSUER, "ide", "ide"]


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "PS384"])
async def test_a_key_without_algorithm_serves_all_of_its_kind(algorithm: str) -> None:
    RSA.algorithm = algorithm
    try:
        assert await verifier().verify(RSA.sign(claims())) is not None
    finally:
        RSA.algorithm = "RS256"


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
async def test_types_of_access_tokens_count(kind: str | None) -> None:
    assert await verifier().verify(KEY.sign(claims(), typ=kind)) is not None


LONG_AGO, FAR_AHEAD = 2**30, 2**33
"""2004 and 2242: whenever these tests are read, and however long they then wait to run."""
REFUSED = {
    "another issuer": {"iss": "https://evil.example.org"},
    "the issuer with a slash": {"iss": ISSUER + "/"},
    "no issuer": {"iss": None},
    "a list of issuers": {"iss": [ISSUER]},
    "another audience": {"aud": "https://other.example.org/mcp"},
    "the audience with a slash": {"aud": RESOURCE + "/"},
    "several other audiences": {"aud": ["a", "b"]},
    "an audience that holds it": {"aud": {RESOURCE: 1}},
    "no audience": {"aud": None},
    "expired": {"exp": LONG_AGO},
    "no expiry": {"exp": None},
    "an expiry that is no number": {"exp": "soon"},
    "an expiry beyond numbers": {"exp": float("inf")},
    "not yet valid": {"nbf": FAR_AHEAD},
    "issued in the future": {"iat": FAR_AHEAD},
    "an ID token by its hash": {"at_hash": "x"},
    "an ID token by its nonce": {"nonce": "x", "scope": None},
    "a refresh token": {"typ": "Refresh"},
    "a logout token": {"events": {"logout": {}}},
    "bound to a key": {"cnf": {"jkt": "x"}},
    "nobody's": {"sub": None, "client_id": None},
    "a client that is no text": {"client_id": 7},
    "a subject that is no text": {"sub": ["ide"]},
}


@pytest.mark.parametrize("changed", REFUSED.values(), ids=list(REFUSED))
async def test_a_genuine_token_that_is_not_for_this_use_is_refused(changed: dict[str, Any]) -> None:
    assert await verifier().verify(KEY.sign(claims(**changed))) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"typ": "dpop+jwt"},
        {"typ": "logout+jwt"},
        {"typ": "id_token+jwt"},
        {"crit": ["exp"], "exp": 1},
        {"crit": "exp"},
        {"kid": "unknown"},
        {"kid": ""},
    ],
    ids=str,
)
async def test_a_header_that_no_access_token_has_is_refused(headers: dict[str, Any]) -> None:
    assert await verifier().verify(KEY.sign(claims(), **headers)) is None


async def test_clocks_may_differ_a_little() -> None:
    late = claims(exp=int(time.time()) - LEEWAY // 2)
    early = claims(nbf=int(time.time()) + LEEWAY // 2)
    for held in (late, early):
        assert await verifier().verify(KEY.sign(held)) is not None


async def test_one_of_several_audiences_suffices() -> None:
    held = KEY.sign(claims(aud=["https://other.example.org", RESOURCE]))
    assert await verifier().verify(held) is not None
    other = KEY.sign(claims(aud="0a1b-client-guid"))
    assert await verifier().verify(other) is None
    assert await verifier(audiences=(RESOURCE, "0a1b-client-guid")).verify(other) is not None


async def test_a_token_without_signature_is_refused_without_a_look_at_the_keys() -> None:
    issuer = Issuer(KEY)
    asked = JwtVerifier(OAUTH, transport=issuer)
    for algorithm in ("none", "None", "NONE", "", None, 7, ["ES256"]):
        head = part({"alg": algorithm, "typ": "at+jwt", "kid": "first"})
        for signature in ("", KEY.sign(claims()).rsplit(".", 1)[1]):
            assert await asked.verify(f"{head}.{part(claims())}.{signature}") is None
    assert not issuer.asked


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
@pytest.mark.parametrize("key_id", ["rsa", None])
async def test_the_public_key_is_no_shared_secret(algorithm: str, key_id: str | None) -> None:
    pem = RSA.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, pem.strip(), json.dumps(RSA.jwk).encode(), b""):
        text = f"{part({'alg': algorithm, 'typ': 'at+jwt', 'kid': key_id})}.{part(claims())}"
        digest = hmac.digest(secret, text.encode(), algorithm.replace("HS", "sha"))
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert await verifier().verify(f"{text}.{signature}") is None


async def test_a_shared_secret_among_the_keys_is_never_used() -> None:
    secret = "a-shared-secret-that-was-published-by-mistake"
    listed = SigningKey("secret")
    listed.jwk = {
        "kty": "oct",
        "kid": "secret",
        "alg": "HS256",
        "k": base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode(),
    }
    held = jwt.encode(claims(), secret, "HS256", {"kid": "secret", "typ": "at+jwt"})
    assert await verifier(listed, KEY).verify(held) is None


async def test_a_key_that_the_token_brings_along_is_not_trusted() -> None:
    mine = SigningKey("first")
    for headers in (
        {"jwk": mine.jwk},
        {"jku": "https://evil.example.org/keys"},
        {"x5u": "https://evil.example.org/cert"},
        {"jwk": mine.jwk, "kid": "mine"},
    ):
        issuer = Issuer(KEY)
        held = mine.sign(claims(), **headers)
        assert await JwtVerifier(OAUTH, transport=issuer).verify(held) is None
        assert not [url for url in issuer.asked if "evil" in url]


async def test_a_key_of_another_kind_or_use_does_not_count() -> None:
    encrypting = SigningKey("first", use="enc")
    other = SigningKey("first", alg="ES384")
    wrapping = SigningKey("first", key_ops=["wrapKey"])
    short = SigningKey("first", "RS256", bits=1024)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        held = short.sign(claims())
    assert await verifier(short).verify(held) is None
    for key in (encrypting, other, wrapping):
        assert await verifier(key).verify(key.sign(claims())) is None
    private = SigningKey("first")
    private.jwk["d"] = "c2VjcmV0"  # a set that gives away what is private still works
    assert await verifier(private).verify(private.sign(claims())) is not None


async def test_a_changed_token_is_refused() -> None:
    head, body, signature = KEY.sign(claims(scope="lessonbank:read")).split(".")
    more = part(claims(scope="lessonbank:admin"))
    assert await verifier().verify(f"{head}.{more}.{signature}") is None
    assert await verifier().verify(f"{head}.{body}.{signature[:-4]}AAAA") is None
    assert await verifier().verify(f"{head}.{body}.") is None


async def test_a_token_without_key_id_is_tried_with_the_keys_that_fit() -> None:
    unnamed = SigningKey(None)
    assert await verifier(unnamed).verify(unnamed.sign(claims())) is not None
    assert await verifier(KEY, RSA, unnamed).verify(unnamed.sign(claims())) is not None
    assert await verifier(KEY, RSA).verify(unnamed.sign(claims())) is None


async def test_a_huge_token_is_refused_without_a_look_at_the_keys() -> None:
    issuer = Issuer(KEY)
    huge = KEY.sign(claims(more="x" * LONGEST_TOKEN))
    assert await JwtVerifier(OAUTH, transport=issuer).verify(huge) is None
    assert not issuer.asked
    fitting = KEY.sign(claims(groups=["group"] * 1000))
    assert len(fitting) < LONGEST_TOKEN
    assert await JwtVerifier(OAUTH, transport=issuer).verify(fitting) is not None


DEEP = base64.urlsafe_b64encode(b"[" * 6000).decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b.c.d.e",
        "lb_something",
        "\u00e9" * 40,
        "\ud800.\ud800.\ud800",
        "\x00",
        f"{part([])}.{part({})}.",
        f"{part({'alg': 'ES256', 'kid': {'a': 1}})}.{part({})}.AAAA",
        f"{part({'alg': 'ES256'})}.{part([1])}.AAAA",
        f"{DEEP}.{part({})}.AAAA",
        f"{part({'alg': 'ES256'})}.{DEEP}.AAAA",
    ],
    ids=range(15),
)
async def test_garbage_is_refused(token: str) -> None:
    assert await verifier().verify(token) is None


def test_deep_and_long_numbers_in_a_genuine_token_are_refused_or_bounded() -> None:
    async def tried(body: str) -> object:
        text = f"{part({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'first'})}."
        text += base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode()
        signed = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
        signature = signed.sign(text.encode(), KEY.private)
        held = f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        found = await verifier().verify(held)
        return found and found.expires_at

    good = json.dumps(claims())
    assert anyio.run(tried, good[:-1] + ', "exp": 1' + "0" * 400 + "}") == 2.0**53
    assert anyio.run(tried, good[:-1] + ', "exp": 1e999}') is None
    assert anyio.run(tried, good[:-1] + ', "more": ' + "[" * 5000 + "]" * 5000 + "}") is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_verifier(text: str) -> None:
    assert anyio.run(verifier().verify, text) is None


async def test_scope_and_projects_decide_on_access_not_on_the_token() -> None:
    with pytest.raises(NoAccess, match="lessonbank:read") as refused:
        await verifier().verify(KEY.sign(claims(scope="openid email")))
    assert refused.value.scope == "lessonbank:read lessonbank:write"
    without = KEY.sign(claims(lessonbank_projects=None))
    with pytest.raises(NoAccess, match="LESSONBANK_PROJECT") as refused:
        await verifier().verify(without)
    assert not refused.value.scope
    found = await verifier(project=" shop ").verify(without)
    assert found is not None
    assert found.caller.projects == ("shop",)


async def test_the_claim_of_the_projects_can_be_named() -> None:
    held = KEY.sign(claims(**{"https://lessonbank.example/projects": ["a", "b"]}))
    found = await verifier(projects_claim="https://lessonbank.example/projects").verify(held)
    assert found is not None
    assert found.caller.projects == ("a", "b")


def test_clients_find_the_issuer_by_the_metadata_of_the_resource() -> None:
    app = Starlette(routes=protected_resource(OAUTH))
    with TestClient(app) as client:
        answer = client.get("/.well-known/oauth-protected-resource/mcp")
    assert answer.json() == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["lessonbank:read", "lessonbank:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "lessonbank",
    }


def test_urls_without_a_path_keep_their_form() -> None:
    plain = replace(OAUTH, issuer="https://issuer.example.org", resource="https://m.example.org")
    with TestClient(Starlette(routes=protected_resource(plain))) as client:
        answer = client.get("/.well-known/oauth-protected-resource").json()
    assert answer["resource"] == "https://m.example.org"
    assert answer["authorization_servers"] == ["https://issuer.example.org"]
    with_slash = replace(OAUTH, issuer="https://tenant.example.org/")
    with TestClient(Starlette(routes=protected_resource(with_slash))) as client:
        answer = client.get("/.well-known/oauth-protected-resource/mcp").json()
    assert answer["authorization_servers"] == ["https://tenant.example.org/"]


def test_a_refusal_says_where_to_get_a_token() -> None:
    where = (
        'resource_metadata="https://memory.example.org/.well-known/oauth-protected-resource/mcp"'
    )
    scope = 'scope="lessonbank:read lessonbank:write"'
    assert challenge(OAUTH, 401) == f"Bearer {scope}, {where}"
    assert challenge(OAUTH, 401, "invalid_token") == (
        f'Bearer error="invalid_token", {scope}, {where}'
    )
    assert challenge(OAUTH, 403, "insufficient_scope", "lessonbank:admin") == (
        f'Bearer error="insufficient_scope", scope="lessonbank:admin", {where}'
    )
    assert challenge(OAUTH, 403, "insufficient_scope") == f"Bearer {where}"


def test_metadata_is_asked_for_where_rfc_8414_puts_it() -> None:
    issuer = Issuer(KEY)
    assert anyio.run(JwtVerifier(OAUTH, transport=issuer).verify, KEY.sign(claims())) is not None
    assert issuer.asked[0] == METADATA
