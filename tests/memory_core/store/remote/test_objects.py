"""Small objects beside the tables: one contract, in a bucket and in a database."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from memory_core.store.remote import database
from memory_core.store.remote.database import Database, DatabaseLog
from memory_core.store.remote.objects import LEASE, BucketUnavailable, Found, Objects
from memory_core.store.remote.reaching import objects_at
from tests.patience import PATIENCE

ODD = bytes(range(256)) + "quoted 'twice' \u2028".encode()
ROUNDS = 4


@pytest.fixture
def objects(shared_url: str) -> Objects:
    return objects_at(shared_url)


def content(found: Found | None) -> bytes | None:
    return None if found is None else found.content


def test_what_is_put_comes_back_to_the_byte(objects: Objects) -> None:
    big = ODD * 4_000
    for name, given in (("inbox/a'b.jsonl", ODD), ("learner/big", big), ("head.json", b"")):
        objects.put(name, given)
        assert content(objects.get(name)) == given


def test_what_nobody_put_is_not_there(objects: Objects) -> None:
    assert objects.get(LEASE) is None
    assert objects.names("") == []
    objects.delete("inbox/nothing")
    objects.put("inbox/other", b"1")
    assert objects.get(LEASE) is None
    assert objects.names("inbox") == ["inbox/other"]


@pytest.mark.parametrize("name", [LEASE, "inbox/one.jsonl"])
def test_an_object_is_made_once(objects: Objects, name: str) -> None:
    tag = objects.put_new(name, b"first")
    assert tag is not None
    assert objects.put_new(name, b"second") is None
    assert objects.get(name) == Found(b"first", tag)
    objects.delete(name)
    assert objects.get(name) is None
    assert objects.put_new(name, b"third") not in (None, tag)


def test_an_object_is_replaced_by_who_knows_its_tag(objects: Objects) -> None:
    assert objects.put_over(LEASE, b"nothing there", "tag") is None
    first = objects.put_new(LEASE, b"same")
    assert first is not None
    second = objects.put_over(LEASE, ODD, first)
    assert second not in (None, first)
    assert objects.put_over(LEASE, b"late", first) is None
    assert content(objects.get(LEASE)) == ODD
    objects.put(LEASE, b"by force")
    assert objects.put_over(LEASE, b"late", second or "") is None


def test_names_are_of_their_folder(objects: Objects) -> None:
    for name in ("inbox/b", "inbox/a", "learner/c", LEASE):
        objects.put(name, b"1")
    assert objects.names("inbox") == ["inbox/a", "inbox/b"]
    assert objects.names("") == sorted(["inbox/a", "inbox/b", "learner/c", LEASE])


def test_of_many_who_want_it_one_gets_it(shared_url: str) -> None:
    """Each from a client of its own, as from different machines."""
    clients = [objects_at(shared_url, PATIENCE) for _ in range(6)]

    def attempt(one: Objects, tag: str) -> str | None:
        said = uuid.uuid4().bytes
        try:
            return one.put_over(LEASE, said, tag) if tag else one.put_new(LEASE, said)
        except BucketUnavailable:  # too many at once: whoever was refused knows nothing
            return None

    tag = ""
    with ThreadPoolExecutor(len(clients)) as pool:
        for _ in range(ROUNDS):
            won = [made for made in pool.map(attempt, clients, [tag] * len(clients)) if made]
            found = clients[0].get(LEASE)
            assert found is not None
            assert won == [found.tag]
            tag = found.tag


def test_tables_of_other_prefixes_are_not_seen(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PAGE", 2)  # so that they come on several pages
    other = f"{database_url}_more"
    for url in (database_url, other):
        objects_at(url).put("head.json", b"1")
        for generation in (1, 2, 3):
            DatabaseLog(url, generation).create()
    wanted = ["log", "log_g2", "log_g3"]
    assert DatabaseLog(database_url, 1).names() == wanted
    assert Database(other, 5.0).names() == sorted([*wanted, "objects"])
    DatabaseLog(other, 1).drop("log_g2")
    assert DatabaseLog(database_url, 1).names() == wanted
