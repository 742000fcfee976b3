"""`python -m benchmarks.relevance.taught`: what reports teach of when to be silent.

An agent works through tasks of a store's domain, of which the store answers half: it recalls,
and reports, for some with what it used, for some bare, for some wrongly. Then prompts that it
never asked are put to the real service, before and after.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from benchmarks.learning import catalog
from benchmarks.learning.embeddings import served_model
from benchmarks.relevance.measuring import Figures, Room, figures, filled
from benchmarks.relevance.stores import NAMES, NOTHING, Asked, Stocked, build, prompts
from memory_core.ports import Embedder

HELD = 60
"""Prompts of each kind that are asked before and after, never in between."""
MOST = 700
HEAD = ("store", "reports", "answered", "lost", "ours", "same", "same@90", "ECE")
LEGEND = """
ours, same: silent for our own prompts, and for prompts of the same domain that the store does not
answer; same@90: those below what 90 % of the answerable reach. Half of the reports say what was
used, half are bare; each is wrong with the share given.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relevance.taught")
    add = parser.add_argument
    add("--stores", nargs="+", choices=NAMES, default=("banking77", "advising", "workshop"))
    add("--reports", type=int, default=500)
    add("--wrong", type=float, default=0.1, help="share of wrong reports")
    add("--way", choices=("used", "bare", "mixed"), default="mixed")
    add("--seed", type=int, default=0)
    add("--data", default="", metavar="DIR", help=f"the data sets (${catalog.VARIABLE})")
    add("--cache", help="folder of the embedding cache")
    chosen = parser.parse_args(arguments)
    embedder = served_model(Path(chosen.cache) if chosen.cache else None)
    data = catalog.data_folder(chosen.data, chosen.stores[0])
    print(_line(HEAD))
    for name in chosen.stores:
        stocked = build(name, data, chosen.seed, MOST)
        _taught(stocked, embedder, chosen.reports, chosen.wrong, chosen.way)
    print(LEGEND)
    return 0


def _taught(stocked: Stocked, embedder: Embedder, most: int, wrong: float, way: str) -> None:
    chance = np.random.default_rng(7)
    held = Stocked(
        stocked.name, stocked.memories, stocked.answerable[:HELD], stocked.unanswerable[:HELD]
    )
    life = [*stocked.answerable[HELD:], *stocked.unanswerable[HELD:][: len(stocked.answerable)]]
    life = [life[place] for place in chance.permutation(len(life))]
    ways = ("used", "bare") if way == "mixed" else (way,)
    with filled(stocked, embedder, "learned") as room:
        print(_line(_cells(_heard(held, room), 0)), flush=True)
        told = 0
        for asked in islice(cycle(life), 6 * most):
            mistaken = bool(chance.random() < wrong)
            told += room.report(asked, ways[told % len(ways)], wrong=mistaken)
            if told == most:
                break
        room.settle()
        print(_line(_cells(_heard(held, room), told)), flush=True)


def _heard(held: Stocked, room: Room) -> Figures:
    ours = [Asked(text) for subject, text in prompts("dev") if subject == NOTHING]
    apart = {"other": [], "ours": [room.hear(one) for one in ours]}
    answerable = [room.hear(one) for one in held.answerable]
    return figures(held, answerable, [room.hear(one) for one in held.unanswerable], apart)


def _cells(row: Figures, told: int) -> tuple[str, ...]:
    shares = (row.answered, row.lost, row.silent["ours"], row.silent["same domain"])
    return (row.name, str(told), *(f"{one:.3f}" for one in (*shares, row.same, row.error)))


def _line(cells: Sequence[str]) -> str:
    return "".join(cell.ljust(11) if not n else cell.rjust(10) for n, cell in enumerate(cells))


if __name__ == "__main__":
    raise SystemExit(main())
