from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio

from benchmarks.workshop import matrix, report
from benchmarks.workshop.course import ARMS, Course, Options, run_course
from benchmarks.workshop.figures import rates
from benchmarks.workshop.memory import ServerMisbehaved
from benchmarks.workshop.model import Family, cause
from benchmarks.workshop.tasks import FAMILIES, STRATEGIES, TASKS

LOG_LINES = 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workshop or its matrix; 0 when the server and the tasks are as promised."""
    chosen = _parser().parse_args(arguments)
    families = _families(chosen.families)
    if chosen.command == "matrix":
        return _matrix(families, chosen.variants)
    folder = Path(chosen.keep or tempfile.mkdtemp(prefix="lessonbank-workshop-"))
    try:
        courses = _run(families, chosen, folder)
    except BaseException as error:
        found = _misbehaviour(error)
        if found is None:
            raise
        print(f"\nThe server misbehaved: {found}", file=sys.stderr)
        _print_logs(folder)
        return 1
    _report(families, courses, chosen)
    if chosen.json:
        text = json.dumps(_as_json(courses, chosen), ensure_ascii=False, indent=1)
        Path(chosen.json).write_text(text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.workshop",
        description="An agent works through small programming tasks, follows what it recalls, "
        "really runs it and reports what happened. Compared: learning, similarity, no memory.",
    )
    parser.add_argument(
        "command", nargs="?", choices=("run", "matrix"), default="run", help="run is the default"
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="rounds over all tasks (5)")
    parser.add_argument("--seed", type=int, default=0, help="first seed (0)")
    parser.add_argument("--seeds", type=_positive, default=1, help="how many seeds (1)")
    parser.add_argument("--retries", type=int, default=0, help="further tries after a failure (0)")
    parser.add_argument("--distil", action="store_true", help="write pitfalls from failures")
    parser.add_argument("--workers", type=_positive, default=2, help="attempts at a time (2)")
    parser.add_argument("--families", nargs="+", metavar="FAMILY", help="only these families")
    parser.add_argument("--variants", type=_positive, default=2, help="matrix: variants (2)")
    parser.add_argument("--all", action="store_true", help="show every condition that was learned")
    parser.add_argument("--keep", metavar="FOLDER", help="where the stores go (a temporary folder)")
    parser.add_argument("--json", metavar="FILE", help="write figures and attempts")
    parser.add_argument("--no-color", action="store_true", help="plain text")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _families(names: Sequence[str] | None) -> tuple[Family, ...]:
    if not names:
        return FAMILIES
    known = {family.id: family for family in FAMILIES}
    missing = [name for name in names if name not in known]
    if missing:
        sys.exit(f"No family is called {missing[0]!r}. There are: {', '.join(known)}.")
    return tuple(known[name] for name in names)


def _say(line: str) -> None:
    print(line, flush=True)


def _matrix(families: Sequence[Family], variants: int) -> int:
    found = matrix.cells(families, range(variants))
    print(matrix.table(found))
    wins = sum(cell.run.succeeded for cell in found)
    print(f"\n{len(found)} attempts, {wins} succeeded")
    complaints = matrix.unfair(found)
    print("\n".join(complaints) if complaints else "every task can be solved, and can be failed")
    return 1 if complaints else 0


def _run(families: Sequence[Family], chosen: argparse.Namespace, folder: Path) -> list[Course]:
    tasks = sum(len(family.tasks) for family in families)
    strategies = sum(len(family.strategies) for family in families)
    _say(
        f"lessonbank workshop: {tasks} tasks in {len(families)} families, {strategies} strategies, "
        f"{chosen.rounds} rounds.\nEvery attempt is a real Python process; nobody tells the "
        "server which strategy is right.\n"
    )
    options = Options(
        rounds=chosen.rounds,
        retries=chosen.retries,
        distil=chosen.distil,
        workers=chosen.workers,
    )
    courses = []
    started = time.monotonic()
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        _say(f"seed {seed}")
        place = folder / f"seed-{seed}"
        place.mkdir(parents=True)
        courses.append(anyio.run(run_course, families, seed, place, options, _say))
    _say(f"\n{_attempts(courses)} attempts in {time.monotonic() - started:.0f} s\n")
    return courses


def _attempts(courses: Sequence[Course]) -> int:
    return sum(len(course.diaries[name].attempts) for course in courses for name in ARMS)


def _report(
    families: Sequence[Family], courses: Sequence[Course], chosen: argparse.Namespace
) -> None:
    ink = report.Ink(_colours(chosen))
    first = courses[0]
    strategies = [strategy for family in families for strategy in family.strategies]
    parts = (
        report.rounds_table(courses, chosen.rounds, ink),
        report.verdict(courses, chosen.rounds, ink),
        report.learned_table(families, first, ink, everything=chosen.all),
        report.dropped_table(first, chosen.rounds, strategies, ink),
        report.example(first, chosen.rounds, ink),
        report.server_says(first, ink),
        report.where(first, ink),
    )
    print("\n\n".join("\n".join(lines) for lines in parts if lines), flush=True)


def _colours(chosen: argparse.Namespace) -> bool:
    return not (chosen.no_color or os.environ.get("NO_COLOR")) and sys.stdout.isatty()


def _misbehaviour(error: BaseException) -> ServerMisbehaved | None:
    """Find a broken contract in an error or in a group of them."""
    if isinstance(error, ServerMisbehaved):
        return error
    for inner in getattr(error, "exceptions", ()):
        if found := _misbehaviour(inner):
            return found
    return None


def _print_logs(folder: Path) -> None:
    for log in sorted(folder.glob("seed-*/*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        if lines:
            print("\n".join([f"\nThe end of {log}:", *lines]), file=sys.stderr)


def _as_json(courses: Sequence[Course], chosen: argparse.Namespace) -> dict[str, Any]:
    """Give figures and attempts for other programs."""
    return {
        "tasks": len(TASKS),
        "strategies": len(STRATEGIES),
        "rounds": chosen.rounds,
        "retries": chosen.retries,
        "distil": chosen.distil,
        "seeds": [_course_json(course, chosen.rounds) for course in courses],
    }


def _course_json(course: Course, rounds: int) -> dict[str, Any]:
    attempts = []
    for name in ARMS:
        for one in course.diaries[name].attempts:
            task, run = one.assignment.task, one.run
            attempts.append(
                {
                    "arm": name,
                    "round": one.assignment.round,
                    "number": one.number,
                    "family": task.family,
                    "task": task.id,
                    "wording": one.assignment.wording,
                    "variant": one.assignment.variant,
                    "strategy": one.strategy.id,
                    "mode": one.mode,
                    "exit_code": run.exit_code,
                    "error": run.error,
                    "cause": cause(task, one.strategy, run.exception) if run.error else "",
                    "repeated": one.repeated,
                    "seconds": round(run.seconds, 4),
                }
            )
    figures = {
        name: [asdict(rates(course.diaries[name], number)) for number in range(rounds)]
        for name in ARMS
    }
    return {
        "seed": course.seed,
        "store": str(course.store),
        "rates": figures,
        "scorer": dict(course.known.scorer),
        "attempts": attempts,
    }


if __name__ == "__main__":
    sys.exit(main())
