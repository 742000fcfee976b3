"""How long a client waits for the server, and what the server weighs.

Over real standard input and output. Every server is compared with the least
that any server like it must do, started by turns in the same run. The server holds
its memory itself; `benchmarks.hosts` measures fronts of a shared host.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from benchmarks.child import Child, ServerEndedError, mapped, resident_mb
from benchmarks.command import parser_of, run
from benchmarks.corpus import lessons, queries
from benchmarks.report import Budget, Report, Table
from benchmarks.stopwatch import percentile

NAME = "startup"
CLAIM = "the server answers at once, is small until it is used, and is soon ready to recall"
INITIALIZE_RATIO = 1.5
READY_RATIO = 1.2
FRONT_MB = 110
HEAVY_LIBRARIES = ("libtorch", "_lancedb", "libarrow", "tokenizers.abi3", "scipy")
HEAVY_PACKAGES = ("torch", "lancedb", "pyarrow", "sentence_transformers", "transformers", "scipy")
KNOWN = 20
TRIED = 8
ENOUGH = 3
"""Starts to the first recall that make a ratio; a single pair says little."""

BARE_SERVER = """\
from mcp.server import MCPServer

server = MCPServer("bare")


@server.tool()
def add(a: int, b: int) -> int:
    \"\"\"Add two numbers.\"\"\"
    return a + b


server.run()
"""

BARE_MODEL = """\
import os
import sys

import lancedb
import mcp.server
import pyarrow
import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(1)
model = SentenceTransformer(
    sys.argv[1], device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
)
model.encode(["one short sentence"], show_progress_bar=False, normalize_embeddings=True)
print('{"jsonrpc": "2.0", "id": 1, "result": {}}', flush=True)
sys.stdin.read()
os._exit(0)
"""


@dataclass(slots=True)
class Place:
    """A temporary folder with the scripts, the store and the logs of one run.

    `model` is the folder of the model's files.
    """

    folder: Path
    model: str
    numbered: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def _child(self, *command: str) -> Child:
        self.numbered += 1
        log = self.folder / f"log-{self.numbered}.txt"
        return Child([sys.executable, *command], log, self.environment)

    def bare_server(self) -> Child:
        """The smallest server that the SDK makes."""
        return self._child(self._script("bare_server", BARE_SERVER))

    def bare_model(self) -> Child:
        """A process that imports what recall needs, loads the model and embeds once."""
        return self._child(self._script("bare_model", BARE_MODEL), self.model)

    def server(self, *options: str) -> Child:
        """The server over the run's store; `options` are the interpreter's."""
        return self._child(*options, "-m", "server", "serve", "--in-process")

    def _script(self, name: str, text: str) -> str:
        path = self.folder / f"{name}.py"
        if not path.exists():
            path.write_text(text, encoding="utf-8")
        return str(path)


@contextmanager
def place() -> Iterator[Place]:
    """Give a place with an empty store; it is removed at the end."""
    from memory_core.model_files import find_model

    with tempfile.TemporaryDirectory(prefix="lessonbank-startup-") as folder:
        environment = {
            "LESSONBANK_STORE": str(Path(folder) / "store"),
            "LESSONBANK_PROJECT": "benchmark",
            "LESSONBANK_MODEL_WAIT": "600",
            "LESSONBANK_SCORER_MODE": "learned",
            "LESSONBANK_MODEL": "",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
        }
        yield Place(Path(folder), str(find_model("").folder), environment=environment)


# -- initialize ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """One start: seconds to the answer, megabytes after it, and heavy libraries in memory."""

    seconds: float
    weight: float | None
    libraries: tuple[str, ...] | None


def answers(where: Place, runs: int) -> dict[str, list[Answer]]:
    """Start both servers by turns, `runs` times each, after one round that is not counted."""
    starts = {"bare mcp server": where.bare_server, "lessonbank": where.server}
    found: dict[str, list[Answer]] = {name: [] for name in starts}
    for number in range(runs + 1):
        for name in sorted(starts, reverse=bool(number % 2)):
            with starts[name]() as child:
                child.initialize()
                seconds = child.age()
                answer = Answer(seconds, resident_mb(child.pid), mapped(child.pid, HEAVY_LIBRARIES))
            if number:
                found[name].append(answer)
    return found


def heavy_imports(log: str) -> tuple[str, ...]:
    """Give the heavy packages in what `python -X importtime` wrote."""
    imported = {name.partition(".")[0] for name in re.findall(r"\|\s+([\w.]+)$", log, re.MULTILINE)}
    return tuple(name for name in HEAVY_PACKAGES if name in imported)


def imported_before_answer(where: Place) -> tuple[str, ...]:
    """Give the heavy packages that the server imports before it answers `initialize`."""
    with where.server("-X", "importtime") as child:
        child.initialize()
        log = child.log.read_text(encoding="utf-8", errors="replace")
    if "import time:" not in log:
        raise ServerEndedError("the interpreter did not tell what it imported")
    return heavy_imports(log)


def measure_answers(where: Place, report: Report, runs: int) -> None:
    found = answers(where, runs)
    rows = []
    for name, all_of_it in found.items():
        seconds = [one.seconds * 1e3 for one in all_of_it]
        rows.append(
            (
                name,
                percentile(seconds, 50),
                min(seconds),
                percentile(seconds, 95),
                heaviest(all_of_it),
            )
        )
    (_, bare_p50, bare_min, _, _), (_, p50, least, _, weight) = rows
    note = (
        f"ratio: p50 {p50 / bare_p50:.2f}, min {least / bare_min:.2f}; {runs} starts each, by turns"
    )
    columns = ("`initialize` answered", "p50 ms", "min ms", "p95 ms", "RSS MB (most)")
    report.tables.append(Table("start to first answer", columns, tuple(rows), note))
    libraries = {name for one in found["lessonbank"] for name in one.libraries or ()}
    told = found["lessonbank"][0].libraries is not None
    packages = imported_before_answer(where)
    report.budgets += [
        Budget("`initialize` against a bare server, p50", p50 / bare_p50, INITIALIZE_RATIO, "x"),
        Budget("memory after `initialize`", weight, FRONT_MB, "MB"),
        Budget(
            named("heavy packages imported before `initialize`", packages),
            len(packages),
            0,
            "packages",
            firm=True,
        ),
        Budget(
            named("heavy libraries mapped after `initialize`", sorted(libraries)),
            len(libraries) if told else None,
            0,
            "libraries",
            firm=True,
        ),
    ]


def named(what: str, names: Sequence[str]) -> str:
    """Give `what`, and the names where there are any."""
    return f"{what} ({', '.join(names)})" if names else what


def heaviest(found: Sequence[Answer]) -> float | None:
    """Give the most megabytes, None where they were not told."""
    known = [one.weight for one in found if one.weight is not None]
    return max(known) if known else None


# -- ready -----------------------------------------------------------------------


def teach(where: Place) -> None:
    """Give the store some lessons and outcomes, so that the learner has something to load."""
    with where.server() as child:
        child.initialize()
        child.notify("notifications/initialized")
        for text in lessons(KNOWN):
            child.call(
                "remember",
                {
                    "kind": text.kind,
                    "title": text.title,
                    "description": text.description,
                    "content": text.content,
                    "task": text.task,
                },
            )
        for number, task in enumerate(islice(queries(), TRIED)):
            answer = child.call("recall", {"task": task})
            report = {
                "recall_id": answer["recall_id"],
                "outcome": ("success", "failure")[number % 2],
            }
            child.call("report_outcome", report)


@dataclass(frozen=True, slots=True)
class Ready:
    """One start to the first recall: seconds, its mode, weights, and later recalls' seconds."""

    seconds: float
    mode: str
    loaded: float | None
    used: float | None
    later: tuple[float, ...]


