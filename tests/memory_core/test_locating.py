"""The project of a client that does not have to start in it: who is believed first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memory_core.projects import CLIENT_VARIABLES, derive_project, locate_project, near_names
from tests.memory_core.test_projects import repository_at


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository_at(tmp_path / "shop", "https://example.org/team/shop")


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Where a client starts the server: a repository that is not the project's."""
    return repository_at(tmp_path / "plugin", "https://example.org/team/plugin")


@pytest.mark.parametrize("variable", CLIENT_VARIABLES)
def test_a_clients_variable_wins_over_where_it_started(
    variable: str, shop: Path, plugin: Path
) -> None:
    found = locate_project(plugin, "", {variable: str(shop)})
    assert found.name == derive_project(shop)
    assert found.why == f"{variable} is {shop}"
    assert not found.is_fallback


def test_what_is_configured_wins_over_everything(shop: Path) -> None:
    found = locate_project(shop, "billing", {"CLAUDE_PROJECT_DIR": str(shop)})
    assert (found.name, found.is_fallback) == ("billing", False)
    assert not locate_project(shop, "default", {}).is_fallback


def test_the_working_directory_is_next_and_then_default(shop: Path, tmp_path: Path) -> None:
    assert locate_project(shop, "", {}).name == derive_project(shop)
    found = locate_project(tmp_path, "", {})
    assert (found.name, found.is_fallback) == ("default", True)
    assert found.why == f"{tmp_path} is in no git repository"


@pytest.mark.parametrize(
    "value", ["", "${workspaceFolder}", "shop", "/no/such/folder", "[", "[]", "a\nb", "{}"]
)
def test_a_variable_that_names_no_folder_is_passed_over(value: str, shop: Path) -> None:
    assert locate_project(shop, "", {"WORKSPACE_FOLDER_PATHS": value}).name == derive_project(shop)


def test_the_first_of_several_folders_that_is_a_repository_counts(
    shop: Path, plugin: Path, tmp_path: Path
) -> None:
    names = [str(tmp_path), str(shop), str(plugin)]
    for value in (",".join(names), json.dumps(names)):
        found = locate_project(Path("/"), "", {"WORKSPACE_FOLDER_PATHS": value})
        assert found.name == derive_project(shop)


def test_near_names_are_those_that_a_person_may_have_meant() -> None:
    known = {"shop-1a2b", "billing", "Shop"}
    assert near_names("shpo", known) == ("Shop",)
    assert near_names("shop", known) == ("Shop", "shop-1a2b")
    assert near_names("zzz", known) == ()
