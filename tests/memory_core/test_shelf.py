"""The contract of a shelf, in a folder and in a bucket."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from memory_core import shelf
from memory_core.errors import MemoryUnavailable
from memory_core.shelf import FolderShelf, Shelf
from memory_core.store.remote.bucket_objects import BucketObjects
from memory_core.store.remote.objects import BucketUnavailable
from memory_core.store.remote.shelf import FRESH, KEPT, BucketShelf
from tests.memory_core.store.remote.bucket import new_url, s3_server, variables
from tests.patience import PATIENCE
from tests.server.connections import ROOT

NAME = "tokens.json"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with s3_server(ROOT) as port:
        yield port


@pytest.fixture
def url(port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in variables(port).items():
        monkeypatch.setenv(name, value)
    return new_url()


@pytest.fixture(params=["folder", "bucket"])
def shelves(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Shelf, Shelf]:
    """Two processes' views of one shelf."""
    if request.param == "folder":
        path = tmp_path / "store" / NAME
        return FolderShelf(path), FolderShelf(path)
    url = request.getfixturevalue("url")
    return BucketShelf(url, NAME), BucketShelf(url, NAME)


def test_what_one_writes_the_other_reads(shelves: tuple[Shelf, Shelf]) -> None:
    one, other = shelves
    assert one.read() == (None, "")
    assert one.replace(b"first", "")
    content, tag = other.read()
    assert content == b"first"
    assert tag
    assert NAME in one.place


def test_only_what_was_seen_is_replaced(shelves: tuple[Shelf, Shelf]) -> None:
    one, other = shelves
    assert one.replace(b"first", "")
    assert not other.replace(b"too late", "")
    _, tag = other.read()
    assert other.replace(b"second", tag)
    assert not one.replace(b"too late as well", tag)
    assert other.read()[0] == b"second"


def test_a_bucket_is_looked_at_again_after_seconds_and_believed_while_it_is_away(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    watching, writing = BucketShelf(url, NAME, clock), BucketShelf(url, NAME)
    assert writing.replace(b"first", "")
    assert watching.read()[0] == b"first"
    assert writing.replace(b"second", writing.read()[1])
    assert watching.read()[0] == b"first"
    clock.now += FRESH + 1
    assert watching.read()[0] == b"second"

    def away(_name: str) -> None:
        raise BucketUnavailable("the bucket is away")

    monkeypatch.setattr(watching._found(), "get", away)
    clock.now += FRESH + 1
    assert watching.read()[0] == b"second"
    clock.now += KEPT
    with pytest.raises(BucketUnavailable):
        watching.read()
    stranger = BucketShelf(url, NAME, clock)
    monkeypatch.setattr(stranger._found(), "get", away)
    with pytest.raises(BucketUnavailable):
        stranger.tag()


def holding_first(url: str) -> tuple[BucketShelf, Clock]:
    """A shelf that has read `first` from its bucket, and the clock it goes by."""
    clock = Clock()
    shelf = BucketShelf(url, NAME, clock)
    assert shelf.replace(b"first", "")
    assert shelf.read()[0] == b"first"
    return shelf, clock


def test_one_waits_for_a_bucket_that_does_not_answer_and_the_others_do_not(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, clock = holding_first(url)
    asked, answer = threading.Event(), threading.Event()
    get = BucketObjects.get

    def slow(objects: BucketObjects, name: str) -> Any:
        asked.set()
        assert answer.wait(PATIENCE)
        return get(objects, name)

    monkeypatch.setattr(BucketObjects, "get", slow)
    clock.now += FRESH + 1
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shelf.read)
        assert asked.wait(PATIENCE)
        try:
            assert shelf.read()[0] == b"first"  # at once, while the first waits
            assert not first.done()
        finally:
            answer.set()
        assert first.result(30)[0] == b"first"


def test_the_guide_says_how_long_a_revoked_token_holds(repository: Path) -> None:
    """Where the bucket is reached, and where it is not."""
    page = (repository / "docs" / "guide.md").read_text(encoding="utf-8")
    told = " ".join(
        page.partition("- **Tokens** of a store in a bucket")[2].split("\n\n")[0].split()
    )
    assert f"revoked within {FRESH:.0f} seconds on every server that reaches the bucket" in told
    assert f"a revoked token is good for up to {KEPT / 3600:.0f} hours" in told


def test_after_a_day_nobody_goes_on_with_the_last_content_while_another_looks(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, clock = holding_first(url)
    asked: list[bool] = []

    class Looking:
        """Another caller looks now."""

        def acquire(self, *, blocking: bool) -> bool:
            asked.append(blocking)
            return False

    monkeypatch.setattr(shelf, "_looking", Looking())
    clock.now += KEPT
    assert shelf.read()[0] == b"first"
    clock.now += 1
    shelf.read()  # a real lock would have been waited for
    assert asked == [False, True]


def test_a_file_that_everyone_may_write_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("mine")
    path.chmod(0o600)
    assert FolderShelf(path).read()[0] == b"mine"
    path.chmod(0o666)
    if sys.platform == "win32":  # files have other rights there
        return
    with pytest.raises(MemoryUnavailable, match="another user"):
        FolderShelf(path).read()


def test_a_file_of_another_user_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("mine")
    path.chmod(0o600)
    found = path.stat()
    assert not shelf._foreign(found, found.st_uid)
    assert not shelf._foreign(found, None)
    parts = list(found)
    parts[4] = 4711
    assert shelf._foreign(os.stat_result(parts), 4712)


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    path, aim = tmp_path / "file.json", tmp_path / "aim"
    aim.write_text("before")
    aim.chmod(0o600)
    path.symlink_to(aim)
    _, tag = FolderShelf(path).read()
    assert FolderShelf(path).replace(b"after", tag)
    assert (aim.read_text(), path.read_text(), path.is_symlink()) == ("before", "after", False)
