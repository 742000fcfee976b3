"""The tokens of a store: what is kept of them, and what no longer holds at once."""

from __future__ import annotations

import json
import stat
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.caller import Caller
from memory_core.errors import InvalidInput, MemoryUnavailable
from memory_core.shelf import FolderShelf
from server.tokens import FILE, TokenBook, lifetime

DAY = 86_400.0


class Clock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> TokenBook:
    return TokenBook(FolderShelf(tmp_path / "store" / FILE), "local", clock)


def test_a_token_says_who_calls_and_what_it_may_do(book: TokenBook) -> None:
    token, text = book.create("ci", scope="write", projects=["shop", "lab", "shop"])
    assert text.startswith(f"lb_{token.id}_")
    found = book.verify(text)
    assert found is not None
    assert found.caller == Caller("ci", "write", ("shop", "lab"), trusted=False)
    assert book.create("boss", scope="admin")[0].caller == Caller("boss", "admin", None)
    assert book.create("mine", trusted=True)[0].caller == Caller("mine", "write", None)


def test_neither_the_file_nor_a_listing_holds_its_text(book: TokenBook, tmp_path: Path) -> None:
    _, text = book.create("ci")
    path = tmp_path / "store" / FILE
    secret = text.split("_", 2)[2]
    assert secret not in path.read_text()
    assert secret not in repr(book.tokens())
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_expired_a_revoked_and_an_altered_token_are_refused(
    book: TokenBook, clock: Clock
) -> None:
    short, brief = book.create("short", expires="1d")
    _, kept = book.create("kept", expires="never")
    gone, revoked = book.create("gone")
    book.revoke("gone")
    clock.now += DAY
    assert [one.state(clock.now) for one in book.tokens()] == ["expired", "active", "revoked"]
    assert book.verify(brief) is None
    assert book.verify(revoked) is None
    assert book.verify(kept) is not None
    assert book.verify(kept[:-1] + ("a" if kept[-1] != "a" else "b")) is None
    assert book.verify(kept.replace(kept.split("_")[1], short.id)) is None
    assert gone.id == book.revoke(gone.id).id, "revoking twice changes nothing"


def test_a_revocation_by_another_process_holds_at_once(book: TokenBook, tmp_path: Path) -> None:
    token, text = book.create("ci")
    assert book.verify(text) is not None
    TokenBook(FolderShelf(tmp_path / "store" / FILE), "local", lambda: 0.0).revoke(token.id)
    assert book.verify(text) is None


def test_a_token_cannot_pass_for_the_owner_of_the_store(book: TokenBook, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the store's own source"):
        book.create("local")
    _, text = book.create("laptop")
    renamed = TokenBook(FolderShelf(tmp_path / "store" / FILE), "laptop", lambda: 0.0)
    assert renamed.verify(text) is None


def test_one_name_is_one_caller(book: TokenBook) -> None:
    """A second token of a name may replace the first, not do more than it."""
    first, _ = book.create("ci", scope="read")
    book.create("ci", scope="read")
    with pytest.raises(InvalidInput, match=first.id):
        book.create("ci", scope="admin")
    with pytest.raises(InvalidInput, match="names several"):
        book.revoke("ci")
    for one in book.tokens():
        book.revoke(one.id)
    assert book.create("ci", scope="admin")[0].scope == "admin"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scope": "root"}, "scope = 'root' is not known"),
        ({"expires": "soon"}, "expires = 'soon' is no lifetime"),
        ({"expires": "0d"}, "is no lifetime"),
        ({"projects": [" "]}, "project is blank"),
        ({"projects": ["a\nb"]}, "is no name"),
        ({"name": "x" * 129}, "is no name"),
        ({"projects": [f"p{n}" for n in range(101)]}, "101 projects"),
    ],
)
def test_a_wrong_value_makes_no_token(book: TokenBook, wrong: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        book.create(**wrong)  # type: ignore[arg-type]
    assert book.tokens() == ()


def test_an_unknown_token_cannot_be_revoked(book: TokenBook) -> None:
    with pytest.raises(InvalidInput, match="names no token"):
        book.revoke("nobody")


def test_a_damaged_file_lets_nobody_in_and_is_not_overwritten(
    book: TokenBook, tmp_path: Path
) -> None:
    _, text = book.create("ci")
    path = tmp_path / "store" / FILE
    damaged = path.read_bytes()[:-20]
    path.write_bytes(damaged)
    with pytest.raises(MemoryUnavailable, match="damaged"):
        book.verify(text)
    with pytest.raises(MemoryUnavailable, match="damaged"):
        book.create("more")
    assert path.read_bytes() == damaged


def test_many_makers_at_once_lose_no_token(tmp_path: Path) -> None:
    books = [
        TokenBook(FolderShelf(tmp_path / "store" / FILE), "local", lambda: 0.0) for _ in range(8)
    ]
    makers = [threading.Thread(target=book.create, args=(f"t{n}",)) for n, book in enumerate(books)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert sorted(one.name for one in books[0].tokens()) == [f"t{n}" for n in range(8)]
    assert not list((tmp_path / "store").glob("*.new"))
    assert json.loads((tmp_path / "store" / FILE).read_text())["version"] == 1


@given(st.text(max_size=80))
def test_no_made_up_text_is_a_token(text: str) -> None:
    assert TokenBook(FolderShelf(Path("nowhere")), "local").verify(text) is None


def test_lifetimes_are_counted_in_seconds() -> None:
    assert [lifetime(text) for text in ("90d", "12H", "30m", "2w", "1y", " never ")] == [
        90 * DAY,
        DAY / 2,
        1800.0,
        14 * DAY,
        365 * DAY,
        None,
    ]
