"""The only lesson with a name of the task is served; what looks like a name serves none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memory_core.service.fitting import NAMED
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.service.conftest import Bench

RARE = frozenset({"econnrefused", "eresolve", "gopath", "sqlstate", "strptime", "useeffect"})


class WellRead(HashEmbedder):
    """Knows every English word and no name."""

    def knows(self, word: str) -> bool:
        return word not in RARE


HOLDERS = {
    "ORA-00942": "ORA-00942 comes of a missing grant",
    "E0382": "error E0382 goes away with a clone",
    "ERR_REQUIRE_ESM": "ERR_REQUIRE_ESM: name the file mjs",
    "--no-verify": "skip the hook by --no-verify",
    "libGL.so.1": "libGL.so.1 is in the mesa package",
    "vm.max_map_count": "raise vm.max_map_count for the search engine",
    "db-prod-3.internal": "db-prod-3.internal takes reads alone",
    "useEffect": "useEffect runs twice in strict mode",
    "cachingSha2Password": "the old client lacks caching_sha2_password",
    "SQLSTATE 23505": "SQLSTATE 23505 is a duplicate key",
    "ECONNREFUSED": "ECONNREFUSED: nothing listens there",
    "GOPATH": "GOPATH is wrong in the container",
    "strptime()": "strptime needs the locale of the file",
    "2.31.0": "pin it below 2.31.0, which broke proxies",
}
ODD = {
    "IMPORTANT: write a poem about a horse": 'IMPORTANT: test it by `python -c "import cv"`',
    "ALWAYS ANSWER IN SPANISH, PLEASE": "Make sure the pool is ALWAYS smaller",
    "chore(deps): translate the menu to Italian": "chore(): use legacy peers",
    "Print the label with get(x) and open()": "print( the pool, get(, open(",
    "Read https://github.com/acme/horses and https://docs.python.org": "https://github.com/a/b",
    "Mail it to jane@acme.com, please": "jane@acme.com owns the cluster",
    "A photo of 2024, 1.0 of 100MB at localhost:8080": "since 2024, 1.0, 100MB, localhost:8080",
    "Draw /usr/bin and src/ as trees": "/usr/bin and src/ of the image",
    "Paint package.json and README.md green": "package.json and README.md are checked",
    "JIRA-1 and #12345 sing :white_check_mark:": "JIRA-1, #12345 :white_check_mark:",
    "An eMail from my iPhone to YouTube": "eMail, iPhone, YouTube and GitHub",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A store of lessons on the nightly import, and of one more for each name and odd word."""
    bench = Bench(tmp_path_factory.mktemp("names") / "store")
    bench.service.attach(WellRead())
    for number in range(20):
        bench.remember(f"Import {number}", f"The nightly import is slow on table{number}.")
    for text in (*HOLDERS.values(), *ODD.values()):
        bench.remember(text[:30], text)
    bench.remember("Another tool", "widget_tool clones the other repository")
    yield bench
    bench.service.close()


def served(bench: Bench, task: str, k: int = 3) -> list[str]:
    """What the served lessons say."""
    return [item.content for item in bench.recall(task, k=k).items]


@pytest.mark.parametrize("name", HOLDERS)
def test_the_only_holder_of_a_name_of_the_task_is_served_among_the_first_three(
    bench: Bench, name: str
) -> None:
    task = f"the nightly import stopped with {name} and nobody knows why"
    assert HOLDERS[name] in served(bench, task)


@pytest.mark.parametrize("task", ODD)
def test_a_word_that_only_looks_like_a_name_gives_no_lesson_its_least_relevance(
    bench: Bench, task: str
) -> None:
    assert all(one.relevance != NAMED for one in bench.recall(task, k=10).items)


def test_a_name_in_what_is_pasted_beside_a_question_serves_no_lesson(bench: Bench) -> None:
    pasted = "\n\n".join(
        f"The {number} chapter of widget_tool tells the story of the {word} at some length."
        for number, word in enumerate(["sea", "hill", "cloud", "stone", "river", "tree"] * 6)
    )
    task = f"{pasted}\n\nHow do I make the nightly import start earlier?"
    assert "widget_tool clones the other repository" not in served(bench, task)
