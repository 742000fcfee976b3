"""Which project a working directory belongs to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memory_core.errors import InvalidInput
from memory_core.projects import canonical_remote, derive_project

ORIGIN = '[core]\n\tbare = false\n[remote "origin"]\n\turl = {}\n\tfetch = +refs/*:refs/*\n'


def repository_at(folder: Path, remote: str = "") -> Path:
    git = folder / ".git"
    (git / "objects").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(ORIGIN.format(remote) if remote else "[core]\n")
    return folder


def test_a_configured_project_wins(tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop")
    assert derive_project(repository, " billing ") == "billing"


def test_global_can_be_configured_on_purpose(tmp_path: Path) -> None:
    assert derive_project(tmp_path, "global") == "global"


@pytest.mark.parametrize("name", ["global", "default", "GLOBAL", ".git", "-", "été", "a b"])
def test_no_repository_name_derives_global_or_default(tmp_path: Path, name: str) -> None:
    for remote in ("", f"https://example.org/{name}"):
        folder = repository_at(tmp_path / f"{len(remote)}" / name / "x", remote).parent / "x"
        assert derive_project(folder) not in ("global", "default", "")


def test_outside_of_a_repository_it_is_default(tmp_path: Path) -> None:
    assert derive_project(tmp_path) == "default"


def test_a_directory_that_does_not_exist_is_default(tmp_path: Path) -> None:
    assert derive_project(tmp_path / "gone" / "away") == "default"


def test_a_subdirectory_belongs_to_its_repository(tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop")
    deep = repository / "src" / "deep"
    deep.mkdir(parents=True)
    assert derive_project(deep) == derive_project(repository)
    assert derive_project(repository).startswith("shop-")


def test_repositories_of_one_name_without_remotes_do_not_share(tmp_path: Path) -> None:
    first, second = repository_at(tmp_path / "a" / "app"), repository_at(tmp_path / "b" / "app")
    assert derive_project(first) != derive_project(second)


def test_clones_of_one_remote_share(tmp_path: Path) -> None:
    first = repository_at(tmp_path / "one", "https://me:pw@example.org/Team/shop.git")
    second = repository_at(tmp_path / "two", "git@example.org:team/Shop")
    assert derive_project(first) == derive_project(second)


def test_forks_do_not_share(tmp_path: Path) -> None:
    first = repository_at(tmp_path / "one", "https://example.org/team/shop.git")
    second = repository_at(tmp_path / "two", "https://example.org/fork/shop.git")
    assert derive_project(first) != derive_project(second)


def test_the_name_holds_nothing_of_a_remotes_credentials(tmp_path: Path) -> None:
    folder = repository_at(tmp_path / "one", "https://me:hunter2@example.org/team/shop.git")
    assert "hunter2" not in derive_project(folder)
    assert derive_project(folder).startswith("shop-")


def test_worktrees_share_with_their_repository(tmp_path: Path) -> None:
    repository = repository_at(tmp_path / "shop")
    inside = repository / ".git" / "worktrees" / "fix"
    inside.mkdir(parents=True)
    (inside / "commondir").write_text("../..\n")
    worktree = tmp_path / "elsewhere"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {inside}\n")
    assert derive_project(worktree) == derive_project(repository)


def test_worktrees_that_git_makes_share_with_their_repository(tmp_path: Path) -> None:
    main = tmp_path / "shop"
    main.mkdir()

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", *identity, "-c", "commit.gpgsign=false", *arguments]
        subprocess.run(command, cwd=main, check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "start")
    git("worktree", "add", str(tmp_path / "other"))
    assert derive_project(tmp_path / "other") == derive_project(main)
    assert derive_project(main).startswith("shop-")


def test_a_submodule_is_a_project_of_its_own(tmp_path: Path) -> None:
    outer = repository_at(tmp_path / "shop")
    inner = outer / ".git" / "modules" / "lib"
    (inner / "objects").mkdir(parents=True)
    (inner / "HEAD").write_text("x")
    (outer / "lib").mkdir()
    (outer / "lib" / ".git").write_text("gitdir: ../.git/modules/lib\n")
    assert derive_project(outer / "lib").startswith("lib-")


def test_a_bare_repository_counts(tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    (bare / "objects").mkdir(parents=True)
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    assert derive_project(bare).startswith("shop-")


@pytest.mark.parametrize(
    "content", [b"", b"gitdir:", b"gitdir: nowhere\n", b"\xff\xfe", b"gitdir: a\x00b\n"]
)
def test_a_damaged_git_file_never_fails(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").write_bytes(content)
    assert derive_project(tmp_path)


def test_origin_is_preferred_and_other_sections_are_not_remotes(tmp_path: Path) -> None:
    folder = repository_at(tmp_path / "one")
    (folder / ".git" / "config").write_text(
        '[submodule "x"]\n url = https://example.org/a/wrong\n'
        '[remote "backup"] url = https://example.org/a/second\n'
        '[remote "origin"]\n URL = "https://example.org/a/first"\n'
    )
    assert derive_project(folder).startswith("first-")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/team/shop",
        "https://example.org/team/shop.git/",
        "ssh://git@example.org:2222/team/shop.git",
        "git@example.org:team/shop.git",
        "https://user:token@EXAMPLE.org/Team/Shop",
    ],
)
def test_all_ways_to_write_a_remote_are_one(url: str) -> None:
    assert canonical_remote(url) == "example.org/team/shop"


@given(st.text(st.characters(exclude_characters="\r\n\x00"), min_size=1, max_size=200))
@example("\ud800")
def test_any_remote_gives_a_printable_name_that_fits(url: str) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / ".git").mkdir()
        config = ORIGIN.format(url).encode("utf-8", "surrogatepass")  # not valid UTF-8 then
        (folder / ".git" / "config").write_bytes(config)
        project = derive_project(folder)
    assert re.fullmatch(r"[a-z0-9._-]{1,60}-[0-9a-f]{8}", project)


@pytest.mark.parametrize("name", ["x" * 129, "a\x00b", "a\nb"])
def test_a_configured_name_that_cannot_be_shown_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="LESSONBANK_PROJECT"):
        derive_project(tmp_path, name)
