"""Which streams there are, how they are built, and where their data lies."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from benchmarks.learning.stream import Stream

STREAMS = ("advising", "banking77", "intercode", "locomo", "simulator")
"""Streams that are replayed task by task; the workshop runs by itself."""
WORKSHOP = "workshop"
MADE = ("simulator", WORKSHOP)
"""Streams that need no data."""
VARIABLE = "LESSONBANK_BENCH_DATA"
DEFAULT_DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
QUICK = {"memories": 300, "tasks": 200, "held_out": 150}
OVER_MCP = {"memories": 400, "tasks": 400, "held_out": 200}
"""Sizes of a run over MCP where none are given: each call takes tens of milliseconds."""


class NotThere(Exception):
    """Data or an option that a command needs is not there; the message says what to do."""


def data_folder(given: str, stream: str) -> Path:
    """Give the folder of the data sets: as given, else by the environment, else beside us.

    Raises:
        NotThere: The folder does not exist and the stream needs it.
    """
    folder = Path(given or os.environ.get(VARIABLE, "") or DEFAULT_DATA).expanduser()
    if stream not in MADE and not folder.is_dir():
        raise NotThere(
            f"There is no data in {folder}. Pass --data DIR or set {VARIABLE} to the folder that "
            "holds banking77/, text2sql/, intercode/ and locomo/."
        )
    return folder


def _builder(name: str) -> Callable[..., Stream]:
    module = importlib.import_module(f"benchmarks.learning.streams.{name}")
    return cast(Callable[..., Stream], module.build)


def build(name: str, seed: int, data: Path, options: Mapping[str, Any]) -> Stream:
    """Build one seed of a stream.

    Raises:
        NotThere: The stream has no such option, or its files are not in the folder.
    """
    builder = _builder(name)
    known = list(inspect.signature(builder).parameters)[2:]
    for option in options:
        if option not in known:
            raise NotThere(
                f"The stream {name} has no option {option!r}. It has: {', '.join(known)}."
            )
    try:
        return builder(seed, data, **options)
    except FileNotFoundError as missing:
        raise NotThere(
            f"{missing.filename} is not there, which the stream {name} needs. "
            f"Pass --data DIR or set {VARIABLE}."
        ) from missing


def smaller(name: str, sizes: Mapping[str, int]) -> dict[str, int]:
    """These sizes, as far as the stream has such options."""
    known = inspect.signature(_builder(name)).parameters
    return {option: size for option, size in sizes.items() if option in known}
