"""Tokens of one team at the real door: they do not stop each other, and a flood fills no count."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE
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


PROGRAM = """
import sys
from memory_core import embedder
from server.__main__ import main
from tests.memory_core.hash_embedder import HashEmbedder
embedder.SentenceEmbedder.load = staticmethod(lambda _model: HashEmbedder())
sys.exit(main())
"""
"""The command with a small model: what learns needs vectors."""
TOPICS = ("dates", "queue", "retry", "cache")


class Team:
    """Topics whose nearest memory is wrong, and tokens that follow what comes first."""

    def __init__(self, server: Server) -> None:
        self.server, self.number = server, 0
        self.owner = server.token("who sees it")
        self.right: dict[str, str] = {}
        for topic in TOPICS:
            self._stored(f"solve the {topic} problem in the service", f"Guess {topic}.")
            self.right[topic] = self._stored(f"handle {topic} with a tool", f"Use {topic}'s tool.")

    def _stored(self, title: str, content: str) -> str:
        ok, said = self.server.call(self.owner, "remember", title=title, content=content)
        assert ok, said
        return str(said["id"])

    def served(self, token: str, topic: str) -> tuple[str, list[str]]:
        self.number += 1
        task = f"solve the {topic} problem in the service"
        ok, said = self.server.call(token, "recall", task=task, session=f"s{self.number}")
        assert ok, said
        return said["recall_id"], [one["id"] for one in said["items"]]

    def report(self, token: str, topic: str, outcome: str = "") -> None:
        recall_id, found = self.served(token, topic)
        told = outcome or ("success" if found[0] == self.right[topic] else "failure")
        given = {"recall_id": recall_id, "outcome": told, "used_ids": found[:1]}
        ok, said = self.server.call(token, "report_outcome", **given)
        assert ok, said

    def scorer(self) -> dict[str, Any]:
        """What the learner says of itself once it has learned every report."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found: dict[str, Any] = json.loads(self.server.read(self.owner, "memory://scorer")[1])
            if found["trained"] == found["reports"]:
                return found
            time.sleep(0.05)
        raise AssertionError("the reports were not learned in time")

    def right_first(self) -> list[str]:
        return [one for one in TOPICS if self.served(self.owner, one)[1][0] == self.right[one]]


def test_false_failures_of_a_token_change_nothing_for_the_others(tmp_path: Path) -> None:
    """Order and weight, as the others meet them at the door."""
    with Server(tmp_path, program=PROGRAM) as server:
        team = Team(server)
        honest = [server.token(name, "write") for name in ("anna", "berta", "cleo")]
        for n in range(36):
            team.report(honest[n % 3], TOPICS[n % 4])
        before, right = team.scorer(), team.right_first()
        assert before["weight"] > 0.7
        assert right
        foe = server.token("foe", "write")
        for n in range(20):
            team.report(foe, TOPICS[n % 4], "failure")
        after = team.scorer()
        assert after["weight"] > 0.7
        assert after["reports"] == 56
        assert set(team.right_first()) >= set(right)
