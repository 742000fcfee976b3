"""Rows are read from the pages of a file of SQLite's as a query reads them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.store.log_files import page_rows

PAGE = 4096
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50),
    st.binary(max_size=50),
    st.integers(1, 30_000).map(lambda n: bytes([n % 251]) * n),
)


def written(path: Path, rows: list[tuple[int, object, object]], page: int = PAGE) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"PRAGMA page_size={page}")
        db.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, one, other)")
        db.executemany("INSERT INTO kept VALUES (?, ?, ?)", rows)


def read(path: Path) -> dict[int, tuple[object, object]]:
    found: dict[int, tuple[object, object]] = {}
    for number, values in page_rows(path, PAGE):
        if len(values) == 3:
            assert values[0] is None
            assert number not in found
            found[number] = (values[1], values[2])
    return found


@given(values=st.lists(st.tuples(VALUES, VALUES), max_size=30), page=st.sampled_from([512, 8192]))
def test_every_row_comes_back(
    values: list[tuple[object, object]], page: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("pages") / "db"
    rows = {7 * n - 9: pair for n, pair in enumerate(values)}
    written(path, [(number, *pair) for number, pair in rows.items()], page)
    assert read(path) == rows


def test_rows_that_were_deleted_do_not(tmp_path: Path) -> None:
    path = tmp_path / "db"
    written(path, [(n, "x" * 500, n) for n in range(2_000)])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM kept WHERE number >= 100")
    assert sorted(read(path)) == list(range(100))


@pytest.mark.parametrize("damage", [b"\xff", b"\x00", b"\x0d"])
@pytest.mark.parametrize("page", range(12))
def test_damage_anywhere_takes_the_rows_of_its_page_and_no_others(
    damage: bytes, page: int, tmp_path: Path
) -> None:
    path = tmp_path / "db"
    written(path, [(n, "x" * 300, n) for n in range(100)])
    content = bytearray(path.read_bytes())
    assert len(content) // PAGE > 9
    place = page * PAGE % len(content)
    content[place : place + PAGE] = damage * PAGE
    path.write_bytes(content)
    found = read(path)
    assert len(found) >= 100 - PAGE // 300
    assert all(pair == ("x" * 300, number) for number, pair in found.items())


@pytest.mark.parametrize("content", [b"", b"short", b"no database at all " * 1_000])
def test_what_is_no_database_has_no_rows(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(content)
    assert list(page_rows(tmp_path / "db", PAGE)) == []
