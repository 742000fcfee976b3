"""`python -m benchmarks.relevance.fit`: the weights of relevance, fitted, and what they reach.

Stores of every kind, whole and very small, are filled in the real service and asked what they
answer, what they do not, and what other stores are asked. A logistic over the product's own
signs is fitted, each sign with one direction only, each kind of store with the same weight.
Printed are what a kind that was left out of the fit reaches at both bars, the silence of very
small stores, and the constants that `memory_core.scorer.relevance` holds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning import catalog
from benchmarks.learning.embeddings import served_model
from benchmarks.learning.stream import Memory
from benchmarks.relevance.fit_warnings import of_failures
from benchmarks.relevance.logistic import logistic
from benchmarks.relevance.measuring import calibration_error, filled
from benchmarks.relevance.stores import NAMES, NOTHING, Asked, Stocked, build, prompts
from memory_core.ports import Embedder
from memory_core.scorer.relevance import BY_MEANING, MOST_CROWD, SIGNS, Weights
from memory_core.settings import Settings

K = 3
SMALL = (1, 3, 10)
SHARES = {"answerable": 1.0, "same domain": 0.4, "other": 0.5, "ours": 0.6}
"""What each group of prompts weighs in the fit of a store."""
STEEPEST_CROWD = -0.8
"""Bound of the crowd's weight: beyond it a store of one lesson speaks to strangers."""
WHOLE_WEIGHT = 2.0
"""Set by hand: no stream asks bare codes."""
RIDGE = 0.01
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """The first three candidates of every prompt, one row each.

    `signs` float64[N, S]; `right` and `least` float64[N]; `prompt` int64[N] numbers the prompts;
    `kind`, `store` and `group` say of whose they are; `size` is how many items the store has.
    """

    signs: Floats
    right: Floats
    least: Floats
    prompt: NDArray[np.int64]
    kind: NDArray[np.str_]
    store: NDArray[np.str_]
    group: NDArray[np.str_]
    size: NDArray[np.int64]

    def at(self, kept: NDArray[np.bool_]) -> Rows:
        return Rows(*(getattr(self, name)[kept] for name in self.__slots__))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relevance.fit")
    parser.add_argument("--data", default="", metavar="DIR", help=f"(${catalog.VARIABLE})")
    parser.add_argument("--cache", help="folder of the embedding cache")
    parser.add_argument("--most", type=int, default=100, help="prompts of each kind and store")
    chosen = parser.parse_args(arguments)
    embedder = served_model(Path(chosen.cache) if chosen.cache else None)
    rows = _read(catalog.data_folder(chosen.data, "banking77"), chosen.most, embedder)
    bars = Settings(store=Path()).bar, Settings(store=Path()).bar_uninvited
    print(f"{len(rows.right)} rows of {len(np.unique(rows.store))} stores; bars {bars}")
    print(_line("left out", "answered", "lost", "silent", "surely", "mute", "ECE"))
    for name in np.unique(rows.kind):
        weights = fitted(rows.at(rows.kind != name))
        print(_line(name, *_reached(rows.at((rows.kind == name) & (rows.size > max(SMALL))),
                                    weights, bars)))  # fmt: skip
    print(_line("held now", *_reached(rows.at(rows.size > max(SMALL)), BY_MEANING, bars)))
    for size in SMALL:
        print(_line(f"size {size} now", *_reached(rows.at(rows.size == size), BY_MEANING, bars)))
    print("BY_MEANING", fitted(rows))
    print("BY_WORDS", fitted(rows, without=("near", "agreement", "whole")))
    print("BY_FAILURE", of_failures(embedder))
    return 0


def _stores(data: Path, most: int) -> Iterator[tuple[str, Stocked]]:
    """Every kind of store with its name: two draws, other layouts, and very small ones."""
    for seed in (0, 1):
        for kind in NAMES:
            whole = build(kind, data, seed, most)
            yield kind, replace(whole, name=f"{kind} {seed}")
            if seed == 0 and kind in ("banking77", "advising"):
                yield kind, _by_title(whole)
            if seed == 0 and kind in ("banking77", "workshop", "handbook"):
                for size in SMALL:
                    for draw in range(3):
                        yield kind, _few(whole, size, draw)


def _by_title(whole: Stocked) -> Stocked:
    """The same store with what was asked as the title and no task."""
    moved = [Memory(one.key, one.task[:200], one.content, kind=one.kind) for one in whole.memories]
    return replace(whole, name=f"{whole.name} by title", memories=tuple(moved))