def first_recall(where: Place, recalls: int) -> Ready:
    """Start the server and recall at once, then `recalls` times more."""
    tasks = queries(seed=where.numbered)
    with where.server() as child:
        child.initialize()
        child.notify("notifications/initialized")
        answer = child.call("recall", {"task": next(tasks)})
        seconds, loaded = child.age(), resident_mb(child.pid)
        later = []
        for task in islice(tasks, recalls):
            began = time.perf_counter()
            child.call("recall", {"task": task})
            later.append(time.perf_counter() - began)
        return Ready(seconds, answer["mode"], loaded, resident_mb(child.pid), tuple(later))


def measure_ready(where: Place, report: Report, runs: int, recalls: int) -> None:
    teach(where)
    bare: list[float] = []
    ours: list[Ready] = []
    for number in range(runs):
        for turn in (number % 2, 1 - number % 2):
            if turn:
                ours.append(first_recall(where, recalls))
                continue
            with where.bare_model() as child:
                child.request("ready", {})
                bare.append(child.age())
    seconds = [one.seconds for one in ours]
    later = [lap * 1e3 for one in ours for lap in one.later]
    modes = ", ".join(sorted({one.mode for one in ours}))
    ratio = percentile(seconds, 50) / percentile(bare, 50)
    rows = (
        ("imports and model alone", percentile(bare, 50), min(bare)),
        (f"lessonbank: first recall ({modes})", percentile(seconds, 50), min(seconds)),
    )
    note = (
        f"ratio: p50 {ratio:.2f}, min {min(seconds) / min(bare):.2f}; {runs} starts each, by turns"
    )
    report.tables += [
        Table("start to first recall", ("what", "p50 s", "min s"), rows, note),
        Table(
            "after that",
            ("what", "value"),
            (
                ("recall as a client sees it, p50 ms", percentile(later, 50)),
                ("recall as a client sees it, p95 ms", percentile(later, 95)),
                ("memory after the first recall, MB", ours[-1].loaded),
                (f"memory after {recalls} more, MB", ours[-1].used),
            ),
        ),
    ]
    keyword = sum(one.mode == "keyword" for one in ours)
    what = "first recall against imports and model alone, p50"
    report.budgets += [
        Budget(what, ratio if runs >= ENOUGH else None, READY_RATIO, "x"),
        Budget("first recalls answered without the model", keyword, 0, "recalls", firm=True),
    ]


def measure(options: argparse.Namespace) -> Report:
    report = Report(NAME, CLAIM, options.quick)
    with place() as where:
        measure_answers(where, report, 3 if options.quick else 11)
        measure_ready(where, report, 1 if options.quick else 3, 20 if options.quick else 50)
    return report


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
