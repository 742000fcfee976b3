"""Tokens of one team at the real door: they do not stop each other, and a flood fills no count."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.server.web.served import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("team")) as server:
        yield server


def test_two_even_tokens_teach_on_after_five_reports_each(server: Server) -> None:
    tokens = [server.token(name, "write") for name in ("anna", "berta")]
    items = []
    for n in range(16):
        _, said = server.call(tokens[0], "remember", title=f"lesson {n}", content=f"Do {n}.")
        items.append(said["id"])
    for n, item in enumerate(items):
        ok, said = server.call(
            tokens[n % 2], "report_outcome", outcome="success", task=f"task {n}", used_ids=[item]
        )
        assert ok, said
        assert "quota" not in said["judged"]["why"]


def test_sixty_reports_of_one_token_on_an_item_in_a_day_count_as_sixteen(server: Server) -> None:
    admin, foe = server.token("owner of it"), server.token("foe", "write")
    _, said = server.call(admin, "remember", title="victim", content="Do it so.")
    for n in range(5):
        server.call(admin, "report_outcome", outcome="success", task=f"t{n}", used_ids=[said["id"]])
    for n in range(60):
        ok, told = server.call(
            foe, "report_outcome", outcome="failure", task=f"f{n}", harmful_ids=[said["id"]]
        )
        assert ok, told
    detail = json.loads(server.read(admin, f"memory://lessons/{said['id']}")[1])
    assert detail["wins"] == 5
    assert detail["losses"] <= 16