def _few(whole: Stocked, size: int, draw: int) -> Stocked:
    """A store of a few of its memories: what it does not know any more is not answered."""
    chance = np.random.default_rng([draw, size, 5])
    kept = [whole.memories[at] for at in chance.permutation(len(whole.memories))[:size]]
    keys = frozenset(one.key for one in kept)
    answered = [replace(one, right=one.right & keys) for one in whole.answerable]
    lost = [Asked(one.text) for one in answered if not one.right]
    return Stocked(
        f"{whole.name} {size} {draw}",
        tuple(kept),
        tuple(one for one in answered if one.right),
        (*lost[:20], *whole.unanswerable[:20]),
    )


def _read(data: Path, most: int, embedder: Embedder) -> Rows:
    stores = list(_stores(data, most))
    whole = {kind: one for kind, one in reversed(stores) if one.name == f"{kind} 0"}
    ours = [Asked(text) for subject, text in prompts("dev") if subject == NOTHING]
    table: list[tuple[object, ...]] = []
    number = 0
    for kind, stocked in stores:
        other = [
            asked
            for name, one in whole.items()
            if name != kind
            for asked in (*one.answerable[:12], *one.unanswerable[:8])
        ]
        groups = (stocked.answerable, stocked.unanswerable[: most // 2], other, ours)
        with filled(stocked, embedder) as room:
            for group, asked_all in zip(SHARES, groups, strict=True):
                for asked in asked_all:
                    number += 1
                    for key, signs, least in room.signs(asked, K):
                        right = float(key in asked.right)
                        told = (kind, stocked.name, group, len(stocked.memories))
                        table.append((signs, right, least, number, *told))
        print(stocked.name, flush=True)
    return Rows(*(np.array(column) for column in zip(*table, strict=True)))


def _unfloored(rows: Rows) -> Rows:
    """The rows with the size of very small stores as it is: its floor is a caution, not learned."""
    signs = rows.signs.copy()
    signs[:, SIGNS.index("crowd")] = np.minimum(np.log(rows.size), MOST_CROWD)
    return replace(rows, signs=signs)


def _weighted(rows: Rows) -> Floats:
    """What each row weighs: kinds alike, their stores alike, groups by their shares."""
    weights = np.zeros(len(rows.right))
    for kind in np.unique(rows.kind):
        stores = np.unique(rows.store[rows.kind == kind])
        for store in stores:
            for group, share in SHARES.items():
                own = (rows.store == store) & (rows.group == group)
                weights[own] = share / max(own.sum(), 1) / len(stores)
    scaled: Floats = weights * 1_000.0 / weights.sum()
    return scaled


def fitted(rows: Rows, without: Sequence[str] = ()) -> Weights:
    """A ridge-logistic over the signs, all up but the crowd's."""
    rows = _unfloored(rows)
    set_by_hand = {"whole": WHOLE_WEIGHT} | dict.fromkeys(without, 0.0)
    free = [place for place, name in enumerate(SIGNS) if name not in set_by_hand]
    bounds = [(STEEPEST_CROWD, 0.0) if SIGNS[place] == "crowd" else (0.0, None) for place in free]
    values, weights = rows.signs[:, free], _weighted(rows)
    fit = logistic(values, rows.right, weights, bounds, RIDGE)
    signs = {SIGNS[place]: float(weight) for place, weight in zip(free, fit[1:], strict=True)}
    return Weights(float(fit[0]), tuple((signs | set_by_hand)[name] for name in SIGNS))


def _reached(rows: Rows, weights: Weights, bars: tuple[float, float]) -> list[float]:
    """Answered, right items lost and silence at the asked bar, the same at the other, ECE."""
    chance = np.maximum(weights.relevance(rows.signs), rows.least)
    prompts_, places = np.unique(rows.prompt, return_inverse=True)
    best, right = np.zeros(len(prompts_)), np.full(len(prompts_), np.nan)
    np.maximum.at(best, places, chance)
    has = rows.right > 0
    right[np.unique(places[has])] = 0.0
    np.maximum.at(right, places[has], chance[has])
    group = np.empty(len(prompts_), dtype=rows.group.dtype)
    group[places] = rows.group
    answerable, apart = group == "answerable", np.isin(group, ["other", "ours"])
    known = answerable & ~np.isnan(right)
    asked, uninvited = bars
    return [
        float(np.mean(best[answerable] >= asked)),
        float(np.mean(right[known] < asked)),
        float(np.mean(best[apart] < asked)),
        float(np.mean(best[answerable] >= uninvited)),
        float(np.mean(best[apart] < uninvited)),
        calibration_error(list(zip(chance.tolist(), (rows.right > 0).tolist(), strict=True))),
    ]


def _line(name: str, *cells: str | float) -> str:
    told = [cell if isinstance(cell, str) else f"{cell:.3f}" for cell in cells]
    return name.ljust(12) + "".join(cell.rjust(10) for cell in told)


if __name__ == "__main__":
    raise SystemExit(main())
