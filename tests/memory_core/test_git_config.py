"""Git's configuration is read as git itself reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from memory_core.git_config import entries, read_config
from memory_core.projects import derive_project
from tests.memory_core.test_projects import repository_at

VALUES = [
    "https://example.org/a/shop ; behind it",
    "https://example.org/a/shop # behind it",
    '"https://example.org/a/shop"',
    '"https://example.org/a/sh;op#1" ; behind it',
    "https://exam\\\nple.org/a/shop",
    "https://example.org/a/shop   ",
    'https://example.org/"a b"/shop',
    'https://example.org/a/\\"shop\\"',
    "C:\\\\code\\\\shop",
    "../shop\t# a tab before",
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_read_as_git_reads_it(value: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f'[remote "origin"]\n\turl = {value}\n\tfetch = x\n')
    git = shutil.which("git")
    assert git, "git is needed to compare with"
    command = [git, "config", "--file", str(file), "--get", "remote.origin.url"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert read_entry(file, "url") == done.stdout.removesuffix("\n")
    assert read_entry(file, "fetch") == "x"


def read_entry(file: Path, key: str) -> str:
    return next(value for _, _, name, value in entries(file.read_text()) if name == key)


def test_sections_keys_and_subsections_are_read_as_git_reads_them() -> None:
    text = (
        '; a comment\n[CORE] Bare\n[remote "Ori\\"gin"] URL=one\n\turl=two\n'
        "[broken\nurl = three\n[branch.old]\nkey = value"
    )
    assert list(entries(text)) == [
        ("core", "", "bare", "true"),
        ("remote", 'Ori"gin', "url", "one"),
        ("remote", 'Ori"gin', "url", "two"),
        ("remote", 'Ori"gin', "url", "three"),
        ("branch.old", "", "key", "value"),
    ]


def configured(folder: Path, text: str) -> Path:
    repository = repository_at(folder)
    (repository / ".git" / "config").write_text(text)
    return repository


ORIGIN = '[remote "origin"]\n\turl = https://example.org/team/shop\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_an_included_file_names_the_remote(tmp_path: Path, home: Path) -> None:
    expected = derive_project(configured(tmp_path / "plain", ORIGIN))
    for number, text in enumerate(
        (
            "[include]\n\tpath = more\n",
            f"[include]\n\tpath = {home}/more\n",
            "[include]\n\tpath = ~/more\n",
            f'[includeIf "gitdir:{tmp_path}/"]\n\tpath = ~/more\n',
            f'[includeIf "gitdir/i:{str(tmp_path).upper()}/"]\n\tpath = ~/more\n',
            '[includeIf "onbranch:ma*"]\n\tpath = ~/more\n',
        )
    ):
        (home / "more").write_text(ORIGIN)
        repository = configured(tmp_path / f"r{number}", text)
        (repository / ".git" / "more").write_text(ORIGIN)
        assert derive_project(repository) == expected, text
    other = configured(tmp_path / "other", '[includeIf "gitdir:/else/"]\n\tpath = ~/more\n')
    assert derive_project(other) != expected


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    repository = configured(tmp_path / "shop", "[include]\n\tpath = config\n" + ORIGIN)
    assert read_config(repository / ".git").remote() == "https://example.org/team/shop"


def test_a_rewritten_url_is_the_one_that_is_used(tmp_path: Path, home: Path) -> None:
    (home / ".gitconfig").write_text(
        '[url "https://example.org/"]\n\tinsteadOf = ex:\n'
        '[url "https://example.org/team/"]\n\tinsteadOf = "ex:t/"\n'
    )
    expected = derive_project(configured(tmp_path / "plain", ORIGIN))
    for number, url in enumerate(("ex:team/shop", "ex:t/shop.git")):
        text = f'[remote "origin"]\n\turl = {url}\n'
        assert derive_project(configured(tmp_path / str(number), text)) == expected


def test_a_comment_behind_a_url_changes_nothing(tmp_path: Path) -> None:
    one = configured(tmp_path / "one", ORIGIN)
    two = configured(tmp_path / "two", ORIGIN.rstrip() + " # the team's\n")
    assert derive_project(one) == derive_project(two)


def test_a_relative_remote_is_another_place_for_each_repository(tmp_path: Path) -> None:
    text = '[remote "origin"]\n\turl = ../shop\n'
    one, two = configured(tmp_path / "a" / "x", text), configured(tmp_path / "b" / "x", text)
    assert derive_project(one) != derive_project(two)
    same = configured(tmp_path / "a" / "y", text)
    assert derive_project(one) == derive_project(same)
    absolute = f'[remote "origin"]\n\turl = {tmp_path}/a/shop\n'
    assert derive_project(configured(tmp_path / "z", absolute)) == derive_project(one)


def test_a_worktree_whose_repository_was_moved_shares_with_nobody_else(tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop")
    before = derive_project(repository)
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {repository}/.git/worktrees/worktree\n")
    repository.rename(tmp_path / "moved")
    assert derive_project(worktree) == before
    assert derive_project(worktree) != "default"


def test_what_cannot_be_read_counts_as_empty(tmp_path: Path) -> None:
    repository = configured(tmp_path / "shop", "[include]\n\tpath = a\\0b\n[include]\npath = /\n")
    (repository / ".git" / "config").write_bytes(b"[include]\n\tpath = a\0b\n\xff\xfe")
    assert derive_project(repository).startswith("shop-")


def test_the_users_own_files_are_found_where_git_finds_them(tmp_path: Path) -> None:
    text = '[url "https://example.org/"]\n\tinsteadOf = ex:\n'
    (tmp_path / "xdg" / "git").mkdir(parents=True)
    (tmp_path / "xdg" / "git" / "config").write_text(text)
    (tmp_path / "named").write_text(text)
    repository = configured(tmp_path / "shop", '[remote "origin"]\n\turl = ex:team/shop\n')
    for environ in (
        {"XDG_CONFIG_HOME": str(tmp_path / "xdg")},
        {"GIT_CONFIG_GLOBAL": str(tmp_path / "named")},
        {"GIT_CONFIG_SYSTEM": str(tmp_path / "named"), "GIT_CONFIG_GLOBAL": os.devnull},
    ):
        found = read_config(repository / ".git", environ).remote()
        assert found == "https://example.org/team/shop"
