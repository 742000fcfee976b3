"""The learner's checkpoint: a cache of a fold over the outcome log.

One safetensors file (never a pickle): the networks, their optimisers and the
last good ones as tensors, everything small as JSON in its header. The evidence,
the session buffer, the stack's rows and the replay sample are not in it: walking
the log brings them back without training. Lose the file, and replaying the log
brings back the same order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from memory_core.scorer.experts import EXPERTS, START
from memory_core.scorer.facts import by_expert
from memory_core.scorer.learner import Learner
from memory_core.scorer.proof import Record
from memory_core.scorer.stack import Fit

SCHEMA = 4
_BY_POSITION = 3
"""The schema of 0.1.0, whose header holds lists where today's has names."""
KEPT = 3
_PATTERN = "checkpoint-*.safetensors"


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the log a checkpoint stands: how many outcomes, and the last one's id."""

    reports: int
    outcome_id: str


def _fit_state(fit: Fit) -> dict[str, Any]:
    weights = dict(zip(EXPERTS, fit.weights.tolist(), strict=True))
    return {"weights": weights, "intercept": fit.intercept}


def save(learner: Learner, folder: Path, outcome_id: str, embedder: str) -> Path:
    """Write a checkpoint atomically and keep the newest three.

    Raises:
        OSError: The folder cannot be written; the earlier checkpoints stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"now.{name}": value.contiguous() for name, value in learner.networks.state().items()
    }
    tensors.update(
        {f"good.{name}": value.contiguous() for name, value in learner.gate.good.items()}
    )
    header = {
        "schema": SCHEMA,
        "embedder": embedder,
        "dimension": learner.dimension,
        "reports": learner.reports,
        "outcome_id": outcome_id,
        "base_rate": learner.base_rate,
        "rollbacks": learner.gate.rollbacks,
        "rates": learner.networks.rates,
        "learned": _fit_state(learner.stack.learned),
        "similarity": _fit_state(learner.stack.similarity),
        "record": learner.record.state(),
    }
    path = folder / f"checkpoint-{learner.reports:012d}.safetensors"
    partial = folder / f"{path.name}.part"
    try:
        save_file(tensors, partial, metadata={"lessonbank": json.dumps(header)})
    except SafetensorError as error:
        raise OSError(str(error)) from error
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    for old in sorted(folder.glob(_PATTERN), key=lambda held: held.stat().st_mtime_ns)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A read checkpoint, not yet applied."""

    position: Position
    header: dict[str, Any]
    tensors: dict[str, torch.Tensor]


def _read(path: Path) -> Checkpoint:
    with safe_open(path, framework="pt") as file:
        header = _named(json.loads((file.metadata() or {})["lessonbank"]))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    return Checkpoint(Position(int(header["reports"]), str(header["outcome_id"])), header, tensors)


def _named(header: dict[str, Any]) -> dict[str, Any]:
    """The header with every value under its name, as an earlier schema did not write it."""
    if header.get("schema") != _BY_POSITION:
        return header
    experts: list[str] = header["experts"]
    order = header["record"]["order"]
    order |= {name: dict(zip(experts, order[name], strict=True)) for name in ("push", "decided")}
    order["moves"] = [dict(zip(_MOVE, move, strict=True)) for move in order["moves"]]
    record = header["record"]
    record["harms"] = [dict(zip(_HARM, harm, strict=True)) for harm in record["harms"]]
    for fit in (header["learned"], header["similarity"]):
        fit["weights"] = dict(zip(experts, fit["weights"], strict=True))
    return {**header, "schema": SCHEMA}


_MOVE = ("owner", "outcome_id", "item_id", "place", "position", "verdict")
_HARM = (
    *("owner", "outcome_id", "first_id", "learned", "similarity"),
    *("changed", "held_out"),
)


def _kind(header: dict[str, Any]) -> tuple[object, ...]:
    """What must be the same for a checkpoint to fit: version and model."""
    return tuple(header.get(name) for name in ("schema", "embedder", "dimension"))


def newest(
    folder: Path,
    embedder: str,
    dimension: int,
    fits: Callable[[Position], bool] = lambda _: True,
) -> tuple[Checkpoint | None, list[str]]:
    """Read the newest checkpoint that fits this model and, by `fits`, this log.

    Returns:
        The checkpoint, or None, and one line for each file that was passed over.
    """
    passed: list[str] = []
    for path in sorted(folder.glob(_PATTERN), reverse=True):
        try:
            checkpoint = _read(path)
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            passed.append(f"{path.name} cannot be read ({type(error).__name__})")
            continue
        header = checkpoint.header
        if _kind(header) == (SCHEMA, embedder, dimension):
            if fits(checkpoint.position):
                return checkpoint, passed
            passed.append(f"{path.name} is not of this log")
            continue
        passed.append(f"{path.name} is of another model or version")
    return None, passed


def _fit(state: dict[str, Any]) -> Fit:
    """A fit of today's experts: one that it does not name starts as in an empty store."""
    return Fit(by_expert(state["weights"], START), float(state["intercept"]))


def apply(checkpoint: Checkpoint, learner: Learner) -> None:
    """Put a checkpoint's state into a learner that has walked the log up to its position.

    Raises:
        ValueError: A tensor is missing, of another shape or not finite; the
            learner must then be built anew.
    """
    header = checkpoint.header
    parts: dict[str, dict[str, torch.Tensor]] = {"now": {}, "good": {}}
    for name, value in checkpoint.tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    try:
        learner.restore(
            networks=parts["now"],
            good=parts["good"],
            rates=header["rates"],
            base_rate=float(header["base_rate"]),
            rollbacks=int(header["rollbacks"]),
            learned=_fit(header["learned"]),
            similarity=_fit(header["similarity"]),
            record=Record.restored(header["record"]),
        )
    except (KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"the checkpoint does not fit: {error}") from error
