"""Quotas: how much one source may teach, so that no single writer can bend the order alone.

The store's own source (`LESSONBANK_SOURCE`) is trusted in full. A report of any
other source weighs

    min(1 / (1 + n), max(5, share * total) - s),   at least 0,

n being its reports in the last 24 hours on the item, of those that the report names,
on which it reported most; s what it has taught
so far and total what all have taught. `share` is 1/4. For a source whose name was
proven by a token it is 1/m while m <= 4 sources teach and the store's own does not,
so that two or three even ones do not stop each other, and one that is alone has no
limit but the first: there is nobody to outvote. A source named "X via Y" counts as X:
one subject cannot teach more through another client. A fold over the outcomes, in log order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from memory_core.model import OutcomeRecord

WINDOW = 86_400.0
FREE = 5.0
SHARE = 0.25


class Quotas:
    """What each source has taught. Used under the service's lock."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._taught: defaultdict[str, float] = defaultdict(float)
        self._recent: defaultdict[tuple[str, str], deque[float]] = defaultdict(
            lambda: deque(maxlen=64)
        )

    def trust(self, source: str, items: Sequence[str], at: float, *, proven: bool = False) -> float:
        """The weight in [0, 1] of a report of this source on these items ("" for none).

        `proven`: a token vouches for the source's name.
        """
        if source == self._own:
            return 1.0
        source = self._holder(source)
        recent = max((self._reports(source, item_id, at) for item_id in items), default=0)
        total = sum(self._taught.values())
        room = max(FREE, self._share(source, proven=proven) * total) - self._taught[source]
        if proven and total == self._taught[source]:
            room = 1.0
        return max(0.0, min(1.0 / (1.0 + recent), room))

    def _holder(self, source: str) -> str:
        """Whose quota it is; never the store's own for another name."""
        holder = source.partition(" via ")[0]
        return source if holder == self._own else holder

    def _reports(self, source: str, item_id: str, at: float) -> int:
        recent = self._recent.get((source, item_id), ())
        return sum(1 for then in recent if at - then < WINDOW)

    def _share(self, source: str, *, proven: bool) -> float:
        teaching = {name for name, taught in self._taught.items() if taught > 0} | {source}
        if not proven or self._own in teaching:
            return SHARE
        return max(SHARE, 1.0 / len(teaching))

    def observe(self, outcome: OutcomeRecord, items: Sequence[str]) -> None:
        """Count one stored outcome."""
        source = self._holder(outcome.source)
        self._taught[source] += outcome.trust * outcome.strength
        if source != self._own:
            for item_id in items:
                self._recent[source, item_id].append(outcome.at)
