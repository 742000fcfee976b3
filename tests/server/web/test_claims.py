"""What claims say: scopes in all spellings, projects, and names that cannot be taken over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.model import GLOBAL_PROJECT
from server.web.identity import NoAccess
from server.web.oauth import projects_of, scope_of, source_of


@pytest.mark.parametrize(
    ("claims", "scope"),
    [
        ({"scope": "read"}, "read"),
        ({"scope": "lessonbank:write openid"}, "write"),
        ({"scope": "read write lessonbank:admin"}, "admin"),
        ({"scope": ["read", "write"]}, "write"),
        ({"scp": ["lessonbank:read"]}, "read"),
        ({"scp": "read write"}, "write"),
        ({"scope": "read", "scp": "admin"}, "read"),
    ],
)
def test_the_largest_scope_counts(claims: dict[str, Any], scope: str) -> None:
    assert scope_of(claims) == scope


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"scope": ""},
        {"scope": "Read WRITE"},
        {"scope": "lessonbank: read_all other:admin"},
        {"scope": ["read", 7]},
        {"scope": [["read"]]},
        {"scope": {"read": True}},
        {"scope": None},
        {"scope": None, "scp": "admin"},
        {"roles": ["admin"]},
    ],
    ids=str,
)
def test_what_is_no_scope_of_this_memory_gives_no_access(claims: dict[str, Any]) -> None:
    with pytest.raises(NoAccess) as refused:
        scope_of(claims)
    assert refused.value.scope == "lessonbank:read lessonbank:write"


@pytest.mark.parametrize(
    ("value", "projects"),
    [
        (["b", "a", "b"], ("b", "a")),
        ("b a", ("b", "a")),
        (["two words"], ("two words",)),
        ([GLOBAL_PROJECT], (GLOBAL_PROJECT,)),
        ("*", None),
        (["shop", "*"], None),
    ],
)
def test_projects_are_listed_or_all(value: object, projects: tuple[str, ...] | None) -> None:
    assert projects_of({"p": value}, "p", "other") == projects


@pytest.mark.parametrize(
    "value",
    [[], "", "  ", None, 7, True, {"shop": 1}, ["shop", 7], [""], [" shop"], ["a\nb"], ["x" * 129]],
    ids=str,
)
def test_a_claim_that_lists_no_projects_gives_none_not_the_default(value: object) -> None:
    with pytest.raises(NoAccess, match="'p'"):
        projects_of({"p": value}, "p", "default")


def test_without_the_claim_the_default_project_counts_if_there_is_one() -> None:
    assert projects_of({}, "p", "shop") == ("shop",)
    with pytest.raises(NoAccess, match="LESSONBANK_PROJECT"):
        projects_of({}, "p", "")


def test_names_are_legible_and_never_those_of_others() -> None:
    assert source_of("ide", "ide") == "oauth:ide"
    assert source_of("ide", "auth0|7f3a") == "oauth:auth0|7f3a via ide"
    long = source_of("https://app.example.org/client.json", "x" * 200)
    assert len(long) <= 128
    assert long != source_of("https://app.example.org/client.json", "x" * 201)
    assert source_of("", "7f3a").startswith("oauth:7f3a via ? #")
    assert source_of("a via b", "a via b") != source_of("b", "a")
    assert source_of("ide\n", "ide\n").startswith("oauth:ide? #")


@pytest.mark.parametrize("subject", ["7f3a", "x" * 200, "me\n", "a via b", "a#b", "\u00fc"])
def test_a_subject_is_named_alike_whatever_its_client_is(subject: str) -> None:
    clients = {"ide", "x" * 200, "", "a via b", subject}
    names = {source_of(client, subject) for client in clients}
    assert len(names) == len(clients)
    (who,) = {name.partition(" via ")[0] for name in names}
    assert who not in {source_of(client, f"{subject}2").partition(" via ")[0] for client in clients}


HOLDER = st.tuples(st.text(max_size=200), st.text(min_size=1, max_size=200))


@given(st.lists(HOLDER, min_size=2, max_size=2, unique=True))
def test_different_holders_have_different_printable_names(holders: list[tuple[str, str]]) -> None:
    first, second = (source_of(client, subject) for client, subject in holders)
    assert first != second
    for name in (first, second):
        assert len(name) <= 128
        assert name.isprintable()
        assert name.startswith("oauth:")
