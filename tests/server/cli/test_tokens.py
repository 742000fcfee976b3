"""`lessonbank token`, as a person and as a program see it."""

from __future__ import annotations

import pytest

from tests.server.cli.harness import Shell


def test_a_token_is_shown_once(shell: Shell) -> None:
    made = shell.json("token", "create", "--name", "ci", "--project", "a", "--project", "b")
    assert made["token"].startswith("lb_")
    assert made["tokens"][0]["projects"] == ["a", "b"]
    assert made["tokens"][0]["scope"] == "write"
    listed = shell.json("token", "list")
    assert [one["name"] for one in listed["tokens"]] == ["ci"]
    assert made["token"].split("_", 2)[2] not in shell.out
    assert shell.settings == [], "no memory is opened for it"


def test_the_commands_speak_to_people(shell: Shell) -> None:
    assert shell.run("token", "list") == 0
    assert "No token exists" in shell.out
    assert shell.run("token", "create", "--scope", "read", "--expires", "never") == 0
    assert "never" in shell.out
    assert "cannot be shown again" in shell.out
    name = shell.json("token", "list")["tokens"][0]["name"]
    assert shell.run("token", "revoke", name) == 0
    assert "revoked" in shell.out


def test_a_quota_is_told_to_whom_it_concerns(shell: Shell) -> None:
    assert "quota" in shell.json("token", "create")["said"]
    assert "quota" not in shell.json("token", "create", "--trusted")["said"]
    assert "quota" not in shell.json("token", "create", "--scope", "admin")["said"]


def test_a_second_token_of_a_name_is_said_to_be_the_same_source(shell: Shell) -> None:
    first = shell.json("token", "create", "--name", "ci")
    assert "one source" not in first["said"]
    assert first["tokens"][0]["id"] in shell.json("token", "create", "--name", "ci")["said"]
    assert "one source" not in shell.json("token", "create")["said"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "--expires", "tomorrow"], "is no lifetime"),
        (["create", "--name", "local"], "the store's own source"),
        (["revoke", "nobody"], "`lessonbank token list` shows their ids"),
    ],
)
def test_a_wrong_value_is_one_sentence(shell: Shell, words: list[str], said: str) -> None:
    assert shell.run("token", *words) == 2
    assert said in shell.err
