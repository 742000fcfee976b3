"""What the runs of a stream amount to: means over seeds, differences with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.learning.conditions import Condition
from benchmarks.learning.intervals import paired
from benchmarks.learning.replay import SIMILARITY, Trace
from benchmarks.learning.running import Played

FORMAT = 1
LEARNED = "learned"
OVER_MCP = "learned (MCP)"
OURS = (LEARNED, OVER_MCP)


def result(
    stream: str,
    options: Mapping[str, Any],
    conditions: Sequence[Condition],
    played: Sequence[Played],
) -> dict[str, Any]:
    """Give a command's result, ready for JSON.

    The shape: `stream`, `options`, `seeds`, `sizes`, and under `conditions` for
    each its `condition` with a `label`, its `rankers` by name, its `differences`
    and whether `as_similarity` held in every seed. A ranker has means over seeds
    (`online`, `held_out`, `details`, `curve`, `backward`, `calibration`,
    milliseconds) and the seeds' own `online` and `held_out`.
    """
    return {
        "format": FORMAT,
        "stream": stream,
        "options": dict(options),
        "seeds": [one.seed for one in played],
        "sizes": dict(played[0].sizes) if played else {},
        "conditions": [
            summary(condition, [one.traces[place] for one in played])
            for place, condition in enumerate(conditions)
        ],
    }


def summary(condition: Condition, seeds: Sequence[Mapping[str, Trace]]) -> dict[str, Any]:
    """One condition over all seeds."""
    names = list(seeds[0])
    compared = [seed[LEARNED].as_similarity for seed in seeds]
    return {
        "condition": {**asdict(condition), "label": condition.label},
        "rankers": {name: _ranker([seed[name] for seed in seeds]) for name in names},
        "differences": _differences(names, seeds),
        "as_similarity": None if None in compared else all(compared),
    }


def _ranker(traces: Sequence[Trace]) -> dict[str, Any]:
    online = [_mean(trace.online) for trace in traces]
    held_out = [_mean(trace.held_out) for trace in traces]
    backward = [trace.backward for trace in traces if trace.backward is not None]
    calibration = [trace.calibration for trace in traces if trace.calibration is not None]
    return {
        "online": _rounded(online),
        "held_out": _rounded(held_out),
        "details": {
            name: _rounded([trace.details[name] for trace in traces if name in trace.details])
            for name in traces[0].details
        },
        "curve": _curve(traces),
        "backward": _rounded(backward) if backward else None,
        "calibration": _rounded(calibration) if calibration else None,
        "show_ms": round(float(np.mean([trace.show_ms for trace in traces])), 2),
        "hear_ms": round(float(np.mean([trace.hear_ms for trace in traces])), 2),
        "by_seed": {
            "online": [round(value, 4) for value in online],
            "held_out": [round(value, 4) for value in held_out],
        },
    }


def _curve(traces: Sequence[Trace]) -> list[tuple[int, float]]:
    """Points that every seed has, averaged."""
    shared = set.intersection(*({done for done, _ in trace.curve} for trace in traces))
    values = [dict(trace.curve) for trace in traces]
    return [(done, _rounded([value[done] for value in values])) for done in sorted(shared)]


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _rounded(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def best_baseline(names: Sequence[str], seeds: Sequence[Mapping[str, Trace]]) -> str:
    """The baseline with the best mean held-out success, "" without any."""
    others = [name for name in names if name not in OURS]
    return max(
        others, key=lambda name: np.mean([_mean(seed[name].held_out) for seed in seeds]), default=""
    )


def _differences(
    names: Sequence[str], seeds: Sequence[Mapping[str, Trace]]
) -> dict[str, dict[str, Any]]:
    """Differences of held-out success: to similarity, to the best baseline, over MCP."""
    pairs = {
        "similarity": (LEARNED, SIMILARITY),
        "best baseline": (LEARNED, best_baseline(names, seeds)),
        "MCP": (OVER_MCP, LEARNED),
    }
    found = {}
    for title, (ours, theirs) in pairs.items():
        if ours not in names or theirs not in names:
            continue
        if not all(len(seed[ours].held_out) for seed in seeds):
            continue
        interval = paired(
            [seed[ours].held_out for seed in seeds], [seed[theirs].held_out for seed in seeds]
        )
        found[title] = {
            "ours": ours,
            "theirs": theirs,
            **{name: round(value, 4) for name, value in asdict(interval).items()},
        }
    return found
