"""Tokens of a real authorization server, got as MCP clients get them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from memory_core.caller import Caller
from server.web.identity import CannotVerify, NoAccess
from server.web.issuer import PAUSE
from server.web.oauth import JwtVerifier, metadata_url
from tests.patience import PATIENCE
from tests.server.connections import ERAS, data_of
from tests.server.web.issued import AGENT, SECRET, Issued
from tests.server.web.issuing import Clock
from tests.server.web.resource import Resource

pytestmark = pytest.mark.anyio
BACK = "http://127.0.0.1:9/back"  # nothing listens there: the test reads the redirect itself


@pytest.fixture(scope="module")
def issued() -> Iterator[Issued]:
    """One authorization server for the tests that do not end it."""
    server = Issued()
    yield server
    server.end()


class Kept:
    """Where a client keeps what it got."""

    tokens: OAuthToken | None = None
    registration: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.registration

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.registration = client_info


class Browser:
    """What a user's browser does: follows to the issuer and carries the answer back."""

    def __init__(self) -> None:
        self.asked: dict[str, list[str]] = {}
        self.answer: dict[str, list[str]] = {}

    async def go(self, url: str) -> None:
        self.asked = parse_qs(urlsplit(url).query)
        async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
            response = await http.get(url)
        assert response.status_code == 302, response.text
        self.answer = parse_qs(urlsplit(response.headers["location"]).query)

    async def come_back(self) -> AuthorizationCodeResult:
        found = {name: values[0] for name, values in self.answer.items()}
        return AuthorizationCodeResult(**found)


@asynccontextmanager
async def connected(url: str, auth: httpx2.Auth, era: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(auth=auth, timeout=PATIENCE, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        with anyio.fail_after(PATIENCE):
            yield client


async def who(client: Client) -> dict[str, Any]:
    return data_of(await client.call_tool("who", {}))


@pytest.mark.parametrize("era", ERAS)
async def test_a_user_gets_in_by_discovery_registration_and_pkce(era: str, issued: Issued) -> None:
    resource, kept, browser = Resource(issued.issuer), Kept(), Browser()
    provider = OAuthClientProvider(
        server_url=resource.url,
        client_metadata=OAuthClientMetadata(
            client_name="ide",
            redirect_uris=[AnyUrl(BACK)],
            grant_types=["authorization_code"],
            token_endpoint_auth_method="none",
        ),
        storage=kept,
        redirect_handler=browser.go,
        callback_handler=browser.come_back,
    )
    async with resource.serving() as url, connected(url, provider, era) as client:
        found = await who(client)
    assert kept.registration is not None
    assert found == {
        "source": f"oauth:user-1 via {kept.registration.client_id}",
        "scope": "write",
        "projects": "shop",
    }
    assert browser.asked["resource"] == [resource.url]
    assert browser.asked["scope"] == ["lessonbank:read lessonbank:write"]
    assert browser.asked["code_challenge_method"] == ["S256"]
    assert browser.answer["iss"] == [issued.issuer]


@pytest.mark.parametrize("era", ERAS)
async def test_a_machine_gets_in_with_its_own_credentials(era: str, issued: Issued) -> None:
    resource = Resource(issued.issuer)
    provider = ClientCredentialsOAuthProvider(
        server_url=resource.url,
        storage=Kept(),
        client_id=AGENT,
        client_secret=SECRET,
        issuer=issued.issuer,
    )
    async with resource.serving() as url, connected(url, provider, era) as client:
        found = await who(client)
    assert found == {"source": f"oauth:{AGENT}", "scope": "write", "projects": "shop"}


async def test_refusals_tell_a_client_what_to_do(issued: Issued) -> None:
    resource = Resource(issued.issuer)
    where = f'resource_metadata="{metadata_url(resource.oauth)}"'
    async with (
        resource.serving() as url,
        httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http,
    ):

        async def refused(token: str) -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = await http.post(url, json={}, headers=headers)
            return answer.status_code, answer.headers["www-authenticate"]

        status, told = await refused("")
        assert status == 401
        assert where in told
        assert "error=" not in told
        elsewhere = await anyio.to_thread.run_sync(issued.token, "https://other.example.org")
        status, told = await refused(elsewhere)
        assert (status, where in told, 'error="invalid_token"' in told) == (401, True, True)
        without = await anyio.to_thread.run_sync(issued.token, url, "")
        status, told = await refused(without)
        assert (status, where in told, 'error="insufficient_scope"' in told) == (403, True, True)
        assert 'scope="lessonbank:read lessonbank:write"' in told
        found = (await http.get(metadata_url(resource.oauth))).json()
        assert found["authorization_servers"] == [issued.issuer]


async def test_scopes_and_projects_of_the_issuer_reach_the_caller(issued: Issued) -> None:
    resource = Resource(issued.issuer)
    token = issued.token(resource.url, "lessonbank:read lessonbank:admin", projects="shop blog")
    found = await resource.verifier.verify(token)
    assert found is not None
    assert found.caller == Caller(f"oauth:{AGENT}", "admin", ("shop", "blog"), trusted=True)
    all_projects = await resource.verifier.verify(issued.token(resource.url, projects="*"))
    assert all_projects is not None
    assert all_projects.caller.projects is None
    assert all_projects.principal == found.principal
    with pytest.raises(NoAccess):
        await resource.verifier.verify(issued.token(resource.url, "other:admin"))
    resource.listener.close()


async def test_the_issuer_may_rotate_its_key_and_be_down() -> None:
    issued, clock = Issued(), Clock()
    resource = Resource(issued.issuer)
    resource.listener.close()
    verifier = JwtVerifier(resource.oauth, clock=clock)
    try:
        before = issued.token(resource.url)
        assert await verifier.verify(before) is not None
        issued.rotate()
        after = issued.token(resource.url)
        assert await verifier.verify(after) is None  # keys were fetched a moment ago
        clock.now += PAUSE
        assert await verifier.verify(after) is not None
        assert await verifier.verify(before) is None
    finally:
        issued.end()
    clock.now += 3600
    assert await verifier.verify(after) is not None
    with pytest.raises(CannotVerify):
        await JwtVerifier(resource.oauth).verify(after)
