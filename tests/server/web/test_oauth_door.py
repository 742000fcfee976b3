"""The whole server as a resource of a real authorization server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.web.issued import AGENT, Issued
from tests.server.web.served import Server

RESOURCE = "https://memory.example.org/mcp"
METADATA = "/.well-known/oauth-protected-resource/mcp"


@pytest.fixture(scope="module")
def issued() -> Iterator[Issued]:
    made = Issued()
    yield made
    made.end()


@pytest.fixture(scope="module")
def server(issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings: dict[str, Any] = {
        "LESSONBANK_OAUTH_ISSUER": issued.issuer,
        "LESSONBANK_OAUTH_AUDIENCE": RESOURCE,
    }
    with Server(tmp_path_factory.mktemp("oauth"), **settings) as made:
        yield made


def test_a_token_of_the_issuer_works_in_its_projects_under_its_own_name(
    server: Server, issued: Issued
) -> None:
    token = issued.token(RESOURCE)
    ok, said = server.call(token, "remember", title="t", content="c", source="me")
    assert ok, said
    detail = json.loads(server.read(token, f"memory://lessons/{said['id']}")[1])
    assert (detail["source"], detail["project"]) == (f"oauth:{AGENT}", "shop")
    ok, refusal = server.call(token, "recall", task="t", project="secret")
    assert not ok
    assert "none of this token's" in refusal
    assert not server.call(issued.token(RESOURCE, "lessonbank:read"), "remember", **LESSON)[0]


LESSON = {"title": "t", "content": "c"}


def test_the_stores_own_tokens_work_beside_it(server: Server) -> None:
    assert server.call(server.token("own"), "list_lessons")[0]


def test_who_has_no_token_is_told_where_to_get_one(server: Server, issued: Issued) -> None:
    with server.http() as http:
        refused = http.post(server.url, json={})
        assert refused.status_code == 401
        assert (
            f'resource_metadata="https://memory.example.org{METADATA}"'
            in (refused.headers["WWW-Authenticate"])
        )
        told = http.get(server.root + METADATA, headers={"Host": "memory.example.org"})
    assert told.status_code == 200
    assert told.json()["resource"] == RESOURCE
    assert told.json()["authorization_servers"] == [issued.issuer]


def test_a_token_for_another_resource_or_without_a_scope_is_refused(
    server: Server, issued: Issued
) -> None:
    with server.http() as http:

        def answered(token: str) -> tuple[int, str]:
            answer = http.post(server.url, json={}, headers={"Authorization": f"Bearer {token}"})
            return answer.status_code, answer.headers["WWW-Authenticate"]

        assert answered(issued.token("https://other.example.org/mcp"))[0] == 401
        status, header = answered(issued.token(RESOURCE, "profile"))
    assert status == 403
    assert 'error="insufficient_scope"' in header
    assert 'scope="lessonbank:read lessonbank:write"' in header
