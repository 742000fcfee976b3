"""`python -m benchmarks.relevance.warning`: which failures are told as seen before.

Failures of many programs are reported to the real service, with a recall before each as an agent
has it, or bare. Then the same ones come back in other words, and others that were never seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.learning.embeddings import served_model
from benchmarks.relevance.measuring import filled
from benchmarks.relevance.stores import Failed, Stocked, errors, prompts
from memory_core.answers import RecallAnswer
from memory_core.ports import Embedder
from memory_core.requests import CheckRequest, OutcomeRequest, RecallRequest, parse
from memory_core.service.service import MemoryService

Ask = Callable[[MemoryService, str, str], RecallAnswer]
HEAD = ("reported", "asked by", "right", "first", "others", "alike")
LEGEND = """
right, first: the same failure met again is warned of, and first; others: failures of
other programs about which nothing is said; alike: the same for errors of the same type
last row: tasks without an error; others are prompts about other things
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relevance.warning")
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--cache", help="folder of the embedding cache")
    chosen = parser.parse_args(arguments)
    embedder = served_model(Path(chosen.cache) if chosen.cache else None)
    seen = errors(chosen.part)
    unseen = errors("dev" if chosen.part == "test" else "test")
    print(_line(HEAD))
    for way, recalled in (("after a recall", True), ("bare", False)):
        for row in _rows(seen, unseen, embedder, recalled=recalled):
            print(_line((way, *row)), flush=True)
    print(LEGEND)
    return 0


def _rows(
    seen: Sequence[Failed], unseen: Sequence[Failed], embedder: Embedder, *, recalled: bool
) -> Iterable[tuple[str, ...]]:
    with filled(Stocked("failures", (), (), ()), embedder) as room:
        service = room.service
        ids = {one.error: _reported(service, one, recalled=recalled) for one in seen}
        for name, ask in _DOORS.items():
            again = [(one.error, pair) for one in seen for pair in one.again]
            told = [(ids[first], _told(ask(service, *pair))) for first, pair in again]
            apart = [_told(ask(service, one.task, one.error)) for one in unseen]
            alike = [_told(ask(service, *pair)) for one in seen for pair in one.alike]
            yield (
                name,
                _share([right in found for right, found in told]),
                _share([right in found[:1] for right, found in told]),
                _share([not found for found in apart]),
                _share([not found for found in alike]),
            )
        others = [text for _, text in prompts("dev")]
        yield (
            "recall of the task",
            _share([ids[one.error] in _told(_recall(service, one.task, "")) for one in seen]),
            "-",
            _share([not _told(_recall(service, text, "")) for text in others]),
            "-",
        )


def _reported(service: MemoryService, one: Failed, *, recalled: bool) -> str:
    """The signature of one failure that is reported."""
    request = {"outcome": "failure", "error": one.error, "task": one.task}
    if recalled:
        request["recall_id"] = _recall(service, one.task, "").recall_id
    return service.report_outcome(parse(OutcomeRequest, request)).signature


def _recall(service: MemoryService, task: str, error: str) -> RecallAnswer:
    return service.recall(parse(RecallRequest, {"task": task, "error": error}))


def _check(service: MemoryService, action: str, error: str) -> RecallAnswer:
    return service.check(parse(CheckRequest, {"action": action, "error": error}))


_DOORS: dict[str, Ask] = {
    "recall": _recall,
    "check": _check,
    "check, error alone": lambda service, _, error: _check(service, "", error),
}


def _told(answer: RecallAnswer) -> list[str]:
    return [one.signature_id for one in answer.warnings]


def _share(values: Sequence[bool]) -> str:
    return f"{sum(values) / len(values):.3f}" if values else "-"


def _line(cells: Sequence[str]) -> str:
    return cells[0].ljust(16) + cells[1].ljust(20) + "".join(cell.rjust(9) for cell in cells[2:])


if __name__ == "__main__":
    raise SystemExit(main())
