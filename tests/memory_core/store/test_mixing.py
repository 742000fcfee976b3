"""The mix of cosine, words and names is found from items that advise the same."""

from __future__ import annotations

from pathlib import Path

from memory_core.store.lance_store import LanceStore
from memory_core.store.mixing import START, Mix
from tests.memory_core.store.making import EMBEDDER, item

GROUPS = 8
"""Pieces of advice, each given by several items."""


def mix_of(folder: Path, tasks: list[str], advice: list[str]) -> Mix:
    store = LanceStore.open(folder, maintain=False)
    store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    store.add_items(
        [item(n, text, task=task) for n, (task, text) in enumerate(zip(tasks, advice, strict=True))]
    )
    writer = store._writer
    mix = store._searcher._mixing.of(writer.words, writer.vectors)
    assert store._searcher._mixing.of(writer.words, writer.vectors) is mix
    store.close()
    again = LanceStore.open(folder, maintain=False)
    writer = again._writer
    assert again._searcher._mixing.of(writer.words, writer.vectors) == mix
    again.close()
    return mix


def test_a_small_store_and_one_without_a_label_keep_the_start(tmp_path: Path) -> None:
    few = [f"task {n}" for n in range(8)]
    assert mix_of(tmp_path / "few", few, ["the same"] * 8) == START
    many = [f"task{n} word{n}" for n in range(40)]
    assert mix_of(tmp_path / "many", many, [f"other{n} advice{n * 7}" for n in range(40)]) == START


def test_names_that_mislead_lose_their_weight(tmp_path: Path) -> None:
    tasks, advice = [], []
    for group in range(GROUPS):
        for n in range(6):
            other = (group + n) % GROUPS  # shares its rare name with one of another group
            tasks.append(
                f"topic{group} question about room_{min(group, other)}_{max(group, other)}"
            )
            advice.append(f"answer of topic{group} is so")
    assert mix_of(tmp_path / "named", tasks, advice).names == 0.0
