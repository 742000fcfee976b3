"""Stores as earlier versions wrote them, and what they told then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.memory_core.service.conftest import Bench

ARCHIVES = Path(__file__).parent
QUERIES = ("parse dates", "open the socket", "resize the image", "merge the branches")


def told(bench: Bench) -> dict[str, Any]:
    """Give what a person would miss: the lessons with their records, the order, the proof."""
    scorer = bench.service.scorer()
    answers = {query: bench.recall(query, session="a look", k=12).items for query in QUERIES}
    return {
        "lessons": sorted(
            [item.id, item.title, item.state, item.wins, item.losses]
            for item in bench.lessons(limit=100).items
        ),
        "firsts": {query: items[0].title for query, items in answers.items()},
        "reports": scorer.reports,
        "weight": scorer.weight,
        "weights": scorer.weights,
        "proof": scorer.proof.model_dump(mode="json"),
    }


def opened(folder: Path) -> dict[str, Any]:
    """Give what a store tells today."""
    bench = Bench(folder).attach()
    bench.now = 2_000_000.0
    try:
        bench.settle()
        return told(bench)
    finally:
        bench.service.close()
