"""`python -m benchmarks.learning.causes`: same cause, found by outcomes or by plain text.

Lives through failures and what became of them (the real service, LanceDB and
MiniLM), then compares on held-out failures: the area under the ROC curve of four
similarities of a pair, and how right the first warning of `check` is, with the
learned similarity and without. One configuration for both data sets.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning import catalog
from benchmarks.learning.causes import intercode, workshop
from benchmarks.learning.causes.cases import Case, Subject
from benchmarks.learning.causes.living import Life, lived
from benchmarks.learning.causes.measuring import (
    LEARNED,
    NORMALISED,
    RAW,
    SIMILARITIES,
    TODAY,
    Checked,
    Floats,
    areas,
    bounds,
    checked,
    resampled,
    scored,
)
from benchmarks.learning.embeddings import CachedEmbedder, served_model

DATA_SETS = ("intercode", "workshop")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 when the data is not there."""
    chosen = _parser().parse_args(arguments)
    began = time.monotonic()
    try:
        data = catalog.data_folder(chosen.data, "intercode")
    except catalog.NotThere as missing:
        print(missing, file=sys.stderr)
        return 2
    embedder = served_model()
    found: dict[str, Any] = {"split": chosen.split, "seeds": chosen.seeds, "sets": {}}
    for name in chosen.sets:
        results = [_measured(each, embedder) for each in _subjects(name, chosen, data)]
        found["sets"][name] = _summed(results)
        print(_table(name, found["sets"][name]), flush=True)
    print(f"{time.monotonic() - began:.0f} s")
    if chosen.json:
        text = json.dumps(found, ensure_ascii=False, indent=1)
        Path(chosen.json).write_text(f"{text}\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.learning.causes", description=(__doc__ or "").split("\n\n")[1]
    )
    add = parser.add_argument
    add("--data", default="", help="the folder of the data sets")
    add("--sets", nargs="+", choices=DATA_SETS, default=list(DATA_SETS), help="which (both)")
    add("--seeds", type=int, default=5, help="how many seeds (5)")
    add("--seed", type=int, default=0, help="the first seed (0)")
    add("--split", choices=("test", "dev"), default="test", help="dev: intercode's, for tuning")
    add("--tasks", type=int, default=500, help="intercode: tasks that are lived through (500)")
    add("--questions", type=int, default=300, help="failures that `check` is asked about (300)")
    add("--json", metavar="FILE", help="write the figures there, too")
    return parser


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _subjects(name: str, chosen: argparse.Namespace, data: Path) -> Iterable[Subject]:
    ran = workshop.executed(_say) if name == "workshop" else []
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        _say(f"{name}, seed {seed}")
        if name == "workshop":
            yield workshop.subject(seed, ran, chosen.questions)
        else:
            yield intercode.subject(seed, data, chosen.split, chosen.tasks, chosen.questions)


def _measured(subject: Subject, embedder: CachedEmbedder) -> dict[str, Any]:
    """One seed: areas of all pairs and of near ones, and what `check` says in both modes."""
    times = resampled(subject.questions)
    answers: dict[str, Checked] = {}
    with lived(subject, embedder, "similarity") as life:
        answers[TODAY] = _asked(subject, life, life.told)
    with lived(subject, embedder, "learned") as life:
        answers[RAW] = _asked(subject, life, life.nearest)
        answers[LEARNED] = _asked(subject, life, life.told)
        likeness = life.service.core.notebook.likeness
        scores = scored(subject.pairs, embedder, likeness.metric)
        told = likeness.learned
    near = subject.pairs.near | subject.pairs.same
    return {
        "proof": list(told.standing) if told else [0, 0, 0],
        "proven": likeness.metric is not None,
        "pairs": [int(subject.pairs.same.sum()), int((~subject.pairs.same).sum())],
        "near": int((near & ~subject.pairs.same).sum()),
        "areas": {
            "all pairs": areas(subject.pairs, scores, np.ones_like(near)),
            "near-identical text": areas(subject.pairs, scores, near),
        },
        "check": {name: answer.rates(times) for name, answer in answers.items()},
        "answered": {name: float(answer.answered.mean()) for name, answer in answers.items()},
        "known": float(answers[LEARNED].known.mean()),
    }


def _asked(subject: Subject, life: Life, tells: Callable[[Case], Case | None]) -> Checked:
    def first(case: Case) -> float | None:
        told = tells(case)
        return None if told is None else float(case.same(told))

    return checked(subject.questions, life.knows, first)


def _summed(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds; intervals of differences from the same resamples of all seeds."""
    summed: dict[str, Any] = {
        name: [result[name] for result in results]
        for name in ("proof", "proven", "pairs", "near", "answered", "known")
    }
    summed["areas"] = {}
    for which in results[0]["areas"]:
        draws = np.mean([result["areas"][which] for result in results], axis=0)
        summed["areas"][which] = {
            **{name: float(draws[0, i]) for i, name in enumerate(SIMILARITIES)},
            **{
                f"learned - {name}": _difference(draws, i)
                for i, name in enumerate((RAW, NORMALISED, TODAY))
            },
        }
    summed["check"] = {}
    both = {name: np.mean([r["check"][name] for r in results], axis=0) for name in _CHECKS}
    for i, rate in enumerate(("precision", "recall")):
        gains = {one: both[LEARNED][:, i] - both[one][:, i] for one in (RAW, TODAY)}
        summed["check"][rate] = {
            **{name: float(both[name][0, i]) for name in _CHECKS},
            **{f"learned - {one}": [float(g[0]), *bounds(g[1:])] for one, g in gains.items()},
        }
    return summed


_CHECKS = (RAW, TODAY, LEARNED)
"""What is asked: the nearest raw error (never silent), the plain rule, the learned similarity."""


def _difference(draws: Floats, of: int) -> list[float]:
    gain = draws[:, SIMILARITIES.index(LEARNED)] - draws[:, of]
    return [float(gain[0]), *bounds(gain[1:])]


def _shown(difference: Sequence[float]) -> str:
    value, low, high = difference
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def _table(name: str, found: dict[str, Any]) -> str:
    proven = f"{sum(found['proven'])} of {len(found['proven'])}"
    lines = [
        f"\n{name}: proven on {proven} seeds, wins, losses, ties: {found['proof']}",
        f"pairs (same, different): {found['pairs']}, different and alike: {found['near']}",
        f"{'area under the ROC curve':26s}" + "".join(f"{s:>18s}" for s in SIMILARITIES),
    ]
    for which, values in found["areas"].items():
        lines.append(f"  {which:24s}" + "".join(f"{values[s]:18.3f}" for s in SIMILARITIES))
        lines += [
            f"    learned - {other}: {_shown(values[f'learned - {other}'])}"
            for other in (RAW, NORMALISED, TODAY)
        ]
    lines.append("the first warning of `check`")
    for rate, values in found["check"].items():
        told = ", ".join(f"{one} {values[one]:.3f}" for one in _CHECKS)
        lines.append(f"  {rate}: {told}")
        lines += [
            f"    learned - {one}: {_shown(values[f'learned - {one}'])}" for one in (RAW, TODAY)
        ]
    shares = [(one, np.mean([line[one] for line in found["answered"]])) for one in _CHECKS]
    answered = ", ".join(f"{one} {share:.2f}" for one, share in shares)
    lines.append(f"  warned: {answered}; cause reported before: {np.mean(found['known']):.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
