"""Shares: no source alone decides what the reports of several decide.

A report weighs its trust. What sums reports takes that weight; what counts them (the
proof, the replay sample, the judges of new networks) takes a *whole* report: one of a
source whose weights have added up to another one. Windows of newest entries keep those
of others while one source holds more than half, and a window that decides reads at
most a share of each source. With one source, trusted in full, nothing differs from
counting every report.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

FEWEST = 8
"""Reports before which nothing is concluded."""
SHARE = 0.25
"""What one of many sources may fill of a window that decides; two have a half each."""
REACH = 8
"""How many times its size a window that decides looks back for reports of others."""
COUNTED = 5.0
WHOLE = 1.0 - 1e-9


def holder_of(source: str) -> str:
    """Whose name a source is: all clients of one subject of an issuer are one.

    Example:
        >>> holder_of("oauth:7f3a via ide"), holder_of("anna via ide")
        ('oauth:7f3a', 'anna via ide')
    """
    return source.partition(" via ")[0] if source.startswith("oauth:") else source


def counted(trust: float) -> float:
    """How much of a report is counted where people read counts, in [0, 1].

    In full down to a fifth: who reports on one item five times a day reads five.
    """
    return min(1.0, COUNTED * trust)


class Wholes:
    """Tells which reports count as whole ones; a fold over the log."""

    def __init__(self) -> None:
        self._held: defaultdict[str, float] = defaultdict(float)

    def observe(self, source: str, trust: float) -> bool:
        """Take one report in; True where it completes a whole one of its source."""
        if trust <= 0:
            return False
        held = self._held[source] + min(trust, 1.0)
        whole = held >= WHOLE
        self._held[source] = max(held - 1.0, 0.0) if whole else held
        return whole


def place_to_drop(sources: Sequence[str]) -> int:
    """Which entry of a full window goes: the oldest, of a source that holds over half of it."""
    if len(set(sources)) > 1:
        source, count = Counter(sources).most_common(1)[0]
        if 2 * count > len(sources):
            return sources.index(source)
    return 0


def newest(sources: Sequence[str], size: int) -> list[int]:
    """The places, in order, of the entries that a window of `size` decides by.

    The newest ones, of each source at most its share while older ones of others can
    fill the window.
    """
    count = len(sources)
    names = set(sources)
    if len(names) < 2 or count <= size:
        return list(range(max(count - size, 0), count))
    most = size * max(SHARE, 1.0 / len(names))
    taken: Counter[str] = Counter()
    chosen: list[int] = []
    passed: list[int] = []
    for place in range(count - 1, -1, -1):
        if len(chosen) == size:
            break
        if taken[sources[place]] < most:
            taken[sources[place]] += 1
            chosen.append(place)
        else:
            passed.append(place)
    return sorted(chosen + passed[: size - len(chosen)])


def shared_errors(
    values: Sequence[float],
    sources: Sequence[str],
    size: int,
    limit: float,
    spread: float | None = None,
) -> float:
    """How many standard errors the mean of a window lies above zero; 0 with under 8 values.

    No source among several moves it by more than its share of `limit`:

        z = sum_s p_s clip(z_s, -limit, limit),

    p_s being the share of source s in the window, or in all values where that is less,
    and z_s what the window would give if all in it were like its own.

    Args:
        values: One a report, all that are kept.
        sources: Of each.
        size: How many the window decides by; see `newest`.
        limit: See above.
        spread: The standard deviation of a value where it is known.
    """
    if len(values) < FEWEST:
        return 0.0
    chosen = newest(sources, size)
    held = Counter(sources)
    found, sources = np.array(values)[chosen], [sources[place] for place in chosen]
    root = np.sqrt(len(found))
    error = (float(found.std()) + 0.05 if spread is None else spread) / root
    names = sorted(set(sources))
    if len(names) < 2:
        return float(found.mean() / error if spread is None else found.sum() / spread / root)
    whose = np.array([names.index(source) for source in sources])  # [window]
    # [sources]: how many of the window, their mean, and the share of the window or, if less, of all
    counts = np.bincount(whose, minlength=len(names))
    means = np.bincount(whose, found, len(names)) / counts
    shares = np.minimum(counts / len(found), [held[name] / len(values) for name in names])
    return float(shares @ np.clip(means / error, -limit, limit))
