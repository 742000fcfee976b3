"""A repository keeps its lessons when what it is called changes; others get none of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from memory_core.projects import derive_project
from memory_core.repositories import NAME
from memory_core.requests import ListRequest, ProjectsRequest, RememberRequest, parse
from memory_core.service.service import MemoryService
from memory_core.settings import Settings
from memory_core.store.lance_store import LanceStore
from tests.memory_core.test_projects import ORIGIN, repository_at


@pytest.fixture
def service(tmp_path: Path) -> Any:
    store = LanceStore.open(tmp_path / "store", maintain=False)
    settings = Settings(store=tmp_path / "store")
    one = MemoryService(settings, store, project="default", notify=lambda _: None)
    yield one
    one.close()


def made(folder: Path, remote: str = "") -> Path:
    repository_at(folder, remote)
    (folder / ".git" / "description").write_text(str(folder))
    return folder


def remembered(service: MemoryService, folder: Path, title: str) -> None:
    project = derive_project(folder, "", service.core.settings.store)
    given = {"title": title, "content": title, "project": project}
    service.lessons.remember(parse(RememberRequest, given))


def found(service: MemoryService, folder: Path) -> list[str]:
    project = derive_project(folder, "", service.core.settings.store)
    listed = service.reading.list_lessons(parse(ListRequest, {"project": project}))
    return [one.title for one in listed.items]


def noted(service: MemoryService, folder: Path) -> str:
    project = derive_project(folder, "", service.core.settings.store)
    return service.reading.list_lessons(parse(ListRequest, {"project": project})).note


def with_remote(folder: Path, name: str) -> None:
    text = ORIGIN.format(f"https://example.org/team/{name}")
    (folder / ".git" / "config").write_text(text)


def test_a_repository_that_is_moved_or_gets_a_remote_is_found_again(
    service: MemoryService, tmp_path: Path
) -> None:
    shop = made(tmp_path / "shop")
    remembered(service, shop, "First")
    shop = shop.rename(tmp_path / "renamed")
    assert found(service, shop) == ["First"]
    with_remote(shop, "shop")
    assert found(service, shop) == ["First"]
    clone = made(tmp_path / "clone", "https://example.org/team/shop")
    assert found(service, clone) == ["First"]
    names = service.projects.projects(ProjectsRequest()).projects
    assert [len(one.aliases) for one in names if one.items] == [2]


def test_another_repository_in_the_same_place_gets_none_of_it(
    service: MemoryService, tmp_path: Path
) -> None:
    shop = made(tmp_path / "shop")
    remembered(service, shop, "Of the first")
    moved = shop.rename(tmp_path / "moved")
    assert found(service, moved) == ["Of the first"]
    other = made(tmp_path / "shop")
    assert found(service, other) == []
    remembered(service, other, "Of the second")
    assert (found(service, other), found(service, moved)) == (["Of the second"], ["Of the first"])


def test_another_remote_is_said_and_not_joined(service: MemoryService, tmp_path: Path) -> None:
    fork = made(tmp_path / "fork", "https://example.org/team/shop")
    remembered(service, fork, "Of the team")
    before = derive_project(fork)
    with_remote(fork, "fork")
    assert found(service, fork) == []
    assert f"`lessonbank projects merge {before} {derive_project(fork)}`" in noted(service, fork)


def test_a_copy_is_another_repository(service: MemoryService, tmp_path: Path) -> None:
    shop = made(tmp_path / "shop")
    remembered(service, shop, "Of the first")
    copy = Path(shutil.copytree(shop, tmp_path / "copy"))
    assert found(service, copy) == []
    assert found(service, shop) == ["Of the first"]


def test_a_folder_that_becomes_a_repository_is_told_where_its_lessons_are(
    service: MemoryService, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    remembered(service, plain, "In default")
    made(plain)
    assert found(service, plain) == []
    assert "such as 'default'" in noted(service, plain)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 1}', b"\xff"])
def test_what_is_remembered_may_be_damaged(content: bytes, tmp_path: Path) -> None:
    shop = made(tmp_path / "shop")
    (tmp_path / NAME).write_bytes(content)
    assert derive_project(shop, "", tmp_path) == derive_project(shop)
    assert derive_project(shop, "", tmp_path / "none") == derive_project(shop)
    assert not (tmp_path / "none").exists()
