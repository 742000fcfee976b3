"""`python -m tests.memory_core.stores`: keep a store as today's version writes it.

Run it once for a version, before a change of what is stored, and keep the archive: a store of a
user is of any version there was. An archive that is kept is never written again.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from pathlib import Path

from memory_core.version import VERSION
from tests.memory_core.service.conftest import Bench
from tests.memory_core.stores import ARCHIVES, QUERIES, told

WAYS = ("by the book", "by guessing", "step by step", "with a friend")
REPORTS = 60


def live(bench: Bench) -> None:
    """Remember, recall, report in every way, correct and forget."""
    for task in QUERIES:
        for way in WAYS:
            bench.remember(f"{task} {way}".capitalize(), f"Do it {way}: {task}.", task=task)
    for step in range(REPORTS):
        bench.now += 60.0
        answer = bench.recall(QUERIES[step % 4], session=f"session {step // 4}")
        ids = [item.id for item in answer.items]
        right = answer.items[0].title == f"{QUERIES[step % 4]} {WAYS[step % 4]}".capitalize()
        more: dict[str, object] = {}
        if step % 3 == 1:
            more["used_ids"] = ids[:1]
        if step % 3 == 2:
            more["helpful_ids" if right else "harmful_ids"] = ids[:1]
        if not right:
            more["error"] = f"ValueError: step {step} of {QUERIES[step % 4]} failed"
        bench.report("success" if right else "failure", recall_id=answer.recall_id, **more)
    last = bench.recall(QUERIES[0])
    for outcome in ("failure", "success"):  # the second corrects the first
        bench.report(outcome, recall_id=last.recall_id)
    bench.forget(bench.recall(QUERIES[1]).items[-1].id)
    bench.settle()


def main() -> None:
    """Write `VERSION.tar.xz` and, beside it, what the store told."""
    archive = ARCHIVES / f"{VERSION}.tar.xz"
    if archive.exists():
        raise SystemExit(f"{archive.name} is kept; a new version writes a new one.")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "store").attach()
        live(bench)
        what = told(bench)
        bench.service.close()
        with tarfile.open(archive, "w:xz") as kept:
            kept.add(Path(folder) / "store", "store")
    text = json.dumps(what, indent=1, ensure_ascii=False) + "\n"
    (ARCHIVES / f"{VERSION}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
