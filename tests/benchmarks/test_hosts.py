"""The benchmark of the shared host runs on tiny sizes, by words only, and leaves no process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from benchmarks.hosts import calls, first, hook, weigh
from benchmarks.hosts.stage import Stage, hosts, stage, until
from benchmarks.report import Report
from tests.memory_core.hash_embedder import HashEmbedder

TINY = calls.Size(items=12, reports=2, questions=2, clients=2, rounds=1)
LINUX = sys.platform == "linux"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage without a model, whose processes start in a second."""
    with stage(model=str(tmp_path_factory.mktemp("models") / "none")) as made:
        yield made


@pytest.fixture(scope="module")
def source(room: Stage) -> Path:
    """A closed store with a few items and outcomes."""
    kept = room.folder / "kept"
    return calls.stocked(room, HashEmbedder(), TINY, kept, lambda _line: None)


def column(report: Report, title: str, name: str) -> list[Any]:
    """A column of the one table whose title starts so."""
    (table,) = (one for one in report.tables if one.title.startswith(title))
    return [row[table.columns.index(name)] for row in table.rows]


def values(report: Report) -> dict[str, float | None]:
    return {one.what: one.value for one in report.budgets}


# -- the stage -------------------------------------------------------------------


def test_no_host_is_left_after_an_error_and_the_settings_are_as_before(tmp_path: Path) -> None:
    before = dict(os.environ)
    folder = tmp_path

    def interrupted() -> None:
        nonlocal folder
        with stage(model=str(tmp_path / "none")) as made:
            folder = made.folder
            there = made.host(made.store("one"))
            assert os.environ["LESSONBANK_MODEL"] == str(tmp_path / "none")
            assert hosts(folder) == ([there.pid] if LINUX else [])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert hosts(folder) == []
    assert not folder.exists()
    assert dict(os.environ) == before


def test_what_does_not_come_is_named() -> None:
    with pytest.raises(TimeoutError, match="the rain: not within 0 s"):
        until(lambda: False, "the rain", 0.0)


def test_a_copy_is_without_what_the_host_left(room: Stage, source: Path) -> None:
    room.host(source)
    room.stop(source)
    assert (source / "host").exists()
    assert room.announced(source) is None
    copy = room.copied(source, "copy")
    assert not (copy / "host").exists()
    assert {one.name for one in copy.iterdir()} < {one.name for one in source.iterdir()}


# -- weights ---------------------------------------------------------------------


def test_proportional_weights_are_at_most_the_resident_ones() -> None:
    one = weigh.weight(os.getpid())
    if LINUX and one.proportional is not None:
        assert one.resident is not None
        assert 1 < one.proportional <= one.resident * 1.05
    assert weigh.proportional_mb(-1) is None
    assert weigh.most([None, 2.0, 1.0]) == 2.0
    assert weigh.most([None]) is None
    assert weigh.together([1.0, 2.0]) == 3.0
    assert weigh.together([1.0, None]) is None
    assert weigh.together([]) is None


def test_fronts_start_beside_the_bare_server(room: Stage) -> None:
    report = Report("hosts", "")
    weigh.measure_starts(room, 1, report)
    assert column(report, "front", "`initialize`") == [weigh.BARE, weigh.WARM, weigh.COLD]
    assert min(column(report, "front", "p50 ms")) > 0
    assert column(report, "front", "ratio p50")[0] == 1.0
    assert len(report.budgets) == 3
    assert hosts(room.folder) == []


def test_a_crowd_is_weighed_and_recalls_without_the_model_are_told(room: Stage) -> None:
    report = Report("hosts", "")
    taught = room.store("taught")
    weigh.teach(room, taught)
    weigh.measure_memory(room, taught, 1, report)
    assert column(report, "memory", "processes") == [1, 1, 2, 1]
    host, fronts, shared, _apart = column(report, "memory", "PSS MB (sum)")
    if shared is not None:
        assert shared == pytest.approx(host + fronts)
    (odd,) = report.broken
    assert (odd.what, odd.value) == ("recalls of those servers that were not learned", 2)


# -- calls -----------------------------------------------------------------------


