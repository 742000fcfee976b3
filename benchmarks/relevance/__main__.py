"""`python -m benchmarks.relevance`: when the memory speaks, and when it is silent."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.learning import catalog
from benchmarks.learning.embeddings import served_model
from benchmarks.relevance.measuring import Figures, figures, filled
from benchmarks.relevance.plot import plot
from benchmarks.relevance.stores import NAMES, NOTHING, Asked, Stocked, build, prompts

HEAD = (
    *("store", "items", "answered", "surely", "lost", "precision", "other", "ours", "same"),
    *("other*", "ours*", "AUROC", "same@90", "tokens", "ECE"),
)
LEGEND = """
answered, surely: answerable prompts that were served something, asked and uninvited
lost: the right item was among the first three and is below the bar
other, ours, same: silent for prompts of other stores, of our own list, of the same domain
other*, ours*: the same uninvited; AUROC: answerable against both
same@90: prompts of the same domain below what 90 % of the answerable reach
tokens: injected for an unrelated prompt; ECE: of the relevance of the first three
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all stores; 0."""
    chosen = _parser().parse_args(arguments)
    began = time.monotonic()
    most = 40 if chosen.quick else 200
    embedder = served_model(Path(chosen.cache) if chosen.cache else None)
    data = catalog.data_folder(chosen.data, chosen.stores[0])
    stores = [build(name, data, chosen.seed, most) for name in chosen.stores]
    ours = [Asked(text) for subject, text in prompts(chosen.part) if subject == NOTHING]
    rows: list[Figures] = []
    print(_line(HEAD))
    for stocked in stores:
        others = _others(stocked, stores, most, chosen.seed)
        with filled(stocked, embedder) as room:
            answerable = [room.hear(one) for one in stocked.answerable]
            unanswerable = [room.hear(one) for one in stocked.unanswerable]
            apart = {
                "other": [room.hear(one) for one in others],
                "ours": [room.hear(one) for one in ours],
            }
        rows.append(figures(stocked, answerable, unanswerable, apart))
        print(_line(_cells(rows[-1])), flush=True)
    print(LEGEND)
    print(f"{time.monotonic() - began:.0f} s")
    if chosen.plot:
        Path(chosen.plot).write_text(plot(rows), encoding="utf-8")
    return 0


def _others(own: Stocked, stores: Sequence[Stocked], most: int, seed: int) -> list[Asked]:
    """Prompts of every other store, as many of each, `most` in all."""
    rest = [one for one in stores if one is not own]
    each = max(most // max(len(rest), 1), 1)
    chance = np.random.default_rng([seed, 13])
    found = []
    for one in rest:
        asked = (*one.answerable, *one.unanswerable)
        found += [asked[place] for place in chance.permutation(len(asked))[:each]]
    return found


def _cells(row: Figures) -> tuple[str, ...]:
    shares = (
        *(row.answered, row.surely, row.lost, row.precision),
        *(row.silent["other"], row.silent["ours"], row.silent["same domain"]),
        *(row.mute["other"], row.mute["ours"], row.auroc, row.same),
    )
    told = [f"{value:.3f}" for value in shares]
    return (row.name, str(row.memories), *told, f"{row.tokens:.1f}", f"{row.error:.3f}")


def _line(cells: Sequence[str]) -> str:
    return "".join(cell.ljust(11) if not n else cell.rjust(10) for n, cell in enumerate(cells))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.relevance",
        description="Asks real stores what they answer, what they do not, and what has nothing "
        "to do with them.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="40 prompts of each kind in place of 200")
    add("--part", choices=("dev", "test"), default="dev", help="which half of our own prompts")
    add("--seed", type=int, default=0)
    add("--stores", nargs="+", choices=NAMES, default=NAMES)
    add("--data", default="", metavar="DIR", help=f"the data sets (${catalog.VARIABLE})")
    add("--cache", help="folder of the embedding cache")
    add("--plot", metavar="FILE.svg", help="write what is answered against what is silent")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
