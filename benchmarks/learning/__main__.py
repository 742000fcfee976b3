"""`python -m benchmarks.learning STREAM`: a stream replayed through the product and its rivals."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from benchmarks.learning import catalog
from benchmarks.learning.conditions import grid
from benchmarks.learning.ordering import ORDERS
from benchmarks.learning.stream import RICHNESS, Richness
from memory_core.scorer.experts import EXPERTS
from memory_core.settings import Settings

SIZES = ("tasks", "memories", "held_out", "k", "bad", "layout", "split")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stream; 0 when it was measured, 2 when something for it is not there."""
    chosen = _parser().parse_args(arguments)
    began = time.monotonic()
    try:
        found = _workshop(chosen) if chosen.stream == catalog.WORKSHOP else _replayed(chosen)
    except catalog.NotThere as missing:
        print(missing, file=sys.stderr)
        return 2
    from benchmarks.learning.table import table

    print(table(found))
    print(f"\n{time.monotonic() - began:.0f} s")
    if chosen.json:
        text = json.dumps(found, ensure_ascii=False, indent=1)
        Path(chosen.json).write_text(text + "\n", encoding="utf-8")
    if chosen.plot:
        from benchmarks.learning.plot import plot

        Path(chosen.plot).write_text(plot(found), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.learning",
        description="Replays a stream of tasks through the whole product (service, LanceDB, "
        "MiniLM) and through baselines on the same candidates and the same outcomes.",
    )
    add = parser.add_argument
    add("stream", choices=(*catalog.STREAMS, catalog.WORKSHOP))
    add("--seeds", type=_positive, help="how many seeds (5; quick and MCP: 1)")
    add("--seed", type=int, default=0, help="the first seed (0)")
    add("--noise", type=_list(_share), default=(0.0,), help="shares of flipped outcomes: 0,.2")
    add("--missing", type=_list(_share), default=(0.0,), help="shares of lost reports: 0,.5,.9")
    add("--delayed", action="store_true", help="reports come 1 to 50 tasks later, out of order")
    add("--duplicated", action="store_true", help="a fifth of the reports is sent twice")
    add(
        "--richness",
        type=_list(_one_of(RICHNESS)),
        default=("flag",),
        help="what a report says: flag, used, labels (flag)",
    )
    add("--order", choices=ORDERS, default="own", help="the order of the tasks (the stream's own)")
    add("--bad", type=_share, help="banking77: the share of bad lessons (.2)")
    add("--tasks", type=int, help="tasks that are reported on")
    add("--memories", type=_positive, help="memories")
    add("--held-out", type=_positive, help="held-out tasks")
    add("--k", type=_positive, help="items shown")
    add("--layout", help="how a memory is laid out: task, title, content")
    add("--split", choices=("test", "dev"), help="dev holds out training data, for tuning")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another option of the stream, e.g. generator=decoys",
    )
    add(
        "--product",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the product, e.g. explore=0.1 (not over MCP)",
    )
    add(
        "--without",
        type=_list(_experts),
        default=(),
        metavar="NAMES",
        help="the product without these experts beside the whole one, a row each; "
        "network+pair,names is two rows",
    )
    add("--mcp", action="store_true", help="drive the same also through MCP over stdio")
    add("--no-baselines", action="store_true", help="only the product and plain similarity")
    add("--quick", action="store_true", help="a small run of one seed")
    add("--json", metavar="FILE", help="write the result")
    add("--plot", metavar="FILE.svg", type=_svg, help="write the learning curves")
    add("--processes", type=_positive, default=1, help="seeds at a time (1)")
    add("--data", default="", metavar="DIR", help=f"the data sets (${catalog.VARIABLE})")
    add("--cache", type=Path, metavar="DIR", help="embeddings (~/.cache/lessonbank-bench)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not within 0 and 1")
    return share


def _svg(text: str) -> str:
    if not text.endswith(".svg"):
        raise argparse.ArgumentTypeError(f"{text} does not end in .svg, the one format there is")
    return text


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return read


def _experts(text: str) -> frozenset[str]:
    names = frozenset(text.split("+"))
    for name in sorted(names - set(EXPERTS)):
        raise argparse.ArgumentTypeError(f"{name!r} is no expert: {', '.join(EXPERTS)}")
    return names


def _list(read: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    def reads(text: str) -> tuple[Any, ...]:
        return tuple(read(part.strip()) for part in text.split(","))

    return reads


def _value(text: str) -> Any:
    """A number, true or false where it reads as one, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _options(chosen: argparse.Namespace) -> dict[str, Any]:
    """What the stream is built with."""
    options: dict[str, Any] = {}
    if chosen.quick or chosen.mcp:
        sizes = catalog.QUICK if chosen.quick else catalog.OVER_MCP
        options |= catalog.smaller(chosen.stream, sizes)
    options |= {name: getattr(chosen, name) for name in SIZES if getattr(chosen, name) is not None}
    return options | _pairs("--set", chosen.set)


def _pairs(option: str, given: Sequence[str]) -> dict[str, Any]:
    """Read NAME=VALUE arguments; a value is JSON where it reads as such, else text."""
    pairs = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise catalog.NotThere(f"{option} {pair} has no value. Write it as NAME=VALUE.")
        pairs[name] = _value(value)
    return pairs


def _settings(chosen: argparse.Namespace) -> dict[str, Any]:
    """Settings of the product, checked by name."""
    settings = _pairs("--product", chosen.product)
    known = {one.name for one in fields(Settings)} - {"store", "scorer_mode"}
    for name in settings:
        if name not in known:
            raise catalog.NotThere(
                f"The product has no setting {name!r} to change here. "
                f"It has: {', '.join(sorted(known))}."
            )
    return settings


def _seeds(chosen: argparse.Namespace) -> range:
    count = chosen.seeds or (1 if chosen.quick or chosen.mcp else 5)
    return range(chosen.seed, chosen.seed + count)


def _replayed(chosen: argparse.Namespace) -> dict[str, Any]:
    data = catalog.data_folder(chosen.data, chosen.stream)
    options = _options(chosen)
    from benchmarks.learning.results import result
    from benchmarks.learning.running import Job, run

    job = Job(
        stream=chosen.stream,
        data=data,
        options=options,
        conditions=grid(
            chosen.noise,
            chosen.missing,
            cast(tuple[Richness, ...], chosen.richness),
            delayed=chosen.delayed,
            duplicated=chosen.duplicated,
        ),
        order=chosen.order,
        settings=_settings(chosen),
        baselines=not chosen.no_baselines,
        mcp=chosen.mcp,
        cache=chosen.cache,
        without=chosen.without,
    )
    played = run(job, _seeds(chosen), chosen.processes, _say)
    order = {} if chosen.order == "own" else {"order": chosen.order}
    return result(chosen.stream, {**options, **job.settings, **order}, job.conditions, played)


def _workshop(chosen: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.learning.streams.workshop import run

    return run(list(_seeds(chosen)), rounds=2 if chosen.quick else 5, say=_say)


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