def test_calls_are_asked_each_way_by_turns_and_by_many_at_once(room: Stage, source: Path) -> None:
    report = Report("hosts", "")
    calls.measure_calls(room, source, TINY, report)
    ways = [calls.IN_PROCESS, calls.SOCKET, calls.LIGHT]
    names = [name for name in calls.CALLS for _ in ways]
    assert column(report, "a warm call", "call") == [*names, "health"]
    assert column(report, "a warm call", "way") == [*ways * 3, calls.LIGHT]
    p50, ratio = (column(report, "a warm call", name) for name in ("p50 ms", "ratio p50"))
    assert min(p50) > 0
    assert ratio[1] == pytest.approx(p50[1] / p50[0])
    assert [ratio[0], ratio[-1]] == ["", ""]
    assert column(report, "2 clients", "way") == ways[:2]
    assert min(column(report, "2 clients", "calls a second")) > 0


def test_both_ways_get_the_same_questions_and_none_twice() -> None:
    asked, again, other = (calls.requests(seed) for seed in (1, 1, 2))
    texts = []
    for _ in range(200):
        recall, check = next(asked)
        assert (recall, check) == next(again)
        assert recall != next(other)[0]
        texts += [recall["task"], check["action"]]
    assert len(set(texts)) == 400


def test_what_the_socket_adds_is_told_turn_by_turn() -> None:
    def way(name: str, *laps: float) -> calls.Way:
        return calls.Way(
            name, calls.light_way(Path()), iter(()), {call: [*laps] for call in calls.CALLS}
        )

    found = calls.Found(
        [way(calls.IN_PROCESS, 10.0, 2.0, 30.0), way(calls.SOCKET, 11.0, 4.0, 33.0)],
        {
            name: calls.Rush(speed, (1.0,))
            for name, speed in ((calls.IN_PROCESS, 8), (calls.SOCKET, 4))
        },
        [0.5],
    )
    report = Report("hosts", "", tables=calls.tables(found, TINY))
    assert column(report, "a warm call", "more, p50 ms") == ["", 2.0] * 3 + [""]
    assert report.tables[1].note.endswith("0.50")


def test_laps_of_the_warm_up_are_not_counted() -> None:
    async def ask(name: str, given: Any) -> dict[str, Any]:
        return {"recall_id": "rec_1"}

    async def asked() -> calls.Way:
        way = calls.Way("one", ask, calls.requests(1))
        await calls.by_turns([way], [], questions=3)
        return way

    way = anyio.run(asked)
    assert {name: len(laps) for name, laps in way.laps.items()} == dict.fromkeys(calls.CALLS, 3)


# -- hooks and the first recall --------------------------------------------------


def test_hooks_are_run_warm_and_without_a_host(room: Stage, source: Path) -> None:
    report = Report("hosts", "")
    store = room.copied(source, "hooked")
    hook.measure_hooks(room, store, 1, 1, report)
    kinds = [hook.PYTHON, hook.NOTHING, hook.PROMPT, hook.FAILURE, hook.NONE, hook.LOADING]
    assert column(report, "hooks", "hook") == kinds
    assert column(report, "hooks", "runs") == [1] * 6
    spoke = dict(zip(kinds, column(report, "hooks", "that spoke"), strict=True))
    assert [spoke[name] for name in (hook.PYTHON, hook.NOTHING, hook.NONE)] == [0, 0, 0]
    assert not report.broken
    assert hosts(store) == []


def test_the_first_recall_is_timed_by_command_and_by_front(room: Stage, source: Path) -> None:
    store = room.copied(source, "first")
    for seconds, mode in (
        first.by_command(store, "read a table"),
        first.by_server(room.front(store), "read another table"),
    ):
        assert seconds > 0
        assert mode == "keyword"
    room.stop(store)


def test_first_recalls_are_told_against_the_model_alone() -> None:
    report = Report("hosts", "")
    alone = first.Firsts(first.ALONE, [2.0, 4.0, 4.0], [""] * 3)
    command = first.Firsts(first.COMMAND, [4.0, 5.0, 6.0], ["learned"] * 3)
    front = first.Firsts(first.FRONT, [4.0, 4.0, 4.0], ["learned", "learned", "keyword"])
    first.tell([alone, command, front], report)
    assert column(report, "nothing running", "ratio p50") == [1.0, 1.25, 1.0]
    assert column(report, "nothing running", "mode") == ["", "learned", "keyword, learned"]
    assert sorted(filter(None, values(report).values())) == [1.0, 1.0, 1.25]
    few = Report("hosts", "")
    alone, command, front = (
        first.Firsts(one.name, one.seconds[:1], one.modes[:1]) for one in (alone, command, front)
    )
    first.tell([alone, command, front], few)
    assert list(values(few).values()) == [None, None, 0]
