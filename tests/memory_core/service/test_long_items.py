"""Items longer than the model's window are found by all they say."""

from __future__ import annotations

import logging

import pytest

from memory_core.reading import estimated
from memory_core.service.long_items import FILE
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.service.conftest import Bench, OpenBench
from tests.patience import PATIENCE

FACT = "The turnstile of the north gate opens with a green badge."
FILLER = " ".join(
    f"Paragraph {n} tells of matter {n * 7} and of nothing else that anybody asks for."
    for n in range(70)
)


def settled(bench: Bench) -> None:
    """Wait until all long items are read."""
    long_items = bench.service.core.long_items
    assert long_items is not None
    assert long_items.settle(PATIENCE)


def similarity(bench: Bench, item_id: str, task: str = FACT) -> float:
    """What the dense leg says of an item."""
    answer = bench.recall(task, k=10)
    return next(item.similarity for item in answer.items if item.id == item_id)


def filled(bench: Bench) -> tuple[str, str]:
    """A long item that ends with the fact and a short one, among others; their ids."""
    for n in range(11):
        bench.remember(f"Matter {n}", f"Other advice of number {n} about something else.")
    long = bench.remember("All about the gates", f"{FILLER} {FACT}").id
    short = bench.remember("Windows", "They are washed in spring.").id
    return long, short


def test_the_last_sentence_of_a_long_item_is_found(bench: Bench) -> None:
    long, short = filled(bench)
    settled(bench)
    assert bench.recall(FACT, k=1).items[0].id == long
    assert similarity(bench, long) > 0.4
    assert bench.recall("Windows: they are washed in spring.", k=1).items[0].id == short


def test_items_of_an_older_store_are_read_when_the_model_comes(open_bench: OpenBench) -> None:
    bench = open_bench(model=False)
    long, _ = filled(bench)
    bench.attach()
    settled(bench)
    assert similarity(bench, long) > 0.4


def test_parts_are_embedded_once_and_kept(
    open_bench: OpenBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = open_bench()
    long, _ = filled(bench)
    settled(bench)
    before = similarity(bench, long)
    bench.service.close()

    def refuse(*_: object) -> None:
        raise AssertionError("embedded again")

    again = open_bench(model=False)
    monkeypatch.setattr(HashEmbedder, "embed_documents", refuse)
    again.service.core.store.bind_embedder("hash-embedder@000000000000", 64)
    again.service.core.read_long_items(HashEmbedder())
    settled(again)
    monkeypatch.undo()
    again.attach()
    assert similarity(again, long) == before


@pytest.mark.parametrize("content", [b"", b"no database at all " * 300])
def test_a_lost_or_damaged_file_of_parts_is_made_anew(
    open_bench: OpenBench, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    bench = open_bench()
    long, _ = filled(bench)
    settled(bench)
    file = bench.service.core.settings.store / FILE
    bench.service.close()
    file.write_bytes(content)
    again = open_bench()
    settled(again)
    assert similarity(again, long) > 0.4


def test_another_model_reads_long_items_anew(bench: Bench) -> None:
    long, _ = filled(bench)
    settled(bench)
    bench.service.reembed(HashEmbedder(32, "another@111111111111"))
    settled(bench)
    assert similarity(bench, long) > 0.4


def test_a_retired_item_is_not_found_by_its_parts(bench: Bench) -> None:
    long, _ = filled(bench)
    settled(bench)
    bench.forget(long)
    assert long not in [item.id for item in bench.recall(FACT, k=10).items]


def test_short_items_have_no_parts(bench: Bench) -> None:
    bench.remember("Short", "x " * 120)
    settled(bench)
    assert estimated("x " * 120) < 254
    matrix, _ = bench.service.core.store._parts.view()  # type: ignore[attr-defined]
    assert len(matrix) == 0
