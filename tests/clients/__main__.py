"""Runs real MCP clients and agent frameworks against the real server.

    python -m tests.clients [NAME ...] [--quick] [--write]        (`make clients`)

Each client has its own pinned packages, its own empty home and nothing of the surrounding
environment; its model is a script on the loopback address, so that no key is needed and
nothing leaves the machine. Prints a table and exits non-zero when a promise was broken or a
client could not be had, naming it. `--write` puts the table into docs/clients.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.installing import install
from tests.clients.judging import Run, checks
from tests.clients.model.script import Script
from tests.clients.model.serving import listening
from tests.clients.place import Server
from tests.clients.reporting import DOCUMENT, markdown, plain, rows, with_table
from tests.clients.running import meet
from tests.clients.scripts import answer_alone, careless, loop
from tests.node.place import LESSONBANK, TOKEN
from tests.node.serving import serving

Cell = tuple[Client, str, Script]


def cells(clients: Sequence[Client], *, quick: bool) -> Iterator[tuple[str, Cell]]:
    """Give each run with its name: every client over every transport, over its first when quick."""
    for client in clients:
        for transport in client.transports[:1] if quick else client.transports:
            name = f"{client.name}-{transport}"
            yield name, (client, transport, loop(name, strict=client.strict))
        if client.careless:
            name = f"{client.name}-careless"
            yield name, (client, client.transports[0], careless(name))
        if client.hooked:
            yield f"{client.name}-answer", (client, client.transports[0], answer_alone())


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Serve a memory over HTTP that all clients share."""
    store = folder / "served"
    environment = {"LESSONBANK_STORE": str(store), "LESSONBANK_TOKEN": TOKEN}
    command = [LESSONBANK, "--project", "default", "serve", "--transport", "http", "--port", "0"]
    try:
        with serving(command, environment, folder / "served.log") as url:
            yield Server(url, TOKEN, str(store))
    finally:
        stop = [LESSONBANK, "--store", str(store), "host", "stop"]
        subprocess.run(stop, capture_output=True, check=True)


def run_all(
    todo: Sequence[tuple[str, Cell]], folder: Path, jobs: int
) -> tuple[list[Run], list[str]]:
    """Run the cells, `jobs` at a time; gives the runs and the broken promises."""
    problems: list[str] = []

    def one(named: tuple[str, Cell]) -> Run:
        name, (client, transport, script) = named
        where = server if transport == "http" else Server()
        run = meet(client, script, folder / name, model, where)
        found = list(checks(run))
        problems.extend(f"FAILED {name}: {c.name}: {c.problem}" for c in found if not c.ok)
        passed = sum(check.ok for check in found)
        print(f"{passed}/{len(found)}  {name}, {run.ended.seconds:.0f} s", flush=True)
        return run

    over_http = any(transport == "http" for _, (_, transport, _) in todo)
    shared = served(folder) if over_http else nullcontext(Server())
    with listening() as model, shared as server, ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, todo)), problems


def chosen(names: Sequence[str], *, quick: bool) -> list[Client]:
    """Give the clients of these names, all for none.

    Raises:
        SystemExit: There is no client of a name.
    """
    known = {one.name: one for one in CLIENTS}
    if unknown := [one for one in names if one not in known]:
        raise SystemExit(f"no client {', '.join(unknown)}: there are {', '.join(known)}")
    picked = [known[one] for one in names] or list(CLIENTS)
    return [one for one in picked if one.quick or not quick]


def installed(clients: Sequence[Client]) -> tuple[list[Client], list[str]]:
    """Install the clients' packages; gives the clients that are there, and what is not."""
    reasons = {folder: install(folder) for folder in dict.fromkeys(one.folder for one in clients)}
    there = [one for one in clients if not reasons[one.folder]]
    missing = [f"NOT RUN {folder.name}: {why}" for folder, why in reasons.items() if why]
    return there, missing


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.clients")
    parser.add_argument("names", nargs="*", metavar="NAME", help="clients, all by default")
    parser.add_argument("--quick", action="store_true", help="only the part of the whole check")
    parser.add_argument("--install", action="store_true", help="only install the packages")
    parser.add_argument("--write", action="store_true", help="put the table into docs/clients.md")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (1: exact seconds)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep each run's files there")
    return parser.parse_args()


def main() -> int:
    """Install, run, print."""
    arguments = _arguments()
    clients, missing = installed(chosen(arguments.names, quick=arguments.quick))
    print("\n".join(missing), end="\n" if missing else "")
    if arguments.install:
        return 1 if missing else 0
    todo = list(cells(clients, quick=arguments.quick))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = (arguments.keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        runs, problems = run_all(todo, folder, arguments.jobs)
    table = rows(runs)
    print("\n" + plain(table))
    print("\n".join(["", *missing, *problems, f"{time.monotonic() - began:.0f} s"]))
    if arguments.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(with_table(text, markdown(table)), encoding="utf-8")
    return 1 if missing or problems else 0


if __name__ == "__main__":
    sys.exit(main())
