from __future__ import annotations

from typing import Any

import anyio
import pytest

from server.host import calls
from server.host.calls import Calls, Tell

pytestmark = pytest.mark.anyio


class Work:
    """Work that counts how often it was begun and waits until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = anyio.Event()

    async def __call__(self, tell: Tell) -> dict[str, Any]:
        self.begun += 1
        await tell(0.5, "half")
        await self.go.wait()
        return {"answer": self.begun}


async def test_a_call_repeated_with_its_key_is_the_same_call() -> None:
    running, work = Calls(), Work()
    first, second = running.begin("k", work), running.begin("k", work)
    assert first is second
    work.go.set()
    await running.settle()
    assert first.task is not None
    assert first.task.result() == {"answer": 1}
    assert running.begin("k", work) is first
    assert first.progress == (0.5, "half")


async def test_without_a_key_every_call_is_new() -> None:
    running, work = Calls(), Work()
    work.go.set()
    assert running.begin("", work) is not running.begin("", work)
    await running.settle()
    assert work.begun == 2


async def test_an_abandoned_call_can_be_repeated() -> None:
    running, work = Calls(), Work()
    first = running.begin("k", work)
    first.listeners = 2
    await anyio.lowlevel.checkpoint()
    running.leave("k", first, lasts=False)
    assert running.begin("k", work) is first, "somebody still waits"
    running.leave("k", first, lasts=False)
    await running.settle()
    work.go.set()
    again = running.begin("k", work)
    await running.settle()
    assert again.task is not None
    assert again.task.result() == {"answer": 2}


async def test_one_long_call_does_not_keep_the_keys_of_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "KEPT", 10)
    running, long, short = Calls(), Work(), Work()
    short.go.set()
    running.begin("long", long)
    for number in range(100):
        call = running.begin(f"short {number}", short)
        assert call.task is not None
        await call.task
    assert len(running._by_key) <= 11
    long.go.set()
    await running.settle()


async def test_keys_are_forgotten_and_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "KEPT", 3)
    monkeypatch.setattr(calls, "MOST", 2)
    running, work = Calls(), Work()
    fullness = []
    for name in "ab":
        running.begin(name, work)
        fullness.append((running.under_way, running.full))
    assert fullness == [(1, False), (2, True)]
    work.go.set()
    await running.settle()
    for name in "cdefgh":
        running.begin(name, work)
        await running.settle()
    assert len(running._by_key) <= 4
    assert not running.full
