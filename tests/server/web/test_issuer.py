"""The issuer's keys: found where its metadata says, kept while it is down, asked for rarely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import httpx2
import pytest

from server.web.identity import CannotVerify
from server.web.issuer import (
    KEEP_FOR,
    MOST_BYTES,
    MOST_KEYS,
    PAUSE,
    PAUSE_WHEN_OLD,
    RENEW_AFTER,
    SigningKeys,
)
from server.web.oauth import JwtVerifier
from tests.server.web.issuing import (
    ISSUER,
    KEYS,
    METADATA,
    OAUTH,
    OPENID,
    Clock,
    Issuer,
    SigningKey,
    answer,
    claims,
)

pytestmark = pytest.mark.anyio
FIRST, SECOND = SigningKey("first"), SigningKey("second")


class Known:
    """A verifier, its issuer and its clock."""

    def __init__(self, *keys: SigningKey) -> None:
        self.issuer = Issuer(*keys)
        self.clock = Clock()
        self.verifier = JwtVerifier(OAUTH, transport=self.issuer, clock=self.clock)

    async def takes(self, key: SigningKey, **headers: Any) -> bool:
        return await self.verifier.verify(key.sign(claims(), **headers)) is not None


async def test_the_keys_are_fetched_once_for_many_tokens() -> None:
    known = Known(FIRST)
    taken = []

    async def one() -> None:
        taken.append(await known.takes(FIRST))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
    assert taken == [True] * 20
    assert known.issuer.asked == [METADATA, KEYS]


async def test_a_rotated_key_is_found_at_once_and_the_old_one_ends() -> None:
    known = Known(FIRST)
    assert await known.takes(FIRST)
    known.issuer.keys = [SECOND]
    known.clock.now += PAUSE
    assert await known.takes(SECOND)
    assert not await known.takes(FIRST)
    assert known.issuer.fetches == 2


async def test_a_storm_of_forged_key_ids_costs_the_issuer_one_request() -> None:
    known = Known(FIRST)
    assert await known.takes(FIRST)
    known.clock.now += PAUSE

    async def forged(number: int) -> None:
        assert not await known.takes(SECOND, kid=f"forged-{number}")

    async with anyio.create_task_group() as group:
        for number in range(200):
            group.start_soon(forged, number)
    assert known.issuer.fetches == 2
    assert await known.takes(FIRST)
    known.clock.now += PAUSE - 1
    assert not await known.takes(SECOND)
    assert known.issuer.fetches == 2
    known.clock.now += 1
    assert not await known.takes(SECOND)
    assert known.issuer.fetches == 3


async def test_forged_key_ids_before_the_first_answer_cost_one_request_too() -> None:
    known = Known(FIRST)
    known.issuer.down = True
    for _ in range(20):
        with pytest.raises(CannotVerify):
            await known.takes(SECOND)
    assert known.issuer.asked == [METADATA]
    known.issuer.down = False
    known.clock.now += PAUSE
    assert await known.takes(FIRST)


async def test_an_issuer_that_is_down_for_a_while_stops_nobody() -> None:
    known = Known(FIRST)
    assert await known.takes(FIRST)
    known.issuer.down = True
    known.clock.now += RENEW_AFTER + 1
    for _ in range(5):
        assert await known.takes(FIRST)
    assert len(known.issuer.asked) == 3  # one try
    known.clock.now += PAUSE_WHEN_OLD - 1
    assert await known.takes(FIRST)
    assert len(known.issuer.asked) == 3
    known.clock.now += 1
    assert await known.takes(FIRST)
    assert len(known.issuer.asked) == 4
    known.clock.now = 1000 + KEEP_FOR + 1
    with pytest.raises(CannotVerify, match="cannot be reached"):
        await known.takes(FIRST)
    known.issuer.down = False
    known.clock.now += PAUSE_WHEN_OLD
    assert await known.takes(FIRST)


async def test_a_withdrawn_key_ends_when_the_keys_are_old() -> None:
    known = Known(FIRST, SECOND)
    assert await known.takes(FIRST)
    known.issuer.keys = [SECOND]
    known.clock.now += RENEW_AFTER + 1
    assert not await known.takes(FIRST)
    assert await known.takes(SECOND)
    known.issuer.keys = []
    known.clock.now += RENEW_AFTER + 1
    assert not await known.takes(SECOND)


async def test_a_fetch_under_way_keeps_nobody_whose_key_is_known() -> None:
    known = Known(FIRST)
    assert await known.takes(FIRST)
    asked, go_on, ended = anyio.Event(), anyio.Event(), anyio.Event()

    async def slow(request: httpx2.Request) -> httpx2.Response:
        asked.set()
        await go_on.wait()
        return httpx2.Response(503)

    async def first() -> None:
        await known.takes(FIRST)
        ended.set()

    known.issuer.handler = slow
    known.clock.now += RENEW_AFTER + 1
    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await asked.wait()
        assert await known.takes(FIRST)
        assert not ended.is_set()
        go_on.set()


async def test_a_caller_that_goes_away_does_not_stop_the_fetch() -> None:
    known = Known(FIRST)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await known.takes(FIRST)
    with anyio.CancelScope() as scope:

        async def leaving(request: httpx2.Request) -> httpx2.Response:
            scope.cancel()
            await anyio.lowlevel.checkpoint()
            return known.issuer._answer(request)

        known.issuer.handler = leaving
        await known.takes(FIRST)
    known.issuer.down = True
    assert await known.takes(FIRST)


async def test_openid_metadata_is_the_second_choice() -> None:
    known = Known(FIRST)
    known.issuer.pages = {OPENID: {"issuer": ISSUER, "jwks_uri": KEYS}}
    assert await known.takes(FIRST)
    assert known.issuer.asked[0] == METADATA


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example.org", "jwks_uri": KEYS},
        {"issuer": ISSUER + "/", "jwks_uri": KEYS},
        {"jwks_uri": KEYS},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://issuer.example.org/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://127.0.0.1:8080/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": ["https://issuer.example.org/keys"]},
        ["issuer"],
        "no JSON",
        "[" * 100_000,
        {"issuer": ISSUER, "jwks_uri": KEYS, "more": "x" * MOST_BYTES},
    ],
    ids=range(12),
)
async def test_metadata_that_is_not_the_issuers_gives_no_keys(
    metadata: object, caplog: pytest.LogCaptureFixture
) -> None:
    known = Known(FIRST)
    known.issuer.pages = {METADATA: answer(metadata)}
    with pytest.raises(CannotVerify):
        await known.takes(FIRST)
    assert all("/.well-known/" in url for url in known.issuer.asked)
    assert "gave no keys" in caplog.text


async def test_an_issuer_on_this_machine_keeps_its_keys_here_too() -> None:
    here = "http://127.0.0.1:8080"
    issuer = Issuer(FIRST)
    keys = SigningKeys(replace(OAUTH, issuer=here), transport=issuer, clock=Clock())
    metadata = f"{here}/.well-known/oauth-authorization-server"
    issuer.pages = {metadata: {"issuer": here, "jwks_uri": "http://issuer.example.org/keys"}}
    with pytest.raises(CannotVerify):
        await keys.find("first", "ES256")
    assert all("/.well-known/" in url for url in issuer.asked)
    keys = SigningKeys(replace(OAUTH, issuer=here), transport=issuer, clock=Clock())
    issuer.pages = {
        metadata: {"issuer": here, "jwks_uri": f"{here}/keys"},
        f"{here}/keys": {"keys": [FIRST.jwk]},
    }
    assert len(await keys.find("first", "ES256")) == 1


@pytest.mark.parametrize(
    "page",
    [
        {"keys": "none"},
        {"keys": None},
        {},
        [],
        "x" * (MOST_BYTES + 1),
        httpx2.Response(302, headers={"Location": "https://evil.example.org/keys"}),
    ],
    ids=range(6),
)
async def test_an_unusable_key_set_gives_no_keys(page: object) -> None:
    known = Known(FIRST)
    known.issuer.pages[KEYS] = page if isinstance(page, httpx2.Response) else answer(page)
    with pytest.raises(CannotVerify):
        await known.takes(FIRST)
    assert not [url for url in known.issuer.asked if "evil" in url]


async def test_unusable_keys_in_a_set_are_passed_over() -> None:
    known = Known(FIRST)
    odd: list[Any] = [
        None,
        "key",
        {},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "first"},
        {"kty": "EC", "crv": ["P-256"], "kid": "first"},
        {"kty": "RSA", "kid": "first"},
        {"kty": "RSA", "n": 7, "e": 3, "kid": "first"},
        {"kty": "RSA", "alg": ["RS256"], "kid": "first"},
        {"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "first"},
        {"kty": "EC", "crv": "secp256k1", "kid": "first"},
        {"kty": ["oct"], "kid": "first"},
    ]
    known.issuer.pages[KEYS] = {"keys": [*odd, FIRST.jwk]}
    assert await known.takes(FIRST)


async def test_of_a_key_set_as_many_keys_count_as_an_issuer_needs() -> None:
    known = Known(*[FIRST] * (MOST_KEYS - 1), SECOND)
    assert await known.takes(SECOND)
    known = Known(*[FIRST] * MOST_KEYS, SECOND)
    assert not await known.takes(SECOND)


async def test_the_address_of_the_keys_can_be_set() -> None:
    issuer = Issuer(FIRST)
    issuer.pages = {}
    keys = SigningKeys(replace(OAUTH, jwks=KEYS), transport=issuer)
    assert len(await keys.find("first", "ES256")) == 1
    assert await keys.find("second", "ES256") == ()
    assert issuer.asked == [KEYS]
