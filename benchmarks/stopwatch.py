"""A stopwatch on methods of living objects, so that what is measured is the product as it is."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from typing_extensions import Self

_NOTHING = object()


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the percentile, interpolated between neighbours.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


class Stopwatch:
    """Times the calls of watched functions, in seconds; leaving it takes the watches off.

    Safe to be called from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._laps: dict[str, list[float]] = defaultdict(list)
        self._undo: list[tuple[Any, str, Any]] = []

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Count every call of `owner.name` as `part`; `owner` is an instance or a module."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def timed(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*given, **named)
            finally:
                self.add(part, time.perf_counter() - began)

        self._undo.append((owner, name, vars(owner).get(name, _NOTHING)))
        setattr(owner, name, timed)

    def add(self, part: str, seconds: float) -> None:
        """Count one lap of `part`."""
        with self._lock:
            self._laps[part].append(seconds)

    def take(self) -> dict[str, list[float]]:
        """Give the laps of every part since the last call."""
        with self._lock:
            laps, self._laps = self._laps, defaultdict(list)
        return dict(laps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for owner, name, before in reversed(self._undo):
            if before is _NOTHING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._undo.clear()
