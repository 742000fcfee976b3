"""What the simulated tasks are about: 12 domains of 4 problems each.

A problem has things it happens to, signs (the last two are kept for held-out
tasks) and five remedies that all sound plausible: which of them is right is
drawn by the seed, so no encoder can know it beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.learning.streams.simulator.domains_one import DOMAINS as FIRST
from benchmarks.learning.streams.simulator.domains_two import DOMAINS as SECOND

HELD_OUT_SIGNS = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: its domain, the things, the signs and the five remedies."""

    domain: str
    place: int
    things: tuple[str, ...]
    signs: tuple[str, ...]
    remedies: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.domain}-{self.place}"


def problems(domains: int = 12, each: int = 4) -> tuple[Problem, ...]:
    """Give the first `each` problems of the first `domains` domains."""
    told = {**FIRST, **SECOND}
    return tuple(
        Problem(domain, place, *lists)
        for domain in list(told)[:domains]
        for place, lists in enumerate(told[domain][:each])
    )
