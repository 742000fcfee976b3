"""The rankers that the product is compared with, on the same candidates and the same reports.

Each is small and honest: what its paper says, plus both legs of the search as a
start. Tuned, lightly and on training parts only (banking77's training file and
the simulator's development seeds, one setting for all streams): rate, mix, gain,
optimism, pool, hidden size, steps and decay. Where the cosine as a base beat
the hybrid on some stream, both variants run.
"""

from __future__ import annotations

from benchmarks.learning.baselines.base import cosine
from benchmarks.learning.baselines.counters import Ace, Laplace, MemRl, Thompson
from benchmarks.learning.baselines.fixed import Bm25, Cosine, Hybrid, RankFusion
from benchmarks.learning.baselines.linear import LinUcb
from benchmarks.learning.baselines.networks import Memento, Rmm
from benchmarks.learning.stream import Rival


def rivals(dimension: int, seed: int) -> tuple[Rival, ...]:
    """Give fresh rivals, none of which has learned anything.

    Args:
        dimension: Of the embeddings.
        seed: Of everything random.
    """
    return (
        Hybrid(),
        RankFusion(),
        Cosine(),
        Bm25(),
        MemRl(),
        MemRl(cosine),
        Ace(gain=1.5),
        Ace(cosine, gain=1.0),
        Laplace(),
        Thompson(seed),
        LinUcb(),
        Memento(dimension, seed),
        Rmm(dimension, seed),
    )
